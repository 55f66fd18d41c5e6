// The reference model of a store: all queues and topics, in memory, with synchronous calls.
//
// It follows the rules of a job's life and knows nothing of Redis, so that the two can be compared step by step. Time
// and chance are parameters. What it leaves out: gathering of calls and their completions, which `MemoryStore` adds.

import Wire

/// All queues.
final class MemoryModel {
    private(set) var queues: [String: MemoryQueue] = [:]
    /// The queues bound to each topic; no topic without a queue.
    private var bound: [String: Set<String>] = [:]
    /// Told of the events of a step, at its end.
    var onEvents: ((_ queue: String, _ events: [JobEvent]) -> Void)?
    /// Told of what else would be published.
    var onNotice: ((_ queue: String, _ notice: MemoryNotice) -> Void)?

    /// The queue of that name for reading and for calls that cannot create one: a missing queue is like an empty one.
    func queue(_ name: String) -> MemoryQueue { queues[name] ?? MemoryQueue(name) }

    /// The queue of that name, from now on one of the queues: for `enqueue`, `pause` and `configure`.
    func createdQueue(_ name: String) -> MemoryQueue {
        if let queue = queues[name] { return queue }
        let queue = MemoryQueue(name)
        queue.onEvents = { [weak self] in self?.onEvents?(name, $0) }
        queue.onNotice = { [weak self] in self?.onNotice?(name, $0) }
        queues[name] = queue
        return queue
    }

    /// nil: there is none, and it is not to be made.
    func queue(_ name: String, creating: Bool) -> MemoryQueue? {
        if creating { return createdQueue(name) }
        return queues[name].flatMap { $0.exists ? $0 : nil }
    }

    /// In one step, as it holds up nobody else.
    func removeQueue(_ name: String, withJobs: Bool, now: ServerTime) -> RemovalStep? {
        guard let queue = queue(name, creating: false) else { return nil }
        let depth = queue.openDepth
        if !withJobs, depth != Depth() { return .refused(depth) }
        let removed = queue.removeAll(now: now)
        queues[name] = nil
        for topic in Array(bound.keys) { _ = unbind(name, from: topic) }
        return .gone(removed)
    }

    /// Sorted by the bytes of the names, which are ASCII.
    var names: [String] { queues.keys.sorted() }

    // MARK: Topics

    /// False: it was bound before.
    func bind(_ queue: String, to topic: String) -> Bool { bound[topic, default: []].insert(queue).inserted }

    /// False: it was not bound.
    func unbind(_ queue: String, from topic: String) -> Bool {
        guard bound[topic]?.remove(queue) != nil else { return false }
        if bound[topic]?.isEmpty == true { bound[topic] = nil }
        return true
    }

    func bindings(of topic: String) -> [String] { bound[topic]?.sorted() ?? [] }

    var topics: [TopicBinding] {
        bound.keys.sorted().map { TopicBinding(topic: $0, queues: bindings(of: $0)) }
    }
}
