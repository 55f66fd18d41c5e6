// What a store does for the broker: the transitions of a job's life, each atomic for one queue.
//
// Two implementations: `RedisStore` (Lua scripts, the real one) and `MemoryStore` (the reference model of the tests
// and `--store memory`). Calls only gather; `flush()` at the end of a turn of the loop sends what was gathered, one
// script call per queue and operation. A completion is called exactly once, never from inside the call that took it.
// What a store does not know: connections, waiting claims, sessions. That is the broker's.

public import Wire

/// Why a store could not do what it was asked; the job is as it was, or, after a lost connection, may have changed.
public enum StoreFailure: Error, Equatable, Sendable {
    /// Redis cannot be reached, is loading, read-only, or did not answer in time. The text is for the log and the reply.
    case unavailable(String)
    /// Redis refuses writes (`-OOM`, `-MISCONF`).
    case full(String)
    /// A bug, ours or of the data; the text goes to the log only.
    case `internal`(String)
}

/// The result of a store call, delivered at the end of a later turn.
public typealias Completion<Value> = (Result<Value, StoreFailure>) -> Void

/// Milliseconds since the Unix epoch by the Redis server's clock.
public typealias ServerTime = Int64

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

    public init(
        id: String, payload: [UInt8], type: String = "", priority: Int = 0, front: Bool = false, start: Start = .now,
        maxAttempts: Int? = nil, backoff: Backoff? = nil, leaseMs: Int64? = nil, keepMs: Int64? = nil,
        meta: [UInt8]? = nil
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
    }
}

/// What became of one enqueued job.
public struct Enqueued: Equatable, Sendable {
    /// The state it is in now: `queued` or `scheduled`, or any state when it is a duplicate.
    public var state: JobState
    /// The id was taken: nothing was written, `state` is that of the first job.
    public var duplicate: Bool
    /// For `scheduled`: when it is due.
    public var runAt: ServerTime?
    public init(state: JobState, duplicate: Bool, runAt: ServerTime? = nil) {
        self.state = state
        self.duplicate = duplicate
        self.runAt = runAt
    }
}

/// One claim of one queue.
public struct ClaimRequest: Sendable {
    /// 1…100.
    public var max: Int
    /// Overrides the job's and the queue's lease.
    public var leaseMs: Int64?
    /// The worker's name from `hello`, or empty.
    public var worker: String
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
    public init(
        id: String, type: String, payload: [UInt8], meta: [UInt8]?, attempt: Int, maxAttempts: Int, token: String,
        leaseMs: Int64, leaseUntil: ServerTime, enqueuedAt: ServerTime
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
    }
}

