// A job's name is opaque for clients but carries its queue, so that every operation on a job knows its keys.
//
// Parsing happens once, at the edge; behind it queue and id travel apart.

/// A job's name as clients see it, `email/01KA8Q4M3VJ5W2N7R0TXYZABCD`: its queue, a slash and its id.
public struct JobName: Hashable, Sendable, CustomStringConvertible {
    public var queue: String
    /// The part after the slash.
    public var id: String

    public init(queue: String, id: String) {
        self.queue = queue
        self.id = id
    }

    /// Nil when the text is not a queue's name, a slash and an id.
    public init?(_ text: String) {
        var text = text
        guard let name = text.withUTF8({ JobName(UnsafeRawBufferPointer($0)) }) else { return nil }
        self = name
    }

    init?(_ text: UnsafeRawBufferPointer) {
        guard text.count <= 2 * NameRule.maximumBytes + 1, let slash = ByteSearch.first(0x2F, in: text, from: 0) else {
            return nil
        }
        let queue = UnsafeRawBufferPointer(rebasing: text[..<slash])
        let id = UnsafeRawBufferPointer(rebasing: text[(slash + 1)...])
        guard NameRule.queue.accepts(queue), NameRule.jobID.accepts(id) else { return nil }
        self.queue = String(decoding: queue, as: UTF8.self)
        self.id = String(decoding: id, as: UTF8.self)
    }

    public var description: String { "\(queue)/\(id)" }

    /// Whether a text may be the name of a queue (or a topic).
    public static func isQueue(_ text: some StringProtocol) -> Bool { follows(text, .queue) }

    /// Whether a text may be the part after the slash.
    public static func isID(_ text: some StringProtocol) -> Bool { follows(text, .jobID) }

    private static func follows(_ text: some StringProtocol, _ rule: NameRule) -> Bool {
        var text = String(text)
        return text.withUTF8 { rule.accepts(UnsafeRawBufferPointer($0)) }
    }
}
