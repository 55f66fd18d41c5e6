// The reference model's own tests: each transition of a job's life with explicit times, no loop and no Redis.
// Since the model is what the scripts are compared with, its expectations are written out here one by one.

import Testing
import Wire

@testable import Store

/// A queue with a clock one can turn.
private final class Bench {
    let queue: MemoryQueue
    var now: ServerTime = 1_000_000

    init() {
        queue = MemoryQueue("q")
        queue.notices = []
    }

    @discardableResult
    func enqueue(_ jobs: NewJob...) -> [Enqueued] { queue.enqueue(jobs, now: now) }

    func enqueue(_ ids: String...) { _ = queue.enqueue(ids.map { NewJob(id: $0, payload: [110]) }, now: now) }

    func claim(_ max: Int = 1, leaseMs: Int64? = nil, worker: String = "w") -> [ClaimedJob] {
        let request = ClaimRequest(max: max, leaseMs: leaseMs, worker: worker)
        return queue.claim([request], nonce: "00000000000000aa", nowUs: now * 1000)[0].jobs
    }

    /// Enqueues (if new) and claims one job.
    func claimed(_ job: NewJob) -> Claim {
        enqueue(job)
        let found = claim()[0]
        return Claim(id: found.id, token: found.token)
    }

    func complete(_ claim: Claim) -> TokenOutcome {
        queue.complete([CompleteRequest(claim: claim, result: [49])], now: now)[0]
    }

    func fail(_ claim: Claim, retry: Bool = true, inMs: Int64? = nil, random: Double = 0) -> TokenOutcome {
        let request = FailRequest(claim: claim, error: Array("\"e\"".utf8), retry: retry, retryInMs: inMs)
        return queue.fail([request], random: { random }, now: now)[0]
    }

    func release(_ claim: Claim, delayMs: Int64? = nil) -> TokenOutcome {
        queue.release([ReleaseRequest(claim: claim, delayMs: delayMs)], now: now)[0]
    }

    func record(_ id: String) -> JobRecord? { queue.get(id, now: now) }
    func state(_ id: String) -> JobState? { record(id)?.state }
    func sweep(reclaiming: Bool = true) -> Swept { queue.sweep(reclaiming: reclaiming, now: now) }
}

private func job(
    _ id: String, priority: Int = 0, front: Bool = false, start: NewJob.Start = .now, maxAttempts: Int? = nil,
    backoff: Backoff? = nil, keepMs: Int64? = nil
) -> NewJob {
    NewJob(
        id: id, payload: Array("{}".utf8), priority: priority, front: front, start: start, maxAttempts: maxAttempts,
        backoff: backoff, keepMs: keepMs)
}

@Suite struct EnqueueAndClaimModelTests {
    private let bench = Bench()

    @Test func jobsOfOnePriorityAreClaimedInTheOrderOfTheirEnqueue() {
        bench.enqueue("c", "a", "b")
        #expect(bench.claim(9).map(\.id) == ["c", "a", "b"])
    }

    @Test func higherPrioritiesComeFirstAndFrontComesBeforeItsOwnPriorityOnly() {
        bench.enqueue(
            job("low", priority: -100), job("n1"), job("n2"), job("f1", front: true), job("f2", front: true),
            job("high", priority: 100), job("hf", priority: 100, front: true))
        #expect(bench.claim(9).map(\.id) == ["hf", "high", "f2", "f1", "n1", "n2", "low"])
    }

    @Test func aSecondEnqueueOfAnIdChangesNothing() {
        #expect(bench.enqueue(job("a")) == [Enqueued(state: .queued, duplicate: false)])
        _ = bench.claim()
        #expect(bench.enqueue(job("a"), job("b"), job("b")).map(\.duplicate) == [true, false, true])
        #expect(bench.enqueue(job("a")) == [Enqueued(state: .processing, duplicate: true)])
        #expect(bench.queue.totals.enqueued == 2)
    }

    @Test func aDelayOrALaterTimeSchedulesAndATimePastDoesNot() {
        let outcomes = bench.enqueue(
            job("d", start: .delay(5)), job("at", start: .at(bench.now + 7)), job("past", start: .at(bench.now)),
            job("zero", start: .delay(0)))
        #expect(outcomes.map(\.state) == [.scheduled, .scheduled, .queued, .queued])
        #expect(outcomes.map(\.runAt) == [bench.now + 5, bench.now + 7, nil, nil])
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
        var own = job("c")
        own.leaseMs = 77
        bench.enqueue(own)
        #expect(bench.claim()[0].leaseMs == 30_000)
        bench.queue.policy.leaseMs = 55
        #expect(bench.claim()[0].leaseMs == 55)
        let third = bench.claim()[0]
        #expect((third.leaseMs, third.leaseUntil) == (77, bench.now + 77))
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
        bench.queue.pause(until: bench.now + 10)
        #expect(bench.queue.claim([ClaimRequest(max: 1)], nonce: "0", nowUs: bench.now * 1000)[0].paused)
        bench.now += 9
        #expect(bench.sweep().nextDue == bench.now + 1)
        bench.now += 1
        let swept = bench.sweep()
        #expect(swept.claimable && swept.nextDue == nil && bench.queue.policy.paused == nil)
        #expect(bench.claim().map(\.id) == ["a"])
    }

