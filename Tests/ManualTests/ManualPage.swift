// A page of the manual taken apart: its sections, the items of its lists with what stands in them, and its displays.
//
// Only what the pages below man/ use of mdoc(7) is understood, line by line. `PageLine` makes text of a line; `Display`
// are the examples. Comments that begin with a word and a colon (`.\" test: shell`) are marks for the tests; they belong to
// the list or the display that follows, or to the list they stand in.

import Harness

/// One page.
struct ManualPage {
    /// An item of a list.
    struct Item {
        /// What its head names: the macro of each name, and the name: `.It Va seq , Va front`.
        let names: [(macro: String, name: String)]
        /// What stands in parentheses behind the names (`Pq`), or "".
        let note: String
        /// Of the section and subsection it is in.
        let section: String
        let subsection: String
        /// How many lists are around it, 1 for the outermost.
        let depth: Int
        /// Place of the item that it is part of, in the page's items.
        let parent: Int?
        /// Marks of its list before it: `members` → `job but queue`.
        let marks: [String: String]
        /// The text below its head without inner lists, paragraphs separated by an empty line.
        var body = ""
    }

    /// A piece of literal text, as the reader sees it.
    struct Display {
        /// The mark before it, `lines` for `.\" test: lines`; nil: not to be run.
        let test: String?
        let lines: [String]
        /// Of its first line in the source, from 1.
        let line: Int
    }

    let name: String
    let path: String
    let source: String
    private(set) var items: [Item] = []
    private(set) var displays: [Display] = []
    /// Titles of the sections.
    private(set) var sections: [String] = []

    /// Reads `man/NAME`.
    init(_ name: String) throws {
        self.name = name
        path = "\(BuiltProducts.packageDirectory)/man/\(name)"
        source = try TextFile.read(path)
        read()
    }

    /// The items of a macro, of all lists or of those in one section.
    func items(_ macro: String, in section: String? = nil) -> [Item] {
        items.filter { $0.names.first?.macro == macro && (section == nil || $0.section == section) }
    }

    /// All names of a macro in the heads of items.
    func names(_ macro: String, in section: String? = nil) -> [String] {
        items(macro, in: section).flatMap { $0.names.filter { $0.macro == macro }.map(\.name) }
    }

    private mutating func read() {
        var section = ""
        var subsection = ""
        /// For each open list its marks, and the place of its present item.
        var lists: [(marks: [String: String], item: Int?)] = []
        var pending: [String: String] = [:]
        var literal: (lines: [String], start: Int)?
        for (index, text) in source.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = PageLine(String(text))
            if literal != nil {
                if line.macro == "Ed" {
                    displays.append(.init(test: pending["test"], lines: literal!.lines, line: literal!.start))
                    literal = nil
                    pending = [:]
                } else {
                    literal!.lines.append(line.literal)
                }
                continue
            }
            if let mark = line.mark {
                if lists.isEmpty || mark.name == "test" {
                    pending[mark.name] = mark.value
                } else {
                    lists[lists.count - 1].marks[mark.name] = mark.value
                }
                continue
            }
            switch line.macro {
            case "Sh":
                section = line.rest
                subsection = ""
                sections.append(section)
            case "Ss": subsection = line.rest
            case "Bl":
                lists.append((marks: pending, item: nil))
                pending = [:]
            case "El": _ = lists.popLast()
            case "Bd" where line.rest.hasPrefix("-literal"): literal = ([], index + 2)
            case "It":
                guard !lists.isEmpty else { continue }
                let head = line.head
                items.append(
                    Item(
                        names: head.names, note: head.note, section: section, subsection: subsection,
                        depth: lists.count, parent: lists.dropLast().last?.item, marks: lists[lists.count - 1].marks))
                lists[lists.count - 1].item = items.count - 1
            case "Pp":
                if let item = lists.last?.item { items[item].body += "\n\n" }
            default:
                if let item = lists.last?.item { items[item].body.append(word: line.text) }
            }
        }
    }
}

extension String {
    /// Adds text behind a space, unless it begins a paragraph.
    fileprivate mutating func append(word: String) {
        self += isEmpty || hasSuffix("\n") || word.isEmpty ? word : " \(word)"
    }
}
