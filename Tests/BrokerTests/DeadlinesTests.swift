// Things that wait until their time, on a real loop.

import Reactor
import Testing

@testable import Broker

@Suite struct DeadlinesTests {
    private final class Thing: AgendaItem {
        let name: String
        var agendaTime: UInt64?
        var agendaEntry: UInt64?
        init(_ name: String) { self.name = name }
    }

    @Test func thePassedAreToldInTheOrderOfTheirTimesAndWhoHasNoneIsNot() throws {
        let loop = try Loop()
        var passed: [String] = []
        let deadlines = Deadlines<Thing>(loop: loop, passed: { passed.append($0.name) })
        let now = loop.now
        let over = Thing("over")
        deadlines.set(Thing("second"), to: now + 2_000)
        deadlines.set(over, to: now + 1_500)
        deadlines.set(Thing("first"), to: now + 1_000)
        deadlines.set(Thing("late"), to: now + 3_600_000_000)
        deadlines.set(over, to: nil)
        var turns = 0
        while passed.count < 2, turns < 1_000 {
            _ = try loop.runOnce(timeout: 1_000_000)
            turns += 1
        }
        #expect(passed == ["first", "second"])
        #expect(deadlines.items.map(\.name) == ["late"])
    }
}
