// What is kept of a job, as `get` and `list` show it.

public import Wire

/// One finished attempt, as `get` shows it.
public struct AttemptRecord: Equatable, Sendable {
    public var attempt: Int
    public var worker: String
    public var startedAt: ServerTime
    public var endedAt: ServerTime
    /// `completed`, `failed`, `released`, `lease_expired` or `worker_gone`.
    public var outcome: String
    /// The client's JSON, or nil.
    public var error: [UInt8]?
    public init(
        attempt: Int, worker: String, startedAt: ServerTime, endedAt: ServerTime, outcome: String, error: [UInt8]?
    ) {
        self.attempt = attempt
        self.worker = worker
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.outcome = outcome
        self.error = error
    }
}

/// A job's record as `get` and `list` show it. Members that do not apply are nil; the token is never in it.
public struct JobRecord: Equatable, Sendable {
    public var id: String
    public var type: String = ""
    public var state: JobState
    public var priority: Int = 0
    public var attempts: Int = 0
    public var maxAttempts: Int
    public var payload: [UInt8]
    public var meta: [UInt8]?
    public var result: [UInt8]?
    /// The last failure, the client's JSON.
    public var error: [UInt8]?
    public var progress: [UInt8]?
    /// Why it is dead (`failed`, `lease_expired`, `worker_gone`), or what the one who cancelled it said.
    public var reason: String?
    public var worker: String?
    public var enqueuedAt: ServerTime
    /// For `scheduled` and `retrying`.
    public var runAt: ServerTime?
    /// Of the current or last attempt.
    public var claimedAt: ServerTime?
    /// For `processing`.
    public var leaseUntil: ServerTime?
    /// For terminal states.
    public var finishedAt: ServerTime?
    /// For a job that has not started: when it expires.
    public var expiresAt: ServerTime?
    /// The key it holds, or held while it lived.
    public var unique: String?
    /// For `processing`: its cancellation was asked for.
    public var cancelRequested = false
    /// What a worker left for the next attempt, the client's JSON.
    public var checkpoint: [UInt8]?
    /// What workers wrote, oldest first, at most 100: JSON strings of the clients, quotes included.
    public var log: [[UInt8]] = []
    /// Oldest first, at most 10.
    public var history: [AttemptRecord] = []
    public init(id: String, state: JobState, maxAttempts: Int, payload: [UInt8], enqueuedAt: ServerTime) {
        self.id = id
        self.state = state
        self.maxAttempts = maxAttempts
        self.payload = payload
        self.enqueuedAt = enqueuedAt
    }
}

/// A page of a listing.
public struct JobPage: Equatable, Sendable {
    /// Without payload and result (both empty / nil).
    public var jobs: [JobRecord]
    /// Opaque; nil when the listing is at its end.
    public var cursor: String?
    public init(jobs: [JobRecord], cursor: String?) {
        self.jobs = jobs
        self.cursor = cursor
    }
}
