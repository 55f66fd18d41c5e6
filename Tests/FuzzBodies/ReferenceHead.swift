// A second opinion on the id at the front of a line that is no request: the longest beginning that a closing bracket makes
// a whole object is read by another parser, and its members are looked at. Quadratic, for short lines only.

import Wire

enum ReferenceHead {
    private static let delimiters = Array(",}".utf8)
    private static let spaces = Array(" \t\r\n".utf8)

    /// The raw JSON of the id, if the first members are `id`, or `op` and `id`, and no further one is an id.
    static func id(of line: [UInt8]) -> [UInt8]? {
        let head = Array(line.prefix(1_024))
        var names: [String] = []
        var values: [JSONDocument] = []
        for end in stride(from: head.count, to: 0, by: -1) where mayEnd(head, at: end) {
            let object = Array(head[..<end]) + Array("}".utf8)
            guard ReferenceJSON.accepts(object, objectOnly: true), let document = try? JSONDocument(object) else {
                continue
            }
            for (name, value) in document.members ?? [] {
                names.append(name)
                values.append(value)
            }
            break
        }
        guard let place = names.firstIndex(of: "id"), names.lastIndex(of: "id") == place else { return nil }
        guard place == 0 || (place == 1 && names[0] == "op") else { return nil }
        let id = values[place]
        if id.kind == .integer { return id.integer == nil ? nil : id.raw }
        guard let text = id.string else { return nil }
        return text.utf8.count <= 128 ? id.raw : nil
    }

    /// A member ends before a comma or a bracket; at the end of the bytes only when more bytes could not prolong it.
    private static func mayEnd(_ head: [UInt8], at end: Int) -> Bool {
        if end < head.count { return delimiters.contains(head[end]) }
        return spaces.contains(head[end - 1]) || Array("\"]}".utf8).contains(head[end - 1])
    }
}