    @Test func resumeEndsAPauseWithoutEnd() {
        bench.queue.pause(until: nil)
        bench.enqueue("a")
        #expect(bench.claim().isEmpty && !bench.sweep().claimable)
        #expect(bench.queue.resume())
        #expect(bench.claim().count == 1)
        #expect(!MemoryQueue("new").resume())
    }

    @Test func theFirstArrivalInAnEmptyQueueIsAnnounced() {
        bench.enqueue("a", "b")
        bench.enqueue("c")
        #expect(bench.queue.notices == [.queued])
    }
}

@Suite struct TokenModelTests {
    private let bench = Bench()

    @Test func completeKeepsTheResultAndRepeatsItsAnswer() throws {
        let claim = bench.claimed(job("a"))
        bench.now += 5
        #expect(bench.complete(claim) == .done(.completed, runAt: nil))
        #expect(bench.complete(claim) == .done(.completed, runAt: nil))
        #expect(bench.queue.totals.completed == 1)
        let record = try #require(bench.record("a"))
        #expect((record.state, record.result, record.finishedAt) == (.completed, [49], bench.now))
        #expect(record.history.map(\.outcome) == ["completed"])
        #expect(bench.fail(claim) == .leaseLost(.completed))
    }

    @Test func aStaleOrForeignTokenChangesNothing() {
        let claim = bench.claimed(job("a"))
        let foreign = Claim(id: "a", token: "1-x")
        #expect(bench.complete(foreign) == .leaseLost(.processing))
        #expect(bench.fail(foreign) == .leaseLost(.processing))
        #expect(bench.release(foreign) == .leaseLost(.processing))
        #expect(bench.queue.workerGone([foreign], now: bench.now) == [.leaseLost(.processing)])
        #expect(bench.queue.extend([ExtendRequest(claim: foreign)], now: bench.now) == [.leaseLost(.processing)])
        #expect(bench.complete(Claim(id: "nobody", token: claim.token)) == .notFound)
        _ = bench.release(claim)
        _ = bench.claim()
        #expect(bench.complete(claim) == .leaseLost(.processing))
    }

    @Test func aTokenIsGoodPastItsLeaseUntilTheSweep() {
        let claim = bench.claimed(job("a"))
        bench.now += 30_000
        #expect(bench.complete(claim) == .done(.completed, runAt: nil))
    }

    @Test func aCompletedJobGoesAwayAfterItsTime() {
        let claim = bench.claimed(job("a", keepMs: 1_000))
        _ = bench.complete(claim)
        bench.now += 1_000
        #expect(bench.state("a") == .completed)
        bench.now += 1
        #expect(bench.state("a") == nil && bench.queue.records.isEmpty && bench.queue.expiring.isEmpty)
        #expect(bench.complete(claim) == .notFound)
        #expect(bench.enqueue(job("a"))[0].duplicate == false)
    }

    @Test func keepZeroDeletesAtOnceButAnswersARepetitionInTheSameBatch() {
        let claim = bench.claimed(job("a", keepMs: 0))
        let request = CompleteRequest(claim: claim)
        let outcomes = bench.queue.complete([request, request], now: bench.now)
        #expect(outcomes == [.done(.completed, runAt: nil), .done(.completed, runAt: nil)])
        #expect(bench.complete(claim) == .notFound)
        #expect(bench.queue.totals.completed == 1 && bench.queue.completed.isEmpty)
    }

    @Test func theHistoryOfCompletedJobsIsCappedByCount() {
        bench.queue.policy.keepCount = 2
        for id in ["a", "b", "c"] { _ = bench.complete(bench.claimed(job(id))) }
        #expect(Array(bench.queue.completed) == ["c", "b"])
        #expect(bench.state("a") == nil && bench.queue.expiring.count == 2)
    }

