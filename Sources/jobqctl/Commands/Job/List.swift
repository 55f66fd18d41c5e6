// `jobqctl list`: one page of the jobs of a queue that are in one state.
//
// The columns follow the state: each has one time that matters beside that of the enqueue. The next page is asked for
// with the cursor that the page before printed.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl list QUEUE`: a page of the jobs in one state.
struct List: DaemonCommand {
    static let configuration = CommandConfiguration(abstract: "List the jobs of a queue that are in one state.")

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The queue.", completion: .queues)
    var queue: String
    @Option(help: "The state.")
    var state: JobState = .queued
    @Option(help: "Only jobs of this type.")
    var type: String?
    @Option(help: ArgumentHelp("List up to N jobs, 1 to 500.", valueName: "n"))
    var limit = 50
    @Option(help: "Continue where the previous page ended.")
    var cursor: String?

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let reply = try jobqd.request("list") {
            $0.member("queue", queue)
            $0.member("state", state.rawValue)
            $0.member("limit", limit)
            if let cursor { $0.member("cursor", cursor) }
            if let type { $0.member("type", type) }
        }
        if connection.json {
            print(Terminal.json(reply))
            return true
        }
        let jobs = reply["jobs"]?.array ?? []
        if jobs.isEmpty {
            print(nothing(jobqd))
        } else {
            print(table(jobs, terminal), terminator: "")
        }
        if let cursor = reply["cursor"]?.string { print("more: --cursor \(Terminal.visible(cursor))") }
        return true
    }

    /// That there is none, and what there is instead.
    private func nothing(_ jobqd: JobqConnection) -> String {
        let kind = type.map { " of type \(Terminal.visible($0))" } ?? ""
        let line = "no \(state.rawValue) jobs\(kind) in \(Terminal.visible(queue))"
        // Who may not see the depths is told no more.
        let stats = try? jobqd.request("stats") { $0.member("queue", queue) }
        let others = JobState.allCases.filter { $0 != state || type != nil }.compactMap { other in
            let count = stats.map { QueueTable.count($0, other) } ?? 0
            return count > 0 ? "\(count) \(other.rawValue)" : nil
        }
        if stats == nil { return line }
        return others.isEmpty ? "\(line), nor any others" : "\(line); there are \(others.joined(separator: ", "))"
    }

    private func table(_ jobs: [JSONDocument], _ terminal: Terminal) -> String {
        let time = Self.time(of: state)
        var columns: [(String, Table.Alignment)] = [
            ("JOB", .left), ("TYPE", .left), ("PRIORITY", .right), ("ATTEMPTS", .right), ("ENQUEUED", .left),
        ]
        if let time { columns.append((time.title, .left)) }
        let note = state == .processing ? "worker" : "reason"
        if state != .queued { columns.append((note.uppercased(), .left)) }
        var table = Table(
            columns, cut: ["TYPE", "WORKER", "REASON"], drop: ["PRIORITY", "ENQUEUED", "TYPE", "ATTEMPTS", "REASON"])
        for job in jobs {
            var row: [Table.Cell] = [
                .init(job["job"]?.string ?? "?", Mark(state)), .init(job["type"]?.string ?? ""),
                .init(String(job["priority"]?.integer ?? 0)),
                .init("\(job["attempts"]?.integer ?? 0)/\(job["max_attempts"]?.integer ?? 0)"),
                .init(job["enqueued_at"]?.integer.map(TimeText.local) ?? ""),
            ]
            if let time { row.append(.init(job[time.member]?.integer.map(TimeText.local) ?? "")) }
            if state != .queued { row.append(.init(job[note]?.string ?? "")) }
            table.add(row)
        }
        return table.text(terminal)
    }

    /// The time that matters in a state, beside that of the enqueue.
    private static func time(of state: JobState) -> (title: String, member: String)? {
        switch state {
        case .queued: nil
        case .scheduled, .retrying: ("RUNS", "run_at")
        case .processing: ("LEASE UNTIL", "lease_until")
        case .completed, .dead, .cancelled, .expired: ("FINISHED", "finished_at")
        }
    }
}

extension JobState: ExpressibleByArgument {}
