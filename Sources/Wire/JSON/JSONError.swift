// What a JSON value is, and why a text is not JSON (RFC 8259).

/// The kind of a JSON value. Numbers are told apart by their spelling: `5` is an integer, `5.0` and `5e0` are not.
public enum JSONKind: UInt8, Sendable {
    case object, array, string, integer, number, `true`, `false`, null
}

/// Why a text is not one JSON value, and where.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The rule that was broken, in words that never quote the text.
    public enum Problem: String, Sendable {
        case unexpectedEnd = "the text ends too early"
        case expectedValue = "a value is expected"
        case expectedName = "a member's name is expected"
        case expectedColon = "a colon is expected"
        case expectedCommaOrEnd = "a comma or a closing bracket is expected"
        case badNumber = "a number is malformed"
        case openString = "a string is not closed"
        case controlCharacter = "a control character in a string must be escaped"
        case badEscape = "an escape in a string is malformed"
        case loneSurrogate = "an escape in a string is one half of a surrogate pair without the other"
        case badUTF8 = "a string is not valid UTF-8"
        case tooDeep = "nested deeper than 128"
        case notAnObject = "it is a value of another kind"
        case trailingBytes = "there is more after the end of the value"
    }
    public let problem: Problem
    /// Offset in bytes from the beginning of the text.
    public let offset: Int

    public var description: String { "\(problem.rawValue) (byte \(offset))" }
}
