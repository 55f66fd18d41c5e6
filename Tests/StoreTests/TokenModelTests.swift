// The reference model: what workers do to the jobs they hold, and what stale tokens do not.

import Testing
import Wire

@testable import Store

@Suite struct TokenModelTests {
    private let bench = ModelBench()

    @Test func completeKeepsTheResultAndRepeatsItsAnswer() throws {
        let claim = bench.claimed(modelJob("a"))
        bench.now += 6
        #expect(bench.complete(claim) == .done(.completed, runAt: nil))
        #expect(bench.complete(claim) == .done(.completed, runAt: nil))
        #expect(bench.queue.totals.completed == 1)
        let record = try #require(bench.record("a"))
        #expect((record.state, record.result, record.finishedAt) == (.completed, [49], bench.now))
        #expect(record.history.map(\.outcome) == ["completed"])
        #expect(bench.fail(claim) == .leaseLost(.completed))
    }

    @Test func aStaleOrForeignTokenChangesNothing() {
        let claim = bench.claimed(modelJob("a"))
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
        let claim = bench.claimed(modelJob("a"))
        bench.now += 30_001
        #expect(bench.complete(claim) == .done(.completed, runAt: nil))
    }

    @Test func aCompletedJobGoesAwayAfterItsTime() {
        let claim = bench.claimed(modelJob("a", keepMs: 1_000))
        _ = bench.complete(claim)
        bench.now += 1_000
        #expect(bench.state("a") == .completed)
        bench.now += 1
        #expect(bench.state("a") == nil && bench.queue.records.isEmpty && bench.queue.expiring.isEmpty)
        #expect(bench.complete(claim) == .notFound)
        #expect(bench.enqueue(modelJob("a"))[0].duplicate == false)
    }

    @Test func keepZeroDeletesAtOnceButAnswersARepetitionInTheSameBatch() {
        let claim = bench.claimed(modelJob("a", keepMs: 0))
        let request = CompleteRequest(claim: claim)
        let outcomes = bench.queue.complete([request, request], now: bench.now)
        #expect(outcomes == [.done(.completed, runAt: nil), .done(.completed, runAt: nil)])
        #expect(bench.complete(claim) == .notFound)
        #expect(bench.queue.totals.completed == 1 && bench.queue.completed.isEmpty)
    }

    @Test func theHistoryOfCompletedJobsIsCappedByCount() {
        bench.queue.policy.keepCount = 2
        for id in ["a", "b", "c"] { _ = bench.complete(bench.claimed(modelJob(id))) }
        #expect(Array(bench.queue.completed) == ["c", "b"])
        #expect(bench.state("a") == nil && bench.queue.expiring.count == 2)
    }

    @Test func failRetriesAfterItsBackoffUntilNoAttemptIsLeft() throws {
        let backoff = Backoff(kind: .linear, baseMs: 100, maxMs: 9_999, jitter: 0.5)
        var claim = bench.claimed(modelJob("a", maxAttempts: 2, backoff: backoff))
        let due = bench.now + 76
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
        #expect(bench.fail(bench.claimed(modelJob("a")), retry: false) == .done(.dead, runAt: nil))
        #expect(bench.fail(bench.claimed(modelJob("b")), inMs: 7) == .done(.retrying, runAt: bench.now + 8))
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
        let claim = bench.claimed(modelJob("a"))
        let due = bench.now + 51
        #expect(bench.release(claim, delayMs: 50) == .done(.scheduled, runAt: due))
        bench.now = due
        #expect(bench.sweep().promoted == 1)
        #expect(bench.release(claim) == .done(.scheduled, runAt: due))
    }

    @Test func extendMovesTheLeaseAndKeepsProgress() throws {
        let claim = bench.claimed(modelJob("a"))
        bench.now += 11
        let plain = ExtendRequest(claim: claim, progress: [50])
        let long = ExtendRequest(claim: claim, leaseMs: 99_000)
        #expect(
            bench.queue.extend([plain, long], now: bench.now) == [
                .extended(leaseUntil: bench.now + 30_001, cancelRequested: false),
                .extended(leaseUntil: bench.now + 99_001, cancelRequested: false),
            ])
        let record = try #require(bench.record("a"))
        #expect((record.leaseUntil, record.progress) == (bench.now + 99_001, [50]))
    }

    @Test func aWorkerThatIsGoneReturnsItsJobsOrBuriesThem() throws {
        var claim = bench.claimed(modelJob("a", maxAttempts: 2))
        #expect(
            bench.queue.workerGone([claim, claim], now: bench.now)
                == Array(repeating: .done(.queued, runAt: nil), count: 2))
        claim = Claim(id: "a", token: bench.claim()[0].token)
        #expect(bench.queue.workerGone([claim], now: bench.now) == [.done(.dead, runAt: nil)])
        #expect(try #require(bench.record("a")).reason == "worker_gone")
        #expect(bench.queue.totals.reclaimed == 2)
    }

    @Test func historyKeepsTheLastTenAttempts() throws {
        bench.enqueue(modelJob("a", maxAttempts: 50))
        for _ in 0..<12 {
            _ = bench.queue.workerGone([Claim(id: "a", token: bench.claim()[0].token)], now: bench.now)
        }
        #expect(bench.complete(Claim(id: "a", token: bench.claim()[0].token)) == .done(.completed, runAt: nil))
        let history = try #require(bench.record("a")).history
        #expect(history.map(\.attempt) == Array(4...13) && history.last?.outcome == "completed")
    }
}
