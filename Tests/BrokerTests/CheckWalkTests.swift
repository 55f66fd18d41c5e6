// In which order a check looks at what: each index once, one walk through the keys for all queues, then the totals.

import Store
import Testing

@testable import Broker

@Suite struct CheckWalkTests {
    private let clean = CheckStep(checked: 1, violations: [], cursor: nil)

    private func key(_ queue: String, _ end: String) -> KeyPage.Key { KeyPage.Key(queue: queue, end: end) }

    @Test func keysOfAllQueuesAreFoundByOneWalk() {
        let walk = CheckWalk(queues: ["a", "b"], repair: false, named: nil)
        #expect(walk.next == .look(queue: "a", .indexes(cursor: nil)))
        walk.took(CheckStep(checked: 500, violations: [], cursor: "queued 1 x"), of: "a")
        #expect(walk.next == .look(queue: "a", .indexes(cursor: "queued 1 x")))
        walk.took(clean, of: "a")
        walk.took(clean, of: "b")
        #expect(walk.next == .page(cursor: nil))
        walk.took(KeyPage(keys: [key("a", "job:1"), key("other", "job:2")], cursor: "7"))
        #expect(walk.next == .page(cursor: "7"))
        walk.took(KeyPage(keys: [key("a", "job:3"), key("b", "unique:k")], cursor: nil))
        var looked: [String: [String]] = [:]
        while case .look(let queue, .keys(let keys)) = walk.next {
            looked[queue, default: []] += keys
            walk.took(clean, of: queue)
        }
        #expect(looked.mapValues { $0.sorted() } == ["a": ["job:1", "job:3"], "b": ["unique:k"]])
        #expect(walk.next == .look(queue: "a", .totals))
        walk.took(clean, of: "a")
        walk.took(clean, of: "b")
        #expect(walk.next == .end)
    }

    @Test func manyKeysOfOneQueueAreCutIntoSteps() {
        let walk = CheckWalk(queues: ["a"], repair: false, named: "a")
        walk.took(clean, of: "a")
        _ = walk.next
        walk.took(KeyPage(keys: (0..<450).map { key("a", "job:\($0)") }, cursor: nil))
        var counts: [Int] = []
        while case .look(_, .keys(let keys)) = walk.next {
            counts.append(keys.count)
            walk.took(clean, of: "a")
        }
        #expect(counts.sorted() == [50, 200, 200])
    }

    @Test func withoutAQueueNothingIsLookedAt() {
        #expect(CheckWalk(queues: [], repair: false, named: nil).next == .end)
    }
}