    @Test func failRetriesAfterItsBackoffUntilNoAttemptIsLeft() throws {
        let backoff = Backoff(kind: .linear, baseMs: 100, maxMs: 9_999, jitter: 0.5)
        var claim = bench.claimed(job("a", maxAttempts: 2, backoff: backoff))
        let due = bench.now + 75
        #expect(bench.fail(claim, random: 0.5) == .done(.retrying, runAt: due))
        bench.now = due
        #expect(bench.sweep().promoted == 1)
        #expect(bench.fail(claim) == .done(.retrying, runAt: due))
        claim = Claim(id: "a", token: bench.claim()[0].token)
        #expect(bench.fail(claim) == .done(.dead, runAt: nil))
        #expect(bench.fail(claim) == .done(.dead, runAt: nil))
        let record = try #require(bench.record("a"))
        #expect((record.state, record.reason, record.attempts) == (.dead, "failed", 2))
        #expect(record.history.map(\.attempt) == [1, 2])
        let totals = bench.queue.totals
        #expect((totals.failed, totals.retried, totals.dead) == (2, 1, 1))
    }

    @Test func failWithoutRetryIsDeadAtOnceAndRetryInOverridesTheBackoff() {
        #expect(bench.fail(bench.claimed(job("a")), retry: false) == .done(.dead, runAt: nil))
        #expect(bench.fail(bench.claimed(job("b")), inMs: 7) == .done(.retrying, runAt: bench.now + 7))
    }

    @Test func releaseGivesTheAttemptAndTheOldPlaceBack() throws {
        bench.enqueue("a", "b")
        let claim = Claim(id: "a", token: bench.claim()[0].token)
        #expect(bench.release(claim) == .done(.queued, runAt: nil))
        #expect(bench.release(claim) == .done(.queued, runAt: nil))
        let record = try #require(bench.record("a"))
        #expect(record.attempts == 0 && record.history.map(\.outcome) == ["released"] && record.history[0].attempt == 1)
        #expect(bench.claim(2).map(\.id) == ["a", "b"])
    }

    @Test func releaseWithDelayKeepsItsAnswerAfterThePromotion() {
        let claim = bench.claimed(job("a"))
        let due = bench.now + 50
        #expect(bench.release(claim, delayMs: 50) == .done(.scheduled, runAt: due))
        bench.now = due
        #expect(bench.sweep().promoted == 1)
        #expect(bench.release(claim) == .done(.scheduled, runAt: due))
    }

    @Test func extendMovesTheLeaseAndKeepsProgress() throws {
        let claim = bench.claimed(job("a"))
        bench.now += 10
        let plain = ExtendRequest(claim: claim, progress: [50])
        let long = ExtendRequest(claim: claim, leaseMs: 99_000)
        #expect(
            bench.queue.extend([plain, long], now: bench.now) == [
                .extended(leaseUntil: bench.now + 30_000, cancelRequested: false),
                .extended(leaseUntil: bench.now + 99_000, cancelRequested: false),
            ])
        let record = try #require(bench.record("a"))
        #expect((record.leaseUntil, record.progress) == (bench.now + 99_000, [50]))
    }

    @Test func aWorkerThatIsGoneReturnsItsJobsOrBuriesThem() throws {
        var claim = bench.claimed(job("a", maxAttempts: 2))
        #expect(
            bench.queue.workerGone([claim, claim], now: bench.now)
                == Array(repeating: .done(.queued, runAt: nil), count: 2))
        claim = Claim(id: "a", token: bench.claim()[0].token)
        #expect(bench.queue.workerGone([claim], now: bench.now) == [.done(.dead, runAt: nil)])
        #expect(try #require(bench.record("a")).reason == "worker_gone")
        #expect(bench.queue.totals.reclaimed == 2)
    }

    @Test func historyKeepsTheLastTenAttempts() throws {
        bench.enqueue(job("a", maxAttempts: 50))
        for _ in 0..<12 {
            _ = bench.queue.workerGone([Claim(id: "a", token: bench.claim()[0].token)], now: bench.now)
        }
        #expect(bench.complete(Claim(id: "a", token: bench.claim()[0].token)) == .done(.completed, runAt: nil))
        let history = try #require(bench.record("a")).history
        #expect(history.map(\.attempt) == Array(4...13) && history.last?.outcome == "completed")
    }
}

@Suite struct UpkeepModelTests {
    private let bench = Bench()

    @Test func anIdleQueueAsksForNothing() {
        #expect(bench.sweep() == Swept())
    }

    @Test func anExpiredLeaseReturnsToItsOldPlaceAndTheLastOneIsDead() {
        bench.enqueue(job("a", maxAttempts: 2), job("b"))
        _ = bench.claim()
        bench.now += 29_999
        #expect(bench.sweep().reclaimed == 0)
        bench.now += 1
        #expect(bench.sweep(reclaiming: false).reclaimed == 0)
        #expect(bench.sweep().reclaimed == 1)
        #expect(bench.claim().map(\.id) == ["a"])
        bench.now += 30_000
        #expect(bench.sweep().reclaimed == 1)
        #expect(bench.state("a") == .dead && bench.record("a")?.reason == "lease_expired")
    }

