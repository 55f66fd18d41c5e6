// Turns validated slices of JSON into Swift values: strings without their escapes, integers, numbers.
//
// Everything here relies on `JSONScanner` having accepted the slice. A string without escapes is copied as it is.

enum JSONText {
    /// The value of a hexadecimal digit, or nil.
    static func hexDigit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case 0x30...0x39: UInt32(byte - 0x30)
        case 0x41...0x46: UInt32(byte - 0x37)
        case 0x61...0x66: UInt32(byte - 0x57)
        default: nil
        }
    }

    /// The text between the quotes, with U+FFFD in place of lone surrogates (a request has none).
    static func string(_ slice: JSONSlice, in bytes: UnsafeRawBufferPointer) -> String {
        if !slice.isEscaped { return String(decoding: bytes[slice.inner], as: UTF8.self) }
        return String(decoding: unescape(bytes[slice.inner]), as: UTF8.self)
    }

    /// How many bytes the text between the quotes has, without its escapes.
    static func length(_ slice: JSONSlice, in bytes: UnsafeRawBufferPointer) -> Int {
        slice.isEscaped ? unescape(bytes[slice.inner]).count : slice.inner.count
    }

    /// The UTF-8 behind the escapes of a string's inside; a lone surrogate becomes U+FFFD.
    static func unescape(_ inner: Slice<UnsafeRawBufferPointer>) -> [UInt8] {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(inner.count)
        var index = inner.startIndex
        while index < inner.endIndex {
            let byte = inner[index]
            guard byte == 0x5C else {
                decoded.append(byte)
                index += 1
                continue
            }
            let letter = inner[index + 1]
            guard letter == 0x75 else {
                decoded.append(unescaped(letter))
                index += 2
                continue
            }
            var unit = codeUnit(inner, at: index + 2)
            index += 6
            if unit & 0xFC00 == 0xD800, index + 6 <= inner.endIndex, inner[index] == 0x5C, inner[index + 1] == 0x75 {
                let second = codeUnit(inner, at: index + 2)
                if second & 0xFC00 == 0xDC00 {
                    unit = 0x10000 + (unit & 0x3FF) << 10 + second & 0x3FF
                    index += 6
                }
            }
            if let scalar = Unicode.Scalar(unit) {
                decoded.append(contentsOf: UTF8.encode(scalar)!)
            } else {
                decoded.append(contentsOf: [0xEF, 0xBF, 0xBD])
            }
        }
        return decoded
    }

    /// An integer's value; nil beyond Int64.
    static func integer(_ slice: JSONSlice, in bytes: UnsafeRawBufferPointer) -> Int64? {
        var index = Int(slice.start)
        let end = Int(slice.end)
        let isNegative = bytes[index] == 0x2D
        if isNegative { index += 1 }
        var value: Int64 = 0
        while index < end {
            let digit = Int64(bytes[index] &- 0x30)
            let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
            // Downwards for negative numbers, since their range reaches one further.
            let (sum, carry) =
                isNegative ? shifted.subtractingReportingOverflow(digit) : shifted.addingReportingOverflow(digit)
            if overflow || carry { return nil }
            value = sum
            index += 1
        }
        return value
    }

    /// A number's value; infinite when it is beyond Double.
    static func number(_ slice: JSONSlice, in bytes: UnsafeRawBufferPointer) -> Double {
        // Every JSON number is in the grammar of Double's initialiser.
        Double(String(decoding: bytes[slice.range], as: UTF8.self)) ?? .infinity
    }

    private static func codeUnit(_ inner: Slice<UnsafeRawBufferPointer>, at index: Int) -> UInt32 {
        var unit: UInt32 = 0
        for offset in 0..<4 { unit = unit << 4 | hexDigit(inner[index + offset])! }
        return unit
    }

    private static func unescaped(_ letter: UInt8) -> UInt8 {
        switch letter {
        case 0x62: 0x08
        case 0x66: 0x0C
        case 0x6E: 0x0A
        case 0x72: 0x0D
        case 0x74: 0x09
        default: letter  // quote, backslash, slash
        }
    }
}
