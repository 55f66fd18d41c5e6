// Requests whose jobs go to several queues.

import Store
import Testing

@testable import Broker

@Suite struct GatherTests {
    private final class Calls {
        var made: [(share: [Int], queue: String, then: Completion<[Int]>)] = []
        var result: Result<[Int], StoreFailure>?
    }

    private func scatter(_ items: [(String, Int)]) -> Calls {
        let calls = Calls()
        Gather<Int>.scatter(
            items, queue: \.0, share: \.1,
            call: { calls.made.append((share: $0, queue: $1, then: $2)) },
            then: { calls.result = $0 })
        return calls
    }

    @Test func itemsOfOneQueueAreOneCall() {
        let calls = scatter([("a", 1), ("a", 2)])
        #expect(calls.made.count == 1)
        #expect(calls.made[0].share == [1, 2])
        calls.made[0].then(.success([10, 20]))
        #expect(calls.result == .success([10, 20]))
    }

    @Test func outcomesComeBackInTheOrderOfTheRequest() {
        let calls = scatter([("a", 1), ("b", 2), ("a", 3)])
        #expect(calls.made.map(\.queue) == ["a", "b"])
        calls.made[1].then(.success([20]))
        #expect(calls.result == nil)
        calls.made[0].then(.success([10, 30]))
        #expect(calls.result == .success([10, 20, 30]))
    }

    @Test func oneFailedShareFailsTheRequestOnceAllAreAnswered() {
        let calls = scatter([("a", 1), ("b", 2)])
        calls.made[0].then(.failure(.full("no memory")))
        #expect(calls.result == nil)
        calls.made[1].then(.success([20]))
        #expect(calls.result == .failure(.full("no memory")))
    }
}
