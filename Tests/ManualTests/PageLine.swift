// One line of mdoc(7) as its reader sees it. Text lines stand for themselves but for the escapes; of macro lines the macros
// go, the punctuation joins what stands before it, and enclosures become the signs they print.

/// A line of a page's source.
struct PageLine {
    /// The macro at the beginning; nil: text.
    let macro: String?
    /// What stands behind it, as it was written.
    let rest: String
    /// The line as it was written.
    private let source: String

    init(_ source: String) {
        self.source = source
        guard source.hasPrefix("."), !source.hasPrefix(".\\\"") else {
            macro = nil
            rest = source
            return
        }
        let words = source.dropFirst().split(separator: " ", maxSplits: 1)
        macro = words.first.map(String.init) ?? ""
        rest = words.count > 1 ? String(words[1]) : ""
    }

    /// `.\" name: value`, nil for other lines. Other comments have no name of one word.
    var mark: (name: String, value: String)? {
        guard source.hasPrefix(".\\\" ") else { return nil }
        let parts = source.dropFirst(4).split(separator: ":", maxSplits: 1)
        guard parts.count == 2, parts[0].allSatisfy(\.isLetter) else { return nil }
        return (String(parts[0]), parts[1].trimmingSpaces)
    }

    /// Of a line in a display.
    var literal: String { Self.unescaped(source) }

    /// What it says.
    var text: String {
        if source.hasPrefix(".\\\"") { return "" }
        guard macro != nil else { return Self.unescaped(source) }
        return Self.printed(source.dropFirst().split(separator: " ").lazy.map(String.init))
    }

    /// Of an item's line: its names, each the words behind a macro, and what `Pq` encloses behind them.
    var head: (names: [(macro: String, name: String)], note: String) {
        var names: [(macro: String, name: String)] = []
        var words = rest.split(separator: " ").map(String.init)[...]
        var macro = ""
        var isOpen = false
        while let word = words.popFirst() {
            switch word {
            case "Pq": return (names, Self.printed(words))
            case "Ns", "No", ",", "=", "|": isOpen = false
            case _ where Self.callable.contains(word):
                macro = word
                isOpen = false
            case _ where macro == "Ar": break
            case _ where isOpen: names[names.count - 1].name += " " + Self.unescaped(word)
            default:
                names.append((macro, Self.unescaped(word)))
                isOpen = true
            }
        }
        return (names, "")
    }

    private static let callable: Set = [
        "Ar", "Cm", "Dq", "Dv", "Em", "Er", "Ev", "Fa", "Fl", "Ic", "Li", "No", "Nm", "Ns", "Oc", "Oo", "Op", "Pa",
        "Pc",
        "Po", "Pq", "Ql", "Sx", "Sy", "Va", "Xr",
    ]

    /// A macro line's words, joined as mandoc(1) prints them.
    private static func printed(_ words: some Sequence<String>) -> String {
        var words = Array(words)[...]
        var result = ""
        var isGlued = true
        var closing = ""
        func add(_ text: String, glued: Bool = false) {
            let joins = isGlued || result.isEmpty || [".", ",", ";", ":", ")", "?"].contains(text)
            result += (joins ? "" : " ") + text
            isGlued = glued
        }
        while let word = words.popFirst() {
            switch word {
            case "Ns": isGlued = true
            case "Fl": add("-", glued: true)
            case "Pq":
                add("(", glued: true)
                closing = ")" + closing
            case "Xr":
                guard let name = words.popFirst(), let section = words.popFirst() else { continue }
                add("\(name)(\(section))")
            case _ where callable.contains(word): break
            default: add(unescaped(word))
            }
        }
        return result + closing
    }

    /// Without the escapes of roff.
    static func unescaped(_ text: String) -> String {
        var result = text
        for (escape, sign) in [
            ("\\(aq", "'"), ("\\(dq", "\""), ("\\(en", "–"), ("\\(em", "—"), ("\\-", "-"), ("\\&", ""), ("\\e", "\\"),
        ] {
            result = result.split(separator: escape, omittingEmptySubsequences: false).joined(separator: sign)
        }
        return result
    }
}

extension StringProtocol {
    var trimmingSpaces: String {
        let front = drop { $0 == " " }
        guard let last = front.lastIndex(where: { $0 != " " }) else { return "" }
        return String(front[...last])
    }
}
