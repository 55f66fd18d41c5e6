// The reference model of a store: all queues, in memory, with synchronous calls.
//
// It follows the rules of a job's life and knows nothing of Redis, so that the two can be compared step by step. Time
// and chance are parameters. What it leaves out: gathering of calls and their completions, which `MemoryStore` adds.

/// All queues.
final class MemoryModel {
    private(set) var queues: [String: MemoryQueue] = [:]
    /// Whether queues note what they would publish.
    var notesNotices = false

    /// The queue of that name for reading and for calls that cannot create one: a missing queue is like an empty one.
    func queue(_ name: String) -> MemoryQueue { queues[name] ?? MemoryQueue(name) }

    /// The queue of that name, from now on one of the queues: for `enqueue` and `pause`.
    func createdQueue(_ name: String) -> MemoryQueue {
        if let queue = queues[name] { return queue }
        let queue = MemoryQueue(name)
        if notesNotices { queue.notices = [] }
        queues[name] = queue
        return queue
    }

    /// Sorted by the bytes of the names, which are ASCII.
    var names: [String] { queues.keys.sorted() }
}
