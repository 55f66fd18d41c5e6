// One attempt: how a job is claimed, and how the attempt is extended or ended, each under the token of its claim.

public import Wire

/// One claim of one queue.
public struct ClaimRequest: Sendable {
    /// 1…100.
    public var max: Int
    /// Overrides the job's and the queue's lease.
    public var leaseMs: Int64?
    /// The worker's name from `hello`, or empty.
    public var worker: String
    /// What the jobs of one claim may count together (`ClaimedJob.answerBytes`), unless it is only one.
    public static let maximumBytes = (4 << 20) - (256 << 10)

    public init(max: Int, leaseMs: Int64? = nil, worker: String = "") {
        self.max = max
        self.leaseMs = leaseMs
        self.worker = worker
    }
}

/// A job in a worker's hands.
public struct ClaimedJob: Equatable, Sendable {
    public var id: String
    public var type: String
    public var payload: [UInt8]
    public var meta: [UInt8]?
    public var attempt: Int
    public var maxAttempts: Int
    public var token: String
    public var leaseMs: Int64
    public var leaseUntil: ServerTime
    public var enqueuedAt: ServerTime
    /// Since when it could be claimed: its enqueue, the end of its delay, or of its backoff. nil: it came back from a
    /// worker without a time of its own.
    public var readyAt: ServerTime?
    /// What an earlier attempt left behind, the client's JSON, or nil.
    public var checkpoint: [UInt8]?
    public init(
        id: String, type: String, payload: [UInt8], meta: [UInt8]?, attempt: Int, maxAttempts: Int, token: String,
        leaseMs: Int64, leaseUntil: ServerTime, enqueuedAt: ServerTime, readyAt: ServerTime?,
        checkpoint: [UInt8]? = nil
    ) {
        self.id = id
        self.type = type
        self.payload = payload
        self.meta = meta
        self.attempt = attempt
        self.maxAttempts = maxAttempts
        self.token = token
        self.leaseMs = leaseMs
        self.leaseUntil = leaseUntil
        self.enqueuedAt = enqueuedAt
        self.readyAt = readyAt
        self.checkpoint = checkpoint
    }

    /// What it counts in a claim's answer: its JSON, and an allowance for all that stands around it.
    static func answerBytes(payload: [UInt8], meta: [UInt8]?, checkpoint: [UInt8]?) -> Int {
        payload.count + (meta?.count ?? 0) + (checkpoint?.count ?? 0) + 1_024
    }

    var answerBytes: Int { Self.answerBytes(payload: payload, meta: meta, checkpoint: checkpoint) }

    /// When it was claimed.
    public var claimedAt: ServerTime { leaseUntil - DueTime.after(leaseMs, from: 0) }
}

/// What a claim found: up to `max` jobs, best first.
public struct Claimed: Equatable, Sendable {
    public var jobs: [ClaimedJob]
    /// The queue is paused (then `jobs` is empty).
    public var paused: Bool
    /// There are more for this claim, but its answer is long enough.
    public var isCut: Bool
    public init(jobs: [ClaimedJob], paused: Bool = false, isCut: Bool = false) {
        self.jobs = jobs
        self.paused = paused
        self.isCut = isCut
    }
}

/// A job and the proof of owning it.
public struct Claim: Hashable, Sendable {
    public var id: String
    public var token: String
    public init(id: String, token: String) {
        self.id = id
        self.token = token
    }
}

/// How a token operation ended for one job.
public enum TokenOutcome: Equatable, Sendable {
    /// Done, now or by the same call before: the state the job went to, and for `scheduled`/`retrying` its time.
    case done(JobState, runAt: ServerTime?)
    /// The token is not the job's current claim; the state says where the job is.
    case leaseLost(JobState)
    case notFound
}

/// How `extend` ended for one job.
public enum ExtendOutcome: Equatable, Sendable {
    case extended(leaseUntil: ServerTime, cancelRequested: Bool)
    case leaseLost(JobState)
    case notFound
}

/// `complete` of one job.
public struct CompleteRequest: Sendable {
    public var claim: Claim
    /// The client's JSON; nil is not stored.
    public var result: [UInt8]?
    public init(claim: Claim, result: [UInt8]? = nil) {
        self.claim = claim
        self.result = result
    }
}

/// `fail` of one job.
public struct FailRequest: Sendable {
    public var claim: Claim
    /// The client's JSON (a string or an object), or nil.
    public var error: [UInt8]?
    /// False: to the dead letters at once.
    public var retry: Bool
    /// Instead of the backoff.
    public var retryInMs: Int64?
    public init(claim: Claim, error: [UInt8]? = nil, retry: Bool = true, retryInMs: Int64? = nil) {
        self.claim = claim
        self.error = error
        self.retry = retry
        self.retryInMs = retryInMs
    }
}

/// `extend` of one job.
public struct ExtendRequest: Sendable {
    public var claim: Claim
    /// nil: the lease this claim was made with (the queue's present one, if neither claim nor job had an own).
    public var leaseMs: Int64?
    /// The client's JSON, or nil to leave it as it is.
    public var progress: [UInt8]?
    /// The client's JSON for the next attempt's claim, ≤ 64 KiB, or nil to leave it as it is.
    public var checkpoint: [UInt8]?
    /// A line for the job's log: the client's JSON string, quotes included, ≤ 4 KiB.
    public var log: [UInt8]?
    public init(
        claim: Claim, leaseMs: Int64? = nil, progress: [UInt8]? = nil, checkpoint: [UInt8]? = nil, log: [UInt8]? = nil
    ) {
        self.claim = claim
        self.leaseMs = leaseMs
        self.progress = progress
        self.checkpoint = checkpoint
        self.log = log
    }
}

/// `release` of one job.
public struct ReleaseRequest: Sendable {
    public var claim: Claim
    public var delayMs: Int64?
    public init(claim: Claim, delayMs: Int64? = nil) {
        self.claim = claim
        self.delayMs = delayMs
    }
}

/// Whether a claim still stands.
public enum HeldOutcome: Equatable, Sendable {
    /// It does. `cancelReason`: the job's cancellation was asked for, with this reason (maybe empty).
    case held(leaseUntil: ServerTime, cancelReason: String?)
    case lost(JobState)
    case notFound
}
