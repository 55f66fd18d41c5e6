// A table for people: a heading, columns as wide as their widest cell, numbers to the right.
//
// Width is counted in characters, which is right for names and numbers but not for wide scripts. Cells are never cut:
// a terminal wraps, and a pipe gets everything.

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
    private var rows: [[Cell]] = []

    init(_ columns: [(title: String, alignment: Alignment)]) {
        heading = columns.map { Cell($0.title, .bold) }
        alignments = columns.map(\.alignment)
    }

    /// One cell for each column.
    mutating func add(_ row: [Cell]) {
        precondition(row.count == heading.count)
        rows.append(row)
    }

    /// With an end of line after each row; no white space at the ends of lines.
    func text(_ terminal: Terminal) -> String {
        let all = [heading] + rows
        let widths = heading.indices.map { column in all.map { $0[column].text.count }.max() ?? 0 }
        return all.map { row in
            let count = (row.lastIndex { !$0.text.isEmpty } ?? -1) + 1
            let cells = row.prefix(count).indices.map { column in
                let cell = row[column]
                let padding = String(repeating: " ", count: widths[column] - cell.text.count)
                let marked = terminal.marked(cell.text, cell.mark)
                if alignments[column] == .right { return padding + marked }
                return column == count - 1 ? marked : marked + padding
            }
            return cells.joined(separator: "  ") + "\n"
        }.joined()
    }
}
