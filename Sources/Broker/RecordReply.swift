// Records and outcomes as members of a reply.

import Store
import Wire

extension JSONWriter {
    /// The members of one job that was not refused. A duplicate by its unique key is shown as the job that holds the
    /// key. An id of our own is new: a "duplicate" of it is the same enqueue, sent again by the store after a lost
    /// connection.
    mutating func enqueued(_ name: JobName, _ outcome: Enqueued, namedByClient: Bool) {
        key("job")
        string(outcome.holder.map { "\(name.queue)/\($0)" } ?? name.description)
        key("state")
        string(outcome.state.rawValue)
        if outcome.duplicate, namedByClient || outcome.holder != nil { member("duplicate", true) }
    }

    /// One of many enqueued jobs. With `namesQueue` a refusal says whose it is, for items that the client did not list.
    mutating func enqueuedItem(
        _ name: JobName, _ outcome: Enqueued, namedByClient: Bool, namesQueue: Bool = false
    ) {
        beginObject()
        if outcome.isRefused {
            if namesQueue { member("queue", name.queue) }
            member("ok", false)
            key("error")
            errorObject(Broker.queueFull(name.queue))
        } else {
            enqueued(name, outcome, namedByClient: namedByClient)
        }
        endObject()
    }

    /// A job's record, as `get` (whole) or `list` shows it.
    mutating func record(_ record: JobRecord, queue: String, whole: Bool) {
        beginObject()
        member("job", "\(queue)/\(record.id)")
        member("queue", queue)
        if !record.type.isEmpty { member("type", record.type) }
        member("state", record.state.rawValue)
        member("priority", record.priority)
        member("attempts", record.attempts)
        member("max_attempts", record.maxAttempts)
        if whole { member("payload", raw: record.payload) }
        if let meta = record.meta { member("meta", raw: meta) }
        if whole, let result = record.result { member("result", raw: result) }
        if let error = record.error { member("error", raw: error) }
        if let progress = record.progress { member("progress", raw: progress) }
        if let reason = record.reason { member("reason", reason) }
        if let worker = record.worker, !worker.isEmpty { member("worker", worker) }
        member("enqueued_at", record.enqueuedAt)
        if let runAt = record.runAt { member("run_at", runAt) }
        if let claimedAt = record.claimedAt { member("claimed_at", claimedAt) }
        if let leaseUntil = record.leaseUntil { member("lease_until", leaseUntil) }
        if let finishedAt = record.finishedAt { member("finished_at", finishedAt) }
        if let expiresAt = record.expiresAt { member("expires_at", expiresAt) }
        if let unique = record.unique { member("unique", unique) }
        if record.cancelRequested { member("cancel_requested", true) }
        if whole {
            if let checkpoint = record.checkpoint { member("checkpoint", raw: checkpoint) }
            if !record.log.isEmpty { log(record.log) }
            key("history")
            beginArray()
            for attempt in record.history { self.attempt(attempt) }
            endArray()
        }
        endObject()
    }

    private mutating func log(_ lines: [[UInt8]]) {
        key("log")
        beginArray()
        for line in lines { raw(line) }
        endArray()
    }

    private mutating func attempt(_ attempt: AttemptRecord) {
        beginObject()
        member("attempt", attempt.attempt)
        if !attempt.worker.isEmpty { member("worker", attempt.worker) }
        member("started_at", attempt.startedAt)
        member("ended_at", attempt.endedAt)
        member("outcome", attempt.outcome)
        if let error = attempt.error { member("error", raw: error) }
        endObject()
    }

    /// The `jobs` of a claim.
    mutating func claimedJobs(_ jobs: [ClaimedJob], queue: String) {
        key("jobs")
        beginArray()
        for job in jobs {
            beginObject()
            key("job")
            string("\(queue)/\(job.id)")
            member("queue", queue)
            member("type", job.type)
            member("payload", raw: job.payload)
            if let meta = job.meta { member("meta", raw: meta) }
            member("attempt", job.attempt)
            member("max_attempts", job.maxAttempts)
            member("token", job.token)
            member("lease_ms", job.leaseMs)
            member("lease_until", job.leaseUntil)
            member("enqueued_at", job.enqueuedAt)
            if let checkpoint = job.checkpoint { member("checkpoint", raw: checkpoint) }
            endObject()
        }
        endArray()
    }

    /// The members of a successful token operation.
    mutating func done(_ state: JobState, runAt: ServerTime?) {
        member("state", state.rawValue)
        if let runAt { member("run_at", runAt) }
    }

    /// The depth of a queue, or of all.
    mutating func depth(_ depth: Depth) {
        key("depth")
        beginObject()
        member("queued", depth.queued)
        member("scheduled", depth.scheduled)
        member("retrying", depth.retrying)
        member("processing", depth.processing)
        member("completed", depth.completed)
        member("dead", depth.dead)
        member("cancelled", depth.cancelled)
        member("expired", depth.expired)
        endObject()
    }

    /// The totals of a queue, or of all.
    mutating func totals(_ totals: Totals) {
        key("totals")
        beginObject()
        member("enqueued", totals.enqueued)
        member("claimed", totals.claimed)
        member("completed", totals.completed)
        member("failed", totals.failed)
        member("retried", totals.retried)
        member("dead", totals.dead)
        member("reclaimed", totals.reclaimed)
        member("released", totals.released)
        member("expired", totals.expired)
        member("cancelled", totals.cancelled)
        member("requeued", totals.requeued)
        member("deleted", totals.deleted)
        endObject()
    }
}
