// The event log of a queue in memory: what the stream `jobq:{q}:events` is in Redis.
//
// An entry has all events of one step, and as its id the seq of the last of them; those before it count backwards. The
// oldest entries go when there are too many. What it leaves out: who is told of the events.

import DequeModule
import Wire

/// The last events of a queue.
struct MemoryEventLog {
    /// Events that happened together, in their order; never empty.
    typealias Entry = [JobEvent]
    /// Entries kept at most.
    static let limit = 4_000
    private(set) var entries = Deque<Entry>()

    /// Logs the events of one step and gives them their seqs, which are behind all others, also when the clock went back.
    mutating func append(_ events: [JobEvent], now: ServerTime) -> [JobEvent] {
        var first = EventID(milliseconds: UInt64(max(0, now)), number: 0)
        if let newest = entries.last?.last?.seq, first <= newest {
            first = EventID(milliseconds: newest.milliseconds, number: newest.number + 1)
        }
        var numbered = events
        for index in numbered.indices {
            numbered[index].seq = EventID(milliseconds: first.milliseconds, number: first.number + UInt64(index))
        }
        entries.append(numbered)
        if entries.count > Self.limit { entries.removeFirst() }
        return numbered
    }

    /// At most `limit` events behind `position`, but for those that were logged together with the last one.
    func page(after position: EventID, limit: Int) -> EventPage {
        var index = firstEntry(after: position)
        var events: [JobEvent] = []
        while index < entries.count, events.count < limit {
            events += entries[index].drop { $0.seq <= position }
            index += 1
        }
        return EventPage(events: events, isLast: index == entries.count)
    }

    /// The index of the first entry that has an event behind `position`.
    private func firstEntry(after position: EventID) -> Int {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle][entries[middle].count - 1].seq <= position { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
