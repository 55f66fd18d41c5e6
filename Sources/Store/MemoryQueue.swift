// One queue of the reference model: what the Lua scripts do to the keys of one queue, in plain Swift.
//
// Each function is one atomic step with the time and chance it needs as parameters, so that the same sequence of calls
// always gives the same state. The names of the members are the last parts of the Redis keys. This file has the state,
// and how jobs come in and go out to workers; the extensions in `MemoryQueue+*.swift` have the rest of a job's life.
// Everything is O(log n) in the number of jobs. It leaves out Pub/Sub, but can note what would have been published.

import DequeModule
import Wire

/// What a script would have published.
enum MemoryNotice: Equatable {
    /// On `jobq:{q}:queued`: the queue was empty, or paused, and has something to claim now.
    case queued
    /// On `jobq:{q}:events`.
    case completed(id: String, at: ServerTime, attempt: Int)
    /// On `jobq:{q}:events`.
    case dead(id: String, at: ServerTime, attempt: Int, reason: String)
}

/// The state of one queue.
final class MemoryQueue {
    let name: String
    var records: [String: MemoryRecord] = [:]
    var queued = ScoredSet()
    var scheduled = ScoredSet()
    var retrying = ScoredSet()
    var processing = ScoredSet()
    /// Newest first; an entry may have outlived its record.
    var completed = Deque<String>()
    /// By stream id, which is `milliseconds << 20 + number`.
    var dead = ScoredSet()
    /// Records with a time to live, by its end.
    var expiring = ScoredSet()
    var totals = Totals()
    /// The numbers given out last.
    var seq: Int64 = 0
    var front: Int64 = 0
    var token: Int64 = 0
    var policy = MemoryPolicy()
    /// What would have been published; nil: not noted.
    var notices: [MemoryNotice]?

    init(_ name: String) { self.name = name }

    /// It has been paused before any job came.
    var wasPaused = false

    /// A queue exists from its first job, its first pause or its first policy on.
    var exists: Bool { totals.enqueued > 0 || wasPaused || policy != MemoryPolicy() }

    /// The distance of two priorities in the scores of `queued`; within it arrivals count up, `front` ones down from 0.
    static let priorityStep: Int64 = 1 << 45

    static func score(priority: Int, sequence: Int64) -> Int64 { Int64(-priority) * priorityStep + sequence }

    // MARK: In

    func enqueue(_ jobs: [NewJob], now: ServerTime) -> [Enqueued] {
        dropExpired(now)
        let wasEmpty = queued.isEmpty
        let outcomes = jobs.map { enqueue($0, now: now) }
        noteArrivals(wasEmpty: wasEmpty)
        return outcomes
    }

    private func enqueue(_ job: NewJob, now: ServerTime) -> Enqueued {
        if let first = records[job.id] {
            return Enqueued(state: first.state, duplicate: true)
        }
        let runAt: ServerTime? =
            switch job.start {
            case .now: nil
            case .delay(let delay): delay > 0 ? now + delay : nil
            case .at(let time): time > now ? time : nil
            }
        let record = MemoryRecord(
            job, state: .queued, maxAttempts: job.maxAttempts ?? policy.maxAttempts ?? 3, now: now)
        records[job.id] = record
        totals.enqueued += 1
        if job.front { front += 1 } else { seq += 1 }
        record.score = Self.score(priority: job.priority, sequence: job.front ? -front : seq)
        if let runAt {
            schedule(record, .scheduled, at: runAt)
        } else {
            queued.insert(record.id, score: record.score)
        }
        return Enqueued(state: record.state, duplicate: false, runAt: runAt)
    }

    // MARK: Out

    /// The claims of one batch, filled in order. `nowUs`: microseconds since the epoch. `nonce`: of the whole batch.
    func claim(_ requests: [ClaimRequest], nonce: String, nowUs: Int64) -> [Claimed] {
        let now = nowUs / 1000
        dropExpired(now)
        if policy.isPaused(at: now) { return requests.map { _ in Claimed(jobs: [], paused: true) } }
        return requests.map { request in
            var jobs: [ClaimedJob] = []
            while jobs.count < request.max, let entry = queued.popFirst() {
                guard let record = records[entry.id] else { continue }
                token = max(token + 1, nowUs)
                jobs.append(claim(record, request, token: "\(token)-\(nonce)", now: now))
            }
            return Claimed(jobs: jobs)
        }
    }

    private func claim(_ record: MemoryRecord, _ request: ClaimRequest, token: String, now: ServerTime) -> ClaimedJob {
        record.attempts += 1
        record.worker = request.worker
        record.claimedAt = now
        record.outcome = nil
        let lease = request.leaseMs ?? lease(of: record)
        // A plain first claim leaves it to the job and the queue, as they are when it is extended.
        record.lease = request.leaseMs == nil && record.token == nil ? nil : lease
        record.token = token
        record.state = .processing
        record.placeScore = now + lease
        processing.insert(record.id, score: record.placeScore)
        totals.claimed += 1
        return ClaimedJob(
            id: record.id, type: record.type, payload: record.payload, meta: record.meta, attempt: record.attempts,
            maxAttempts: record.maxAttempts, token: token, leaseMs: lease, leaseUntil: record.placeScore,
            enqueuedAt: record.enqueuedAt)
    }

    /// The lease of a claim that does not ask for one.
    func lease(of record: MemoryRecord) -> Int64 { record.leaseMs ?? policy.leaseMs ?? 30_000 }

    // MARK: Places

    /// Into `scheduled` or `retrying`; the record is in no place before.
    func schedule(_ record: MemoryRecord, _ state: JobState, at runAt: ServerTime) {
        record.state = state
        record.runAt = runAt
        record.placeScore = runAt
        if state == .scheduled {
            scheduled.insert(record.id, score: runAt)
        } else {
            retrying.insert(record.id, score: runAt)
        }
    }

    /// Into `queued` with the score it has.
    func makeQueued(_ record: MemoryRecord) {
        record.state = .queued
        queued.insert(record.id, score: record.score)
    }

    /// A new arrival at the same priority.
    func takeNewSequence(_ record: MemoryRecord) {
        seq += 1
        record.score = Self.score(priority: record.priority, sequence: seq)
    }

    /// A dead letter: stays until it is requeued.
    func bury(_ record: MemoryRecord, reason: String, now: ServerTime) {
        record.state = .dead
        record.reason = reason
        record.finishedAt = now
        record.placeScore = max((dead.last?.score ?? 0) + 1, now << 20)
        dead.insert(record.id, score: record.placeScore)
        totals.dead += 1
        notices?.append(.dead(id: record.id, at: now, attempt: record.attempts, reason: reason))
    }

    /// Records whose time to live is over are gone; every step begins with this, as Redis does by itself.
    func dropExpired(_ now: ServerTime) {
        while let first = expiring.first, first.score < now {
            expiring.remove(first.id, score: first.score)
            records[first.id] = nil
        }
    }

    func noteArrivals(wasEmpty: Bool) {
        if wasEmpty, !queued.isEmpty { notices?.append(.queued) }
    }
}
