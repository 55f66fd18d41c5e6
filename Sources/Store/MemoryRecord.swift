// A job's record in memory: the fields of the hash `jobq:{q}:job:<id>`, under the same names, and the queue's policy.
// Optional members are those that Redis leaves out. What a record leaves out: its place in the sorted sets, but for
// the one score that is its present one.

import Wire

/// One job.
final class MemoryRecord {
    let id: String
    var state: JobState
    let type: String
    let payload: [UInt8]
    let meta: [UInt8]?
    let priority: Int
    let maxAttempts: Int
    let backoff: Backoff?
    let leaseMs: Int64?
    let keepMs: Int64?
    let enqueuedAt: ServerTime

    /// Its score in `queued`: where it stands, or stood, and returns to when it did not fail.
    var score: Int64 = 0
    /// Its score in the set of its state if that is not `queued`; for a dead letter its stream id.
    var placeScore: Int64 = 0
    /// Kept after the promotion (a repeated `fail` or `release` tells it, and the queue's latency counts from it) until
    /// a release without delay or a requeue.
    var runAt: ServerTime?

    var attempts = 0
    var worker = ""
    var claimedAt: ServerTime?
    var token: String?
    /// How the attempt of `token` ended, nil while it lasts.
    var outcome: String?
    /// The lease of the present or last claim, ms; nil: that of the job or the queue.
    var lease: Int64?

    var finishedAt: ServerTime?
    var result: [UInt8]?
    var error: [UInt8]?
    var progress: [UInt8]?
    var reason: String?
    /// Oldest first, at most 10; a completed attempt is not in it.
    var history: [AttemptRecord] = []
    /// For completed: when the record goes away.
    var expiresAt: ServerTime?

    init(_ job: NewJob, state: JobState, maxAttempts: Int, now: ServerTime) {
        id = job.id
        self.state = state
        type = job.type
        payload = job.payload
        meta = job.meta
        priority = job.priority
        self.maxAttempts = maxAttempts
        backoff = job.backoff
        leaseMs = job.leaseMs
        keepMs = job.keepMs
        enqueuedAt = now
    }

    /// The present attempt ends; its line joins the history.
    func endAttempt(_ outcome: String, at now: ServerTime, error: [UInt8]? = nil) {
        self.outcome = outcome
        history.append(
            AttemptRecord(
                attempt: attempts, worker: worker, startedAt: claimedAt ?? 0, endedAt: now, outcome: outcome,
                error: error))
        if history.count > 10 { history.removeFirst() }
    }

    /// As `get` shows it; `brief` (for lists) leaves out payload and result.
    func shown(brief: Bool = false) -> JobRecord {
        var shown = JobRecord(
            id: id, state: state, maxAttempts: maxAttempts, payload: brief ? [] : payload, enqueuedAt: enqueuedAt)
        shown.type = type
        shown.priority = priority
        shown.attempts = attempts
        shown.meta = meta
        shown.result = brief ? nil : result
        shown.error = error
        shown.progress = progress
        shown.reason = reason
        shown.worker = worker.isEmpty ? nil : worker
        shown.runAt = state == .scheduled || state == .retrying ? runAt : nil
        shown.claimedAt = claimedAt
        shown.leaseUntil = state == .processing ? placeScore : nil
        shown.finishedAt = finishedAt
        shown.history = history
        if state == .completed, let claimedAt, let finishedAt {
            let last = AttemptRecord(
                attempt: attempts, worker: worker, startedAt: claimedAt, endedAt: finishedAt, outcome: "completed",
                error: nil)
            shown.history = Array((history + [last]).suffix(10))
        }
        return shown
    }
}

/// The defaults and limits of a queue: the hash `jobq:{q}:policy`. nil: the built-in value.
struct MemoryPolicy: Equatable {
    enum Pause: Equatable {
        case forever
        case until(ServerTime)
    }
    var maxAttempts: Int?
    var leaseMs: Int64?
    var backoff: Backoff?
    var keepMs: Int64?
    var keepCount: Int?
    var paused: Pause?

    func isPaused(at now: ServerTime) -> Bool {
        switch paused {
        case nil: false
        case .forever: true
        case .until(let end): end > now
        }
    }
}
