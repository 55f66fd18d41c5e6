// Who is told what of the store in memory: events of queues, and requests to cancel jobs in workers' hands.
//
// What happened in a turn is told at its end, behind the completions of the calls that made it happen.

public import Wire

/// Who listens to what, and what they are still to be told.
struct MemoryListening {
    /// How often each glob is listened to.
    private var globs: [Glob: Int] = [:]
    /// Queues whose requests to cancel are watched.
    var cancels: Set<String> = []
    private(set) var events: [(queue: String, events: [JobEvent])] = []
    private(set) var requests: [(queue: String, id: String, reason: String)] = []

    mutating func listen(to glob: Glob) { globs[glob, default: 0] += 1 }

    mutating func unlisten(to glob: Glob) {
        guard let count = globs[glob] else { return }
        globs[glob] = count > 1 ? count - 1 : nil
    }

    mutating func note(_ events: [JobEvent], queue: String) {
        if globs.keys.contains(where: { $0.matches(queue) }) { self.events.append((queue, events)) }
    }

    mutating func note(_ notice: MemoryNotice, queue: String) {
        if case .cancel(let id, let reason) = notice, cancels.contains(queue) { requests.append((queue, id, reason)) }
    }

    mutating func forgetWhatIsTold() {
        events = []
        requests = []
    }
}

extension MemoryStore {
    public func events(queue: String, after: EventID, limit: Int, then: @escaping Completion<EventPage>) {
        gather(.reading, then) { [model] _ in model.queue(queue).events.page(after: after, limit: limit) }
    }

    public func logAll(queue: String, forMs: Int64, then: @escaping Completion<Void>) {
        gather(.tokens, then) { [model] in model.queue(queue).logAll(forMs: forMs, now: $0 / 1000) }
    }

    public func listen(to glob: Glob) {
        listening.listen(to: glob)
        later { [weak self] in self?.onListening?(glob) }
    }

    public func unlisten(to glob: Glob) { listening.unlisten(to: glob) }

    public func watchCancels(queue: String) {
        listening.cancels.insert(queue)
        later { [weak self] in self?.onWatchingCancels?(queue) }
    }

    public func unwatchCancels(queue: String) { listening.cancels.remove(queue) }

    /// Tells what happened in this turn. What the listeners ask for in turn gathers for the next one.
    func tellListeners() {
        let told = listening
        listening.forgetWhatIsTold()
        for (queue, events) in told.events { onEvents?(queue, events) }
        for request in told.requests { onCancelRequest?(request.queue, request.id, request.reason) }
    }
}
