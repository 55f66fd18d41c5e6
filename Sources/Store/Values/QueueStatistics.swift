// A queue in numbers.

/// How many jobs of a queue are in each place, now.
public struct Depth: Equatable, Sendable {
    public var queued = 0
    public var scheduled = 0
    public var retrying = 0
    public var processing = 0
    /// Entries of the capped history (some may have outlived their record).
    public var completed = 0
    public var dead = 0
    public var cancelled = 0
    public var expired = 0
    public init() {}
}

/// Totals since ever, of one queue.
public struct Totals: Equatable, Sendable {
    public var enqueued: Int64 = 0
    public var claimed: Int64 = 0
    public var completed: Int64 = 0
    public var failed: Int64 = 0
    public var retried: Int64 = 0
    public var dead: Int64 = 0
    public var reclaimed: Int64 = 0
    public var released: Int64 = 0
    public var expired: Int64 = 0
    public var cancelled: Int64 = 0
    public var deleted: Int64 = 0
    /// Jobs brought back from a terminal state (dead, cancelled) by `requeue`.
    public var requeued: Int64 = 0
    public init() {}
}

/// A queue at a glance.
public struct QueueStatistics: Equatable, Sendable {
    public var depth = Depth()
    public var totals = Totals()
    public var paused = false
    /// End of the pause, nil when it has none (or the queue is not paused).
    public var pausedUntil: ServerTime?
    /// Age of the oldest queued job in milliseconds, 0 when none is queued.
    public var latencyMs: Int64 = 0
    public init() {}
}
