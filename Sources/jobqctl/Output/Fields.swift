// A JSON object as lines of `name  value`, for people: `show`, and the daemon's part of `status`.
//
// It knows nothing of what the members are but their endings: `_at` and `_until` are times, `_ms` durations. So a member
// that a newer daemon adds is shown too.

import Wire

enum Fields {
    /// Members of inner objects are named `outer.inner`.
    static func lines(_ object: JSONDocument, leavingOut hidden: Set<String> = []) -> [(name: String, text: String)] {
        var result: [(name: String, text: String)] = []
        for (name, value) in object.members ?? [] where !hidden.contains(name) {
            let isClientJSON = ["payload", "meta", "result", "error", "progress", "checkpoint"].contains(name)
            if value.kind == .object, !isClientJSON {
                result += lines(value).map { ("\(name).\($0.name)", $0.text) }
            } else {
                result.append((name, text(name, value, isClientJSON: isClientJSON)))
            }
        }
        return result
    }

    /// The members of the object first, then each inner object below its name.
    static func printGrouped(_ object: JSONDocument, leavingOut hidden: Set<String>, _ terminal: Terminal) {
        let members = (object.members ?? []).filter { !hidden.contains($0.name) }
        let groups = members.filter { $0.value.kind == .object }
        let plain = Set(groups.map(\.name)).union(hidden)
        print(lines(object, leavingOut: plain), terminal)
        for (name, value) in groups {
            Swift.print("\n\(terminal.marked(name.uppercased(), .bold))")
            print(lines(value).map { ("  \($0.name)", $0.text) }, terminal)
        }
    }

    static func print(_ lines: [(name: String, text: String)], _ terminal: Terminal) {
        let width = lines.map(\.name.count).max() ?? 0
        for line in lines {
            let padding = String(repeating: " ", count: width - line.name.count)
            Swift.print("\(terminal.marked(line.name, .bold))\(padding)  \(Terminal.visible(line.text))")
        }
    }

    private static func text(_ name: String, _ value: JSONDocument, isClientJSON: Bool) -> String {
        if isClientJSON { return Terminal.json(value) }
        if let number = value.integer {
            if name.hasSuffix("_at") || name.hasSuffix("_until") { return TimeText.local(number) }
            if name.hasSuffix("_ms") { return TimeText.span(number) }
        }
        return value.string ?? value.description
    }
}
