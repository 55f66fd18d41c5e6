// Patterns for names: `*` stands for any bytes, `?` for one, everything else for itself.

/// A pattern that names of queues (or workers) match.
public struct Glob: Hashable, Sendable, CustomStringConvertible {
    /// As it was written.
    public let pattern: String

    /// Matches everything.
    public static let all = Glob(unchecked: "*")

    /// What a pattern is made of, for messages.
    static let phrase = "1 to \(NameRule.maximumBytes) of A-Z a-z 0-9 _ . - * ?"

    /// nil when it is none: 1 to 64 bytes of what names are made of, `*` and `?`.
    public init?(_ pattern: String) {
        let bytes = pattern.utf8
        guard bytes.count >= 1, bytes.count <= NameRule.maximumBytes else { return nil }
        for byte in bytes {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2D, 0x2E, 0x2A, 0x3F: continue
            default: return nil
            }
        }
        self.init(unchecked: pattern)
    }

    /// A pattern for names of systemd's units, which are longer and have `@`, `:` and `\` too (systemd.unit(5)); nil when
    /// it is none.
    public init?(unit pattern: String) {
        guard (1...255).contains(pattern.utf8.count) else { return nil }
        for byte in pattern.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2D, 0x2E, 0x40, 0x3A, 0x5C, 0x2A, 0x3F: continue
            default: return nil
            }
        }
        self.init(unchecked: pattern)
    }

    private init(unchecked pattern: String) { self.pattern = pattern }

    public var description: String { pattern }

    /// It has no `*` and no `?`: it matches only itself.
    public var isExact: Bool { !Self.isPattern(pattern) }

    /// Whether a text has `*` or `?`: it is no name.
    public static func isPattern(_ text: String) -> Bool { text.utf8.contains { $0 == star || $0 == one } }

    /// Whether a name is one of those. At most O(pattern · name), whatever the pattern.
    public func matches(_ name: String) -> Bool {
        var pattern = pattern
        var name = name
        return pattern.withUTF8 { pattern in
            name.withUTF8 { name in
                starWalk(pattern, over: name, isStar: { $0 == Self.star }, takes: { $0 == Self.one || $0 == $1 })
            }
        }
    }

    static let star: UInt8 = 0x2A
    static let one: UInt8 = 0x3F
}
