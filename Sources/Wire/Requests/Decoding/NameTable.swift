// Finds a short name by its bytes, without making a string of it.
//
// A name of up to 16 bytes is its length and two overlapping words, which together determine it. They are hashed into
// a table four times the size, built once; a look-up is a few loads and one comparison. Longer names are not in any table.

struct NameTable: Sendable {
    /// A name of 1 to 16 bytes as three numbers.
    private struct Packed: Equatable, Sendable {
        var front: UInt64 = 0
        var back: UInt64 = 0
        var count = 0

        /// Nil for a name that is empty or too long. All loads lie within the name.
        @inline(__always)
        init?(_ name: UnsafeRawBufferPointer) {
            count = name.count
            switch count {
            case 8...16:
                front = name.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
                back = name.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
            case 4...7:
                front = UInt64(name.loadUnaligned(fromByteOffset: 0, as: UInt32.self))
                back = UInt64(name.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self))
            case 1...3:
                front = UInt64(name[0]) | UInt64(name[count / 2]) << 8 | UInt64(name[count - 1]) << 16
            default: return nil
            }
        }

        /// A slot of a table of 2^`bits` ones.
        func slot(bits: Int) -> Int {
            let mixed = (front ^ (back << 29 | back >> 35) ^ UInt64(count)) &* 0x9E37_79B9_7F4A_7C15
            return Int(truncatingIfNeeded: mixed >> (64 - UInt64(bits)))
        }
    }

    private struct Entry: Sendable {
        var name: Packed
        var index: Int
    }

    private let bits: Int
    private let entries: [Entry?]

    /// A table of names that differ, each 1 to 16 bytes long.
    init(_ names: [StaticString]) {
        var bits = 4
        while 1 << bits < names.count * 4 { bits += 1 }
        var entries = [Entry?](repeating: nil, count: 1 << bits)
        for (index, name) in names.enumerated() {
            guard let packed = name.withUTF8Buffer({ Packed(UnsafeRawBufferPointer($0)) }) else {
                preconditionFailure("a name in the table is empty or too long")
            }
            var slot = packed.slot(bits: bits)
            while let other = entries[slot] {
                precondition(other.name != packed, "a name is twice in the table")
                slot = (slot + 1) & (entries.count - 1)
            }
            entries[slot] = Entry(name: packed, index: index)
        }
        self.bits = bits
        self.entries = entries
    }

    /// The place of the name in the list the table was made of.
    func index(of name: UnsafeRawBufferPointer) -> Int? {
        guard let packed = Packed(name) else { return nil }
        var slot = packed.slot(bits: bits)
        // Ends: three quarters of the entries are empty.
        while let entry = entries[slot] {
            if entry.name == packed { return entry.index }
            slot = (slot + 1) & (entries.count - 1)
        }
        return nil
    }
}
