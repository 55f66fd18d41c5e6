// How jobs of the model end otherwise than completed: dead, cancelled, expired, or removed; and the unique keys, which
// every end frees.
//
// Cancelled and expired records are kept for a time and up to a number, as completed ones are; dead letters until somebody
// takes them away, unless the queue's policy limits them too.

import Wire

/// A string `unique:<key>`.
struct MemoryUnique: Equatable {
    /// The id of the holder.
    var id: String
    /// When its time to live is over; nil: it has none.
    var until: ServerTime?
}

extension MemoryQueue {
    // MARK: Unique keys

    /// The job that holds a key: it waits or is being processed.
    func holder(of key: String, now: ServerTime) -> MemoryRecord? {
        guard let unique = unique(key, now: now), let record = records[unique.id], !record.state.isTerminal else {
            return nil
        }
        return record
    }

    private func unique(_ key: String, now: ServerTime) -> MemoryUnique? {
        guard let unique = uniques[Array(key.utf8)] else { return nil }
        if let until = unique.until, until < now { return nil }
        return unique
    }

    func hold(_ key: String, for record: MemoryRecord, until: ServerTime?) {
        uniques[Array(key.utf8)] = MemoryUnique(id: record.id, until: until)
    }

    /// A job that comes back from its end has its key again, unless another one has it now.
    func holdAgain(_ record: MemoryRecord, now: ServerTime) {
        guard let key = record.unique?.key else { return }
        record.isUniqueLoose = unique(key, now: now) != nil
        if !record.isUniqueLoose { hold(key, for: record, until: nil) }
    }

    /// Frees the job's key if it still holds it.
    func free(_ record: MemoryRecord) {
        guard let key = record.unique.map({ Array($0.key.utf8) }), uniques[key]?.id == record.id else { return }
        uniques[key] = nil
    }

    // MARK: Ends

    /// A dead letter; the record is in no place before.
    func bury(_ record: MemoryRecord, reason: String, now: ServerTime) {
        free(record)
        record.state = .dead
        record.reason = reason
        record.finishedAt = now
        record.placeScore = max((dead.last?.score ?? 0) + 1, now << 20)
        dead.insert(record.id, score: record.placeScore)
        hadDead = true
        totals.dead += 1
        tell(.dead, record, reason: reason)
    }

    /// `cancelled` or `expired`; the record is in no place before, but for `expiry`.
    func finish(_ record: MemoryRecord, _ state: JobState, reason: String = "", now: ServerTime) {
        if let end = record.expiresAt { expiry.remove(record.id, score: end) }
        free(record)
        record.cancel = nil
        record.state = state
        record.finishedAt = now
        if !reason.isEmpty { record.reason = reason }
        if state == .cancelled { totals.cancelled += 1 } else { totals.expired += 1 }
        tell(state == .cancelled ? .cancelled : .expired, record, reason: reason, last: state == .cancelled)
        let keep = record.keepMs ?? policy.keepMs ?? QueuePolicy().keepMs
        guard keep > 0 else {
            records[record.id] = nil
            return
        }
        record.placeScore = DueTime.after(keep, from: now)
        grown.insert(state)
        if state == .cancelled {
            cancelled.insert(record.id, score: record.placeScore)
        } else {
            expired.insert(record.id, score: record.placeScore)
        }
    }

    /// The oldest beyond `keep_count` go, at most 500 a step, and their records with them.
    func trimEnded(_ state: JobState) {
        guard let set = set(of: state) else { return trimCompleted() }
        let over = set.count - (policy.keepCount ?? QueuePolicy().keepCount)
        for entry in set.entries(limit: min(max(over, 0), Self.stepLimit)) {
            if let record = records[entry.id] { removeEnded(record) }
        }
    }

    /// A cancelled or expired job's record goes, without a word.
    func removeEnded(_ record: MemoryRecord) {
        removeFromPlace(record)
        records[record.id] = nil
    }

    /// Removes the record of a job that is not in a worker's hands. Only jobs that waited count as deleted: the others
    /// were counted when they ended.
    func remove(_ record: MemoryRecord) {
        if !record.state.isTerminal { totals.deleted += 1 }
        if let end = record.expiresAt { expiry.remove(record.id, score: end) }
        free(record)
        removeFromPlace(record)
        records[record.id] = nil
        tell(.deleted, record, reason: record.state.rawValue)
    }
}
