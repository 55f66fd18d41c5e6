// The reference model: how jobs come in and go out to workers. Since the model is what the scripts are compared with, its expectations are written out here one by one.

import Testing
import Wire

@testable import Store

@Suite struct EnqueueAndClaimModelTests {
    private let bench = ModelBench()

    @Test func jobsOfOnePriorityAreClaimedInTheOrderOfTheirEnqueue() {
        bench.enqueue("c", "a", "b")
        #expect(bench.claim(9).map(\.id) == ["c", "a", "b"])
    }

    @Test func higherPrioritiesComeFirstAndFrontComesBeforeItsOwnPriorityOnly() {
        bench.enqueue(
            modelJob("low", priority: -100), modelJob("n1"), modelJob("n2"), modelJob("f1", front: true),
            modelJob("f2", front: true),
            modelJob("high", priority: 100), modelJob("hf", priority: 100, front: true))
        #expect(bench.claim(9).map(\.id) == ["hf", "high", "f2", "f1", "n1", "n2", "low"])
    }

    @Test func aSecondEnqueueOfAnIdChangesNothing() {
        #expect(bench.enqueue(modelJob("a")) == [Enqueued(state: .queued, duplicate: false)])
        _ = bench.claim()
        #expect(bench.enqueue(modelJob("a"), modelJob("b"), modelJob("b")).map(\.duplicate) == [true, false, true])
        #expect(bench.enqueue(modelJob("a")) == [Enqueued(state: .processing, duplicate: true)])
        #expect(bench.queue.totals.enqueued == 2)
    }

    @Test func aDelayOrALaterTimeSchedulesAndATimePastDoesNot() {
        let outcomes = bench.enqueue(
            modelJob("d", start: .delay(5)), modelJob("at", start: .at(bench.now + 7)),
            modelJob("past", start: .at(bench.now)),
            modelJob("zero", start: .delay(0)))
        #expect(outcomes.map(\.state) == [.scheduled, .scheduled, .queued, .queued])
        #expect(outcomes.map(\.runAt) == [bench.now + 6, bench.now + 7, nil, nil])
    }

    @Test func tokensGrowAlsoWhenTheClockGoesBack() {
        bench.enqueue("a", "b", "c")
        let first = bench.claim(2)
        bench.now -= 500
        let numbers = (first + bench.claim()).compactMap { Int64($0.token.split(separator: "-")[0]) }
        #expect(numbers == [1_000_000_000, 1_000_000_001, 1_000_000_002])
    }

    @Test func theLeaseIsTheClaimsOrTheJobsOrTheQueuesOrTheDefault() {
        bench.enqueue("a", "b")
        var own = modelJob("c")
        own.leaseMs = 77
        bench.enqueue(own)
        #expect(bench.claim()[0].leaseMs == 30_000)
        bench.queue.policy.leaseMs = 55
        #expect(bench.claim()[0].leaseMs == 55)
        let third = bench.claim()[0]
        #expect((third.leaseMs, third.leaseUntil) == (77, bench.now + 78))
        bench.enqueue("d")
        #expect(bench.claim(leaseMs: 100)[0].leaseMs == 100)
    }

    @Test func severalClaimsOfABatchAreFilledInOrder() {
        bench.enqueue("a", "b", "c")
        let requests = [ClaimRequest(max: 2), ClaimRequest(max: 2), ClaimRequest(max: 1)]
        let found = bench.queue.claim(requests, nonce: "0", nowUs: bench.now * 1000)
        #expect(found.map { $0.jobs.map(\.id) } == [["a", "b"], ["c"], []])
    }

    @Test func aPausedQueueGivesNothingUntilThePauseEnds() {
        bench.enqueue("a")
        _ = bench.queue.pause(until: bench.now + 10)
        #expect(bench.queue.claim([ClaimRequest(max: 1)], nonce: "0", nowUs: bench.now * 1000)[0].paused)
        bench.now += 9
        #expect(bench.sweep().nextDue == bench.now + 1)
        bench.now += 1
        let swept = bench.sweep()
        #expect(swept.claimable && swept.nextDue == nil && bench.queue.policy.paused == nil)
        #expect(bench.claim().map(\.id) == ["a"])
    }

    @Test func resumeEndsAPauseWithoutEnd() {
        _ = bench.queue.pause(until: nil)
        bench.enqueue("a")
        #expect(bench.claim().isEmpty && !bench.sweep().claimable)
        #expect(bench.queue.resume() == .forever)
        #expect(bench.claim().count == 1)
        #expect(MemoryQueue("new").resume() == nil)
    }

    @Test func theFirstArrivalInAnEmptyQueueIsAnnounced() {
        bench.enqueue("a", "b")
        bench.enqueue("c")
        #expect(bench.notices == [.queued])
    }
}
