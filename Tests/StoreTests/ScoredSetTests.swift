// The sorted set of the memory store against a plainly sorted array.

import Testing

@testable import Store

@Suite struct ScoredSetTests {
    typealias Entry = ScoredSet.Entry

    @Test func membersComeOutByScoreThenByName() {
        var set = ScoredSet()
        for (id, score) in [("b", 2), ("c", 1), ("a", 2), ("d", -7)] { set.insert(id, score: Int64(score)) }
        #expect(set.entries(limit: 9).map(\.id) == ["d", "c", "a", "b"])
        let first = set.popFirst()
        #expect(first?.id == "d")
        #expect(set.last?.id == "b")
        #expect(set.count == 3)
    }

    @Test func removingNeedsTheRightScore() {
        var set = ScoredSet()
        set.insert("a", score: 5)
        let removed = [("a", 4), ("b", 5), ("a", 5)].map { set.remove($0.0, score: Int64($0.1)) }
        #expect(removed == [false, false, true])
        #expect(set.isEmpty)
        #expect(set.first == nil)
    }

    @Test func pagesContinueWhereTheLastOneEndedAlsoWhenMembersWentAway() {
        var set = ScoredSet()
        for number in 0..<2_000 { set.insert("\(number)", score: Int64(number)) }
        let page = set.entries(limit: 700)
        set.remove("699", score: 699)
        #expect(page.last?.id == "699")
        #expect(set.entries(after: page.last, limit: 2).map(\.id) == ["700", "701"])
        #expect(set.entries(before: page.last, limit: 2).map(\.id) == ["698", "697"])
        #expect(set.entries(before: nil, limit: 1).map(\.id) == ["1999"])
    }

    @Test func behavesAsASortedArrayUnderRandomUse() {
        var random = Xoshiro(seed: 7)
        var set = ScoredSet()
        var plain: [Entry] = []
        for step in 0..<20_000 {
            // Phases of growth and of shrinking, many equal scores.
            let grows = (step / 4_000).isMultiple(of: 2)
            if plain.isEmpty || random.chance(grows ? 0.8 : 0.2) {
                let entry = Entry(score: Int64(random.below(300)), id: "\(step)")
                set.insert(entry.id, score: entry.score)
                plain.insert(entry, at: plain.firstIndex { entry < $0 } ?? plain.count)
            } else if random.chance(0.5) {
                let (first, expected) = (set.popFirst(), plain.removeFirst())
                #expect(first == expected)
            } else {
                let entry = plain.remove(at: random.below(plain.count))
                let removed = set.remove(entry.id, score: entry.score)
                #expect(removed)
            }
            guard step.isMultiple(of: 500) else { continue }
            let position = Entry(score: Int64(random.below(300)), id: "\(random.below(20_000))")
            let (before, after) = (plain.filter { $0 < position }, plain.filter { position < $0 })
            #expect(set.entries(limit: .max) == plain)
            #expect(set.entries(after: position, limit: 600) == Array(after.prefix(600)))
            #expect(set.entries(before: position, limit: 600) == Array(before.reversed().prefix(600)))
            #expect(set.count(after: position) == after.count)
            #expect(set.count(before: position) == before.count)
            #expect(set.first(atLeast: position.score) == plain.first { $0.score >= position.score })
            #expect(set.last(below: position.score) == plain.last { $0.score < position.score })
            #expect((set.count, set.first, set.last) == (plain.count, plain.first, plain.last))
        }
    }

    @Test func aMillionMembersAreNoTrouble() {
        var set = ScoredSet()
        for number in 0..<1_000_000 { set.insert("\(number)", score: Int64(number)) }
        let clock = ContinuousClock()
        let time = clock.measure { for _ in 0..<1_000 { _ = set.popFirst() } }
        #expect(time < .seconds(1))
        #expect(set.count == 999_000)
    }
}
