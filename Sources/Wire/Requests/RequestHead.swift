// The id of a line that is no request: too long to be kept, or not JSON. A client that has several requests open learns by
// it which of them was refused.
//
// The contract: `op` and `id` are the first members, in either order, within the first 1,024 bytes. Everything that can be
// read there is read: members up to the first that is not whole and followed by a comma or a bracket. A number cut short
// would be another id, so one without what ends it is none; nor is there one when the members name two.

enum RequestHead {
    /// How far from its beginning a line is looked at.
    static let maximumBytes = 1_024

    /// The raw JSON of the id at the front of a line, or nil. `line` may be cut anywhere behind its first `maximumBytes`.
    static func id(of line: UnsafeRawBufferPointer) -> [UInt8]? {
        let head = UnsafeRawBufferPointer(rebasing: line.prefix(maximumBytes))
        var scanner = JSONScanner(head)
        scanner.skipWhitespace()
        guard scanner.peek == 0x7B else { return nil }
        scanner.position += 1
        var id: JSONSlice?
        var place = 0
        while let (name, value) = wholeMember(&scanner) {
            let text = JSONText.unescape(head[name.inner])
            if text.elementsEqual("id".utf8) {
                guard id == nil, place <= 1 else { return nil }
                id = value
            } else if place == 0, !text.elementsEqual("op".utf8) {
                return nil
            }
            place += 1
        }
        guard let id, Request.isID(id, in: head) else { return nil }
        return Array(head[id.range])
    }

    /// The next member, if it is whole; the scanner is then behind the comma or at the bracket that follows.
    private static func wholeMember(_ scanner: inout JSONScanner) -> (name: JSONSlice, value: JSONSlice)? {
        scanner.skipWhitespace()
        guard let name = try? scanner.scanName(), let value = try? scanner.scanValue(depth: 1) else { return nil }
        let end = scanner.position
        scanner.skipWhitespace()
        switch scanner.peek {
        case 0x2C: scanner.position += 1
        case 0x7D: break
        default:
            // Only at the end of the bytes may the comma be missing, and only behind what says itself where it ends.
            let closes: Bool =
                switch value.kind {
                case .string, .object, .array: true
                case .integer, .number, .true, .false, .null: end < scanner.position
                }
            guard scanner.position == scanner.count, closes else { return nil }
        }
        return (name, value)
    }
}
