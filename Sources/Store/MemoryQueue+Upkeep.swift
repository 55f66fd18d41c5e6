// What happens to jobs without a worker: the sweep (promotion of due jobs, expired leases), requeue, pause and resume.
//
// Steps are bounded as those of the scripts are: 100 jobs of each kind a sweep, 500 jobs looked at a requeue step.

import Wire

extension MemoryQueue {
    /// Jobs of one kind which one sweep takes on.
    static let sweepLimit = 100
    /// Jobs which one step of a listing or of a requeue looks at.
    static let stepLimit = 500

    // MARK: sweep

    func sweep(reclaiming: Bool, now: ServerTime) -> Swept {
        dropExpired(now)
        var swept = Swept()
        if queued.isEmpty, scheduled.isEmpty, retrying.isEmpty, processing.isEmpty { return swept }
        swept.now = now
        let wasEmpty = queued.isEmpty
        let (lost, planned) = (reclaiming ? due(processing, now) : [], due(scheduled, now))
        let failed = due(retrying, now)
        for record in lost { reclaim(record, reason: "lease_expired", now: now) }
        for record in planned {
            scheduled.remove(record.id, score: record.placeScore)
            makeQueued(record)
        }
        for record in failed {
            retrying.remove(record.id, score: record.placeScore)
            takeNewSequence(record)
            makeQueued(record)
        }
        swept.reclaimed = lost.count
        swept.promoted = planned.count + failed.count
        swept.more = [lost, planned, failed].contains { $0.count == Self.sweepLimit }
        if !endPause(now: now) { noteArrivals(wasEmpty: wasEmpty) }
        swept.claimable = !queued.isEmpty && policy.paused == nil
        swept.nextDue = nextDue
        return swept
    }

    private func due(_ set: ScoredSet, _ now: ServerTime) -> [MemoryRecord] {
        set.entries(limit: Self.sweepLimit).prefix { $0.score <= now }.compactMap { records[$0.id] }
    }

    /// True when the pause had an end and that has come.
    private func endPause(now: ServerTime) -> Bool {
        guard case .until(let end) = policy.paused, end <= now else { return false }
        policy.paused = nil
        notices?.append(.queued)
        return true
    }

    /// The earliest time at which something is to be done; a pause matters only to jobs that wait for its end.
    private var nextDue: ServerTime? {
        var times = [processing, scheduled, retrying].compactMap(\.first?.score)
        if case .until(let end) = policy.paused, !queued.isEmpty { times.append(end) }
        return times.min()
    }

    // MARK: requeue

    func requeue(_ id: String, now: ServerTime) -> RequeueOutcome {
        dropExpired(now)
        guard let record = records[id] else { return .notFound }
        switch record.state {
        case .scheduled, .retrying, .dead, .cancelled: break
        case .queued, .processing, .completed, .expired: return .wrongState(record.state)
        }
        let wasEmpty = queued.isEmpty
        requeue(record)
        noteArrivals(wasEmpty: wasEmpty)
        return .requeued
    }

    /// A new arrival whose count of attempts starts anew; the last error and the history stay.
    private func requeue(_ record: MemoryRecord) {
        switch record.state {
        case .scheduled: scheduled.remove(record.id, score: record.placeScore)
        case .retrying: retrying.remove(record.id, score: record.placeScore)
        default:
            dead.remove(record.id, score: record.placeScore)
            totals.requeued += 1
        }
        record.attempts = 0
        record.token = nil
        record.lease = nil
        record.worker = ""
        record.outcome = nil
        record.reason = nil
        record.finishedAt = nil
        record.runAt = nil
        takeNewSequence(record)
        makeQueued(record)
    }

    /// Scheduled and retrying by their time, dead letters oldest first.
    func requeue(
        state: JobState, type: String?, limit: Int, dryRun: Bool, cursor: String?, now: ServerTime
    ) -> BulkStep? {
        dropExpired(now)
        guard exists else { return nil }
        let set: ScoredSet
        switch state {
        case .scheduled: set = scheduled
        case .retrying: set = retrying
        case .dead: set = dead
        default: return BulkStep(done: 0, remaining: 0, cursor: nil)
        }
        let wasEmpty = queued.isEmpty
        var step = BulkStep(done: 0, remaining: set.count, cursor: nil)
        var last = cursor.flatMap(ScoredSet.Entry.init(cursor:))
        for entry in set.entries(after: last, limit: Self.stepLimit) where step.done < limit {
            last = entry
            guard let record = records[entry.id], type == nil || record.type == type else { continue }
            step.done += 1
            if !dryRun { requeue(record) }
        }
        noteArrivals(wasEmpty: wasEmpty)
        if let last { step.remaining = set.count(after: last) }
        step.cursor = step.remaining > 0 ? last?.cursor : nil
        return step
    }

    // MARK: pause and resume

    func pause(until: ServerTime?) {
        policy.paused = until.map { .until($0) } ?? .forever
        wasPaused = true
    }

    /// False: no such queue.
    func resume() -> Bool {
        guard exists else { return false }
        if policy.paused != nil { notices?.append(.queued) }
        policy.paused = nil
        return true
    }
}

extension ScoredSet.Entry {
    /// A place in a listing, as text; stays good when members around it come and go.
    var cursor: String { "\(score):\(id)" }

    init?(cursor: String) {
        let parts = cursor.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, let score = Int64(parts[0]) else { return nil }
        self.init(score: score, id: String(parts[1]))
    }
}
