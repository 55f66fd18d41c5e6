// A job to enqueue, and what became of it.

public import Wire

/// A job to enqueue. `nil` means "the queue's default".
public struct NewJob: Sendable {
    /// When it may start.
    public enum Start: Sendable, Equatable {
        case now
        /// Milliseconds from the script's time.
        case delay(Int64)
        /// A time at or before the script's time means now.
        case at(ServerTime)
    }
    /// The part of the job's name after the slash.
    public var id: String
    /// The client's JSON, byte for byte.
    public var payload: [UInt8]
    public var type: String
    /// −100…100.
    public var priority: Int
    public var front: Bool
    public var start: Start
    /// 1…1000; nil: the queue's at the time of the enqueue (then fixed in the record).
    public var maxAttempts: Int?
    public var backoff: Backoff?
    public var leaseMs: Int64?
    public var keepMs: Int64?
    /// The client's JSON object, byte for byte.
    public var meta: [UInt8]?
    public var unique: UniqueKey?
    /// Milliseconds from the script's time: when it has not started by then, it expires. nil: never.
    public var expiresInMs: Int64?

    public init(
        id: String, payload: [UInt8], type: String = "", priority: Int = 0, front: Bool = false, start: Start = .now,
        maxAttempts: Int? = nil, backoff: Backoff? = nil, leaseMs: Int64? = nil, keepMs: Int64? = nil,
        meta: [UInt8]? = nil, unique: UniqueKey? = nil, expiresInMs: Int64? = nil
    ) {
        self.id = id
        self.payload = payload
        self.type = type
        self.priority = priority
        self.front = front
        self.start = start
        self.maxAttempts = maxAttempts
        self.backoff = backoff
        self.leaseMs = leaseMs
        self.keepMs = keepMs
        self.meta = meta
        self.unique = unique
        self.expiresInMs = expiresInMs
    }
}

/// A key that only one job of the queue holds at a time.
public struct UniqueKey: Equatable, Sendable {
    /// How long the job holds it; the raw values are the words of the wire and of Redis.
    public enum Until: String, Sendable, CaseIterable {
        /// Until it is completed, dead, cancelled, expired or deleted.
        case done
        /// Until it is claimed for the first time, or ends unclaimed.
        case claimed
    }
    /// 1…256 bytes.
    public var key: String
    public var until: Until
    /// The key is free after this time in any case.
    public var ttlMs: Int64?
    public init(key: String, until: Until = .done, ttlMs: Int64? = nil) {
        self.key = key
        self.until = until
        self.ttlMs = ttlMs
    }
}

/// What became of one enqueued job.
public struct Enqueued: Equatable, Sendable {
    /// The state it is in now: `queued` or `scheduled`, or any state when it is a duplicate.
    public var state: JobState
    /// The id or the unique key was taken: nothing was written, `state` is that of the first job.
    public var duplicate: Bool
    /// For `scheduled`: when it is due.
    public var runAt: ServerTime?
    /// The id of the job that holds the unique key, when the job is a duplicate by its key.
    public var holder: String?
    /// Nothing was written: the queue has as many waiting jobs as its `max_len` allows. `state` means nothing then.
    public var isRefused: Bool
    public init(
        state: JobState, duplicate: Bool, runAt: ServerTime? = nil, holder: String? = nil, isRefused: Bool = false
    ) {
        self.state = state
        self.duplicate = duplicate
        self.runAt = runAt
        self.holder = holder
        self.isRefused = isRefused
    }

    /// The queue is full.
    public static let refused = Enqueued(state: .queued, duplicate: false, isRefused: true)
}
