// A small reader of JSON for the clients of the protocol: replies and events, not requests.
//
// The text is validated once, as a whole; what is asked for is then looked up in the bytes each time. That suits a
// reply of which three members are read, and keeps every value's own spelling at hand (`raw`). Nothing is cached.

/// A validated JSON value: a view of its bytes.
public struct JSONDocument: Sendable, CustomStringConvertible {
    private let bytes: [UInt8]
    private let slice: JSONSlice

    /// Validates `bytes` as one JSON text.
    public init(_ bytes: [UInt8]) throws(JSONError) {
        self.bytes = bytes
        slice = try Self.scan(bytes)
    }

    public init(_ text: String) throws(JSONError) { try self.init(Array(text.utf8)) }

    public init(_ bytes: UnsafeRawBufferPointer) throws(JSONError) { try self.init(Array(bytes)) }

    private init(bytes: [UInt8], slice: JSONSlice) {
        self.bytes = bytes
        self.slice = slice
    }

    public var kind: JSONKind { slice.kind }

    /// The member of that name (the first, if there are several); nil when there is none or this is no object.
    public subscript(name: String) -> JSONDocument? {
        guard kind == .object else { return nil }
        var found: JSONDocument?
        eachMember { member, value in
            if found == nil, text(member) == name { found = JSONDocument(bytes: bytes, slice: value) }
        }
        return found
    }

    /// The element at `index`; nil when there is none or this is no array.
    public subscript(index: Int) -> JSONDocument? {
        guard let array, array.indices.contains(index) else { return nil }
        return array[index]
    }

    /// A string's text, with U+FFFD for lone surrogates.
    public var string: String? { kind == .string ? text(slice) : nil }

    /// An integer within Int64.
    public var integer: Int64? {
        kind == .integer ? bytes.withUnsafeBytes { JSONText.integer(slice, in: $0) } : nil
    }

    /// Any number.
    public var double: Double? {
        kind == .integer || kind == .number ? bytes.withUnsafeBytes { JSONText.number(slice, in: $0) } : nil
    }

    public var bool: Bool? { kind == .true ? true : kind == .false ? false : nil }
    public var isNull: Bool { kind == .null }

    /// The value's own bytes.
    public var raw: [UInt8] { Array(bytes[slice.range]) }

    /// The value's own text.
    public var description: String { String(decoding: bytes[slice.range], as: UTF8.self) }

    /// The elements of an array.
    public var array: [JSONDocument]? {
        guard kind == .array else { return nil }
        var elements: [JSONDocument] = []
        eachElement { elements.append(JSONDocument(bytes: bytes, slice: $0)) }
        return elements
    }

    /// The members of an object, in their order.
    public var members: [(name: String, value: JSONDocument)]? {
        guard kind == .object else { return nil }
        var members: [(name: String, value: JSONDocument)] = []
        eachMember { members.append((text($0), JSONDocument(bytes: bytes, slice: $1))) }
        return members
    }

    private func text(_ slice: JSONSlice) -> String {
        bytes.withUnsafeBytes { JSONText.string(slice, in: $0) }
    }

    private static func scan(_ bytes: [UInt8]) throws(JSONError) -> JSONSlice {
        var result: Result<JSONSlice, JSONError>!
        bytes.withUnsafeBytes { lent in
            result = Result { () throws(JSONError) in
                var scanner = JSONScanner(lent, allowsLoneSurrogates: true)
                return try scanner.scanText()
            }
        }
        return try result.get()
    }

    /// Walks an object that was validated.
    private func eachMember(_ body: (_ name: JSONSlice, _ value: JSONSlice) -> Void) {
        bytes.withUnsafeBytes { lent in
            var scanner = JSONScanner(lent, at: Int(slice.start) + 1, allowsLoneSurrogates: true)
            scanner.skipWhitespace()
            while scanner.peek != 0x7D {
                // Cannot throw: the same bytes passed the same scanner before.
                guard let name = try? scanner.scanName(), let value = try? scanner.scanValue(depth: 0) else { return }
                body(name, value)
                scanner.skipWhitespace()
                guard scanner.peek == 0x2C else { return }
                scanner.position += 1
                scanner.skipWhitespace()
            }
        }
    }

    /// Walks an array that was validated.
    private func eachElement(_ body: (JSONSlice) -> Void) {
        bytes.withUnsafeBytes { lent in
            var scanner = JSONScanner(lent, at: Int(slice.start) + 1, allowsLoneSurrogates: true)
            scanner.skipWhitespace()
            while scanner.peek != 0x5D {
                // Cannot throw: the same bytes passed the same scanner before.
                guard let value = try? scanner.scanValue(depth: 0) else { return }
                body(value)
                scanner.skipWhitespace()
                guard scanner.peek == 0x2C else { return }
                scanner.position += 1
                scanner.skipWhitespace()
            }
        }
    }
}
