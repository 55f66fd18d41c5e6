// `jobqctl show`: the record of one job and the history of its attempts.
//
// What it looks like stands in JobText.swift.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl show JOB`: all that is known of one job.
struct Show: DaemonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show one job with its history.", discussion: "Exit status 1 when there is no such job.")

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The job, as queue/id.")
    var job: String

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let reply = try jobqd.request("get") { $0.member("job", job) }
        guard !connection.json, let record = reply["job"] else {
            print(Terminal.json(reply))
            return true
        }
        JobText.print(record, terminal)
        return true
    }
}
