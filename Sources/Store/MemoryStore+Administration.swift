// The calls of administrators on the store in memory: looking at jobs and queues, changing and removing them, topics.

public import Wire

extension MemoryStore {
    // MARK: Jobs

    public func get(_ id: String, queue: String, then: @escaping Completion<JobRecord?>) {
        gather(.reading, then) { [model] in model.queue(queue).get(id, now: $0 / 1000) }
    }

    public func list(
        queue: String, state: JobState, type: String?, limit: Int, cursor: String?, then: @escaping Completion<JobPage?>
    ) {
        gather(.reading, then) { [model] in
            model.queue(queue).list(state: state, type: type, limit: limit, cursor: cursor, now: $0 / 1000)
        }
    }

    public func requeue(_ id: String, queue: String, then: @escaping Completion<RequeueOutcome>) {
        gather(.upkeep, then) { [model] in model.queue(queue).requeue(id, now: $0 / 1000) }
    }

    public func requeue(
        queue: String, state: JobState, type: String?, limit: Int, dryRun: Bool, cursor: String?,
        then: @escaping Completion<BulkStep?>
    ) {
        gather(.upkeep, then) { [model] in
            model.queue(queue).requeue(
                state: state, type: type, limit: limit, dryRun: dryRun, cursor: cursor, now: $0 / 1000)
        }
    }

    public func cancel(_ id: String, reason: String?, queue: String, then: @escaping Completion<CancelOutcome>) {
        gather(.upkeep, then) { [model] in model.queue(queue).cancel(id, reason: reason, now: $0 / 1000) }
    }

    public func delete(_ id: String, queue: String, then: @escaping Completion<DeleteOutcome>) {
        gather(.upkeep, then) { [model] in model.queue(queue).delete(id, now: $0 / 1000) }
    }

    public func purge(
        queue: String, filter: JobFilter, limit: Int, dryRun: Bool, cursor: String?,
        then: @escaping Completion<BulkStep?>
    ) {
        gather(.upkeep, then) { [model] in
            model.queue(queue).purge(filter, limit: limit, dryRun: dryRun, cursor: cursor, now: $0 / 1000)
        }
    }

    public func held(_ claims: [Claim], queue: String, then: @escaping Completion<[HeldOutcome]>) {
        gather(.reading, then) { [model] in model.queue(queue).held(claims, now: $0 / 1000) }
    }

    // MARK: Queues

    public func configure(
        _ change: PolicyChange, queue: String, creating: Bool, then: @escaping Completion<QueuePolicy?>
    ) {
        gather(.upkeep, then) { [model] _ in model.queue(queue, creating: creating)?.configure(change) }
    }

    public func policy(queue: String, then: @escaping Completion<QueuePolicy?>) {
        gather(.reading, then) { [model] _ in
            let queue = model.queue(queue)
            return queue.exists ? queue.policy.effective : nil
        }
    }

    public func check(queue: String, repair: Bool, part: CheckPart, then: @escaping Completion<CheckStep?>) {
        gather(.reading, then) { [model] in model.queue(queue).check(part, now: $0 / 1000) }
    }

    public func keyPage(queue: String?, cursor: String?, then: @escaping Completion<KeyPage>) {
        gather(.reading, then) { _ in KeyPage(keys: [], cursor: nil) }
    }

    public func pause(queue: String, until: ServerTime?, creating: Bool, then: @escaping Completion<QueuePause?>) {
        gather(.upkeep, then) { [model] _ in model.queue(queue, creating: creating)?.pause(until: until) }
    }

    public func resume(queue: String, then: @escaping Completion<QueuePause?>) {
        gather(.upkeep, then) { [model] _ in model.queue(queue).resume() }
    }

    public func removeQueue(_ queue: String, withJobs: Bool, then: @escaping Completion<RemovalStep?>) {
        gather(.upkeep, then) { [model] in model.removeQueue(queue, withJobs: withJobs, now: $0 / 1000) }
    }

    public func queuePage(cursor: String?, then: @escaping Completion<QueuePage>) {
        gather(.reading, then) { [model] _ in QueuePage(names: model.names, cursor: nil) }
    }

    public func statistics(queue: String, then: @escaping Completion<QueueStatistics?>) {
        gather(.reading, then) { [model] in model.queue(queue).statistics(now: $0 / 1000) }
    }

    public func queues(then: @escaping Completion<[String]>) {
        gather(.reading, then) { [model] _ in model.names }
    }

    public func queueCount(then: @escaping Completion<Int>) {
        gather(.reading, then) { [model] _ in model.names.count }
    }

    public func ping(then: @escaping Completion<ServerTime>) {
        gather(.reading, then) { $0 / 1000 }
    }

    // MARK: Topics

    public func bind(topic: String, queue: String, then: @escaping Completion<Bool>) {
        gather(.upkeep, then) { [model] _ in model.bind(queue, to: topic) }
    }

    public func unbind(topic: String, queue: String, then: @escaping Completion<Bool>) {
        gather(.upkeep, then) { [model] _ in model.unbind(queue, from: topic) }
    }

    public func bindings(of topic: String, then: @escaping Completion<[String]>) {
        gather(.reading, then) { [model] _ in model.bindings(of: topic) }
    }

    public func topics(then: @escaping Completion<[TopicBinding]>) {
        gather(.reading, then) { [model] _ in model.topics }
    }
}
