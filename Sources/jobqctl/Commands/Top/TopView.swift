// From the state to lines. Pure: a screen of so many columns and rows, or, without a screen, everything.
//
//     header (3 lines), queues, workers if we may see them, latest failures, keys
//
// The queues have what the others leave: of workers and failures there are at most five each as long as queues need the room.

import Wire

/// Draws a `TopState`.
struct TopView {
    let state: TopState
    var columns = 80
    /// Local time of day, `14:03:07`.
    var clock = ""
    /// Local time to the second from milliseconds since the epoch.
    var time: (Int64) -> String = TimeText.local

    /// Exactly `rows` lines at most.
    func screen(rows: Int) -> [TopLine] {
        let header = header()
        if state.showsHelp { return Array((header + [TopLine()] + Self.help).prefix(rows)) }
        let room = max(0, rows - header.count - 2)
        let workers = section(workers(), most: room / 4)
        let failures = section(failures(), most: room / 4)
        let body = queues(rows: room - workers.count - failures.count) + workers + failures
        let filled = body + Array(repeating: TopLine(), count: max(0, room - body.count))
        return Array((header + [TopLine()] + filled.prefix(room) + [footer()]).prefix(rows))
    }

    /// All there is, one block of lines.
    func block() -> [TopLine] {
        [header()[0], header()[2]] + queues(rows: .max) + section(workers(), most: .max)
            + section(failures(), most: .max)
    }

    // MARK: Parts

    private func header() -> [TopLine] {
        var first = TopLine("jobqd \(state.version)", .bold)
        first.add(" on \(state.socket), up \(TimeText.span(state.uptimeMs))")
        if state.isDraining { first.add(", draining", .yellow) }
        let padding = columns - TextWidth.of(first.plain) - clock.count
        if padding > 0 { first.add(String(repeating: " ", count: padding) + clock) }
        let second =
            state.problem.map { TopLine("reconnecting: \($0)", .red) }
            ?? TopLine(state.store, state.isStoreReady ? nil : .red)
        let counts = [
            Int(state.connections).of("connection"), Int(state.workerCount).of("worker"),
            Int(state.waitingClaims).of("waiting claim"),
        ]
        var third = TopLine(counts.joined(separator: ", "))
        if let rates = state.rates { third.add(", \(Self.rate(rates.in)) in and \(Self.rate(rates.out)) out a second") }
        return [first, second, third]
    }

    /// A column of the queues' table beside the name.
    private struct Column: Sendable {
        let title: String
        let width: Int
        let cell: @Sendable (TopState.Queue) -> (text: String, mark: Mark?)
    }

    /// As they stand.
    private static let columns: [Column] = [
        depth("QUEUED", 7, .queued), depth("SCHED", 6, .scheduled), depth("RETRY", 6, .retrying),
        depth("BUSY", 5, .processing), depth("DEAD", 6, .dead),
        Column(title: "IN/S", width: 7) { ($0.rateIn.map(rate) ?? "-", nil) },
        Column(title: "OUT/S", width: 7) { ($0.rateOut.map(rate) ?? "-", nil) },
        Column(title: "OLDEST", width: 9) { queue in
            queue.isPaused ? ("paused", .yellow) : (queue.oldestMs > 0 ? age(queue.oldestMs) : "-", nil)
        },
    ]

    /// Those that a narrow screen does without, the first one first.
    private static let spare = ["SCHED", "OUT/S", "IN/S", "RETRY", "OLDEST", "BUSY", "DEAD"]
    /// A name has so many columns before others are left out.
    private static let shortestName = 16

    private static func depth(_ title: String, _ width: Int, _ state: JobState) -> Column {
        Column(title: title, width: width) { queue in
            let value = queue.depth[state] ?? 0
            return (count(value, width: width), value > 0 && state == .dead ? .red : nil)
        }
    }

    /// What fits beside a name of some length, and how long that may be.
    private var fitting: (columns: [Column], name: Int) {
        var shown = Self.columns
        var spare = Self.spare[...]
        while true {
            let name = columns - shown.reduce(0) { $0 + $1.width + 1 }
            guard name < Self.shortestName, let title = spare.popFirst() else { return (shown, max(1, name)) }
            shown.removeAll { $0.title == title }
        }
    }

    private func queues(rows: Int) -> [TopLine] {
        guard rows > 0 else { return [] }
        let (shownColumns, width) = fitting
        var title = TopLine()
        title.cell("QUEUE", width: width, .bold)
        for column in shownColumns { title.cell(column.title, width: column.width, right: true, .bold) }
        let all = state.sortedQueues
        guard !all.isEmpty else {
            return [title, TopLine(state.queues.isEmpty ? "no queues yet" : "no queue has this in its name")]
        }
        let first = rows == .max ? 0 : min(state.firstQueue, max(0, all.count - 1))
        let fits = rows == .max ? all.count : max(0, rows - 1)
        let isCut = all.count - first > fits
        let shown = all[first...].prefix(isCut ? max(0, fits - 1) : fits)
        var lines = [title]
        for queue in shown {
            var line = TopLine()
            line.cell(queue.name, width: width, queue.isPaused ? .yellow : nil)
            for column in shownColumns {
                let (text, mark) = column.cell(queue)
                line.cell(text, width: column.width, right: true, mark)
            }
            lines.append(line)
        }
        if isCut { lines.append(TopLine("… \(all.count - first - shown.count) more", .dim)) }
        return lines
    }

