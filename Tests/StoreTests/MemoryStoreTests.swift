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
        store.sweep(queue: "typo", reclaimingUntil: .max) { _ in }
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

    @Test func eventsAreToldBehindTheCompletionsOfTheirTurn() throws {
        var order: [String] = []
        store.onListening = { order.append("listening to \($0)") }
        store.onEvents = { queue, events in order.append("\(queue): \(events.map(\.line).joined(separator: ", "))") }
        let glob = try #require(Glob("q*"))
        for glob in [glob, glob] { store.listen(to: glob) }
        store.unlisten(to: glob)
        #expect(order.isEmpty)
        turns.turn()
        for queue in ["q1", "other"] {
            store.enqueue([NewJob(id: "a", payload: [])], queue: queue) { _ in order.append("enqueued") }
        }
        store.claim(ClaimRequest(max: 1), queue: "q1", patient: false) { _ in order.append("claimed") }
        turns.turn()
        let all = Array(repeating: "listening to q*", count: 2) + ["enqueued", "enqueued", "claimed"]
        #expect(order == all + ["q1: enqueued a 0", "q1: claimed a 1"])
        store.unlisten(to: glob)
        store.cancel("a", reason: nil, queue: "other") { _ in }
        store.delete("a", queue: "other") { _ in }
        turns.turn()
        #expect(order.count == 7)
    }

    @Test func requestsToCancelAreToldWhereTheyAreWatched() {
        var told: [String] = []
        store.onWatchingCancels = { told.append("watching \($0)") }
        store.onCancelRequest = { told.append("\($0) \($1) \($2)") }
        store.watchCancels(queue: "q")
        for queue in ["q", "other"] {
            store.enqueue([NewJob(id: "a", payload: []), NewJob(id: "b", payload: [])], queue: queue) { _ in }
            store.claim(ClaimRequest(max: 1), queue: queue, patient: false) { _ in }
        }
        turns.turn()
        for queue in ["q", "other"] {
            store.cancel("a", reason: "why", queue: queue) { _ in }
            store.cancel("b", reason: nil, queue: queue) { _ in }
        }
        turns.turn()
        #expect(told == ["watching q", "q a why"])
        store.unwatchCancels(queue: "q")
        store.cancel("a", reason: nil, queue: "q") { _ in }
        turns.turn()
        #expect(told.count == 2)
    }

    @Test func topicsKnowTheirQueues() {
        var found: [TopicBinding]?
        var isNew: [Bool] = []
        for queue in ["b", "a", "b"] { store.bind(topic: "t", queue: queue) { isNew.append((try? $0.get()) ?? false) } }
        store.bind(topic: "s", queue: "a") { _ in }
        store.unbind(topic: "s", queue: "a") { isNew.append((try? $0.get()) ?? false) }
        store.unbind(topic: "s", queue: "a") { isNew.append((try? $0.get()) ?? true) }
        store.topics { found = try? $0.get() }
        turns.turn()
        #expect(isNew == [true, true, false, true, false])
        #expect(found == [TopicBinding(topic: "t", queues: ["a", "b"])])
    }

    @Test func aCheckFindsNothingToSay() {
        var step: CheckStep??
        store.enqueue([NewJob(id: "a", payload: [])], queue: "q") { _ in }
        store.check(queue: "q", repair: true, part: .indexes(cursor: nil)) { step = try? $0.get() }
        turns.turn()
        #expect(step == .some(CheckStep(checked: 2, violations: [], cursor: nil)))
        store.check(queue: "typo", repair: false, part: .indexes(cursor: nil)) { step = try? $0.get() }
        turns.turn()
        #expect(step == .some(nil))
    }

    @Test func closingAnswersWhatIsPending() {
        var order: [String] = []
        store.ping { _ in order.append("pong") }
        store.close(withinMs: 10) { order.append("closed") }
        turns.turn()
        #expect(order == ["pong", "closed"])
    }

    @Test func itSaysWhatItIs() {
        #expect(store.status == StoreStatus(kind: "memory", address: "memory", state: .ready))
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
