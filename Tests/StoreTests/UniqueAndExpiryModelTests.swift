// The reference model: unique keys, jobs that expire, limits of a queue, and the order in which jobs are claimed.

import Testing
import Wire

@testable import Store

@Suite struct UniqueAndExpiryModelTests {
    private let bench = ModelBench()

    private func job(_ id: String, _ key: String, until: UniqueKey.Until = .done, ttlMs: Int64? = nil) -> NewJob {
        NewJob(id: id, payload: [110], unique: UniqueKey(key: key, until: until, ttlMs: ttlMs))
    }

    // MARK: Unique keys

    @Test func aHeldKeyGivesTheHolderAlsoWithinOneCall() {
        let outcomes = bench.enqueue(job("a", "k"), job("b", "k"), job("c", "other"))
        #expect(outcomes.map(\.duplicate) == [false, true, false])
        #expect(outcomes[1] == Enqueued(state: .queued, duplicate: true, holder: "a"))
        _ = bench.claim()
        #expect(bench.enqueue(job("d", "k"))[0] == Enqueued(state: .processing, duplicate: true, holder: "a"))
        #expect(bench.record("b") == nil && bench.queue.totals.enqueued == 2 && bench.queue.policy.tracked)
    }

    @Test func aTakenIdIsTheDuplicateBeforeTheKeyIs() {
        bench.enqueue(job("a", "k"), job("b", "l"))
        #expect(bench.enqueue(job("b", "k"))[0] == Enqueued(state: .queued, duplicate: true))
    }

    @Test func everyEndFreesTheKey() {
        func isFree(_ key: String) -> Bool { bench.queue.holder(of: key, now: bench.now) == nil }
        _ = bench.complete(bench.claimed(job("completed", "1")))
        _ = bench.fail(bench.claimed(job("dead", "2")), retry: false)
        bench.enqueue(job("cancelled", "3"), job("deleted", "4"))
        _ = bench.queue.cancel("cancelled", reason: nil, now: bench.now)
        _ = bench.queue.delete("deleted", now: bench.now)
        var late = job("expired", "5")
        late.expiresInMs = 1
        bench.enqueue(late)
        #expect(!isFree("5"))
        bench.now += 2
        _ = bench.sweep()
        #expect(["1", "2", "3", "4", "5"].filter { !isFree($0) } == [] && bench.queue.uniques.isEmpty)
    }

    @Test func untilClaimedEndsWithTheFirstClaimForGood() {
        let claim = bench.claimed(job("a", "k", until: .claimed))
        #expect(bench.enqueue(job("b", "k", until: .claimed))[0].duplicate == false)
        _ = bench.release(claim)
        #expect(bench.enqueue(job("c", "k"))[0].holder == "b")
        _ = bench.claim(2)
        #expect(bench.enqueue(job("c", "k"))[0].duplicate == false)
    }

    @Test func aKeyEndsWithItsTimeWhileTheJobLivesOn() {
        bench.enqueue(job("a", "k", ttlMs: 100))
        bench.now += 100
        #expect(bench.enqueue(job("b", "k"))[0].holder == "a")
        bench.now += 1
        #expect(bench.enqueue(job("b", "k"))[0].duplicate == false)
        // What ends now is not the holder any more.
        _ = bench.queue.delete("a", now: bench.now)
        #expect(bench.enqueue(job("c", "k"))[0].holder == "b")
    }

    @Test func aRequeuedJobHasItsKeyAgainUnlessAnotherHasIt() {
        for id in ["a", "b"] { _ = bench.fail(bench.claimed(job(id, "k")), retry: false) }
        #expect(bench.queue.requeue("b", now: bench.now) == .requeued)
        #expect(bench.enqueue(job("c", "k"))[0].holder == "b")
        #expect(bench.queue.requeue("a", now: bench.now) == .requeued)
        _ = bench.queue.delete("a", now: bench.now)
        #expect(bench.enqueue(job("c", "k"))[0].holder == "b")
    }

    // MARK: Expiry

    private func mortal(_ id: String, in milliseconds: Int64, start: NewJob.Start = .now) -> NewJob {
        NewJob(id: id, payload: [110], start: start, expiresInMs: milliseconds)
    }