    private func workers() -> (title: TopLine, lines: [TopLine]) {
        var title = TopLine()
        title.cell("WORKER", width: 28, .bold)
        title.cell("PID", width: 8, right: true, .bold)
        title.cell("JOBS", width: 5, right: true, .bold)
        title.cell("SINCE", width: 19, .bold)
        let lines = (state.workers ?? []).map { worker in
            var line = TopLine()
            line.cell(worker.name, width: 28)
            line.cell(String(worker.pid), width: 8, right: true)
            line.cell(String(worker.held), width: 5, right: true)
            line.cell(time(worker.sinceAt), width: 19)
            if !worker.isConnected { line.add(" away", .yellow) } else if worker.isQuiet { line.add(" quiet", .yellow) }
            if let unit = worker.unit { line.add(" \(unit)", .dim) }
            return line
        }
        return (title, lines)
    }

    private func failures() -> (title: TopLine, lines: [TopLine]) {
        let shown = state.shownFailures
        // The day is left out where the error needs the room; the job's name is cut for it too.
        let isNarrow = columns < 100
        let room = max(12, columns * 9 / 20)
        let width = min(room, shown.map { TextWidth.of(Terminal.visible($0.job)) }.max() ?? 0)
        let lines = shown.map { failure in
            var line = TopLine()
            let when = time(failure.at)
            line.cell(isNarrow ? String(when.suffix(8)) : when, width: isNarrow ? 8 : 19)
            line.cell(failure.kind, width: 9, failure.kind == "dead" ? .red : .yellow)
            line.cell(failure.job, width: width)
            if let attempt = failure.attempt { line.add(" \(attempt).", .dim) }
            if let why = failure.error ?? failure.reason { line.add(" \(why)") }
            return line
        }
        return (TopLine("LATEST FAILURES", .bold), lines)
    }

    /// An empty line, a title, and at most `most` lines in all; nothing when there is nothing to show.
    private func section(_ part: (title: TopLine, lines: [TopLine]), most: Int) -> [TopLine] {
        guard !part.lines.isEmpty, most > 2 else { return [] }
        return [TopLine(), part.title] + part.lines.prefix(most == .max ? part.lines.count : most - 2)
    }

    private func footer() -> TopLine {
        if let draft = state.draft { return TopLine("queues with: \(draft)_   Enter: show them  Esc: show all", .bold) }
        var line = TopLine("q quit  p \(state.isPaused ? "go on" : "pause")  s sort: \(state.order.rawValue)")
        line.add("  / filter\(state.filter.isEmpty ? "" : ": \(state.filter)")  up, down scroll  ? help")
        if state.isPaused { line.add("  paused", .yellow) }
        return line
    }

    static let help = [
        "q, Ctrl-C     quit",
        "p, space      hold the display, and go on",
        "s             sort by name, queued, rate, oldest, dead",
        "/             show only queues with a text in their names; Enter ends it, Esc shows all",
        "up, down      scroll the queues; also k and j",
        "PgUp, PgDn    scroll by ten; Home: back to the first",
        "?, h          this help, and back",
        "",
        "IN/S, OUT/S: enqueued, and completed, dead, cancelled or expired, a second.",
        "OLDEST: how long the first job in the queue has waited.",
        "Workers are those of this daemon; they are shown to administrators.",
    ].map { TopLine($0) }

    // MARK: Numbers in little room

    /// One digit after the point as long as that tells something.
    static func rate(_ value: Double) -> String {
        if value == 0 { return "0" }
        if value < 0.05 { return "0.0" }
        if value < 100 {
            let tenths = Int64((value * 10).rounded())
            return "\(tenths / 10).\(tenths % 10)"
        }
        return count(Int64(value.rounded()), width: 7)
    }

    /// As it is if it fits, else in thousands or millions.
    static func count(_ value: Int64, width: Int) -> String {
        for (divisor, unit) in [(1, ""), (1_000, "k"), (1_000_000, "M"), (1_000_000_000, "G")] as [(Int64, String)] {
            let text = "\(value / divisor)\(unit)"
            if text.count <= width { return text }
        }
        return String(repeating: "#", count: width)
    }

    /// The larger unit alone, where two do not fit.
    static func age(_ milliseconds: Int64) -> String {
        let text = TimeText.span(milliseconds)
        return text.count <= 9 ? text : text.split(separator: " ").prefix(2).joined(separator: " ")
    }
}
