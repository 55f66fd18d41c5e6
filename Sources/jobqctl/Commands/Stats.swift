// `jobqctl stats`: totals since ever and depths, once; or, with --interval, a line each time with what happened in
// between, in the way of vmstat(8).

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl stats [QUEUE]`
struct Stats: DaemonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show totals and depths of one queue or all; with --interval, rates.",
        discussion: """
            With --interval it prints a line each time: how many jobs are in which state, and how many per second were \
            enqueued, claimed, completed, failed, buried and reclaimed since the previous line. The first line has \
            the totals since the queue was created.
            """)

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The queue (default: the sums of all).", completion: .queues)
    var queue: String?
    @Option(help: ArgumentHelp("Print a line each time this long has passed.", valueName: "duration"))
    var interval: TimeSpan?
    @Option(help: ArgumentHelp("Exit after N lines.", valueName: "n"))
    var count: Int?

    func validate() throws {
        guard interval?.milliseconds ?? 100 >= 100 else { throw ValidationError("--interval must be at least 100ms") }
        guard count ?? 1 >= 1 else { throw ValidationError("--count must be at least 1") }
        guard count == nil || interval != nil else { throw ValidationError("--count goes with --interval") }
    }

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        var reply = try ask(jobqd)
        guard let interval else {
            if connection.json {
                print(Terminal.json(reply))
            } else {
                print(StatsTable.text(reply, terminal), terminator: "")
            }
            return true
        }
        var before: JSONDocument?
        var at = Clock.now
        var number = 0
        while true {
            let elapsed = Clock.now - at
            at = Clock.now
            if connection.json {
                print(Terminal.json(reply))
            } else {
                if number % 20 == 0 { print(terminal.marked(StatsLine.heading, .bold)) }
                print(StatsLine.text(reply, before: before, elapsedMs: elapsed))
            }
            Terminal.flush()
            number += 1
            if number == count { return true }
            before = reply
            let due = at + interval.milliseconds
            while Clock.now < due { Clock.pause(due - Clock.now) }
            reply = try ask(jobqd)
        }
    }

    private func ask(_ jobqd: JobqConnection) throws -> JSONDocument {
        try jobqd.request("stats") { if let queue { $0.member("queue", queue) } }
    }
}

/// Depths beside totals, as `stats` and `queue show` have them.
enum StatsTable {
    static func text(_ reply: JSONDocument, _ terminal: Terminal) -> String {
        let depths = reply["depth"]?.members ?? []
        let totals = reply["totals"]?.members ?? []
        var table = Table([("STATE", .left), ("JOBS", .right), ("  EVENT", .left), ("SINCE CREATED", .right)])
        for place in 0..<max(depths.count, totals.count) {
            let depth = place < depths.count ? depths[place] : nil
            let total = place < totals.count ? totals[place] : nil
            let state = depth.flatMap { JobState(rawValue: $0.name) }
            let isMarked = depth?.value.integer ?? 0 > 0
            table.add([
                .init(depth?.name ?? ""), .init(depth?.value.description ?? "", isMarked ? state.flatMap(mark) : nil),
                .init(total.map { "  \($0.name)" } ?? ""), .init(total?.value.description ?? ""),
            ])
        }
        return table.text(terminal)
    }

    private static func mark(_ state: JobState) -> Mark? { state == .dead ? .red : nil }
}

/// A line of `stats --interval`: depths, then rates.
enum StatsLine {
    private static let depths = ["queued", "scheduled", "retrying", "processing", "dead"]
    private static let totals = ["enqueued", "claimed", "completed", "failed", "dead", "reclaimed"]
    private static let titles = [
        "queued", "sched", "retry", "proc", "dead", "enq/s", "claim/s", "done/s", "fail/s", "bury/s", "recl/s",
    ]
    private static let width = 8

    static let heading = titles.map { column($0) }.joined()

    /// - Parameter before: the reply of the line before; nil: totals are shown instead of rates.
    static func text(_ reply: JSONDocument, before: JSONDocument?, elapsedMs: Int64) -> String {
        let now = depths.map { String(reply["depth"]?[$0]?.integer ?? 0) }
        let rates = totals.map { name in
            let total = reply["totals"]?[name]?.integer ?? 0
            guard let before, elapsedMs > 0 else { return String(total) }
            return rate(max(0, total - (before["totals"]?[name]?.integer ?? 0)), elapsedMs)
        }
        return (now + rates).map { column($0) }.joined()
    }

    /// In a second; small ones with a digit after the point.
    private static func rate(_ count: Int64, _ elapsedMs: Int64) -> String {
        let tenths = (count * 10_000 + elapsedMs / 2) / elapsedMs
        return tenths < 100 && tenths % 10 != 0 ? "\(tenths / 10).\(tenths % 10)" : "\((tenths + 5) / 10)"
    }

    private static func column(_ text: String) -> String {
        String(repeating: " ", count: max(1, width - text.count)) + text
    }
}
