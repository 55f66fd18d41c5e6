// One line at the bottom of the terminal that says how far a long work came: on standard error, and only when that is a
// terminal. It is redrawn at most ten times a second, and gone when the work is over.
//
// `line` makes the text and is all there is to test without a terminal.

/// How far a work came.
struct ProgressBar {
    private let title: String
    /// What it ends at; nil: nobody knows, and only what was done is shown.
    private let total: Int64?
    private let unit: String
    private let startedAt = Clock.now
    private var drawnAt: Int64?
    private let isShown = Terminal.errorColumns != nil

    /// Milliseconds between two drawings.
    private static let pause: Int64 = 100

    /// - Parameters:
    ///   - title: what is done, as in `replaying email`.
    ///   - unit: what is counted, for the rate: `/s` follows.
    init(_ title: String, total: Int?, unit: String = "") {
        self.title = title
        self.total = total.map { Int64($0) }
        self.unit = unit
    }

    /// Draws it, unless it was drawn just now.
    ///
    /// - Parameters:
    ///   - share: 0…1, where the total is not known but something else says how far it is.
    ///   - always: a pause follows, so that it would stand there with an old number.
    mutating func show(_ done: Int, share: Double? = nil, always: Bool = false) {
        guard isShown, always || drawnAt.map({ Clock.now - $0 >= Self.pause }) ?? true else { return }
        drawnAt = Clock.now
        let text = Self.line(
            title, done: Int64(done), total: total, share: share, unit: unit, elapsedMs: Clock.now - startedAt,
            columns: Terminal.errorColumns ?? 80)
        Terminal.write("\r\(text)\u{1B}[K")
    }

    /// Takes it away.
    func clear() {
        if drawnAt != nil { Terminal.write("\r\u{1B}[K") }
    }

    /// `replaying email  [######--------------]  30 %  150/500  72/s  5 s left`, never wider than the columns less one: what
    /// has no room is left out, the bar first.
    static func line(
        _ title: String, done: Int64, total: Int64?, share: Double? = nil, unit: String = "", elapsedMs: Int64,
        columns: Int
    ) -> String {
        let known = share ?? total.map { $0 > 0 ? Double(done) / Double($0) : 1 }
        let portion = known.map { min(1, max(0, $0)) }
        var parts: [String] = []
        if let portion { parts.append("\(Int((portion * 100).rounded(.down))) %") }
        parts.append(total.map { "\(done)/\($0)" } ?? "\(done)")
        if elapsedMs >= 1_000 {
            parts.append("\(done * 1_000 / elapsedMs)\(unit.isEmpty ? "" : " \(unit)")/s")
            if let portion, portion > 0, portion < 1 {
                parts.append("\(TimeText.span(Int64(Double(elapsedMs) * (1 - portion) / portion))) left")
            }
        }
        let title = Terminal.visible(title)
        let words = ([title] + parts).joined(separator: "  ")
        let room = min(40, columns - 1 - words.count - 4)
        guard let portion, room >= 10 else { return String(words.prefix(max(0, columns - 1))) }
        let filled = Int((portion * Double(room)).rounded(.down))
        let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: room - filled)
        return ([title, "[\(bar)]"] + parts).joined(separator: "  ")
    }
}