/// What a claim found: up to `max` jobs, best first.
public struct Claimed: Equatable, Sendable {
    public var jobs: [ClaimedJob]
    /// The queue is paused (then `jobs` is empty).
    public var paused: Bool
    public init(jobs: [ClaimedJob], paused: Bool = false) {
        self.jobs = jobs
        self.paused = paused
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
    public init(claim: Claim, leaseMs: Int64? = nil, progress: [UInt8]? = nil) {
        self.claim = claim
        self.leaseMs = leaseMs
        self.progress = progress
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
    /// Why it is dead: `failed`, `lease_expired`, `worker_gone`.
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

/// How many jobs of a queue are in each place, now.
public struct Depth: Equatable, Sendable {
    public var queued = 0
    public var scheduled = 0
    public var retrying = 0
    public var processing = 0
    /// Entries of the capped history (some may have outlived their record).
    public var completed = 0
    public var dead = 0
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

/// How `requeue` of one job ended.
public enum RequeueOutcome: Equatable, Sendable {
    case requeued
    case wrongState(JobState)
    case notFound
}

/// One bounded step of `requeue` by filter.
public struct RequeueStep: Equatable, Sendable {
    public var requeued: Int
    /// Jobs in that state which this step and those before it did not look at.
    public var remaining: Int
    /// Where the next step begins; nil at the end.
    public var cursor: String?
    public init(requeued: Int, remaining: Int, cursor: String?) {
        self.requeued = requeued
        self.remaining = remaining
        self.cursor = cursor
    }
}

/// What `info` tells about the store.
public struct StoreStatus: Equatable, Sendable {
    /// `redis` or `memory`.
    public var kind: String
    /// Without user and password, e.g. `unix:///run/redis.sock`.
    public var address: String
    /// `ready`, `connecting` or `down`.
    public var state: String
    public var role: String?
    public var version: String?
    /// Of the last exchange, microseconds.
    public var roundTripUs: Int64?
    public var reconnects: Int
    /// Why it is down, or nil.
    public var problem: String?
    public init(
        kind: String, address: String, state: String, role: String? = nil, version: String? = nil,
        roundTripUs: Int64? = nil, reconnects: Int = 0, problem: String? = nil
    ) {
        self.kind = kind
        self.address = address
        self.state = state
        self.role = role
        self.version = version
        self.roundTripUs = roundTripUs
        self.reconnects = reconnects
        self.problem = problem
    }
}

/// The rules of a job's life, behind which Redis or a model stands. See the head of this file for the call contract.
///
/// All calls of one queue that were gathered in one turn go out together, in this order: token operations, enqueues,
/// sweeps and requeues, then claims: a claim sees what was enqueued in the same turn. While earlier calls of a queue are
/// under way the next ones gather.
public protocol JobStore: AnyObject {
    /// One atomic step for all jobs of the call (≤ 1000), outcomes in the same order.
    func enqueue(_ jobs: [NewJob], queue: String, then: @escaping Completion<[Enqueued]>)
    /// Does not wait. While the store is away `patient` claims find nothing (`onWake(nil)` follows when it is back);
    /// others wait for it and end in `unavailable` after the request timeout.
    func claim(_ request: ClaimRequest, queue: String, patient: Bool, then: @escaping Completion<Claimed>)
    func complete(_ requests: [CompleteRequest], queue: String, then: @escaping Completion<[TokenOutcome]>)
    func fail(_ requests: [FailRequest], queue: String, then: @escaping Completion<[TokenOutcome]>)
    func extend(_ requests: [ExtendRequest], queue: String, then: @escaping Completion<[ExtendOutcome]>)
    func release(_ requests: [ReleaseRequest], queue: String, then: @escaping Completion<[TokenOutcome]>)
    /// Ends the attempts of a worker that is gone: as an expired lease, with reason `worker_gone`. Patient: it is
    /// kept and sent when the store is back.
    func workerGone(_ claims: [Claim], queue: String, then: @escaping Completion<[TokenOutcome]>)
    /// Promotes what is due and, unless `reclaiming` is false, reclaims expired leases; ≤ 100 jobs of each a step.
    func sweep(queue: String, reclaiming: Bool, then: @escaping Completion<Swept>)

    /// nil: no such job.
    func get(_ id: String, queue: String, then: @escaping Completion<JobRecord?>)
    /// nil: no such queue. `limit` 1…500; `cursor` from an earlier page. A page may be shorter than `limit`.
    func list(
        queue: String, state: JobState, type: String?, limit: Int, cursor: String?, then: @escaping Completion<JobPage?>
    )
    func requeue(_ id: String, queue: String, then: @escaping Completion<RequeueOutcome>)
    /// nil: no such queue. Looks at ≤ 500 jobs a step and requeues (or with `dryRun` counts) at most `limit`.
    func requeue(
        queue: String, state: JobState, type: String?, limit: Int, dryRun: Bool, cursor: String?,
        then: @escaping Completion<RequeueStep?>)
    /// `until` nil: without end. Creates the queue when it is new.
    func pause(queue: String, until: ServerTime?, then: @escaping Completion<Void>)
    /// False: no such queue.
    func resume(queue: String, then: @escaping Completion<Bool>)
    /// nil: no such queue.
    func statistics(queue: String, then: @escaping Completion<QueueStatistics?>)
    /// The names of all queues, sorted.
    func queues(then: @escaping Completion<[String]>)
    /// One round trip; the server's time.
    func ping(then: @escaping Completion<ServerTime>)

    /// Sends what was gathered. Called by the loop at the end of each turn.
    func flush()
    /// How the store is, from memory, at once.
    var status: StoreStatus { get }
    /// Jobs became claimable in a queue by somebody else's doing (another host), or may have (the link to Redis is
    /// back: nil, all queues).
    var onWake: ((_ queue: String?) -> Void)? { get set }
    /// The store became ready or was lost; for the status line.
    var onStatusChange: (() -> Void)? { get set }
    /// Begins and ends listening for other hosts' wake-ups of a queue. After `watch` returns, one `onWake` follows as
    /// soon as the subscription holds, so nothing falls between.
    func watch(queue: String)
    func unwatch(queue: String)
    /// No new calls come: pending ones are answered (at the latest as `unavailable` after `withinMs`), then `then`.
    func close(withinMs: Int64, then: @escaping () -> Void)
}
