// Handlers of the administrators' operations.

import Glibc
import Reactor
import Store
import Wire

extension Broker {
    /// `ping {store}` → `{at}`; with `store: true` after a round trip, with the server's time.
    func ping(store wanted: Bool, _ ticket: Ticket) {
        guard wanted else { return ticket.reply { $0.member("at", sweeper.serverNow ?? wallClockMs()) } }
        store.ping { [self] result in
            guard let now = unwrap(result, ticket) else { return }
            ticket.reply { $0.member("at", now) }
        }
    }

    /// `info {}` → `{version, protocol, uptime_ms, pid, store, redis{…}, connections, workers, waiting_claims, …}`
    func info(_ ticket: Ticket) {
        let status = store.status
        ticket.reply { writer in
            writer.member("version", options.version)
            writer.member("protocol", ProtocolLimits.version)
            writer.member("uptime_ms", Int64((loop.now - startedAt) / 1_000))
            writer.member("pid", Int64(getpid()))
            writer.member("store", status.kind)
            writer.key("redis")
            writer.beginObject()
            writer.member("address", status.address)
            writer.member("state", status.state)
            if let role = status.role { writer.member("role", role) }
            if let version = status.version { writer.member("version", version) }
            if let roundTrip = status.roundTripUs { writer.member("round_trip_us", roundTrip) }
            writer.member("reconnects", status.reconnects)
            if let problem = status.problem { writer.member("problem", problem) }
            writer.endObject()
            writer.member("connections", connectionCount)
            writer.member("connections_dropped", droppedForOutput)
            writer.member("workers", workers.count)
            writer.member("waiting_claims", waiting.count)
            writer.member("draining", isDraining)
        }
    }

    /// `queues {}` → `{queues: [{queue, depth, latency_ms, paused[, paused_until]}, …]}`
    func queues(_ ticket: Ticket) {
        statisticsOfAll(ticket) { all in
            ticket.reply { writer in
                writer.key("queues")
                writer.beginArray()
                for (queue, statistics) in all {
                    writer.beginObject()
                    writer.member("queue", queue)
                    writer.depth(statistics.depth)
                    writer.member("latency_ms", statistics.latencyMs)
                    writer.member("paused", statistics.paused)
                    if let until = statistics.pausedUntil { writer.member("paused_until", until) }
                    writer.endObject()
                }
                writer.endArray()
            }
        }
    }

    /// `stats {queue}` → `{totals, depth}` of one queue, or the sums of all.
    func stats(queue: String?, _ ticket: Ticket) {
        guard let queue else {
            return statisticsOfAll(ticket) { all in
                let sum = all.reduce(into: QueueStatistics()) { $0.add($1.statistics) }
                ticket.reply { $0.statistics(sum) }
            }
        }
        store.statistics(queue: queue) { [self] result in
            guard let found = unwrap(result, ticket) else { return }
            guard let statistics = found else { return ticket.refuse(Self.noSuchQueue(queue)) }
            ticket.reply { $0.statistics(statistics) }
        }
    }

    /// `list {queue, state, limit, cursor, type}` → `{jobs: […][, cursor]}`
    func list(_ body: ListBody, _ ticket: Ticket) {
        if let cursor = body.cursor, !ListCursor.isPlausible(cursor) {
            return ticket.refuse(WireError(.badRequest, "cursor must be one from an earlier page", field: "cursor"))
        }
        store.list(queue: body.queue, state: body.state, type: body.type, limit: body.limit, cursor: body.cursor) {
            [self] result in
            guard let found = unwrap(result, ticket) else { return }
            guard let page = found else { return ticket.refuse(Self.noSuchQueue(body.queue)) }
            ticket.reply { writer in
                writer.key("jobs")
                writer.beginArray()
                for record in page.jobs { writer.record(record, queue: body.queue, whole: false) }
                writer.endArray()
                if let cursor = page.cursor { writer.member("cursor", cursor) }
            }
        }
    }

    /// `requeue {job}` → `{state}`; `requeue {queue, state, type, limit, dry_run}` → `{requeued, remaining}`
    func requeue(_ body: RequeueBody, _ ticket: Ticket) {
        switch body {
        case .job(let job): requeue(job, ticket)
        case .filter(let queue, let state, let type, let limit, let dryRun):
            let filter = RequeueFilter(queue: queue, state: state, type: type, limit: limit, dryRun: dryRun)
            requeue(filter, done: 0, cursor: nil, ticket)
        }
    }

    private func requeue(_ job: JobName, _ ticket: Ticket) {
        store.requeue(job.id, queue: job.queue) { [self] result in
            guard let outcome = unwrap(result, ticket) else { return }
            switch outcome {
            case .requeued: ticket.reply { $0.member("state", JobState.queued.rawValue) }
            case .notFound: ticket.refuse(Self.noSuchJob(job))
            case .wrongState(let state):
                ticket.refuse(
                    WireError(
                        .wrongState,
                        "only scheduled, retrying, dead and cancelled jobs can be requeued; this one is "
                            + state.rawValue,
                        state: state))
            }
        }
        waiting.wake(job.queue, for: 1)
    }

