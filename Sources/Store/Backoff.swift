/// How long a failed job waits before its next attempt.
public struct Backoff: Equatable, Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        /// `base_ms` · 2^(attempt−1)
        case exponential
        /// `base_ms` · attempt
        case linear
        /// `base_ms`
        case fixed
    }
    public var kind: Kind
    public var baseMs: Int64
    /// The cap, before jitter (jitter only shortens).
    public var maxMs: Int64
    /// 0…1: the share of the delay that chance may take away.
    public var jitter: Double
    public static let standard = Backoff()
    public init(kind: Kind = .exponential, baseMs: Int64 = 1_000, maxMs: Int64 = 3_600_000, jitter: Double = 0.5) {
        self.kind = kind
        self.baseMs = baseMs
        self.maxMs = maxMs
        self.jitter = jitter
    }

    /// The delay in milliseconds after the given attempt failed: `floor(min(max, raw) · (1 − jitter · random))`.
    ///
    /// - Parameters:
    ///   - attempt: 1 for the first attempt.
    ///   - random: 0 ≤ random < 1.
    public func delayMs(afterAttempt attempt: Int, random: Double) -> Int64 {
        let step =
            switch kind {
            case .exponential: Double(1 << min(attempt - 1, 62))
            case .linear: Double(attempt)
            case .fixed: 1.0
            }
        let raw = min(Double(maxMs), Double(baseMs) * step)
        return Int64((raw * (1 - jitter * random)).rounded(.down))
    }
}
