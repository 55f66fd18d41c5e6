// Looks for a byte, eight at a time.
//
// Why not memchr: this module has no C in it. The words are read only where eight bytes are left before the end, the
// remainder one by one, so no read passes the buffer.

enum ByteSearch {
    static let ones: UInt64 = 0x0101_0101_0101_0101
    static let highBits: UInt64 = 0x8080_8080_8080_8080

    /// The index of the first `byte` at or after `start`, or nil.
    static func first(_ byte: UInt8, in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        precondition(start >= 0 && start <= bytes.count)
        let pattern = ones &* UInt64(byte)
        var index = start
        while bytes.count - index >= 8 {
            // In bounds: at least eight bytes are left.
            let difference = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)) ^ pattern
            // The lowest set high bit marks the first zero byte of `difference`; a borrow can only disturb later ones.
            let zeros = (difference &- ones) & ~difference & highBits
            if zeros != 0 { return index + zeros.trailingZeroBitCount >> 3 }
            index += 8
        }
        while index < bytes.count {
            if bytes[index] == byte { return index }
            index += 1
        }
        return nil
    }
}
