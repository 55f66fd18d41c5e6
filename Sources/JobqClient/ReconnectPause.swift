// How long to wait before the next attempt to connect: twice as long each time, up to a bound, and never the same for two
// clients, so that a thousand workers do not come back in one moment.

/// The pauses between attempts. Pure: chance comes from outside.
struct ReconnectPause {
    private let shortestMs: Int64
    private let longestMs: Int64
    private var failures = 0

    init(shortestMs: Int64 = 20, longestMs: Int64 = 2_000) {
        self.shortestMs = shortestMs
        self.longestMs = longestMs
    }

    /// An attempt failed: how long until the next, between half and all of the step reached.
    mutating func next(_ generator: inout some RandomNumberGenerator) -> Int64 {
        let step = min(longestMs, shortestMs << Int64(min(failures, 20)))
        failures += 1
        return Int64.random(in: (step / 2)...step, using: &generator)
    }

    /// An attempt succeeded.
    mutating func reset() { failures = 0 }
}
