// One queue of the reference model: what the Lua scripts do to the keys of one queue, in plain Swift.
//
// Each operation is one atomic step with the time and chance it needs as parameters, so that the same sequence of calls
// always gives the same state. The names of the members are the last parts of the Redis keys. This file has the state,
// the frame of a step, and the places in which jobs wait; the extensions in `MemoryQueue+*.swift` have a job's life.
// Everything is O(log n) in the number of jobs. It leaves out Pub/Sub, but says what is to be told to whom.

import DequeModule
import Wire

/// What a script would have published besides events.
enum MemoryNotice: Equatable {
    /// On `jobq:{q}:queued`: the queue was empty, or paused, and has something to claim now.
    case queued
    /// On `jobq:{q}:cancel`: the job is in a worker's hands, its cancellation is asked for.
    case cancel(id: String, reason: String)
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
    /// Some job died once: Redis keeps the stream from then on, even when it is empty.
    var hadDead = false
    /// By the time until which their records are kept.
    var cancelled = ScoredSet()
    var expired = ScoredSet()
    /// Jobs that never started and do not wait for ever, by the time they expire.
    var expiry = ScoredSet()
    /// The strings `unique:<key>`, by the bytes of the key.
    var uniques: [[UInt8]: MemoryUnique] = [:]
    /// Completed records with a time to live, by its end.
    var expiring = ScoredSet()
    var totals = Totals()
    /// The numbers given out last.
    var seq: Int64 = 0
    var front: Int64 = 0
    var token: Int64 = 0
    var policy = MemoryPolicy()
    /// It has been paused or configured, which a queue can be before any job came.
    var wasMade = false
    /// The log of what happened.
    var events = MemoryEventLog()
    /// Events of the present step, and those that are told behind them.
    private var told: [JobEvent] = []
    private var toldLast: [JobEvent] = []
    /// States to which the present step added ended jobs.
    var grown: Set<JobState> = []

    /// Called at the end of a step with what happened in it.
    var onEvents: (([JobEvent]) -> Void)?
    /// Called in the step.
    var onNotice: ((MemoryNotice) -> Void)?

    init(_ name: String) { self.name = name }

    /// A queue exists from its first job, its first pause or its first policy on.
    var exists: Bool { totals.enqueued > 0 || wasMade || policy != MemoryPolicy() }

    /// The distance of two priorities in the scores of `queued`; within it arrivals count up, `front` ones down from 0.
    static let priorityStep: Int64 = 1 << 45

    static func score(priority: Int, sequence: Int64) -> Int64 { Int64(-priority) * priorityStep + sequence }

    // MARK: Steps

    /// The frame of every operation that may change something. Records whose time to live is over are gone before it
    /// begins, as Redis does by itself.
    func step<Value>(_ now: ServerTime, _ body: () -> Value) -> Value {
        dropExpired(now)
        let value = body()
        trim()
        publish(now)
        return value
    }

    /// What this step added to may now hold more than is kept.
    func trim() {
        for state in grown { trimEnded(state) }
        grown.removeAll()
    }

    /// Notes an event of this step. Flagged jobs are ended together, when all else of a step is done: `last`.
    func tell(
        _ kind: EventKind, _ record: MemoryRecord, runAt: ServerTime? = nil, reason: String? = nil, last: Bool = false
    ) {
        let event = JobEvent(
            kind: kind, id: record.id, seq: .zero, attempt: record.attempts, runAt: runAt,
            reason: reason.flatMap { $0.isEmpty ? nil : $0 })
        if last { toldLast.append(event) } else { told.append(event) }
    }

    /// What happens to every job is only told while somebody asked for it.
    func tellIfListened(_ kind: EventKind, _ record: MemoryRecord, runAt: ServerTime? = nil, now: ServerTime) {
        if let listened = policy.listened, listened > now { tell(kind, record, runAt: runAt) }
    }

    private func publish(_ now: ServerTime) {
        guard !told.isEmpty || !toldLast.isEmpty else { return }
        let logged = events.append(told + toldLast, now: now)
        told = []
        toldLast = []
        onEvents?(logged)
    }

    func dropExpired(_ now: ServerTime) {
        while let first = expiring.first, first.score < now {
            expiring.remove(first.id, score: first.score)
            records[first.id] = nil
        }
    }

    func noteArrivals(wasEmpty: Bool) {
        if wasEmpty, !queued.isEmpty { onNotice?(.queued) }
    }

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

    /// A new arrival at the same priority; before all others of it when `front`, or when the newest is the first.
    func takeNewSequence(_ record: MemoryRecord, front isFront: Bool = false) {
        if isFront || policy.order == .lifo {
            front += 1
            record.score = Self.score(priority: record.priority, sequence: -front)
        } else {
            seq += 1
            record.score = Self.score(priority: record.priority, sequence: seq)
        }
    }

    /// Out of the set in which a job that waits or ended stands; a completed one has only its time to live.
    func removeFromPlace(_ record: MemoryRecord) {
        switch record.state {
        case .queued: queued.remove(record.id, score: record.score)
        case .scheduled: scheduled.remove(record.id, score: record.placeScore)
        case .retrying: retrying.remove(record.id, score: record.placeScore)
        case .processing: processing.remove(record.id, score: record.placeScore)
        case .dead: dead.remove(record.id, score: record.placeScore)
        case .cancelled: cancelled.remove(record.id, score: record.placeScore)
        case .expired: expired.remove(record.id, score: record.placeScore)
        case .completed: if let end = record.keptUntil { expiring.remove(record.id, score: end) }
        }
    }

    /// The set of a state that has one; nil for `completed`.
    func set(of state: JobState) -> ScoredSet? {
        switch state {
        case .queued: queued
        case .scheduled: scheduled
        case .retrying: retrying
        case .processing: processing
        case .dead: dead
        case .cancelled: cancelled
        case .expired: expired
        case .completed: nil
        }
    }
}
