// The Redis server's clock as seen from the loop's monotonic one, and the guard against its steps.
//
// Leases and due times are times of the server. The daemon learns how far that clock is from its own monotonic one from
// every answer that carries the server's time. When the distance grows by more than five seconds at once, somebody set
// the server's clock forward (or this host slept): every lease would look expired. Reclaiming then pauses for one lease,
// in which each living worker's heartbeat renews its own.

/// The distance between two clocks, and until when reclaiming pauses.
struct ServerClock {
    /// Server milliseconds minus monotonic milliseconds; nil before the first answer.
    private(set) var offsetMs: Int64?
    /// The longest lease seen, the length of a pause.
    private(set) var longestLeaseMs: Int64 = 30_000
    private var pausedUntilUs: UInt64 = 0

    /// A step of the server's clock beyond this is taken for somebody setting it.
    static let stepMs: Int64 = 5_000
    /// An answer that took longer than this says little about the distance.
    static let slowAnswerUs: UInt64 = 1_000_000

    /// Takes in one answer that carried the server's time. True when the clock has just stepped forward.
    ///
    /// - Parameters:
    ///   - now: the server's time in the answer, ms.
    ///   - askedAt: monotonic µs when it was asked.
    ///   - answeredAt: monotonic µs when the answer came.
    mutating func observe(now: Int64, askedAt: UInt64, answeredAt: UInt64) -> Bool {
        guard answeredAt - askedAt <= Self.slowAnswerUs else { return false }
        let offset = now - Int64(answeredAt / 1_000)
        defer { offsetMs = offset }
        guard let before = offsetMs, offset - before > Self.stepMs else { return false }
        pausedUntilUs = answeredAt + UInt64(longestLeaseMs) * 1_000
        return true
    }

    /// A lease was given; the longest one (up to ten minutes) is how long a pause lasts.
    mutating func note(leaseMs: Int64) {
        if leaseMs > longestLeaseMs { longestLeaseMs = min(leaseMs, 600_000) }
    }

    /// Whether expired leases may be reclaimed now.
    func mayReclaim(at monotonicUs: UInt64) -> Bool { monotonicUs >= pausedUntilUs }

    /// When a server time comes, in monotonic µs: the first microsecond at which the server's millisecond is reached.
    /// Before the first answer: at once.
    func monotonicUs(of time: Int64) -> UInt64 {
        guard let offsetMs else { return 0 }
        // The offset was rounded down in both clocks, so the instant is up to a millisecond later than it looks.
        return UInt64(max(0, time - offsetMs)) * 1_000
    }
}
