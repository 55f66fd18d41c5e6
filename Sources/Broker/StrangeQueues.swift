// Queues that the daemon did not know, and what was heard of them, until they are held against the patterns.
//
// Clients make up queues as fast as they like, and patterns by the thousand; so what they cost together is done in pieces,
// one queue after the other, and what comes of a queue meanwhile waits behind what came before.

import DequeModule
import Store
import Wire

/// The line of queues without a channel.
struct StrangeQueues {
    private var entries = Deque<(queue: String, events: [JobEvent])>()
    /// How many of each queue.
    private var counts: [String: Int] = [:]

    /// What may wait.
    private static let limit = 10_000

    var isEmpty: Bool { entries.isEmpty }

    /// It is the first, or the only one, to wait.
    var hasOne: Bool { entries.count == 1 }

    func contains(_ queue: String) -> Bool { counts[queue] != nil }

    /// - Parameter events: none when only the queue is new.
    /// - Returns: False when too many wait: all of them are forgotten.
    mutating func add(_ queue: String, _ events: [JobEvent]) -> Bool {
        if entries.count == Self.limit {
            self = StrangeQueues()
            return false
        }
        entries.append((queue, events))
        counts[queue, default: 0] += 1
        return true
    }

    mutating func next() -> (queue: String, events: [JobEvent])? {
        guard let entry = entries.popFirst() else { return nil }
        counts[entry.queue]! -= 1
        if counts[entry.queue] == 0 { counts[entry.queue] = nil }
        return entry
    }
}
