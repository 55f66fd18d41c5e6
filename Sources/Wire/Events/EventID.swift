// The place of an event in its queue's log: `<milliseconds>-<number>`, as the ids of a Redis stream.

/// An event's `seq`: grows with each event of a queue.
public struct EventID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Milliseconds since the epoch by the Redis server's clock: when it happened.
    public var milliseconds: UInt64
    /// Tells events of one millisecond apart.
    public var number: UInt64

    /// Before every event.
    public static let zero = EventID(milliseconds: 0, number: 0)

    public init(milliseconds: UInt64, number: UInt64) {
        self.milliseconds = milliseconds
        self.number = number
    }

    /// From its text; the number may be left out, as Redis allows. nil when it is none.
    public init?(_ text: some StringProtocol) {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let milliseconds = Self.decimal(first) else { return nil }
        guard parts.count == 2 else {
            self.init(milliseconds: milliseconds, number: 0)
            return
        }
        guard let number = Self.decimal(parts[1]) else { return nil }
        self.init(milliseconds: milliseconds, number: number)
    }

    public var description: String { "\(milliseconds)-\(number)" }

    public static func < (a: EventID, b: EventID) -> Bool {
        a.milliseconds != b.milliseconds ? a.milliseconds < b.milliseconds : a.number < b.number
    }

    /// Up to 18 digits and nothing else.
    private static func decimal(_ digits: some Collection<UInt8>) -> UInt64? {
        guard !digits.isEmpty, digits.count <= 18 else { return nil }
        var value: UInt64 = 0
        for digit in digits {
            guard digit &- 48 < 10 else { return nil }
            value = value * 10 + UInt64(digit &- 48)
        }
        return value
    }
}
