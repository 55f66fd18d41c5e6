// The record of a job for people, as `show` and `dead show` print it.
//
// Members are printed as they come, in the daemon's order; only times and durations are put into words, and the history
// becomes a table.

import Wire

enum JobText {
    static func print(_ record: JSONDocument, _ terminal: Terminal) {
        Fields.print(Fields.lines(record, leavingOut: ["history", "log"]), terminal)
        let log = record["log"]?.array ?? []
        if !log.isEmpty {
            Swift.print("\n\(terminal.marked("log", .bold))")
            for line in log { Swift.print("  \(Terminal.visible(line.string ?? line.description))") }
        }
        let history = record["history"]?.array ?? []
        if !history.isEmpty { Swift.print("\n" + table(history, terminal), terminator: "") }
    }

    private static func table(_ history: [JSONDocument], _ terminal: Terminal) -> String {
        var table = Table(
            [
                ("ATTEMPT", .right), ("STARTED", .left), ("TOOK", .right), ("OUTCOME", .left), ("WORKER", .left),
                ("ERROR", .left),
            ], cut: ["ERROR", "WORKER"], drop: ["STARTED", "WORKER"])
        for attempt in history {
            let started = attempt["started_at"]?.integer ?? 0
            let ended = attempt["ended_at"]?.integer ?? started
            let outcome = attempt["outcome"]?.string ?? "?"
            table.add([
                .init(String(attempt["attempt"]?.integer ?? 0)), .init(TimeText.local(started)),
                .init(TimeText.span(ended - started)), .init(outcome, outcome == "completed" ? .green : .yellow),
                .init(attempt["worker"]?.string ?? ""), .init(ErrorText.line(attempt["error"])),
            ])
        }
        return table.text(terminal)
    }
}
