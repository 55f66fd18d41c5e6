// Things that nobody needs any more, kept for some time in case somebody does again, and at most a number of them. Pure.
//
// What clients make up is forgotten through this: names and patterns that were asked for once. A thing that is needed
// again leaves an entry behind that means nothing; these are dropped when they are the larger part.

import DequeModule

/// Something that can stand in a `Recency`, which alone changes this.
protocol RecencyItem: AnyObject {
    /// Since when nobody needs it, monotonic µs; nil: somebody does.
    var unusedSince: UInt64? { get set }
}

/// Unused things, the longest unused first.
struct Recency<Item: RecencyItem> {
    private var entries = Deque<(item: Item, since: UInt64)>()
    /// Things that are unused.
    private(set) var count = 0
    /// How many are kept, and how long, µs.
    let limit: Int
    let keptUs: UInt64

    init(limit: Int, keptUs: UInt64) {
        self.limit = limit
        self.keptUs = keptUs
    }

    /// Entries, for tests: never more than twice `count` and some.
    var entryCount: Int { entries.count }

    /// Nobody needs it from now on.
    mutating func add(_ item: Item, at now: UInt64) {
        if item.unusedSince == nil { count += 1 }
        item.unusedSince = now
        entries.append((item, now))
        if entries.count > 2 * count + 64 { entries.removeAll { $0.item.unusedSince != $0.since } }
    }

    /// Somebody needs it.
    mutating func remove(_ item: Item) {
        guard item.unusedSince != nil else { return }
        item.unusedSince = nil
        count -= 1
    }

    /// The longest unused thing, when there are too many or its time is over; it is needed by nobody and kept no more.
    mutating func popOver(at now: UInt64) -> Item? {
        while let first = entries.first {
            guard first.item.unusedSince == first.since else {
                entries.removeFirst()
                continue
            }
            guard count > limit || now - min(first.since, now) > keptUs else { return nil }
            entries.removeFirst()
            remove(first.item)
            return first.item
        }
        return nil
    }
}
