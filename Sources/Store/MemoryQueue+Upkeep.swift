// What happens to jobs without a worker: the sweep (promotion, expired leases, expiry, retention) and requeue.
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
        step(now) {
            var swept = Swept()
            let places = [queued, scheduled, retrying, processing, cancelled, expired]
            if places.allSatisfy(\.isEmpty), !hadDead { return swept }
            swept.now = now
            let due = MemoryDue(
                lost: reclaiming ? self.due(processing, now) : [], planned: self.due(scheduled, now),
                failed: self.due(retrying, now), unstarted: self.due(expiry, now), cancelled: self.due(cancelled, now),
                expired: self.due(expired, now), letters: dueLetters(now))
            swept.more = due.all.contains { $0.count == Self.sweepLimit }
            for record in due.cancelled + due.expired { removeEnded(record) }
            for record in due.letters { remove(record) }
            for record in due.unstarted { removeFromPlace(record) }
            let wasEmpty = queued.isEmpty
            for record in due.lost { reclaim(record, reason: "lease_expired", now: now) }
            swept.promoted = promote(due)
            for record in due.unstarted { finish(record, .expired, now: now) }
            swept.reclaimed = due.lost.count
            swept.expired = due.unstarted.count
            trim()
            if !endPause(now: now) { noteArrivals(wasEmpty: wasEmpty) }
            swept.claimable = isClaimable
            swept.nextDue = nextDue
            return swept
        }
    }

    /// Queued jobs are there to be claimed, and the queue is not paused.
    var isClaimable: Bool { !queued.isEmpty && policy.paused == nil }

    /// Scheduled jobs return to their place, retried ones come anew; those that expire in this sweep do neither.
    private func promote(_ due: MemoryDue) -> Int {
        let unstarted = Set(due.unstarted.map(\.id))
        var promoted = 0
        for record in due.planned + due.failed where !unstarted.contains(record.id) {
            if record.state == .retrying {
                retrying.remove(record.id, score: record.placeScore)
                takeNewSequence(record)
            } else {
                scheduled.remove(record.id, score: record.placeScore)
            }
            makeQueued(record)
            promoted += 1
        }
        return promoted
    }

    private func due(_ set: ScoredSet, _ now: ServerTime) -> [MemoryRecord] {
        set.entries(limit: Self.sweepLimit).prefix { $0.score <= now }.compactMap { records[$0.id] }
    }

    /// Dead letters which the policy does not keep, oldest first.
    private func dueLetters(_ now: ServerTime) -> [MemoryRecord] {
        let over = policy.deadKeepCount.map { dead.count - $0 } ?? 0
        let letters = dead.entries(limit: Self.sweepLimit).enumerated().prefix { index, letter in
            index < over || policy.deadKeepMs.map { Self.end(of: letter, kept: $0) <= now } ?? false
        }
        return letters.compactMap { records[$0.element.id] }
    }

    /// When a dead letter goes that is kept for this long.
    static func end(of letter: ScoredSet.Entry, kept keepMs: Int64) -> ServerTime {
        keepMs > 0 ? DueTime.after(keepMs, from: letter.score >> 20) : letter.score >> 20
    }

    /// True when the pause had an end and that has come.
    private func endPause(now: ServerTime) -> Bool {
        guard case .until(let end) = policy.paused, end <= now else { return false }
        policy.paused = nil
        onNotice?(.queued)
        return true
    }

    /// The earliest time at which something is to be done; a pause matters only to jobs that wait for its end.
    var nextDue: ServerTime? {
        var times = [processing, scheduled, retrying, expiry, cancelled, expired].compactMap(\.first?.score)
        if let keep = policy.deadKeepMs, let oldest = dead.first {
            times.append(Self.end(of: oldest, kept: keep))
        }
        if case .until(let end) = policy.paused, !queued.isEmpty { times.append(end) }
        return times.min()
    }

    // MARK: requeue

    func requeue(_ id: String, now: ServerTime) -> RequeueOutcome {
        step(now) {
            guard let record = records[id] else { return .notFound }
            switch record.state {
            case .scheduled, .retrying, .dead, .cancelled: break
            case .queued, .processing, .completed, .expired: return .wrongState(record.state)
            }
            let wasEmpty = queued.isEmpty
            requeue(record, now: now)
            noteArrivals(wasEmpty: wasEmpty)
            return .requeued
        }
    }

    /// A new arrival whose count of attempts starts anew; the last error and the history stay.
    private func requeue(_ record: MemoryRecord, now: ServerTime) {
        removeFromPlace(record)
        // Only a job that never started, and waits for its time still, may expire after this.
        if record.state != .scheduled || record.attempts > 0 {
            if let end = record.expiresAt { expiry.remove(record.id, score: end) }
            record.expiresAt = nil
        }
        if record.state.isTerminal {
            totals.requeued += 1
            holdAgain(record, now: now)
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
        step(now) {
            guard exists else { return nil }
            let none = BulkStep(done: 0, remaining: 0, cursor: nil)
            guard [.scheduled, .retrying, .dead, .cancelled].contains(state), let set = set(of: state) else {
                return none
            }
            let wasEmpty = queued.isEmpty
            var bulk = BulkStep(done: 0, remaining: set.count, cursor: nil)
            var last = cursor.flatMap(ScoredSet.Entry.init(cursor:))
            for entry in set.entries(after: last, limit: Self.stepLimit) where bulk.done < limit {
                last = entry
                guard let record = records[entry.id], type == nil || record.type == type else { continue }
                bulk.done += 1
                if !dryRun { requeue(record, now: now) }
            }
            noteArrivals(wasEmpty: wasEmpty)
            if let last { bulk.remaining = set.count(after: last) }
            bulk.cursor = bulk.remaining > 0 ? last?.cursor : nil
            return bulk
        }
    }
}

/// What time asks for in one sweep.
private struct MemoryDue {
    /// Leases that ended.
    var lost: [MemoryRecord]
    var planned: [MemoryRecord]
    var failed: [MemoryRecord]
    /// Jobs that were not started in time.
    var unstarted: [MemoryRecord]
    /// Records that were kept long enough.
    var cancelled: [MemoryRecord]
    var expired: [MemoryRecord]
    var letters: [MemoryRecord]
    var all: [[MemoryRecord]] { [lost, planned, failed, unstarted, cancelled, expired, letters] }
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
