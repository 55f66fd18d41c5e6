// Writing and reading are inverse: a tree of values is made from the input's bytes, written, read and compared.
//
// Each byte of the input chooses what comes next and takes what it needs from the bytes behind it; when they are used up,
// what is open is closed. Every input is thus a tree.

import Wire

public indirect enum JSONTree: Equatable {
    case object([Member])
    case array([JSONTree])
    case string(String)
    case integer(Int64)
    case double(Double)
    case bool(Bool)
    case null

    public struct Member: Equatable {
        public var name: String
        public var value: JSONTree
    }
}

public enum RoundTripBody {
    /// Checks the tree that the bytes stand for.
    public static func check(_ input: UnsafeRawBufferPointer) throws {
        var source = ByteSource(bytes: Array(input))
        try check(source.tree(depth: 1))
    }

    /// Checks one tree: what is read is what was written, on one line, and written again it has the same bytes.
    public static func check(_ tree: JSONTree) throws {
        var writer = JSONWriter()
        write(tree, to: &writer)
        writer.endLine()
        let line = writer.bytes
        try require(line.firstIndex(of: 0x0A) == line.count - 1, "more than one line")
        try require(ReferenceJSON.accepts(line, objectOnly: false), "what was written is no JSON")
        let document = try JSONDocument(line)
        let again = try read(document)
        try require(again == tree, "\(again) instead of \(tree)")
        var copy = JSONWriter()
        copy.beginArray()
        copy.raw(document.raw)
        copy.raw(document.raw)
        copy.endArray()
        let pair = try JSONDocument(copy.bytes)
        try require(try pair.array?.map(read) == [tree, tree], "a raw copy is not the same")
    }

    private static func write(_ tree: JSONTree, to writer: inout JSONWriter) {
        switch tree {
        case .object(let members):
            writer.beginObject()
            for member in members {
                writer.key(member.name)
                write(member.value, to: &writer)
            }
            writer.endObject()
        case .array(let elements):
            writer.beginArray()
            for element in elements { write(element, to: &writer) }
            writer.endArray()
        case .string(let text): writer.string(text)
        case .integer(let number): writer.integer(number)
        case .double(let number): writer.double(number)
        case .bool(let value): writer.bool(value)
        case .null: writer.null()
        }
    }

    private static func read(_ document: JSONDocument) throws -> JSONTree {
        switch document.kind {
        case .object:
            return .object(try document.members!.map { JSONTree.Member(name: $0.name, value: try read($0.value)) })
        case .array: return .array(try document.array!.map(read))
        case .string: return .string(document.string!)
        case .integer:
            guard let number = document.integer else { throw Finding("an integer was lost") }
            return .integer(number)
        case .number: return .double(document.double!)
        case .true, .false: return .bool(document.bool!)
        case .null: return .null
        }
    }
}

/// Hands out the bytes of an input as what is asked for.
struct ByteSource {
    let bytes: [UInt8]
    private var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    private mutating func byte() -> UInt8? {
        guard position < bytes.count else { return nil }
        position += 1
        return bytes[position - 1]
    }

    private mutating func word() -> UInt64 {
        var word: UInt64 = 0
        for _ in 0..<8 { word = word << 8 | UInt64(byte() ?? 0) }
        return word
    }

    private mutating func text() -> String {
        let count = min(Int(byte() ?? 0), bytes.count - position)
        defer { position += count }
        return String(decoding: bytes[position..<position + count], as: UTF8.self)
    }

    mutating func tree(depth: Int) -> JSONTree {
        guard let choice = byte() else { return .null }
        switch choice % 10 {
        case 0, 1:
            var members: [JSONTree.Member] = []
            while depth < 100, members.count < Int(choice / 10), position < bytes.count {
                members.append(JSONTree.Member(name: text(), value: tree(depth: depth + 1)))
            }
            return .object(members)
        case 2, 3:
            var elements: [JSONTree] = []
            while depth < 100, elements.count < Int(choice / 10), position < bytes.count {
                elements.append(tree(depth: depth + 1))
            }
            return .array(elements)
        case 4, 5: return .string(text())
        case 6: return .integer(Int64(bitPattern: word()))
        case 7:
            let number = Double(bitPattern: word())
            return number.isFinite ? .double(number) : .null
        case 8: return .bool(choice >= 128)
        default: return .null
        }
    }
}
