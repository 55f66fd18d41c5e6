// What sweeps and administrators do to the jobs of a queue, and how far a bounded step of it came.

public import Wire

/// What the sweep of one queue did, and when it is due again.
public struct Swept: Equatable, Sendable {
    /// Leases that expired.
    public var reclaimed = 0
    /// Scheduled and retrying jobs whose time came.
    public var promoted = 0
    public var expired = 0
    /// The bound of one step was reached: call again at once.
    public var more = false
    /// Queued jobs are there to be claimed and the queue is not paused.
    public var claimable = false
    /// The earliest due time that is left, or nil.
    public var nextDue: ServerTime?
    /// The script's time; nil when the queue had nothing that could be due.
    public var now: ServerTime?
    public init() {}
}

/// How `requeue` of one job ended.
public enum RequeueOutcome: Equatable, Sendable {
    case requeued
    case wrongState(JobState)
    case notFound
}

/// One bounded step of `requeue` or `purge` by filter.
public struct BulkStep: Equatable, Sendable {
    /// Jobs that were changed, or with `dryRun` would be.
    public var done: Int
    /// Jobs in that state which this step and those before it did not look at.
    public var remaining: Int
    /// Where the next step begins; nil at the end.
    public var cursor: String?
    public init(done: Int, remaining: Int, cursor: String?) {
        self.done = done
        self.remaining = remaining
        self.cursor = cursor
    }
}

/// Which jobs `requeue` and `purge` are for.
public struct JobFilter: Equatable, Sendable {
    public var state: JobState
    /// Only jobs of this type; nil: of any.
    public var type: String?
    /// Only jobs that are there (waiting: since their enqueue; ended: since their end) for at least so long.
    public var olderThanMs: Int64?
    public init(state: JobState, type: String? = nil, olderThanMs: Int64? = nil) {
        self.state = state
        self.type = type
        self.olderThanMs = olderThanMs
    }
}

/// How `cancel` ended.
public enum CancelOutcome: Equatable, Sendable {
    /// It waited, and is cancelled (now or by an earlier call).
    case cancelled
    /// It is in a worker's hands; the worker is told, and the job does not come back.
    case requested
    /// It ended before.
    case wrongState(JobState)
    case notFound
}

/// How `delete` ended.
public enum DeleteOutcome: Equatable, Sendable {
    /// Its record is gone; the state it had.
    case deleted(JobState)
    /// It is being processed.
    case wrongState(JobState)
    case notFound
}

/// What a step of `check` looks at.
public enum CheckPart: Equatable, Sendable {
    /// Sets and dead letters, from where the step before ended; nil: from the beginning.
    case indexes(cursor: String?)
    /// These ends of keys (`job:<id>`, `unique:<key>`), at most `CheckPart.mostKeys`.
    case keys([String])
    /// What counters say, when all else was looked at.
    case totals

    public static let mostKeys = 200
}

/// Some of the keys of records and unique keys.
public struct KeyPage: Equatable, Sendable {
    public struct Key: Hashable, Sendable {
        public var queue: String
        /// What follows the part that all keys of the queue have in common.
        public var end: String
        public init(queue: String, end: String) {
            self.queue = queue
            self.end = end
        }
    }
    public var keys: [Key]
    public var cursor: String?
    public init(keys: [Key], cursor: String?) {
        self.keys = keys
        self.cursor = cursor
    }
}

/// One bounded step of `check`.
public struct CheckStep: Equatable, Sendable {
    /// Entries and records that were looked at.
    public var checked: Int
    /// What must not be, in this step.
    public var violations: [StoreViolation]
    /// Where the next step begins; nil at the end.
    public var cursor: String?
    public init(checked: Int, violations: [StoreViolation], cursor: String?) {
        self.checked = checked
        self.violations = violations
        self.cursor = cursor
    }
}

/// An invariant that does not hold.
public struct StoreViolation: Equatable, Sendable {
    /// Its number in the list of the store's invariants: 2, 3, 6, 8 or 9.
    public var invariant: Int
    /// The job's id, when it is about one.
    public var job: String?
    /// In words, with the key it is about.
    public var what: String
    /// It was put right.
    public var isRepaired: Bool
    public init(invariant: Int, job: String?, what: String, isRepaired: Bool) {
        self.invariant = invariant
        self.job = job
        self.what = what
        self.isRepaired = isRepaired
    }
}
