// `jobqctl show`: the record of one job and the history of its attempts.
//
// Members are printed as they come, in the daemon's order; only times and durations are put into words, and the history
// becomes a table.

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
            print(reply)
            return true
        }
        Fields.print(Fields.lines(record, leavingOut: ["history"]), terminal)
        let history = record["history"]?.array ?? []
        if !history.isEmpty { print("\n" + table(history, terminal), terminator: "") }
        return true
    }

    private func table(_ history: [JSONDocument], _ terminal: Terminal) -> String {
        var table = Table([
            ("ATTEMPT", .right), ("STARTED", .left), ("TOOK", .right), ("OUTCOME", .left), ("WORKER", .left),
            ("ERROR", .left),
        ])
        for attempt in history {
            let started = attempt["started_at"]?.integer ?? 0
            let ended = attempt["ended_at"]?.integer ?? started
            let outcome = attempt["outcome"]?.string ?? "?"
            table.add([
                .init(String(attempt["attempt"]?.integer ?? 0)), .init(TimeText.local(started)),
                .init(TimeText.span(ended - started)), .init(outcome, outcome == "completed" ? .green : .yellow),
                .init(attempt["worker"]?.string ?? ""),
                .init(attempt["error"].map { $0.string ?? $0.description } ?? ""),
            ])
        }
        return table.text(terminal)
    }
}