    /// The members of a requeue by filter.
    private struct RequeueFilter {
        let queue: String
        let state: JobState
        let type: String?
        let limit: Int
        let dryRun: Bool
    }

    /// Steps through the queue, each step bounded in the store, until `limit` jobs are done or the end is reached.
    private func requeue(_ filter: RequeueFilter, done: Int, cursor: String?, _ ticket: Ticket) {
        store.requeue(
            queue: filter.queue, state: filter.state, type: filter.type, limit: filter.limit - done,
            dryRun: filter.dryRun, cursor: cursor
        ) { [self] result in
            guard let found = unwrap(result, ticket) else { return }
            guard let step = found else { return ticket.refuse(Self.noSuchQueue(filter.queue)) }
            let done = done + step.done
            if !filter.dryRun { waiting.wake(filter.queue, for: step.done) }
            if let cursor = step.cursor, done < filter.limit {
                return requeue(filter, done: done, cursor: cursor, ticket)
            }
            ticket.reply { writer in
                writer.member("requeued", done)
                writer.member("remaining", step.remaining)
                if filter.dryRun { writer.member("dry_run", true) }
            }
        }
    }

    /// `pause {queue, until}` → `{queue, paused: true[, until]}`
    func pause(queue: String, until: ServerTime?, _ ticket: Ticket) {
        sweeper.noteQueue(queue)
        store.pause(queue: queue, until: until) { [self] result in
            guard unwrap(result, ticket) != nil else { return }
            if let until { sweeper.note(due: until, queue: queue) }
            ticket.reply { writer in
                writer.member("queue", queue)
                writer.member("paused", true)
                if let until { writer.member("until", until) }
            }
        }
    }

    /// `resume {queue}` → `{queue, paused: false}`
    func resume(queue: String, _ ticket: Ticket) {
        store.resume(queue: queue) { [self] result in
            guard let existed = unwrap(result, ticket) else { return }
            guard existed else { return ticket.refuse(Self.noSuchQueue(queue)) }
            waiting.wake(queue, atLeast: 1)
            ticket.reply { writer in
                writer.member("queue", queue)
                writer.member("paused", false)
            }
        }
    }

    /// `reclaim {queue}` → `{reclaimed, promoted, expired}`: the sweep of one queue or all, now.
    func reclaim(queue: String?, _ ticket: Ticket) {
        if let queue {
            return store.statistics(queue: queue) { [self] result in
                guard let found = unwrap(result, ticket) else { return }
                guard found != nil else { return ticket.refuse(Self.noSuchQueue(queue)) }
                sweepAll([queue], ticket)
            }
        }
        store.queues { [self] result in
            guard let names = unwrap(result, ticket) else { return }
            sweepAll(names, ticket)
        }
    }

    private func sweepAll(_ names: [String], _ ticket: Ticket) {
        let gather = Gather<Swept>(count: names.count) { [self] result in
            guard let swept = unwrap(result, ticket) else { return }
            ticket.reply { writer in
                writer.member("reclaimed", swept.reduce(0) { $0 + $1.reclaimed })
                writer.member("promoted", swept.reduce(0) { $0 + $1.promoted })
                writer.member("expired", swept.reduce(0) { $0 + $1.expired })
            }
        }
        if names.isEmpty { gather.take(.success([]), at: []) }
        for (index, name) in names.enumerated() {
            sweeper.sweep(name) { gather.take($0.map { [$0] }, at: [index]) }
        }
    }

    /// The statistics of all queues, in the order of their names. A queue that vanished meanwhile is left out.
    private func statisticsOfAll(
        _ ticket: Ticket, then: @escaping ([(queue: String, statistics: QueueStatistics)]) -> Void
    ) {
        store.queues { [self] result in
            guard let names = unwrap(result, ticket) else { return }
            let gather = Gather<QueueStatistics?>(count: names.count) { [self] result in
                guard let all = unwrap(result, ticket) else { return }
                then(zip(names, all).compactMap { name, found in found.map { (name, $0) } })
            }
            if names.isEmpty { gather.take(.success([]), at: []) }
            for (index, name) in names.enumerated() {
                store.statistics(queue: name) { gather.take($0.map { [$0] }, at: [index]) }
            }
        }
    }
}

extension QueueStatistics {
    /// Adds another queue's numbers.
    mutating func add(_ other: QueueStatistics) {
        depth.queued += other.depth.queued
        depth.scheduled += other.depth.scheduled
        depth.retrying += other.depth.retrying
        depth.processing += other.depth.processing
        depth.completed += other.depth.completed
        depth.dead += other.depth.dead
        totals.enqueued += other.totals.enqueued
        totals.claimed += other.totals.claimed
        totals.completed += other.totals.completed
        totals.failed += other.totals.failed
        totals.retried += other.totals.retried
        totals.dead += other.totals.dead
        totals.reclaimed += other.totals.reclaimed
        totals.released += other.totals.released
        totals.expired += other.totals.expired
        totals.cancelled += other.totals.cancelled
        totals.deleted += other.totals.deleted
        totals.requeued += other.totals.requeued
    }
}

extension JSONWriter {
    /// The reply of `stats`.
    fileprivate mutating func statistics(_ statistics: QueueStatistics) {
        totals(statistics.totals)
        depth(statistics.depth)
    }
}