    @Test func aJobThatNeverStartedExpiresWithTheSweep() throws {
        bench.enqueue(mortal("a", in: 10), mortal("later", in: 10, start: .delay(5)), mortal("b", in: 11))
        #expect(bench.record("a")?.expiresAt == bench.now + 11)
        #expect(bench.sweep().nextDue == bench.now + 6)
        bench.now += 11
        let swept = bench.sweep()
        #expect((swept.expired, swept.promoted, swept.nextDue) == (2, 0, bench.now + 1))
        let record = try #require(bench.record("later"))
        #expect((record.state, record.finishedAt, record.expiresAt) == (.expired, bench.now, nil))
        #expect(bench.queue.totals.expired == 2 && bench.queue.expiry.count == 1)
        #expect(bench.queue.requeue("a", now: bench.now) == .wrongState(.expired))
    }

    @Test func aClaimPassesWhatExpired() {
        bench.enqueue(mortal("a", in: 10), mortal("b", in: 20))
        bench.now += 11
        #expect(bench.claim(2).map(\.id) == ["b"])
        #expect(bench.state("a") == .expired && bench.queue.expiry.isEmpty)
    }

    @Test func aStartedJobDoesNotExpireButAReleasedOneCanAgain() {
        let claim = bench.claimed(mortal("a", in: 10))
        #expect(bench.queue.expiry.isEmpty && bench.record("a")?.expiresAt == nil)
        bench.now += 11
        _ = bench.release(claim)
        #expect(bench.claim().isEmpty && bench.state("a") == .expired)
        let failed = bench.claimed(mortal("b", in: 10))
        _ = bench.fail(failed, inMs: 0)
        bench.now += 11
        #expect(bench.sweep().promoted == 1)
        #expect(bench.claim().map(\.id) == ["b"])
    }

    @Test func requeueKeepsTheExpiryOfWhatNeverStartedOnly() {
        bench.enqueue(mortal("scheduled", in: 10, start: .delay(5)))
        _ = bench.fail(bench.claimed(mortal("retrying", in: 10)))
        _ = bench.fail(bench.claimed(mortal("dead", in: 10)), retry: false)
        for id in ["scheduled", "retrying", "dead"] { #expect(bench.queue.requeue(id, now: bench.now) == .requeued) }
        bench.now += 11
        #expect(bench.sweep().expired == 1)
        #expect(bench.claim(3).map(\.id) == ["retrying", "dead"])
    }

    // MARK: Limits and order

    private func configure(_ set: (inout PolicyChange) -> Void) {
        var change = PolicyChange()
        set(&change)
        _ = bench.queue.configure(change)
    }

    @Test func aFullQueueRefusesWhatIsNewInTheOrderOfTheCall() {
        configure { $0.maxLen = .set(2) }
        let outcomes = bench.enqueue(modelJob("a"), modelJob("b", start: .delay(9)), modelJob("c"), modelJob("a"))
        #expect(outcomes.map(\.isRefused) == [false, false, true, false] && outcomes[3].duplicate)
        _ = bench.claim()
        #expect(bench.enqueue(modelJob("c"))[0].isRefused == false)
        #expect(bench.queue.totals.enqueued == 3 && bench.queue.seq == 3)
    }

    @Test func theNewestComesFirstInALifoQueueRetriedAndRequeuedOnesToo() {
        configure { $0.order = .set(.lifo) }
        _ = bench.fail(bench.claimed(modelJob("dead")), retry: false)
        _ = bench.fail(bench.claimed(modelJob("retried")), inMs: 1)
        bench.enqueue(modelJob("a"), modelJob("b"), modelJob("high", priority: 1))
        bench.now += 2
        _ = bench.sweep()
        _ = bench.queue.requeue("dead", now: bench.now)
        #expect(bench.claim(9).map(\.id) == ["high", "dead", "retried", "b", "a"])
    }

    @Test func waitingCountsAsPriorityInAnAgingQueue() {
        configure { $0.agingMs = .set(100) }
        bench.enqueue(modelJob("low", priority: -1))
        bench.now += 100
        // As high by its age; the higher priority wins.
        bench.enqueue(modelJob("a"), modelJob("b"))
        #expect(bench.claim().map(\.id) == ["a"])
        bench.now += 100
        bench.enqueue(modelJob("high", priority: 1))
        #expect(bench.claim(9).map(\.id) == ["high", "b", "low"])
        bench.enqueue(modelJob("old"))
        bench.now += 300
        bench.enqueue(modelJob("new", priority: 2))
        #expect(bench.claim(9).map(\.id) == ["old", "new"])
    }
}
