// `jobqctl status`: `info` and `queues` on one screen.
//
// The daemon's part is shown as it comes, so members of a newer daemon appear too; the queues are a table. It shows one
// moment and does not watch.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl status`: the daemon and its queues at a glance. "No" when the store is not ready.
struct Status: DaemonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show jobqd and its queues.", discussion: "Exit status 1 when the store is not ready.")

    @OptionGroup var connection: ConnectionOptions

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let info = try jobqd.request("info")
        let queues = try jobqd.request("queues")
        if connection.json {
            print("{\"info\":\(info),\"queues\":\(queues["queues"]?.description ?? "[]")}")
        } else {
            Fields.print(Fields.lines(info, leavingOut: ["ok"]), terminal)
            print("")
            print(table(queues["queues"]?.array ?? [], terminal), terminator: "")
        }
        return info["redis"]?["state"]?.string == "ready"
    }

    private static let states: [JobState] = [.queued, .scheduled, .retrying, .processing, .completed, .dead]

    private func table(_ queues: [JSONDocument], _ terminal: Terminal) -> String {
        guard !queues.isEmpty else { return "no queues yet\n" }
        let counts = Self.states.map { (title: $0.rawValue.uppercased(), alignment: Table.Alignment.right) }
        var table = Table([("QUEUE", .left)] + counts + [("OLDEST", .right), ("", .left)])
        for queue in queues {
            var row = [Table.Cell(queue["queue"]?.string ?? "?")]
            for state in Self.states {
                let count = queue["depth"]?[state.rawValue]?.integer ?? 0
                row.append(.init(String(count), count > 0 && state == .dead ? .red : nil))
            }
            row.append(.init(TimeText.span(queue["latency_ms"]?.integer ?? 0)))
            row.append(.init(queue["paused"]?.bool == true ? "paused" : "", .yellow))
            table.add(row)
        }
        return table.text(terminal)
    }
}
