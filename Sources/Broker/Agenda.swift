// Which of many things is to be looked at next. Pure: time comes in as a parameter, one timer serves all.
//
// Most leases are renewed or ended long before their time, so both must be cheap: a thing's time is kept in the thing
// itself, and its entry in the heap may be too early (then it goes back in when it comes up) or of no use any more (then
// it is dropped when it comes up, or when such entries are the larger part).

import HeapModule

/// Something that can stand in an `Agenda`, which alone changes these.
protocol AgendaItem: AnyObject {
    /// When it is to be looked at; nil: not at all.
    var agendaTime: UInt64? { get set }
    /// The time of its entry in the heap.
    var agendaEntry: UInt64? { get set }
}

/// Things with times, earliest first.
struct Agenda<Item: AgendaItem> {
    private struct Entry: Comparable {
        let time: UInt64
        let item: Item
        static func < (a: Entry, b: Entry) -> Bool { a.time < b.time }
        static func == (a: Entry, b: Entry) -> Bool { a.time == b.time }
        var isGood: Bool { item.agendaEntry == time && item.agendaTime != nil }
    }
    private var heap = Heap<Entry>()
    /// Things that have a time.
    private(set) var count = 0

    /// Entries in the heap, for tests: never more than twice `count` and some.
    var entryCount: Int { heap.count }

    /// Things that have a time, in no order.
    var items: [Item] { heap.unordered.lazy.filter(\.isGood).map(\.item) }

    /// When to look again: not later than the earliest time of all. nil: nothing has a time.
    var nearest: UInt64? { heap.min?.time }

    /// Gives a thing a time, another time, or none.
    mutating func set(_ item: Item, to time: UInt64?) {
        count += (time == nil ? 0 : 1) - (item.agendaTime == nil ? 0 : 1)
        item.agendaTime = time
        guard let time else {
            // A thing without a time is not kept for long, with all that it keeps.
            if count == 0 || heap.count > 2 * count + 64 { tidy() }
            return
        }
        if let entry = item.agendaEntry, entry <= time { return }
        insert(item, time)
    }

    /// The next thing whose time has come; it has none from then on.
    mutating func popDue(at now: UInt64) -> Item? {
        while let first = heap.min, first.time <= now {
            heap.removeMin()
            let item = first.item
            guard item.agendaEntry == first.time else { continue }
            item.agendaEntry = nil
            guard let time = item.agendaTime else { continue }
            if time <= now {
                item.agendaTime = nil
                count -= 1
                return item
            }
            insert(item, time)
        }
        return nil
    }

    private mutating func insert(_ item: Item, _ time: UInt64) {
        item.agendaEntry = time
        heap.insert(Entry(time: time, item: item))
        if heap.count > 2 * count + 64 { tidy() }
    }

    private mutating func tidy() {
        var good: [Entry] = []
        good.reserveCapacity(count)
        for entry in heap.unordered where entry.item.agendaEntry == entry.time {
            if entry.isGood { good.append(entry) } else { entry.item.agendaEntry = nil }
        }
        heap = Heap(good)
    }
}
