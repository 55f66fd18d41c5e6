// Writes JSON into one byte buffer, commas included.
//
// One flag is all the state the commas need: the next name or value has a comma before it exactly when a value or a
// closing bracket stands before it. The nesting itself is the caller's business (a bug there would show in the first test);
// only a depth is counted, to catch lines that are not closed.

/// Appends JSON values to `bytes`.
public struct JSONWriter {
    /// What was written so far.
    public private(set) var bytes: [UInt8] = []
    private var needsComma = false
    private var depth = 0

    public init() {}

    /// Begins anew, with the storage it has.
    public mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        needsComma = false
        depth = 0
    }

    /// Begins anew; storage beyond `capacity` bytes is given back.
    public mutating func removeAll(keepingAtMost capacity: Int) {
        if bytes.capacity > capacity { bytes = [] }
        removeAll()
    }

    public mutating func beginObject() { open(0x7B) }
    public mutating func endObject() { close(0x7D) }
    public mutating func beginArray() { open(0x5B) }
    public mutating func endArray() { close(0x5D) }

    /// A member's name; its value must follow. The name needs no escapes.
    public mutating func key(_ name: StaticString) {
        comma()
        bytes.append(0x22)
        name.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(0x22)
        bytes.append(0x3A)
    }

    /// A member's name, escaped where needed; its value must follow.
    public mutating func key(_ name: String) {
        comma()
        quoted(name)
        bytes.append(0x3A)
    }

    public mutating func string(_ value: String) {
        comma()
        quoted(value)
        needsComma = true
    }

    public mutating func string(_ value: StaticString) {
        comma()
        bytes.append(0x22)
        value.withUTF8Buffer { escaped(UnsafeRawBufferPointer($0)) }
        bytes.append(0x22)
        needsComma = true
    }

    public mutating func integer(_ value: Int) { integer(Int64(value)) }

    public mutating func integer(_ value: Int64) {
        comma()
        if value < 0 { bytes.append(0x2D) }
        decimal(value.magnitude)
        needsComma = true
    }

    /// A number, which must be finite (JSON has no other).
    public mutating func double(_ value: Double) {
        precondition(value.isFinite)
        comma()
        bytes.append(contentsOf: value.description.utf8)
        needsComma = true
    }

    public mutating func bool(_ value: Bool) { word(value ? "true" : "false") }
    public mutating func null() { word("null") }

    /// One validated JSON value as it is. It must have no line break in it.
    public mutating func raw(_ json: [UInt8]) {
        comma()
        bytes.append(contentsOf: json)
        needsComma = true
    }

    /// Ends the line of a finished value.
    public mutating func endLine() {
        assert(depth == 0, "a line ends inside an object or array")
        bytes.append(0x0A)
        needsComma = false
    }

    // MARK: Whole members

    public mutating func member(_ name: StaticString, _ value: String) {
        key(name)
        string(value)
    }
    public mutating func member(_ name: StaticString, _ value: Int) {
        key(name)
        integer(Int64(value))
    }
    public mutating func member(_ name: StaticString, _ value: Int64) {
        key(name)
        integer(value)
    }
    public mutating func member(_ name: StaticString, _ value: Bool) {
        key(name)
        bool(value)
    }
    public mutating func member(_ name: StaticString, raw json: [UInt8]) {
        key(name)
        raw(json)
    }

    // MARK: Bytes

    private mutating func open(_ bracket: UInt8) {
        comma()
        bytes.append(bracket)
        needsComma = false
        depth += 1
    }

    private mutating func close(_ bracket: UInt8) {
        assert(depth > 0, "more closing than opening brackets")
        bytes.append(bracket)
        needsComma = true
        depth -= 1
    }

    /// Puts the comma before a name or value, if one is due. After a name none is.
    private mutating func comma() {
        if needsComma { bytes.append(0x2C) }
        needsComma = false
    }

    private mutating func word(_ word: StaticString) {
        comma()
        word.withUTF8Buffer { bytes.append(contentsOf: $0) }
        needsComma = true
    }

    private mutating func decimal(_ value: UInt64) {
        if value < 10 {
            bytes.append(0x30 + UInt8(truncatingIfNeeded: value))
            return
        }
        var rest = value
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var index = 20  // UInt64 has at most twenty digits, so the index does not pass 0
            while rest > 0 {
                index -= 1
                digits[index] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: digits[index...]))
        }
    }

    private mutating func quoted(_ text: String) {
        var text = text
        bytes.append(0x22)
        text.withUTF8 { escaped(UnsafeRawBufferPointer($0)) }
        bytes.append(0x22)
    }

    /// RFC 8259, section 7: only quote, backslash and the control characters below 0x20 must be escaped.
    private mutating func escaped(_ text: UnsafeRawBufferPointer) {
        var start = 0
        for index in 0..<text.count {
            let byte = text[index]
            guard byte < 0x20 || byte == 0x22 || byte == 0x5C else { continue }
            bytes.append(contentsOf: text[start..<index])
            escape(byte)
            start = index + 1
        }
        bytes.append(contentsOf: text[start...])
    }

    private mutating func escape(_ byte: UInt8) {
        bytes.append(0x5C)
        switch byte {
        case 0x22, 0x5C: bytes.append(byte)
        case 0x08: bytes.append(0x62)
        case 0x09: bytes.append(0x74)
        case 0x0A: bytes.append(0x6E)
        case 0x0C: bytes.append(0x66)
        case 0x0D: bytes.append(0x72)
        default:
            bytes.append(contentsOf: [0x75, 0x30, 0x30, 0x30 + byte >> 4])
            bytes.append(byte & 15 < 10 ? 0x30 + byte & 15 : 0x57 + byte & 15)
        }
    }
}
