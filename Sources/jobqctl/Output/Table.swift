// A table for people: a heading, columns as wide as their widest cell, numbers to the right.
//
// On a terminal a row takes one line. What does not fit is cut, first in the columns that may be (names, texts); then columns are
// left out, the least important first; a line below says so. A pipe gets everything.

struct Table {
    struct Cell {
        let text: String
        var mark: Mark?

        init(_ text: String, _ mark: Mark? = nil) {
            self.text = Terminal.visible(text)
            self.mark = mark
        }
    }

    enum Alignment { case left, right }

    private let heading: [Cell]
    private let alignments: [Alignment]
    /// Columns whose cells may be cut.
    private let cuttable: Set<Int>
    /// Columns that may be left out, the first one first.
    private let droppable: [Int]
    private var rows: [[Cell]] = []

    /// A column is not cut below this, as long as another one can be left out.
    private static let shortestCut = 16
    private static let gap = 2

    /// - Parameters:
    ///   - cut: titles of columns whose cells may be cut.
    ///   - drop: titles of columns that may be left out, the least important first.
    init(_ columns: [(title: String, alignment: Alignment)], cut: [String] = [], drop: [String] = []) {
        heading = columns.map { Cell($0.title, .bold) }
        alignments = columns.map(\.alignment)
        let place = { (title: String) in columns.firstIndex { $0.title == title } }
        cuttable = Set(cut.compactMap(place))
        droppable = drop.compactMap(place)
    }

    /// One cell for each column.
    mutating func add(_ row: [Cell]) {
        precondition(row.count == heading.count)
        rows.append(row)
    }

    /// With an end of line after each row; no white space at the ends of lines.
    func text(_ terminal: Terminal) -> String {
        let widths = heading.indices.map { column in ([heading] + rows).map { TextWidth.of($0[column].text) }.max() ?? 0
        }
        let layout = layout(widths, columns: terminal.columns)
        let body = ([heading] + rows).map { line($0, layout, terminal) }.joined()
        let note = note(layout, widths)
        guard !note.isEmpty else { return body }
        return body + terminal.marked(TextWidth.cut(note, to: terminal.columns ?? .max), .dim) + "\n"
    }

    // MARK: Fitting

    /// The columns that are shown, with their widths.
    private typealias Layout = [(column: Int, width: Int)]

    private func layout(_ widths: [Int], columns: Int?) -> Layout {
        var shown = heading.indices.map { (column: $0, width: widths[$0]) }
        guard let columns else { return shown }
        var rest = droppable[...]
        while true {
            // An empty column takes no room, not even a gap: it is the last one, for notes.
            let cut = Self.cut(shown, over: Self.width(shown) - columns, cuttable, shortest: Self.shortestCut)
            if Self.width(cut) <= columns { return cut }
            guard let dropped = rest.popFirst() else { break }
            shown.removeAll { $0.column == dropped }
        }
        let all = Set(shown.map(\.column))
        let cut = Self.cut(shown, over: Self.width(shown) - columns, cuttable, shortest: 4)
        return Self.cut(cut, over: Self.width(cut) - columns, all, shortest: 1)
    }

    private static func width(_ layout: Layout) -> Int {
        let used = layout.filter { $0.width > 0 }
        return used.reduce(0) { $0 + $1.width + gap } - (used.isEmpty ? 0 : gap)
    }

    /// Takes columns away from the widest cells first.
    private static func cut(_ layout: Layout, over: Int, _ cuttable: Set<Int>, shortest: Int) -> Layout {
        var layout = layout
        for _ in 0..<max(0, over) {
            let candidates = layout.indices.filter {
                cuttable.contains(layout[$0].column) && layout[$0].width > shortest
            }
            guard let widest = candidates.max(by: { layout[$0].width < layout[$1].width }) else { break }
            layout[widest].width -= 1
        }
        return layout
    }

    private func line(_ row: [Cell], _ layout: Layout, _ terminal: Terminal) -> String {
        let last = layout.lastIndex { !row[$0.column].text.isEmpty } ?? -1
        let cells = layout.prefix(last + 1).enumerated().filter { $0.element.width > 0 }.map { place, shown in
            let cell = row[shown.column]
            let text = TextWidth.cut(cell.text, to: shown.width)
            let padding = String(repeating: " ", count: max(0, shown.width - TextWidth.of(text)))
            let marked = terminal.marked(text, cell.mark)
            if alignments[shown.column] == .right { return padding + marked }
            return place == last ? marked : marked + padding
        }
        return cells.joined(separator: String(repeating: " ", count: Self.gap)) + "\n"
    }

    /// What is not shown, or nothing.
    private func note(_ layout: Layout, _ widths: [Int]) -> String {
        var notes: [String] = []
        let dropped = heading.indices.filter { column in !layout.contains { $0.column == column } }
        let names = dropped.map { heading[$0].text }.filter { !$0.isEmpty }
        if !names.isEmpty { notes.append("left out: \(names.joined(separator: ", "))") }
        if layout.contains(where: { $0.width < widths[$0.column] }) { notes.append("long texts are cut") }
        return notes.isEmpty ? "" : "(\(notes.joined(separator: "; ")); all with --json)"
    }
}
