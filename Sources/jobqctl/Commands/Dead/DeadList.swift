// `jobqctl dead list`: dead letters with why they died, of one queue or all.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl dead list [QUEUE]`
struct DeadList: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List dead letters and why they died.",
        discussion: "Newest first, queue by queue. With --json a line for each queue.")

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The queue; otherwise all that have dead letters.", completion: .queues)
    var queue: String?
    @OptionGroup var filters: DeadFilters
    @Option(help: ArgumentHelp("List up to N of each queue.", valueName: "n"))
    var limit = 50

    func validate() throws {
        guard limit >= 1 else { throw ValidationError("--limit must be at least 1") }
    }

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let now = try jobqd.ping(store: true)
        var table = Table(
            [
                ("JOB", .left), ("TYPE", .left), ("ATTEMPTS", .right), ("DIED", .left), ("REASON", .left),
                ("ERROR", .left),
            ], cut: ["ERROR", "TYPE"], drop: ["ATTEMPTS", "TYPE", "REASON", "DIED"])
        var count = 0
        var cut: [String] = []
        for name in try queues(jobqd) {
            let (letters, hasMore) = try letters(of: name, jobqd)
            if hasMore { cut.append(name) }
            if connection.json {
                print(Terminal.json("{\"ok\":true,\"jobs\":[\(letters.map(\.description).joined(separator: ","))]}"))
            }
            for letter in letters { table.add(Self.row(letter, now: now)) }
            count += letters.count
        }
        if connection.json { return true }
        print(count == 0 ? "no dead letters\n" : table.text(terminal), terminator: "")
        if !cut.isEmpty { print("there are more of \(cut.map(Terminal.visible).joined(separator: ", ")): see --limit") }
        return true
    }

    private func queues(_ jobqd: JobqConnection) throws -> [String] {
        if let queue { return [queue] }
        let all = try jobqd.request("queues")["queues"]?.array ?? []
        return all.filter { QueueTable.count($0, .dead) > 0 }.compactMap { $0["queue"]?.string }
    }

    private func letters(of queue: String, _ jobqd: JobqConnection) throws -> ([JSONDocument], hasMore: Bool) {
        var letters: [JSONDocument] = []
        var hasMore = false
        try filters.selection(queue).each(jobqd) { letter in
            hasMore = letters.count == limit
            if !hasMore { letters.append(letter) }
            return !hasMore
        }
        return (letters, hasMore)
    }

    private static func row(_ letter: JSONDocument, now: Int64) -> [Table.Cell] {
        let error = ErrorText.line(letter["error"])
        return [
            .init(letter["job"]?.string ?? "?"), .init(letter["type"]?.string ?? ""),
            .init("\(letter["attempts"]?.integer ?? 0)/\(letter["max_attempts"]?.integer ?? 0)"),
            .init(letter["finished_at"]?.integer.map { TimeText.ago($0, now: now) } ?? ""),
            .init(letter["reason"]?.string ?? "", .yellow),
            .init(error.count > 60 ? "\(error.prefix(59))…" : error),
        ]
    }
}
