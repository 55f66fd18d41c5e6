// A queue's defaults and limits, which live in Redis so that every host agrees.

public import Wire

/// The policy of a queue, as it holds: what was configured, and the built-in defaults for the rest.
public struct QueuePolicy: Equatable, Sendable {
    public var maxAttempts = 3
    public var leaseMs: Int64 = 30_000
    public var backoff = Backoff.standard
    public var keepMs: Int64 = 3_600_000
    /// Completed jobs kept at most; of cancelled and expired ones as many each.
    public var keepCount = 100_000
    /// How long a dead letter is kept; nil: until it is requeued or removed.
    public var deadKeepMs: Int64?
    /// Dead letters kept at most, the newest; nil: all.
    public var deadKeepCount: Int?
    /// Waiting jobs (queued, scheduled, retrying) beyond which new ones are refused; nil: none are.
    public var maxLen: Int?
    public var order = QueueOrder.fifo
    /// After waiting so long a job counts as one priority higher, and so on; nil: never.
    public var agingMs: Int64?
    public init() {}
}

/// Whether claims find nothing in a queue.
public enum QueuePause: Equatable, Sendable {
    case none, forever
    case until(ServerTime)
}

/// One bounded step of removing a queue.
public enum RemovalStep: Equatable, Sendable {
    /// Records were removed, and there are more.
    case removed(Int)
    /// Records were removed, and with the last of them the queue.
    case gone(Int)
    /// Jobs wait or run.
    case refused(Depth)
}

/// Some of the queues.
public struct QueuePage: Equatable, Sendable {
    public var names: [String]
    public var cursor: String?
    public init(names: [String], cursor: String?) {
        self.names = names
        self.cursor = cursor
    }
}

/// What `configure` changes; everything else stays.
public struct PolicyChange: Equatable, Sendable {
    public var maxAttempts = Setting<Int>.unchanged
    public var leaseMs = Setting<Int64>.unchanged
    public var backoff = Setting<Backoff>.unchanged
    public var keepMs = Setting<Int64>.unchanged
    public var keepCount = Setting<Int>.unchanged
    public var deadKeepMs = Setting<Int64>.unchanged
    public var deadKeepCount = Setting<Int>.unchanged
    public var maxLen = Setting<Int>.unchanged
    public var order = Setting<QueueOrder>.unchanged
    public var agingMs = Setting<Int64>.unchanged
    public init() {}
}
