// `jobqctl dead show`: one dead letter with all that helps to find out why: its payload, its error with the trace, and the
// history of its attempts.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl dead show JOB`: "no" when it is no dead letter.
struct DeadShow: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one dead letter: its payload, its error and its attempts.",
        discussion: "Exit status 1 when there is no such dead letter.")

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The job, as queue/id.")
    var job: String

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let reply = try jobqd.request("get") { $0.member("job", job) }
        guard let record = reply["job"], record["state"]?.string == "dead" else {
            let state = reply["job"]?["state"]?.string ?? "?"
            Terminal.complain("\(job) is no dead letter: it is \(state)")
            return false
        }
        if connection.json {
            print(Terminal.json(reply))
            return true
        }
        JobText.print(record, terminal)
        let trace = record["error"]?["trace"]?.string ?? ""
        if !trace.isEmpty {
            print("\n\(terminal.marked("trace", .bold))")
            for line in trace.split(separator: "\n", omittingEmptySubsequences: false) {
                print("  \(Terminal.visible(String(line)))")
            }
        }
        return true
    }
}
