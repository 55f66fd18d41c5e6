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
            With --interval a line each time: how many jobs are in which state, and how many in a second were enqueued, \
            claimed, completed, failed, buried and taken back from workers since the line before; in the first line, \
            since the queue exists, as a total.
            """)

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The queue (default: the sums of all).", completion: .queues)
    var queue: String?
    @Option(help: ArgumentHelp("Go on with a line each time so long is over.", valueName: "duration"))
    var interval: TimeSpan?
    @Option(help: ArgumentHelp("End after so many lines.", valueName: "n"))
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
                print(reply)
            } else {
                Fields.print(Fields.lines(reply, leavingOut: ["ok"]), terminal)
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
                print(reply)
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
