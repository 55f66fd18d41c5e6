// A job's record in memory: the fields of the hash `jobq:{q}:job:<id>`, under the same names. Optional members are those
// that Redis leaves out. What a record leaves out: its place in the sorted sets, but for the one score that is its present
// one.

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
    /// The key it took with it into the queue, whether it still holds it or not.
    let unique: UniqueKey?
    /// It may wait without its key: that has an end of its own, or another job had it first.
    var isUniqueLoose: Bool
    var enqueuedAt: ServerTime

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
    var keptUntil: ServerTime?
    /// When it expires unless it starts; means nothing from the first claim on, but stays for a release of that.
    var expiresAt: ServerTime?
    /// Its cancellation was asked for while it is in a worker's hands, with this reason (maybe empty).
    var cancel: String?
    var checkpoint: [UInt8]?
    /// The last lines, oldest first.
    var log: [[UInt8]] = []
    /// The number of lines ever.
    var logs = 0
    static let logLimit = 100

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
        unique = job.unique
        isUniqueLoose = job.unique?.ttlMs != nil
        enqueuedAt = now
        expiresAt = job.expiresInMs.map { DueTime.after($0, from: now) }
    }

    func write(log line: [UInt8]) {
        log.append(line)
        logs += 1
        if log.count > Self.logLimit { log.removeFirst() }
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

    /// As `get` shows it; `brief` (for lists) leaves out payload, result, checkpoint and log.
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
        shown.expiresAt = (state == .queued || state == .scheduled) && attempts == 0 ? expiresAt : nil
        shown.unique = unique?.key
        shown.cancelRequested = state == .processing && cancel != nil
        shown.checkpoint = brief ? nil : checkpoint
        shown.log = brief ? [] : log
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
