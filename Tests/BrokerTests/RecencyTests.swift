import Testing

@testable import Broker

/// What nobody needs is kept for a while, and not too much of it.
@Suite struct RecencyTests {
    private final class Thing: RecencyItem {
        var unusedSince: UInt64?
    }

    @Test func theLongestUnusedGoesFirstWhenThereAreTooMany() {
        var recency = Recency<Thing>(limit: 2, keptUs: 1_000)
        let things = (0..<4).map { _ in Thing() }
        for (time, thing) in things.enumerated() { recency.add(thing, at: UInt64(time)) }
        #expect(recency.popOver(at: 3) === things[0])
        #expect(recency.popOver(at: 3) === things[1])
        #expect(recency.popOver(at: 3) == nil && recency.count == 2)
    }

    @Test func aThingGoesWhenItsTimeIsOver() {
        var recency = Recency<Thing>(limit: 10, keptUs: 1_000)
        let thing = Thing()
        recency.add(thing, at: 5)
        #expect(recency.popOver(at: 1_005) == nil)
        #expect(recency.popOver(at: 1_006) === thing)
        #expect(thing.unusedSince == nil && recency.count == 0)
    }

    @Test func whatIsNeededAgainStays() {
        var recency = Recency<Thing>(limit: 0, keptUs: 1_000)
        let thing = Thing()
        recency.add(thing, at: 1)
        recency.remove(thing)
        #expect(recency.popOver(at: 10_000) == nil)
    }

    @Test func useAndDisuseWithoutEndKeepFewEntries() {
        var recency = Recency<Thing>(limit: 10, keptUs: 1_000_000)
        let things = (0..<5).map { _ in Thing() }
        for time in 0..<10_000 {
            let thing = things[time % 5]
            recency.add(thing, at: UInt64(time))
            if time % 2 == 0 { recency.remove(thing) }
        }
        #expect(recency.entryCount <= 2 * 5 + 64)
    }
}
