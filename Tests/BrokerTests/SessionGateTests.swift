// The order rules of one connection, without a connection.

import Testing

@testable import Broker

@Suite struct SessionGateTests {
    @Test func requestWithoutIdBarsTheWayUntilItIsAnswered() {
        var gate = SessionGate(limit: 4)
        gate.admit(identified: false)
        #expect(!gate.mayTakeRequest)
        #expect(gate.open == 1)
        gate.answered(identified: false)
        #expect(gate.mayTakeRequest)
        #expect(gate.open == 0)
    }

    @Test func requestsWithIdsRunConcurrentlyUpToTheLimit() {
        var gate = SessionGate(limit: 2)
        gate.admit(identified: true)
        #expect(gate.mayTakeRequest)
        gate.admit(identified: true)
        #expect(!gate.mayTakeRequest)
        gate.answered(identified: true)
        #expect(gate.mayTakeRequest)
        #expect(gate.open == 1)
    }

    @Test func answeringAnIdentifiedRequestDoesNotLiftTheBar() {
        var gate = SessionGate(limit: 8)
        gate.admit(identified: true)
        gate.admit(identified: false)
        gate.answered(identified: true)
        #expect(!gate.mayTakeRequest)
        gate.answered(identified: false)
        #expect(gate.mayTakeRequest)
    }
}
