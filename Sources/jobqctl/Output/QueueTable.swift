// The table of queues that `status` and `queue list` show.
//
// Every queue has the states of a living job; the three ways to end beside completion have a column only where something is
// in it, so that the ordinary table fits 80 columns.

import Wire

enum QueueTable {
    private static let always: [JobState] = [.queued, .scheduled, .retrying, .processing, .completed, .dead]
    private static let sometimes: [JobState] = [.cancelled, .expired]

    /// From the list in the reply of `queues`.
    static func text(_ queues: [JSONDocument], _ terminal: Terminal) -> String {
        guard !queues.isEmpty else { return "no queues yet\n" }
        let states = always + sometimes.filter { state in queues.contains { count($0, state) > 0 } }
        let counts = states.map { (title: $0.rawValue.uppercased(), alignment: Table.Alignment.right) }
        var table = Table(
            [("QUEUE", .left)] + counts + [("OLDEST", .right), ("", .left)], cut: ["QUEUE", ""],
            drop: ["EXPIRED", "CANCELLED", "COMPLETED", "SCHEDULED", "RETRYING", "OLDEST"])
        for queue in queues {
            var row = [Table.Cell(queue["queue"]?.string ?? "?")]
            for state in states {
                let count = count(queue, state)
                row.append(.init(String(count), count > 0 && state == .dead ? .red : nil))
            }
            let age = queue["latency_ms"]?.integer ?? 0
            row.append(.init(count(queue, .queued) > 0 ? TimeText.span(age) : ""))
            row.append(.init(pause(queue), .yellow))
            table.add(row)
        }
        return table.text(terminal)
    }

    static func count(_ queue: JSONDocument, _ state: JobState) -> Int64 {
        queue["depth"]?[state.rawValue]?.integer ?? 0
    }

    /// `paused`, with its end if it has one.
    static func pause(_ queue: JSONDocument) -> String {
        guard queue["paused"]?.bool == true else { return "" }
        return "paused" + (queue["paused_until"]?.integer.map { " until \(TimeText.local($0))" } ?? "")
    }
}
