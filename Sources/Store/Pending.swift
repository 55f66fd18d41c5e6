// Calls that are not built yet.

public import Wire

private func pending<Value>(_ then: Completion<Value>) { then(.failure(.internal("not built yet"))) }

extension RedisStore {
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
