// Records, pages and statistics as the scripts show them. A record comes as names and values (get) or as values in the
// order that list.lua tells; both end in the same few assignments.

import Redis
import Wire

extension JobRecord {
    /// From `get`: lease_until or nil, and the record's fields as name, value, ….
    init?(id: String, leaseUntil: ReplyView, fields: ReplyView) {
        self.init(id: id, state: .queued, maxAttempts: 0, payload: [], enqueuedAt: 0)
        var hasState = false
        var log = LogRing()
        for index in stride(from: 0, to: fields.count - 1, by: 2) {
            let name = fields[index].string
            hasState = hasState || name == "state"
            if log.take(name, fields[index + 1]) { continue }
            guard set(name, fields[index + 1]) else { return nil }
        }
        guard hasState else { return nil }
        self.log = log.lines
        finish(leaseUntil: leaseUntil)
    }

    /// What follows id and lease_until in a row of list.lua.
    private static let columns = [
        "state", "type", "priority", "attempts", "max_attempts", "meta", "error", "progress", "reason", "worker",
        "enqueued_at", "run_at", "claimed_at", "finished_at", "history", "unique", "expires_at", "cancel",
    ]

    init?(row: ReplyView) {
        guard row.count == Self.columns.count + 2 else { return nil }
        self.init(id: row[0].string, state: .queued, maxAttempts: 0, payload: [], enqueuedAt: 0)
        for (index, name) in Self.columns.enumerated() where !row[index + 2].isNil {
            guard set(name, row[index + 2]) else { return nil }
        }
        finish(leaseUntil: row[1])
    }

    /// False when a value is not what its field must hold. Fields that are not for showing (the token) are passed over.
    private mutating func set(_ name: String, _ value: ReplyView) -> Bool {
        switch name {
        case "state":
            guard let state = value.state else { return false }
            self.state = state
        case "type": type = value.string
        case "priority":
            guard let priority = Int(value.string) else { return false }
            self.priority = priority
        case "attempts": attempts = Int(value.decimal ?? 0)
        case "max_attempts": maxAttempts = Int(value.decimal ?? 0)
        case "payload": payload = value.array
        case "meta": meta = value.json
        case "result": result = value.json
        case "error": error = value.json
        case "progress": progress = value.json
        case "reason": reason = value.text
        case "worker": worker = value.text
        case "enqueued_at": enqueuedAt = value.decimal ?? 0
        case "run_at": runAt = value.decimal
        case "claimed_at": claimedAt = value.decimal
        case "finished_at": finishedAt = value.decimal
        case "history": history = AttemptRecord.read(history: value.bytes)
        case "unique": unique = value.text
        case "expires_at": expiresAt = value.decimal
        case "cancel": cancelRequested = true
        case "checkpoint": checkpoint = value.json
        default: break
        }
        return true
    }

    /// What depends on the state: times are kept in the record longer than they are shown, and the attempt that
    /// completed a job is told by the record itself.
    private mutating func finish(leaseUntil: ReplyView) {
        if state != .scheduled, state != .retrying { runAt = nil }
        if attempts > 0 || (state != .queued && state != .scheduled) { expiresAt = nil }
        if state != .processing { cancelRequested = false }
        if state == .processing { self.leaseUntil = leaseUntil.decimal }
        guard state == .completed, let claimedAt, let finishedAt else { return }
        history.append(
            AttemptRecord(
                attempt: attempts, worker: worker ?? "", startedAt: claimedAt, endedAt: finishedAt,
                outcome: "completed", error: nil))
        if history.count > 10 { history.removeFirst() }
    }
}

/// The log of a job, as its record has it: the number of lines ever, and a ring of the last hundred.
private struct LogRing {
    private static let size = 100
    private var count = 0
    private var ring: [Int: [UInt8]] = [:]

    /// True when the field is one of the log's.
    mutating func take(_ name: String, _ value: ReplyView) -> Bool {
        if name == "logs" {
            count = Int(value.decimal ?? 0)
        } else if name.hasPrefix("log:"), let place = Int(name.dropFirst(4)) {
            ring[place] = value.array
        } else {
            return false
        }
        return true
    }

    /// Oldest first.
    var lines: [[UInt8]] { (max(0, count - Self.size)..<count).compactMap { ring[$0 % Self.size] } }
}

extension JobPage {
    /// After `now`: the cursor, then a row for each job.
    init?(_ reply: ReplyView) {
        self.init(jobs: [], cursor: reply[1].text)
        jobs.reserveCapacity(reply.count - 2)
        for index in 2..<reply.count {
            guard let job = JobRecord(row: reply[index]) else { return nil }
            jobs.append(job)
        }
    }
}

extension QueueStatistics {
    init?(_ reply: ReplyView) {
        guard reply.count == 12 else { return nil }
        self.init()
        paused = !reply[1].isNil
        pausedUntil = reply[1].text == "1" ? nil : reply[1].decimal
        latencyMs = reply[2].integer
        let counts = (3..<11).map { Int(reply[$0].integer) }
        depth.queued = counts[0]
        depth.scheduled = counts[1]
        depth.retrying = counts[2]
        depth.processing = counts[3]
        depth.completed = counts[4]
        depth.dead = counts[5]
        depth.cancelled = counts[6]
        depth.expired = counts[7]
        let counters = reply[11]
        for index in stride(from: 0, to: counters.count - 1, by: 2) {
            if let total = Self.total(counters[index].string) {
                totals[keyPath: total] = counters[index + 1].decimal ?? 0
            }
        }
    }

    /// Where a counter is shown; nil for those that only number things (`seq`, `front`, `token`).
    private static func total(_ name: String) -> WritableKeyPath<Totals, Int64>? {
        switch name {
        case "enqueued": \.enqueued
        case "claimed": \.claimed
        case "completed": \.completed
        case "failed": \.failed
        case "retried": \.retried
        case "dead": \.dead
        case "reclaimed": \.reclaimed
        case "released": \.released
        case "expired": \.expired
        case "cancelled": \.cancelled
        case "deleted": \.deleted
        case "requeued": \.requeued
        default: nil
        }
    }
}
