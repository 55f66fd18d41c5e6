// Keys out of the bytes that a terminal sends. Pure. A sequence that is cut in two by a read is not put together: then its
// rest does nothing.

/// What a key asks for.
enum TopKey: Equatable {
    case quit, pause, sort, filter, help, up, down, pageUp, pageDown, home

    /// Takes the next key away; nil: it is none of ours.
    static func next(_ rest: inout ArraySlice<UInt8>) -> TopKey? {
        guard let byte = rest.first else { return nil }
        if byte == 0x1B { return sequence(&rest) }
        rest.removeFirst()
        return plain(byte)
    }

    static func keys(in bytes: [UInt8]) -> [TopKey] {
        var keys: [TopKey] = []
        var rest = bytes[...]
        while !rest.isEmpty { if let key = next(&rest) { keys.append(key) } }
        return keys
    }

    private static func plain(_ byte: UInt8) -> TopKey? {
        switch byte {
        case UInt8(ascii: "q"), UInt8(ascii: "Q"), 0x03: .quit
        case UInt8(ascii: "p"), UInt8(ascii: " "): .pause
        case UInt8(ascii: "s"): .sort
        case UInt8(ascii: "/"): .filter
        case UInt8(ascii: "?"), UInt8(ascii: "h"): .help
        case UInt8(ascii: "k"): .up
        case UInt8(ascii: "j"): .down
        default: nil
        }
    }

    /// ECMA-48: ESC, `[` or `O`, parameters, and a final byte from `@` on.
    private static func sequence(_ rest: inout ArraySlice<UInt8>) -> TopKey? {
        rest.removeFirst()
        guard let kind = rest.first, kind == UInt8(ascii: "[") || kind == UInt8(ascii: "O") else { return nil }
        rest.removeFirst()
        let parameters = rest.prefix { $0 < 0x40 }
        rest = rest.dropFirst(parameters.count)
        guard let final = rest.popFirst() else { return nil }
        switch (final, Array(parameters)) {
        case (UInt8(ascii: "A"), _): return .up
        case (UInt8(ascii: "B"), _): return .down
        case (UInt8(ascii: "H"), _), (UInt8(ascii: "~"), [UInt8(ascii: "1")]): return .home
        case (UInt8(ascii: "~"), [UInt8(ascii: "5")]): return .pageUp
        case (UInt8(ascii: "~"), [UInt8(ascii: "6")]): return .pageDown
        default: return nil
        }
    }
}
