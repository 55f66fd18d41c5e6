// `jobqctl status`: `info` and `queues` on one screen, and what an operator should look at.
//
// It shows one moment and does not watch; `top` does. All members of `info` are shown by `jobqctl info`.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl status`: the daemon and its queues at a glance. "No" when the store is not ready.
struct Status: DaemonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show jobqd and its queues on one screen.",
        discussion: "Exit status 1 when Redis (or whatever keeps the jobs) is not ready.")

    @OptionGroup var connection: ConnectionOptions

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        var info = try jobqd.request("info")
        // A daemon that has just begun is not yet connected: what holds a moment later is what people want to know.
        if info["redis"]?["state"]?.string != "ready", info["uptime_ms"]?.integer ?? 0 < 3_000 {
            _ = try? jobqd.ping(store: true)
            info = try jobqd.request("info")
        }
        let isReady = info["redis"]?["state"]?.string == "ready"
        // Without its store the daemon cannot tell of queues; what it knows of itself is shown all the same.
        let queues = isReady ? try? jobqd.request("queues")["queues"] : nil
        if connection.json {
            print(Terminal.json("{\"info\":\(info),\"queues\":\(queues?.description ?? "null")}"))
            return isReady
        }
        for line in Self.head(info, terminal) { print(line) }
        guard let queues else { return false }
        print("")
        print(QueueTable.text(queues.array ?? [], terminal), terminator: "")
        for hint in Self.hints(info, queues.array ?? []) { print(terminal.marked(hint, .yellow)) }
        return isReady
    }

    private static func head(_ info: JSONDocument, _ terminal: Terminal) -> [String] {
        let redis = info["redis"]
        let isReady = redis?["state"]?.string == "ready"
        let number = { (name: String) in Int(info[name]?.integer ?? 0) }
        let text = { (name: String) in redis?[name]?.string }
        var daemon = "jobqd \(info["version"]?.string ?? "?")  pid \(number("pid"))"
        daemon += "  up \(TimeText.span(info["uptime_ms"]?.integer ?? 0))"
        if info["draining"]?.bool == true { daemon += "  \(terminal.marked("draining", .yellow))" }
        var store = "store \(text("state") ?? "?")  \(Terminal.visible(text("address") ?? ""))"
        if let version = text("version") { store += "  version \(Terminal.visible(version))" }
        if let trip = redis?["round_trip_us"]?.integer { store += "  round trip \(trip) µs" }
        if let count = redis?["reconnects"]?.integer, count > 0 { store += "  \(Int(count).of("reconnect"))" }
        if let problem = text("problem") {
            let since = redis?["since_at"]?.integer.map { ", since \(TimeText.local($0))" } ?? ""
            store += "  (\(Terminal.visible(problem))\(since))"
        }
        let peers = [
            number("connections").of("connection"), number("workers").of("worker"),
            number("waiting_claims").of("waiting claim"), number("subscriptions").of("subscription"),
        ]
        let risks = (redis?["risks"]?.array ?? []).compactMap(\.string)
        return [daemon, terminal.marked(store, isReady ? nil : .red)]
            + risks.map { terminal.marked(Terminal.visible($0), .yellow) } + [peers.joined(separator: "  ")]
    }

    /// What to look at, and with which command.
    static func hints(_ info: JSONDocument, _ queues: [JSONDocument]) -> [String] {
        var hints: [String] = []
        for queue in queues {
            let name = Terminal.visible(queue["queue"]?.string ?? "?")
            let dead = Int(QueueTable.count(queue, .dead))
            if dead > 0 { hints.append("\(name): \(dead.of("dead letter")); see: jobqctl dead list \(name)") }
            let waiting = QueueTable.count(queue, .queued)
            let isPaused = queue["paused"]?.bool == true
            if waiting > 0, isPaused {
                hints.append("\(name): jobs wait since it is paused; go on with: jobqctl queue resume \(name)")
            } else if waiting > 0, QueueTable.count(queue, .processing) == 0, info["waiting_claims"]?.integer == 0,
                queue["latency_ms"]?.integer ?? 0 > 10_000
            {
                hints.append("\(name): jobs wait, and nobody works on them")
            }
        }
        if let dropped = info["connections_dropped"]?.integer, dropped > 0 {
            hints.append("\(Int(dropped).of("connection")) closed: the peers did not read what they had asked for")
        }
        return hints.isEmpty ? [] : [""] + hints
    }
}
