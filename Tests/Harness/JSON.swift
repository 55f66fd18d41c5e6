// JSON values for tests: written as Swift literals, read by a reader of the tests' own, so that the daemon's reader and
// writer are checked by a second implementation. Numbers keep only Int64 or Double precision; a test of fidelity to
// the byte looks at the raw line instead.

/// A JSON value.
public enum JSON: Sendable, Equatable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    /// Reads a JSON text.
    public init(parsing text: some Sequence<UInt8>) throws {
        let bytes = Array(text)
        do {
            self = try JSONReader.read(bytes)
        } catch {
            throw HarnessError("\(error): \(String(decoding: bytes.prefix(500), as: UTF8.self))")
        }
    }

    /// A member of an object or `.null`.
    public subscript(_ key: String) -> JSON {
        get { if case .object(let members) = self { members[key] ?? .null } else { .null } }
        set {
            guard case .object(var members) = self else { return }
            members[key] = newValue
            self = .object(members)
        }
    }

    /// An item of an array or `.null`.
    public subscript(_ index: Int) -> JSON {
        array.indices.contains(index) ? array[index] : .null
    }

    public var string: String? { if case .string(let value) = self { value } else { nil } }
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    public var int: Int? { if case .int(let value) = self { Int(value) } else { nil } }
    /// The items; empty for anything else.
    public var array: [JSON] { if case .array(let items) = self { items } else { [] } }
    /// The members; empty for anything else.
    public var object: [String: JSON] { if case .object(let members) = self { members } else { [:] } }
    public var isNull: Bool { self == .null }
    /// Whether an object has the member at all.
    public func has(_ key: String) -> Bool { object[key] != nil }
}

extension JSON: CustomStringConvertible {
    /// JSON on one line, members sorted by name.
    public var description: String {
        switch self {
        case .null: "null"
        case .bool(let value): String(value)
        case .int(let value): String(value)
        case .double(let value): String(value)
        case .string(let value): Self.quoted(value)
        case .array(let items): "[" + items.map(\.description).joined(separator: ",") + "]"
        case .object(let members):
            "{"
                + members.sorted { $0.key < $1.key }.map { "\(Self.quoted($0.key)):\($0.value)" }
                .joined(separator: ",") + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\u{0}"..."\u{1f}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

extension JSON: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral {
    public init(nilLiteral: ()) { self = .null }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .int(value) }
}

extension JSON: ExpressibleByFloatLiteral, ExpressibleByStringInterpolation {
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(stringLiteral value: String) { self = .string(value) }
}

extension JSON: ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(Dictionary(elements, uniquingKeysWith: { $1 }))
    }
}

extension JSON {
    public init(_ value: String) { self = .string(value) }
    public init(_ value: Int) { self = .int(Int64(value)) }
    public init(_ items: [JSON]) { self = .array(items) }
}
