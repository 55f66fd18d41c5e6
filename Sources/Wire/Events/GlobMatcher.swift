// A pattern made ready to be held against many names.
//
// `Glob.matches` costs up to pattern · name steps, some microseconds for a pattern full of stars. Who holds thousands of
// patterns against each new queue needs the same whatever clients write: here each byte of the name is one step, since all
// that may be matched so far is one word (the Shift-And method of Baeza-Yates and Gonnet, 1992, with loops for the stars).

/// A pattern for names, as a table of at most 64 states.
public struct GlobMatcher: Sendable {
    /// Bit i: what follows i elements of the pattern takes this byte. From `-` to `z`; the last for all other bytes.
    private let advances: ContiguousArray<UInt64>
    /// Bit i: a star follows i elements of the pattern.
    private let stars: UInt64
    /// Elements that are no star.
    private let count: Int

    private static let first: UInt8 = 0x2D
    private static let byteCount = 0x7A - 0x2D + 1

    /// - Parameter glob: for names (not for units, whose patterns may be longer).
    public init(_ glob: Glob) {
        var advances = ContiguousArray<UInt64>(repeating: 0, count: Self.byteCount + 1)
        var stars: UInt64 = 0
        var count = 0
        for byte in glob.pattern.utf8 {
            if byte == Glob.star {
                stars |= 1 << UInt64(count)
                continue
            }
            precondition(count < UInt64.bitWidth)
            let bit: UInt64 = 1 << UInt64(count)
            if byte == Glob.one {
                for index in advances.indices { advances[index] |= bit }
            } else {
                advances[Int(byte - Self.first)] |= bit
            }
            count += 1
        }
        self.advances = advances
        self.stars = stars
        self.count = count
    }

    /// Whether a name is one of those: the same as `Glob.matches`.
    public func matches(_ name: String) -> Bool {
        // Bit i: what was read so far is what i elements of the pattern take.
        var states: UInt64 = 1
        var taken: UInt64 = 0
        for byte in name.utf8 {
            let index = Int(byte) - Int(Self.first)
            taken = states & advances[index >= 0 && index < Self.byteCount ? index : Self.byteCount]
            states = taken << 1 | states & stars
        }
        // With 64 elements there is no star, and the last state has no bit.
        return count == UInt64.bitWidth ? taken >> 63 == 1 : states >> UInt64(count) & 1 == 1
    }
}
