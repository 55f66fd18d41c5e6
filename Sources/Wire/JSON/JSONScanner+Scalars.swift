// Strings, numbers and the three words of JSON.
//
// A string is passed eight plain bytes at a time; a quote, a backslash, a control character or a byte beyond ASCII stops
// the quick way and is looked at alone. `\u` escapes are checked for their four digits and for lone surrogates: RFC 8259
// allows those, but strict parsers refuse every text that has one, so a stored one would spoil a whole reply.

extension JSONScanner {
    /// Validates the string whose opening quote is at the position and moves behind it. True: it has an escape.
    @inline(__always)
    mutating func skipString() throws(JSONError) -> Bool {
        position += 1
        var isEscaped = false
        while true {
            skipPlainBytes()
            guard position < count else { throw error(.openString) }
            let byte = base[position]
            if byte == 0x22 {
                position += 1
                return isEscaped
            }
            if byte == 0x5C {
                isEscaped = true
                try skipEscape()
            } else if byte >= 0x80 {
                try skipMultibyte()
            } else if byte < 0x20 {
                throw error(.controlCharacter)
            } else {
                position += 1
            }
        }
    }

    /// Moves to the first byte that is not plain text inside a string, or to where fewer than eight bytes are left.
    @inline(__always)
    private mutating func skipPlainBytes() {
        let ones = ByteSearch.ones
        while count - position >= 8 {
            // In bounds: at least eight bytes are left.
            let word = UInt64(
                littleEndian: UnsafeRawPointer(base + position).loadUnaligned(as: UInt64.self))
            // A high bit is set for a quote, a backslash, a byte below 0x20 or one beyond ASCII. Borrows only disturb
            // the bytes after the first that is found.
            let quote = (word ^ (ones &* 0x22)) &- ones
            let backslash = (word ^ (ones &* 0x5C)) &- ones
            let control = word &- (ones &* 0x20)
            let stops = (quote | backslash | control | word) & ByteSearch.highBits
            if stops != 0 {
                position += stops.trailingZeroBitCount >> 3
                return
            }
            position += 8
        }
    }

    /// Moves behind the escape whose backslash is at the position.
    private mutating func skipEscape() throws(JSONError) {
        guard position + 1 < count else { throw JSONError(problem: .openString, offset: position) }
        switch base[position + 1] {
        case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74:
            position += 2
        case 0x75:
            guard position + 6 <= count else { throw JSONError(problem: .badEscape, offset: position) }
            for index in position + 2..<position + 6 where JSONText.hexDigit(base[index]) == nil {
                throw JSONError(problem: .badEscape, offset: index)
            }
            if !allowsLoneSurrogates, isSurrogate(at: position) {
                guard startsPair(at: position) else { throw JSONError(problem: .loneSurrogate, offset: position) }
                position += 6
            }
            position += 6
        default:
            throw error(.badEscape)
        }
    }

    /// Whether the `\u` escape at `index`, which has its four digits, is D800 to DFFF.
    private func isSurrogate(at index: Int) -> Bool {
        base[index + 2] | 0x20 == 0x64 && JSONText.hexDigit(base[index + 3])! >= 8
    }

    /// Whether the surrogate at `index` is the first half of a pair (D800 to DBFF) and its second half follows.
    private func startsPair(at index: Int) -> Bool {
        guard JSONText.hexDigit(base[index + 3])! < 0xC, index + 12 <= count else { return false }
        let second = index + 6
        guard base[second] == 0x5C, base[second + 1] == 0x75, base[second + 2] | 0x20 == 0x64,
            let digit = JSONText.hexDigit(base[second + 3])
        else { return false }
        return digit >= 0xC && JSONText.hexDigit(base[second + 4]) != nil && JSONText.hexDigit(base[second + 5]) != nil
    }

    /// Moves behind one character beyond ASCII; the ranges are those of the Unicode Standard, table 3-7.
    private mutating func skipMultibyte() throws(JSONError) {
        let lead = base[position]
        let (length, low, high): (Int, UInt8, UInt8) =
            switch lead {
            case 0xC2...0xDF: (2, 0x80, 0xBF)
            case 0xE0: (3, 0xA0, 0xBF)
            case 0xED: (3, 0x80, 0x9F)
            case 0xE1...0xEF: (3, 0x80, 0xBF)
            case 0xF0: (4, 0x90, 0xBF)
            case 0xF1...0xF3: (4, 0x80, 0xBF)
            case 0xF4: (4, 0x80, 0x8F)
            default: (0, 0, 0)
            }
        guard length > 0, position + length <= count else { throw error(.badUTF8) }
        guard base[position + 1] >= low, base[position + 1] <= high else { throw error(.badUTF8) }
        for index in position + 2..<max(position + 2, position + length) where base[index] & 0xC0 != 0x80 {
            throw error(.badUTF8)
        }
        position += length
    }

    /// Validates a number, `true`, `false` or `null` and moves behind it.
    @inline(__always)
    mutating func skipNumberOrWord() throws(JSONError) -> JSONKind {
        switch peek {
        case 0x2D, 0x30...0x39: return try skipNumber()
        case 0x74: return try skipWord("true", .true)
        case 0x66: return try skipWord("false", .false)
        case 0x6E: return try skipWord("null", .null)
        default: throw error(.expectedValue)
        }
    }

    private mutating func skipWord(_ word: StaticString, _ kind: JSONKind) throws(JSONError) -> JSONKind {
        let length = word.utf8CodeUnitCount
        for index in 0..<length {
            guard position + index < count, base[position + index] == word.utf8Start[index] else {
                throw error(.expectedValue)
            }
        }
        position += length
        return kind
    }

    private mutating func skipNumber() throws(JSONError) -> JSONKind {
        if peek == 0x2D { position += 1 }
        if peek == 0x30 {
            position += 1
        } else {
            try skipDigits()
        }
        var kind = JSONKind.integer
        if peek == 0x2E {
            kind = .number
            position += 1
            try skipDigits()
        }
        if peek | 0x20 == 0x65 {
            kind = .number
            position += 1
            if peek == 0x2B || peek == 0x2D { position += 1 }
            try skipDigits()
        }
        // A digit after a leading zero, as in 01. Anything else that does not belong here fails with what follows.
        guard peek &- 0x30 > 9 else { throw error(.badNumber) }
        return kind
    }

    /// At least one digit.
    private mutating func skipDigits() throws(JSONError) {
        guard peek &- 0x30 <= 9 else { throw error(.badNumber) }
        repeat { position += 1 } while peek &- 0x30 <= 9
    }
}
