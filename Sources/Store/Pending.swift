// Calls that are not built yet.

public import Wire

private func pending<Value>(_ then: Completion<Value>) { then(.failure(.internal("not built yet"))) }

extension RedisStore {
    public func cancel(_ id: String, reason: String?, queue: String, then: @escaping Completion<CancelOutcome>) {
        pending(then)
    }
    public func delete(_ id: String, queue: String, then: @escaping Completion<DeleteOutcome>) { pending(then) }
    public func purge(
        queue: String, filter: JobFilter, limit: Int, dryRun: Bool, cursor: String?,
        then: @escaping Completion<BulkStep?>
    ) { pending(then) }
    public func configure(_ change: PolicyChange, queue: String, then: @escaping Completion<QueuePolicy>) {
        pending(then)
    }
    public func policy(queue: String, then: @escaping Completion<QueuePolicy?>) { pending(then) }
    public func held(_ claims: [Claim], queue: String, then: @escaping Completion<[HeldOutcome]>) { pending(then) }
    public func check(queue: String, repair: Bool, cursor: String?, then: @escaping Completion<CheckStep?>) {
        pending(then)
    }
    public func bind(topic: String, queue: String, then: @escaping Completion<Bool>) { pending(then) }
    public func unbind(topic: String, queue: String, then: @escaping Completion<Bool>) { pending(then) }
    public func bindings(of topic: String, then: @escaping Completion<[String]>) { pending(then) }
    public func topics(then: @escaping Completion<[TopicBinding]>) { pending(then) }
    public func events(queue: String, after: EventID, limit: Int, then: @escaping Completion<EventPage>) {
        pending(then)
    }
    public func logAll(queue: String, forMs: Int64, then: @escaping Completion<Void>) { pending(then) }
    public func listen(to glob: Glob) {}
    public func unlisten(to glob: Glob) {}
    public func watchCancels(queue: String) {}
    public func unwatchCancels(queue: String) {}
}
