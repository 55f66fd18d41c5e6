// A line of a screen: pieces of text with marks, cut to the screen's width before the marks are written.

/// Text in pieces, each with a mark or none.
struct TopLine: Equatable {
    private(set) var pieces: [(text: String, mark: Mark?)] = []

    init(_ text: String = "", _ mark: Mark? = nil) { add(text, mark) }

    /// Appends; control characters are made visible.
    mutating func add(_ text: String, _ mark: Mark? = nil) {
        if !text.isEmpty { pieces.append((Terminal.visible(text), mark)) }
    }

    /// Appends a cell of a table, padded or cut to `width`, with a space before it unless it is the first.
    mutating func cell(_ text: String, width: Int, right: Bool = false, _ mark: Mark? = nil) {
        let cut = Self.cut(Terminal.visible(text), width)
        let padding = String(repeating: " ", count: width - cut.count)
        if !pieces.isEmpty { pieces.append((" ", nil)) }
        pieces.append((right ? padding + cut : cut + padding, mark))
    }

    /// Without marks, and without white space at its end.
    var plain: String {
        var text = pieces.map(\.text).joined()
        while text.last == " " { text.removeLast() }
        return text
    }

    /// At most `width` characters wide.
    func text(width: Int, _ terminal: Terminal) -> String {
        var left = width
        var text = ""
        for piece in pieces where left > 0 {
            let part = String(piece.text.prefix(left))
            left -= part.count
            text += terminal.marked(part, piece.mark)
        }
        return text
    }

    /// Too long a text ends in `…`.
    static func cut(_ text: String, _ width: Int) -> String {
        text.count <= width ? text : String(text.prefix(max(0, width - 1))) + "…"
    }

    static func == (one: TopLine, other: TopLine) -> Bool { one.plain == other.plain }
}
