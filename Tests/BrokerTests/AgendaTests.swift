// Many times, one timer: what is due comes out in order, and what was moved or taken away costs nothing for long.

import Testing

@testable import Broker

@Suite struct AgendaTests {
    private final class Item: AgendaItem {
        let name: Int
        var agendaTime: UInt64?
        var agendaEntry: UInt64?
        init(_ name: Int) { self.name = name }
    }
    private final class Box {
        var agenda = Agenda<Item>()
    }
    private let box = Box()

    private func due(at now: UInt64) -> [Int] {
        var names: [Int] = []
        while let item = box.agenda.popDue(at: now) { names.append(item.name) }
        return names
    }

    @Test func whatIsDueComesOutInOrderOfTime() {
        for (name, time) in [(1, 30), (2, 10), (3, 20), (4, 40)] as [(Int, UInt64)] {
            box.agenda.set(Item(name), to: time)
        }
        #expect(box.agenda.nearest == 10)
        #expect(due(at: 9) == [])
        #expect(due(at: 30) == [2, 3, 1])
        #expect(box.agenda.nearest == 40)
        #expect(box.agenda.count == 1)
    }

    @Test func aLaterTimeCountsInsteadOfTheEarlier() {
        let item = Item(1)
        box.agenda.set(item, to: 10)
        box.agenda.set(item, to: 50)
        #expect(due(at: 49) == [])
        #expect(box.agenda.nearest == 50)
        #expect(due(at: 50) == [1])
        #expect(due(at: 100) == [])
    }

    @Test func anEarlierTimeCountsInsteadOfTheLater() {
        let item = Item(1)
        box.agenda.set(item, to: 50)
        box.agenda.set(item, to: 10)
        #expect(due(at: 10) == [1])
        #expect(due(at: 100) == [])
        #expect(box.agenda.count == 0)
    }

    @Test func forthAndBackAgainComesOutOnce() {
        let item = Item(1)
        for time in [50, 10, 50, 10, 50] as [UInt64] { box.agenda.set(item, to: time) }
        #expect(due(at: 49) == [])
        #expect(due(at: 60) == [1])
        #expect(box.agenda.nearest == nil)
    }

    @Test func whatWasTakenAwayNeverComesOut() {
        let item = Item(1)
        box.agenda.set(item, to: 10)
        box.agenda.set(item, to: nil)
        #expect(box.agenda.count == 0)
        #expect(due(at: 100) == [])
        box.agenda.set(item, to: 120)
        #expect(due(at: 120) == [1])
    }

    @Test func thingsThatComeAndGoDoNotPileUp() {
        for round in 0..<10_000 {
            let item = Item(round)
            box.agenda.set(item, to: UInt64(1_000_000 + round))
            box.agenda.set(item, to: nil)
        }
        #expect(box.agenda.entryCount <= 66)
        let staying = Item(-1)
        box.agenda.set(staying, to: 500)
        for time in 0..<10_000 as Range<UInt64> { box.agenda.set(staying, to: 20_000 - time) }
        #expect(box.agenda.entryCount <= 70)
        #expect(due(at: 10_000) == [])
        #expect(due(at: 10_001) == [-1])
    }

    @Test func whatHasNoTimeAnyMoreIsNotKept() {
        var items = (0..<200).map(Item.init)
        weak let last = items.last
        for item in items { box.agenda.set(item, to: 1_000) }
        for item in items.dropFirst() { box.agenda.set(item, to: nil) }
        #expect(box.agenda.entryCount <= 66)
        box.agenda.set(items[0], to: nil)
        items = []
        #expect(box.agenda.entryCount == 0 && last == nil)
        #expect(due(at: 2_000) == [])
    }
}
