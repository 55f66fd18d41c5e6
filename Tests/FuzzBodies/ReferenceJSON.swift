// A second opinion on what is JSON: recursive, slow, and written straight from the grammar of RFC 8259, so that it has
// nothing in common with the scanner it is compared with.

public struct ReferenceJSON {
    private var rest: ArraySlice<Unicode.Scalar>
    private let maximumDepth: Int
    private let allowsLoneSurrogates: Bool

    /// Whether the bytes are one JSON object (if `objectOnly`, otherwise any value) nested at most 128 deep.
    public static func accepts(_ bytes: [UInt8], objectOnly: Bool, allowsLoneSurrogates: Bool = false) -> Bool {
        // The standard library's own validation stands for that of UTF-8.
        guard let text = String(validating: bytes, as: UTF8.self) else { return false }
        var parser = ReferenceJSON(
            rest: ArraySlice(text.unicodeScalars), maximumDepth: 128, allowsLoneSurrogates: allowsLoneSurrogates)
        parser.whitespace()
        if objectOnly && parser.rest.first != "{" { return false }
        guard parser.value(depth: 1) else { return false }
        parser.whitespace()
        return parser.rest.isEmpty
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard rest.first == scalar else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func take(anyOf set: String) -> Bool {
        guard let first = rest.first, set.unicodeScalars.contains(first) else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func whitespace() { while take(anyOf: " \t\n\r") {} }

    private mutating func value(depth: Int) -> Bool {
        switch rest.first {
        case "{": depth <= maximumDepth && object(depth: depth)
        case "[": depth <= maximumDepth && array(depth: depth)
        case "\"": string()
        case "t": "true".unicodeScalars.allSatisfy { take($0) }
        case "f": "false".unicodeScalars.allSatisfy { take($0) }
        case "n": "null".unicodeScalars.allSatisfy { take($0) }
        default: number()
        }
    }

    private mutating func object(depth: Int) -> Bool {
        rest.removeFirst()
        whitespace()
        if take("}") { return true }
        repeat {
            whitespace()
            guard rest.first == "\"", string() else { return false }
            whitespace()
            guard take(":") else { return false }
            whitespace()
            guard value(depth: depth + 1) else { return false }
            whitespace()
        } while take(",")
        return take("}")
    }

    private mutating func array(depth: Int) -> Bool {
        rest.removeFirst()
        whitespace()
        if take("]") { return true }
        repeat {
            whitespace()
            guard value(depth: depth + 1) else { return false }
            whitespace()
        } while take(",")
        return take("]")
    }

    private mutating func string() -> Bool {
        rest.removeFirst()
        // The first half of a pair whose second half must come next.
        var awaitsHalf = false
        while let scalar = rest.popFirst() {
            if awaitsHalf, scalar != "\\" || rest.first != "u" { return false }
            switch scalar {
            case "\"": return true
            case "\\":
                if take("u") {
                    guard let unit = codeUnit() else { return false }
                    let isSecondHalf = (0xDC00...0xDFFF).contains(unit)
                    if !allowsLoneSurrogates, isSecondHalf != awaitsHalf { return false }
                    awaitsHalf = !allowsLoneSurrogates && (0xD800...0xDBFF).contains(unit)
                } else {
                    guard take(anyOf: "\"\\/bfnrt") else { return false }
                }
            case "\u{0}"..."\u{1F}": return false
            default: continue
            }
        }
        return false
    }

    private mutating func codeUnit() -> Int? {
        var digits = ""
        while digits.unicodeScalars.count < 4, let digit = rest.popFirst() { digits.unicodeScalars.append(digit) }
        guard digits.unicodeScalars.count == 4, digits.unicodeScalars.allSatisfy(\.properties.isASCIIHexDigit) else {
            return nil
        }
        return Int(digits, radix: 16)
    }

    private mutating func number() -> Bool {
        _ = take("-")
        if !take("0") { guard digits() else { return false } }
        if take(".") { guard digits() else { return false } }
        if take(anyOf: "eE") {
            _ = take(anyOf: "+-")
            return digits()
        }
        return true
    }

    private mutating func digits() -> Bool {
        guard take(anyOf: "0123456789") else { return false }
        while take(anyOf: "0123456789") {}
        return true
    }
}