    @Test func scheduledJobsReturnToTheirPlaceAndRetriedOnesToTheEnd() {
        bench.enqueue(job("late", start: .delay(10)))
        let claim = bench.claimed(job("failed"))
        _ = bench.fail(claim, inMs: 10)
        bench.enqueue("now")
        bench.now += 10
        #expect(bench.sweep().promoted == 2)
        #expect(bench.claim(3).map(\.id) == ["late", "now", "failed"])
    }

    @Test func aSweepTakesAtMostAHundredOfEachKind() {
        for number in 0..<150 { bench.enqueue(job("\(number)", start: .delay(1))) }
        bench.now += 1
        let first = bench.sweep()
        #expect((first.promoted, first.more, first.nextDue) == (100, true, bench.now))
        let second = bench.sweep()
        #expect((second.promoted, second.more, second.nextDue) == (50, false, nil))
    }

    @Test func requeueStartsADeadJobAnewAtTheEnd() throws {
        let claim = bench.claimed(job("a"))
        _ = bench.fail(claim, retry: false)
        bench.enqueue("b")
        #expect(bench.queue.requeue("a", now: bench.now) == .requeued)
        let record = try #require(bench.record("a"))
        #expect((record.state, record.attempts, record.reason, record.finishedAt) == (.queued, 0, nil, nil))
        #expect(record.error == Array("\"e\"".utf8) && record.history.count == 1)
        #expect(bench.fail(claim) == .leaseLost(.queued))
        #expect(bench.claim(2).map(\.id) == ["b", "a"])
        #expect(bench.queue.totals.requeued == 1 && bench.queue.dead.isEmpty)
    }

    @Test func requeueTakesNoQueuedProcessingOrCompletedJob() {
        let claim = bench.claimed(job("a"))
        bench.enqueue("b")
        #expect(bench.queue.requeue("a", now: bench.now) == .wrongState(.processing))
        #expect(bench.queue.requeue("b", now: bench.now) == .wrongState(.queued))
        _ = bench.complete(claim)
        #expect(bench.queue.requeue("a", now: bench.now) == .wrongState(.completed))
        #expect(bench.queue.requeue("c", now: bench.now) == .notFound)
    }

    @Test func requeueByFilterGoesInStepsOldestFirst() throws {
        for number in 0..<5 { _ = bench.fail(bench.claimed(job("\(number)")), retry: false) }
        func step(_ limit: Int, dryRun: Bool, _ cursor: String?) throws -> RequeueStep {
            try #require(
                bench.queue.requeue(
                    state: .dead, type: nil, limit: limit, dryRun: dryRun, cursor: cursor, now: bench.now))
        }
        let dry = try step(2, dryRun: true, nil)
        #expect((dry.requeued, dry.remaining) == (2, 3))
        #expect(try step(9, dryRun: true, dry.cursor).requeued == 3)
        let first = try step(2, dryRun: false, nil)
        #expect((first.requeued, first.remaining) == (2, 3))
        let rest = try step(9, dryRun: false, first.cursor)
        #expect(rest == RequeueStep(requeued: 3, remaining: 0, cursor: nil))
        #expect(bench.claim(9).map(\.id) == ["0", "1", "2", "3", "4"])
    }

    @Test func listsArePagedInTheOrderOfTheirState() throws {
        bench.enqueue("a", "b", "c")
        var ids: [String] = []
        var cursor: String?
        repeat {
            let page = try #require(
                bench.queue.list(state: .queued, type: nil, limit: 1, cursor: cursor, now: bench.now))
            #expect(page.jobs.allSatisfy { $0.payload.isEmpty })
            ids += page.jobs.map(\.id)
            cursor = page.cursor
        } while cursor != nil
        #expect(ids == ["a", "b", "c"])
        #expect(MemoryQueue("new").list(state: .queued, type: nil, limit: 1, cursor: nil, now: 0) == nil)
    }

    @Test func latencyIsTheTimeOfTheOldestReadyJob() throws {
        bench.enqueue(job("old", priority: -3))
        bench.now += 100
        bench.enqueue(job("new", priority: 5), job("front", priority: 5, front: true))
        bench.now += 10
        #expect(try #require(bench.queue.statistics(now: bench.now)).latencyMs == 110)
        #expect(bench.queue.requeue("old", now: bench.now) == .wrongState(.queued))
        _ = bench.claim(3)
        #expect(try #require(bench.queue.statistics(now: bench.now)).latencyMs == 0)
    }
}
