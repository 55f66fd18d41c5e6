// `jobqctl job promote`: a job that waits for its time may run now.
//
// The protocol's `requeue` takes dead and cancelled jobs too; here those are refused, so that nobody revives what had
// ended by mistyping an id.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl job promote JOB`
struct JobPromote: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "promote", abstract: "Let a scheduled or retrying job run now.",
        discussion: "Its count of attempts starts anew. Exit status 1 when it is neither scheduled nor retrying.")

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The job, as queue/id.")
    var job: String

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let state = try jobqd.get(job)["state"]?.string ?? "?"
        guard ["scheduled", "retrying"].contains(state) else {
            Terminal.complain("\(job) is not scheduled or retrying (it is \(state))")
            return false
        }
        let reply = try jobqd.request("requeue") { $0.member("job", job) }
        print(connection.json ? Terminal.json(reply) : "\(Terminal.visible(job)) is queued")
        return true
    }
}
