// Which events a client that does not read loses, and that it is told how many.

import Testing

@testable import Broker

/// A valve to be asked inside an expectation.
private final class Gate {
    var valve: EventValve
    init(bound: Int) { valve = EventValve(bound: bound) }
    func admit(_ count: Int, unsent: Int, isCongested: Bool = true) -> Bool {
        valve.admit(count, unsent: unsent, isCongested: isCongested)
    }
    func open() -> Int? { valve.open() }
}

@Suite struct EventValveTests {
    @Test func eventsPassUntilTheBoundIsExceeded() {
        let valve = Gate(bound: 100)
        #expect(valve.admit(1, unsent: 0, isCongested: false))
        #expect(valve.admit(5, unsent: 100))
        #expect(valve.open() == nil)
        #expect(!valve.admit(1, unsent: 101))
    }

    @Test func bytesThatOnlyWaitForTheEndOfTheTurnDoNotShutIt() {
        let valve = Gate(bound: 100)
        #expect(valve.admit(1, unsent: 5_000, isCongested: false))
        #expect(valve.valve.dropped == 0)
    }

    @Test func onceShutItStaysShutUntilItIsOpenedAndCountsAll() {
        let valve = Gate(bound: 100)
        #expect(!valve.admit(3, unsent: 101))
        // Some was sent meanwhile, but not all: letting events through would make a hole nobody is told of.
        #expect(!valve.admit(4, unsent: 10))
        #expect(valve.open() == 7)
        #expect(valve.admit(1, unsent: 0, isCongested: false))
        #expect(valve.open() == nil)
    }

    @Test func eachOverflowIsCountedAnew() {
        let valve = Gate(bound: 0)
        #expect(!valve.admit(2, unsent: 1))
        #expect(valve.open() == 2)
        #expect(!valve.admit(1, unsent: 1))
        #expect(valve.open() == 1)
    }
}
