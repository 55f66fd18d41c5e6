// What administrators do to single jobs and to a queue of the model: cancel, delete, purge, configure, pause and resume.
//
// A purge goes through the jobs of one state in the order of their set, completed ones from the old end of their history,
// and looks at 500 a step.

import DequeModule
import Wire

extension MemoryQueue {
    // MARK: cancel and delete

    func cancel(_ id: String, reason: String?, now: ServerTime) -> CancelOutcome {
        cancel([(id, reason)], now: now)[0]
    }

    /// One step; a job that is named twice gets its first answer twice.
    func cancel(_ requests: [(id: String, reason: String?)], now: ServerTime) -> [CancelOutcome] {
        step(now) {
            var answers: [String: CancelOutcome] = [:]
            return requests.map { id, reason in
                let answer = answers[id] ?? cancel(records[id], reason: reason ?? "", now: now)
                answers[id] = answer
                return answer
            }
        }
    }

    private func cancel(_ record: MemoryRecord?, reason: String, now: ServerTime) -> CancelOutcome {
        guard let record else { return .notFound }
        switch record.state {
        case .queued, .scheduled, .retrying:
            removeFromPlace(record)
            finish(record, .cancelled, reason: reason, now: now)
            return .cancelled
        case .cancelled: return .cancelled
        case .processing:
            record.cancel = record.cancel ?? reason
            policy.tracked = true
            onNotice?(.cancel(id: record.id, reason: record.cancel ?? ""))
            return .requested
        case .completed, .dead, .expired: return .wrongState(record.state)
        }
    }

    func delete(_ id: String, now: ServerTime) -> DeleteOutcome {
        step(now) {
            guard let record = records[id] else { return .notFound }
            if record.state == .processing { return .wrongState(.processing) }
            let state = record.state
            remove(record)
            return .deleted(state)
        }
    }

    // MARK: purge

    func purge(_ filter: JobFilter, limit: Int, dryRun: Bool, cursor: String?, now: ServerTime) -> BulkStep? {
        step(now) {
            guard exists else { return nil }
            guard let set = set(of: filter.state) else {
                return purgeCompleted(filter, limit: limit, dryRun: dryRun, cursor: cursor, now: now)
            }
            var bulk = BulkStep(done: 0, remaining: set.count, cursor: nil)
            guard filter.state != .processing else { return BulkStep(done: 0, remaining: 0, cursor: nil) }
            var last = cursor.flatMap(ScoredSet.Entry.init(cursor:))
            for entry in set.entries(after: last, limit: Self.stepLimit) where bulk.done < limit {
                last = entry
                guard let record = records[entry.id], filter.matches(record, now: now) else { continue }
                bulk.done += 1
                if !dryRun { remove(record) }
            }
            if let last { bulk.remaining = self.set(of: filter.state)?.count(after: last) ?? 0 }
            bulk.cursor = bulk.remaining > 0 ? last?.cursor : nil
            return bulk
        }
    }

    /// The cursor is the number of entries at the old end that stay. Entries without a record go when they are the last.
    private func purgeCompleted(
        _ filter: JobFilter, limit: Int, dryRun: Bool, cursor: String?, now: ServerTime
    ) -> BulkStep {
        var passed = min(max(cursor.flatMap { Int($0) } ?? 0, 0), completed.count)
        var looked = 0
        var done = 0
        // An id that was used again may stand there twice.
        var seen: Set<String> = []
        while looked < Self.stepLimit, done < limit, passed < completed.count {
            looked += 1
            let record = records[completed[completed.count - 1 - passed]]
            var isGone = record?.state != .completed
            if let record, !isGone, filter.matches(record, now: now), seen.insert(record.id).inserted {
                done += 1
                if !dryRun { remove(record) }
                isGone = !dryRun
            }
            if isGone, !dryRun, passed == 0 { completed.removeLast() } else { passed += 1 }
        }
        let remaining = completed.count - passed
        return BulkStep(done: done, remaining: remaining, cursor: remaining > 0 ? String(passed) : nil)
    }

    // MARK: configure, pause, resume

    func configure(_ change: PolicyChange) -> QueuePolicy {
        policy.apply(change)
        wasMade = true
        return policy.effective
    }

    /// Enqueues and claims are logged for so long.
    func logAll(forMs: Int64, now: ServerTime) {
        if exists { policy.listened = max(policy.listened ?? 0, DueTime.after(forMs, from: now)) }
    }

    /// Returns the pause before.
    func pause(until: ServerTime?) -> QueuePause {
        let before = policy.pause
        policy.paused = until.map { .until($0) } ?? .forever
        wasMade = true
        return before
    }

    /// Returns the pause before; nil: no such queue.
    func resume() -> QueuePause? {
        guard exists else { return nil }
        let before = policy.pause
        if before != .none { onNotice?(.queued) }
        policy.paused = nil
        return before
    }

    // MARK: the end

    /// Jobs that wait or run.
    var openDepth: Depth {
        var depth = Depth()
        depth.queued = queued.count
        depth.scheduled = scheduled.count
        depth.retrying = retrying.count
        depth.processing = processing.count
        return depth
    }

    /// All records; returns how many there were.
    func removeAll(now: ServerTime) -> Int {
        step(now) {
            let all = Array(records.values)
            for record in all { remove(record) }
            return all.count
        }
    }
}

extension JobFilter {
    func matches(_ record: MemoryRecord, now: ServerTime) -> Bool {
        if let type, record.type != type { return false }
        guard let olderThanMs else { return true }
        let since = record.state.isTerminal ? record.finishedAt ?? now : record.enqueuedAt
        return now - since >= olderThanMs
    }
}
