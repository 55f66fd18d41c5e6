// The memory store's side of the store contract: calls gather, are carried out in order, completions come later, once.

import Testing
import Wire

@testable import Store

@Suite struct MemoryStoreTests {
    /// A store with a clock at 1 s and a loop that is turned by hand.
    private final class Turns {
        private(set) var store: MemoryStore!
        private var actions: [() -> Void] = []
        var now: Int64 = 1_000_000

        init() {
            store = MemoryStore(clock: { [unowned self] in now }, later: { [unowned self] in actions.append($0) })
        }

        func turn() {
            store.flush()
            let due = actions
            actions = []
            for action in due { action() }
        }
    }
    private let turns = Turns()
    private var store: MemoryStore { turns.store }

    @Test func aClaimSeesWhatWasEnqueuedInTheSameTurn() {
        var found: [String] = []
        store.claim(ClaimRequest(max: 5), queue: "q", patient: false) { found = (try? $0.get().jobs.map(\.id)) ?? [] }
        store.enqueue([NewJob(id: "a", payload: [])], queue: "q") { _ in }
        #expect(found.isEmpty)
        turns.turn()
        #expect(found == ["a"])
    }

    @Test func callsMadeByACompletionGatherForTheNextTurn() {
        var calls: [String] = []
        store.enqueue([NewJob(id: "a", payload: [])], queue: "q") { [store] _ in
            calls.append("enqueued")
            store.queues { calls.append((try? $0.get().joined()) ?? "failed") }
        }
        turns.turn()
        #expect(calls == ["enqueued"])
        turns.turn()
        turns.turn()
        #expect(calls == ["enqueued", "q"])
    }

    @Test func askingForAQueueDoesNotCreateIt() {
        var names: [String]?
        var statistics: QueueStatistics?? = .none
        store.claim(ClaimRequest(max: 1), queue: "typo", patient: false) { _ in }
        store.sweep(queue: "typo", reclaiming: true) { _ in }
        store.statistics(queue: "typo") { statistics = .some(try? $0.get()) }
        store.queues { names = try? $0.get() }
        turns.turn()
        #expect(names == [])
        #expect(statistics == .some(.none))
    }

    @Test func watchingIsAnsweredByOneWakeUp() {
        var woken: [String?] = []
        store.onWake = { woken.append($0) }
        store.watch(queue: "q")
        #expect(woken.isEmpty)
        turns.turn()
        turns.turn()
        #expect(woken == ["q"])
    }

    @Test func closingAnswersWhatIsPending() {
        var order: [String] = []
        store.ping { _ in order.append("pong") }
        store.close(withinMs: 10) { order.append("closed") }
        turns.turn()
        #expect(order == ["pong", "closed"])
    }

    @Test func itSaysWhatItIs() {
        #expect(store.status == StoreStatus(kind: "memory", address: "memory", state: "ready"))
    }

    @Test func manyQueuedJobsAreClaimedAsFastAsAThousand() {
        func claims(among count: Int) -> Duration {
            let queue = MemoryQueue("q")
            for start in stride(from: 0, to: count, by: 1_000) {
                _ = queue.enqueue((start..<(start + 1_000)).map { NewJob(id: "\($0)", payload: []) }, now: 1)
            }
            return ContinuousClock().measure {
                for step in 0..<1_000 { _ = queue.claim([ClaimRequest(max: 1)], nonce: "0", nowUs: Int64(step)) }
            }
        }
        _ = claims(among: 1_000)
        let (few, many) = (claims(among: 1_000), claims(among: 300_000))
        #expect(many < few * 20 + .milliseconds(100), "\(many) against \(few)")
    }
}
