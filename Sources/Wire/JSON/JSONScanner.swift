// Validates JSON in one pass and tells where values begin and end; it builds nothing.
//
// All of RFC 8259 and of UTF-8 is checked, without recursion: the kinds of the open containers are bits of one 128-bit
// number, which is also why the depth ends at 128. Strings and numbers are in `JSONScanner+Scalars.swift`.
//
// Why the pointer is safe: `base` is valid for `count` bytes as long as the caller lends the buffer (every scanner lives
// inside one call), and each load is preceded by a comparison with `count`, in `peek` or next to it.

/// Where a value stands in its text, and what it is.
struct JSONSlice: Sendable {
    var start: UInt32 = 0
    var end: UInt32 = 0
    var kind: JSONKind = .null
    /// For strings: there is at least one backslash in it.
    var isEscaped = false

    var range: Range<Int> { Int(start)..<Int(end) }
    /// For strings: what stands between the quotes.
    var inner: Range<Int> { Int(start) + 1..<Int(end) - 1 }
    var count: Int { Int(end &- start) }
}

struct JSONScanner {
    static let maximumDepth = 128

    /// How deep what is stored may be nested: the deepest reply, a claim's, puts its object, `jobs` and the job around it,
    /// and every reply can then be read with `maximumDepth`.
    static let maximumStoredDepth = maximumDepth - 3

    let base: UnsafePointer<UInt8>
    let count: Int
    var position: Int
    /// For readers of what others wrote: replies may have texts that were stored before lone surrogates were refused.
    let allowsLoneSurrogates: Bool
    /// The most containers that were open at once so far, those counted by the caller included.
    private(set) var deepest = 0

    /// A scanner over `bytes`, which must outlive it.
    init(_ bytes: UnsafeRawBufferPointer, at position: Int = 0, allowsLoneSurrogates: Bool = false) {
        precondition(bytes.count <= Int(UInt32.max) && position >= 0 && position <= bytes.count)
        // An empty buffer may have no address; with count 0 the stand-in is never read.
        base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? UnsafePointer(bitPattern: 1)!
        count = bytes.count
        self.position = position
        self.allowsLoneSurrogates = allowsLoneSurrogates
    }

    /// The byte at the position; 0 at the end, which no rule of JSON accepts.
    var peek: UInt8 {
        @inline(__always) get { position < count ? base[position] : 0 }
    }

    @inline(__always)
    mutating func skipWhitespace() {
        while position < count {
            let byte = base[position]
            guard byte <= 0x20, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            position += 1
        }
    }

    func error(_ problem: JSONError.Problem) -> JSONError {
        JSONError(problem: position < count ? problem : .unexpectedEnd, offset: position)
    }

    /// Reads `"name"` and the colon behind it, up to the value. The slice has the quotes.
    @inline(__always)
    mutating func scanName() throws(JSONError) -> JSONSlice {
        guard peek == 0x22 else { throw error(.expectedName) }
        let start = position
        let isEscaped = try skipString()
        let name = JSONSlice(
            start: UInt32(truncatingIfNeeded: start), end: UInt32(truncatingIfNeeded: position), kind: .string,
            isEscaped: isEscaped)
        skipWhitespace()
        guard peek == 0x3A else { throw error(.expectedColon) }
        position += 1
        skipWhitespace()
        return name
    }

    /// Validates the value that begins at the position (no whitespace before it) and moves behind it.
    ///
    /// - Parameter depth: how many containers are open around it.
    mutating func scanValue(depth: Int) throws(JSONError) -> JSONSlice {
        let start = position
        var slice = JSONSlice(start: UInt32(truncatingIfNeeded: start))
        switch peek {
        case 0x7B:
            slice.kind = .object
            try skipContainer(depth: depth)
        case 0x5B:
            slice.kind = .array
            try skipContainer(depth: depth)
        case 0x22:
            slice.kind = .string
            slice.isEscaped = try skipString()
        default:
            slice.kind = try skipNumberOrWord()
        }
        slice.end = UInt32(truncatingIfNeeded: position)
        return slice
    }

    /// Validates a whole text: one value with nothing but whitespace around it.
    mutating func scanText() throws(JSONError) -> JSONSlice {
        skipWhitespace()
        let value = try scanValue(depth: 0)
        try expectEnd()
        return value
    }

    /// How deep a validated value is nested: 0 for all but objects and arrays.
    static func depth(of value: JSONSlice, in bytes: UnsafeRawBufferPointer) -> Int {
        var scanner = JSONScanner(bytes, at: Int(value.start))
        // Cannot throw: the same bytes passed a scanner before.
        _ = try? scanner.scanValue(depth: 0)
        return scanner.deepest
    }

    /// Nothing but whitespace may follow.
    mutating func expectEnd() throws(JSONError) {
        skipWhitespace()
        guard position == count else { throw error(.trailingBytes) }
    }

    /// Validates an object or array with all that is in it.
    private mutating func skipContainer(depth: Int) throws(JSONError) {
        var objects: UInt128 = 0  // the kinds of the open containers, the innermost in the lowest bit: 1 is an object
        var open = 0
        var mostOpen = 0
        defer { deepest = max(deepest, depth + mostOpen) }
        while true {
            // At the beginning of a value.
            switch peek {
            case 0x7B:
                objects = objects << 1 | 1
                open += 1
                guard depth + open <= Self.maximumDepth else { throw error(.tooDeep) }
                mostOpen = max(mostOpen, open)
                position += 1
                skipWhitespace()
                if peek != 0x7D {
                    _ = try scanName()
                    continue
                }
            case 0x5B:
                objects <<= 1
                open += 1
                guard depth + open <= Self.maximumDepth else { throw error(.tooDeep) }
                mostOpen = max(mostOpen, open)
                position += 1
                skipWhitespace()
                if peek != 0x5D { continue }
            case 0x22:
                _ = try skipString()
            default:
                _ = try skipNumberOrWord()
            }
            // Behind a value, or before the end of an empty container.
            var isAfterValue = true
            while isAfterValue {
                skipWhitespace()
                let isObject = objects & 1 == 1
                switch peek {
                case 0x2C:
                    position += 1
                    skipWhitespace()
                    if isObject { _ = try scanName() }
                    isAfterValue = false
                case 0x7D where isObject, 0x5D where !isObject:
                    position += 1
                    objects >>= 1
                    open -= 1
                    if open == 0 { return }
                default:
                    throw error(.expectedCommaOrEnd)
                }
            }
        }
    }
}
