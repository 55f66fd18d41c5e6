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
        let cut = TextWidth.cut(Terminal.visible(text), to: width)
        if !pieces.isEmpty { pieces.append((" ", nil)) }
        pieces.append((TextWidth.padded(cut, to: width, right: right), mark))
    }

    /// Without marks, and without white space at its end.
    var plain: String {
        var text = pieces.map(\.text).joined()
        while text.last == " " { text.removeLast() }
        return text
    }

    /// At most `width` columns wide.
    func text(width: Int, _ terminal: Terminal) -> String {
        var left = width
        var text = ""
        for piece in pieces where left > 0 {
            let part = TextWidth.prefix(piece.text, left)
            // Behind a character that did not fit nothing of the rest may stand.
            left = part == piece.text ? left - TextWidth.of(part) : 0
            text += terminal.marked(part, piece.mark)
        }
        return text
    }

    static func == (one: TopLine, other: TopLine) -> Bool { one.plain == other.plain }
}
