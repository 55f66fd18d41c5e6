// Handlers of the producers' operations.

import Store
import Wire

extension Broker {
    /// `enqueue {queue, payload, …}` → `{job, state[, duplicate]}`;
    /// `enqueue {jobs: […]}` → `{jobs: [{job, state[, duplicate]} | {ok: false, error}, …]}`.
    func enqueue(_ body: EnqueueBody, _ ticket: Ticket) {
        if refusesNewWork(ticket) { return }
        let names = body.jobs.map { JobName(queue: $0.queue, id: $0.jobID ?? identifiers.ulid()) }
        let items = zip(names, body.jobs).map { (name: $0, job: NewJob($1, id: $0.id)) }
        // The payloads are the store's from here on: what answers keeps none of them.
        let isMany = body.isMany
        let areNamed = isMany ? body.jobs.map { $0.jobID != nil } : []
        let isNamed = body.jobs[0].jobID != nil
        Gather<Enqueued>.scatter(
            items, queue: \.name.queue, share: \.job, call: { put($0, queue: $1, then: $2) },
            then: { [self] result in
                guard let outcomes = unwrap(result, ticket) else { return }
                if !isMany {
                    if outcomes[0].isRefused { return ticket.refuse(Self.queueFull(names[0].queue)) }
                    return ticket.reply { $0.enqueued(names[0], outcomes[0], namedByClient: isNamed) }
                }
                ticket.reply { writer in
                    writer.key("jobs")
                    writer.beginArray()
                    for index in names.indices {
                        writer.enqueuedItem(names[index], outcomes[index], namedByClient: areNamed[index])
                    }
                    writer.endArray()
                }
            })
    }

    /// Enqueues one queue's share. Claims that wait for the queue are tried in the same turn, so that the store sees them
    /// right behind the jobs.
    func put(_ jobs: [NewJob], queue: String, then: @escaping Completion<[Enqueued]>) {
        sweeper.noteQueue(queue)
        waiting.queueAppears(queue)
        let soonestEnd = jobs.lazy.compactMap(\.expiresInMs).min()
        store.enqueue(jobs, queue: queue) { [self] result in
            if case .success(let outcomes) = result {
                noteDue(outcomes, queue: queue)
                if let soonestEnd { sweeper.note(inMs: soonestEnd, queue: queue) }
            }
            then(result)
        }
        waiting.wake(queue, for: jobs.count { $0.start == .now })
    }

    private func noteDue(_ outcomes: [Enqueued], queue: String) {
        for outcome in outcomes {
            if let runAt = outcome.runAt, !outcome.duplicate { sweeper.note(due: runAt, queue: queue) }
        }
    }

    /// `get {job}` → `{job: {…record…}}`
    func get(_ job: JobName, _ ticket: Ticket) {
        store.get(job.id, queue: job.queue) { [self] result in
            guard let found = unwrap(result, ticket) else { return }
            guard let record = found else { return ticket.refuse(Self.noSuchJob(job)) }
            ticket.reply { writer in
                writer.key("job")
                writer.record(record, queue: job.queue, whole: true)
            }
        }
    }
}

extension NewJob {
    /// A job as the request describes it, under the id it was given.
    init(_ item: EnqueueItem, id: String) {
        let start: Start =
            if let delay = item.delayMs, delay > 0 {
                .delay(delay)
            } else if let time = item.runAt {
                .at(time)
            } else {
                .now
            }
        self.init(
            id: id, payload: item.payload, type: item.type, priority: item.priority, front: item.front, start: start,
            maxAttempts: item.maxAttempts, backoff: item.backoff.map(Backoff.init), leaseMs: item.leaseMs,
            keepMs: item.keepMs, meta: item.meta, unique: item.unique.map(UniqueKey.init), expiresInMs: item.expiresInMs
        )
    }
}

extension UniqueKey {
    init(_ body: UniqueBody) {
        self.init(key: body.key, until: Until(rawValue: body.until.rawValue) ?? .done, ttlMs: body.ttlMs)
    }
}

extension Backoff {
    init(_ body: BackoffBody) {
        self.init(
            kind: Kind(rawValue: body.kind) ?? .exponential, baseMs: body.baseMs, maxMs: body.maxMs,
            jitter: body.jitter)
    }
}
