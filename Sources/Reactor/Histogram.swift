// How often things took how long: counts in classes of time, as a monitoring system wants them.
//
// A plain value with fixed bounds. Times are whole microseconds, so nothing is rounded, and a sum cannot overflow in
// half a million years.

/// Times, counted by class.
public struct Histogram: Equatable, Sendable {
    /// Which classes there are.
    public enum Scale: Sendable {
        /// From 100 µs to 5 s: round trips, and how late the loop is.
        case short
        /// From 100 µs to 5 s with 20 ms among them, the most that a turn of the loop may take.
        case turns
        /// From 1 ms to 4 h: how long jobs wait and run.
        case long

        /// The upper ends of the classes but the last (which has none), µs, each within its class.
        public var bounds: [UInt64] {
            switch self {
            case .short: Self.shortBounds
            case .turns: Self.turnBounds
            case .long: Self.longBounds
            }
        }

        private static let shortBounds: [UInt64] = [
            100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000,
        ]
        private static let turnBounds: [UInt64] = [
            100, 250, 500, 1_000, 2_500, 5_000, 10_000, 20_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000,
        ]
        private static let longBounds: [UInt64] = [
            1_000, 5_000, 25_000, 100_000, 500_000, 1_000_000, 5_000_000, 15_000_000, 60_000_000, 300_000_000,
            900_000_000, 3_600_000_000, 14_400_000_000,
        ]
    }

    public let scale: Scale
    /// Of each class, the one without an end last.
    public private(set) var counts: [UInt64]
    public private(set) var sumUs: UInt64 = 0

    public init(_ scale: Scale) {
        self.scale = scale
        counts = Array(repeating: 0, count: scale.bounds.count + 1)
    }

    /// How many there were in all.
    public var count: UInt64 { counts.reduce(0, +) }

    /// Something took so long.
    public mutating func observe(microseconds: UInt64) {
        let bounds = scale.bounds
        counts[bounds.firstIndex { microseconds <= $0 } ?? bounds.count] += 1
        sumUs &+= microseconds
    }
}
