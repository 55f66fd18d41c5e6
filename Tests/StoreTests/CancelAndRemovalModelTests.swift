// The reference model: how jobs are cancelled, kept, deleted and purged, and what is left of their attempts.

import Testing
import Wire

@testable import Store

@Suite struct CancelAndRemovalModelTests {
    private let bench = ModelBench()

    private func cancel(_ id: String, _ reason: String? = nil) -> CancelOutcome {
        bench.queue.cancel(id, reason: reason, now: bench.now)
    }

    // MARK: cancel

    @Test func aWaitingJobIsCancelledAtOnceAndOnlyOnce() throws {
        bench.enqueue(modelJob("a"), modelJob("b", start: .delay(9)))
        _ = bench.fail(bench.claimed(modelJob("c", priority: 1)))
        for id in ["a", "b", "c"] { #expect(cancel(id, "why") == .cancelled) }
        #expect(cancel("a", "again") == .cancelled)
        let record = try #require(bench.record("a"))
        #expect((record.state, record.reason, record.finishedAt) == (.cancelled, "why", bench.now))
        #expect(bench.queue.totals.cancelled == 3 && bench.queue.cancelled.count == 3)
        let waiting = [bench.queue.queued, bench.queue.scheduled, bench.queue.retrying]
        #expect(waiting.map(\.count) == [0, 0, 0])
        #expect(cancel("nobody") == .notFound)
    }

    @Test func anEndedJobCannotBeCancelled() {
        _ = bench.complete(bench.claimed(modelJob("a")))
        _ = bench.fail(bench.claimed(modelJob("b")), retry: false)
        #expect(cancel("a") == .wrongState(.completed) && cancel("b") == .wrongState(.dead))
    }

    @Test func aJobInAWorkersHandsIsFlaggedAndTheFirstReasonStays() {
        let claim = bench.claimed(modelJob("a"))
        #expect(cancel("a", "first") == .requested && cancel("a", "second") == .requested)
        #expect(bench.notices.suffix(2) == Array(repeating: .cancel(id: "a", reason: "first"), count: 2))
        #expect(bench.record("a")?.cancelRequested == true && bench.queue.policy.tracked)
        #expect(
            bench.queue.held([claim], now: bench.now)
                == [.held(leaseUntil: bench.now + 30_001, cancelReason: "first")])
        #expect(
            bench.queue.extend([ExtendRequest(claim: claim)], now: bench.now)
                == [.extended(leaseUntil: bench.now + 30_001, cancelRequested: true)])
        #expect(bench.complete(claim) == .done(.completed, runAt: nil))
        #expect(bench.record("a")?.cancelRequested == false)
    }

    @Test func aFlaggedJobEndsAsCancelledHoweverItsAttemptEnds() throws {
        let ended = TokenOutcome.done(.cancelled, runAt: nil)
        for id in ["failed", "released", "worker_gone", "lease_expired"] {
            let claim = bench.claimed(modelJob(id, maxAttempts: 1))
            #expect(cancel(id, "stop") == .requested)
            for _ in 1...2 {
                switch id {
                case "failed": #expect(bench.fail(claim) == ended)
                case "released": #expect(bench.release(claim, delayMs: 5) == ended)
                case "worker_gone": #expect(bench.queue.workerGone([claim], now: bench.now) == [ended])
                default:
                    bench.now += 30_001
                    _ = bench.sweep()
                }
            }
            let record = try #require(bench.record(id))
            #expect((record.state, record.reason, record.history.map(\.outcome)) == (.cancelled, "stop", [id]))
        }
        let totals = bench.queue.totals
        #expect((totals.failed, totals.released, totals.reclaimed, totals.cancelled) == (1, 1, 2, 4))
        #expect((totals.retried, totals.dead, bench.queue.scheduled.count) == (0, 0, 0))
        #expect(bench.events.filter { !$0.hasPrefix("claimed") && !$0.hasPrefix("enqueued") }.count == 4)
    }

    @Test func aCancelledJobThatIsRequeuedIsAsNew() throws {
        let claim = bench.claimed(modelJob("a"))
        _ = cancel("a", "stop")
        _ = bench.fail(claim)
        #expect(bench.queue.requeue("a", now: bench.now) == .requeued)
        let record = try #require(bench.record("a"))
        #expect((record.state, record.attempts, record.reason) == (.queued, 0, nil))
        #expect(bench.queue.totals.requeued == 1 && bench.queue.cancelled.isEmpty)
        _ = bench.claim()
        #expect(bench.record("a")?.cancelRequested == false)
    }

    // MARK: Retention

    @Test func cancelledRecordsAreKeptForTheirTimeAndUpToACount() {
        bench.enqueue(modelJob("gone", keepMs: 0), modelJob("short", keepMs: 10), modelJob("a"), modelJob("b"))
        for id in ["gone", "short"] { _ = cancel(id) }
        #expect(bench.state("gone") == nil)
        #expect(bench.sweep().nextDue == bench.now + 11)
        bench.now += 11
        _ = bench.sweep()
        #expect(bench.state("short") == nil && bench.queue.cancelled.isEmpty)
        bench.queue.policy.keepCount = 1
        _ = cancel("a")
        bench.now += 1
        _ = cancel("b")
        #expect(bench.state("a") == nil && bench.state("b") == .cancelled && bench.queue.totals.cancelled == 4)
    }

    @Test func deadLettersAreKeptAsThePolicySays() {
        for id in ["a", "b", "c"] {
            _ = bench.fail(bench.claimed(modelJob(id)), retry: false)
            bench.now += 10
        }
        bench.queue.policy.deadKeepCount = 2
        _ = bench.sweep()
        #expect(bench.state("a") == nil && bench.queue.dead.count == 2)
        bench.queue.policy.deadKeepMs = 19
        #expect(bench.sweep().nextDue == bench.now + 10)
        #expect(bench.state("b") == nil && bench.state("c") == .dead)
        #expect(bench.queue.totals.deleted == 0 && bench.queue.totals.dead == 3)
        #expect(bench.events.suffix(2) == ["deleted a 1 - dead", "deleted b 1 - dead"])
    }

    // MARK: delete and purge

    @Test func deleteRemovesWhatIsNotInAWorkersHands() {
        let claim = bench.claimed(modelJob("held"))
        bench.enqueue(modelJob("queued"), modelJob("scheduled", start: .delay(9)))
        #expect(bench.queue.delete("held", now: bench.now) == .wrongState(.processing))
        #expect(bench.queue.delete("queued", now: bench.now) == .deleted(.queued))
        #expect(bench.queue.delete("scheduled", now: bench.now) == .deleted(.scheduled))
        _ = bench.complete(claim)
        #expect(bench.queue.delete("held", now: bench.now) == .deleted(.completed))
        #expect(bench.queue.delete("held", now: bench.now) == .notFound)
        #expect(bench.queue.totals.deleted == 2 && bench.queue.records.isEmpty && bench.queue.expiring.isEmpty)
        #expect(bench.events.suffix(4).first == "deleted queued 0 - queued")
    }

    @Test func purgeGoesThroughWhatMatchesInSteps() throws {
        for number in 0..<4 {
            bench.enqueue(NewJob(id: "\(number)", payload: [110], type: number == 1 ? "x" : "y"))
            bench.now += 10
        }
        func purge(_ filter: JobFilter, _ limit: Int, dryRun: Bool = false, _ cursor: String? = nil) throws -> BulkStep
        {
            try #require(bench.queue.purge(filter, limit: limit, dryRun: dryRun, cursor: cursor, now: bench.now))
        }
        let old = JobFilter(state: .queued, type: "y", olderThanMs: 20)
        #expect(try purge(old, 9, dryRun: true) == BulkStep(done: 2, remaining: 0, cursor: nil))
        let first = try purge(old, 1)
        #expect((first.done, first.remaining) == (1, 3))
        #expect(try purge(old, 9, first.cursor).done == 1)
        #expect(bench.claim(9).map(\.id) == ["1", "3"] && bench.queue.totals.deleted == 2)
        #expect(bench.queue.purge(old, limit: 1, dryRun: false, cursor: nil, now: bench.now)?.done == 0)
        #expect(MemoryQueue("new").purge(old, limit: 1, dryRun: false, cursor: nil, now: 0) == nil)
    }

    @Test func purgeOfCompletedJobsBeginsAtTheOldEnd() throws {
        for number in 0..<4 { _ = bench.complete(bench.claimed(modelJob("\(number)"))) }
        _ = bench.queue.delete("0", now: bench.now)
        let filter = JobFilter(state: .completed)
        let first = try #require(
            bench.queue.purge(filter, limit: 1, dryRun: false, cursor: nil, now: bench.now))
        #expect((first.done, first.remaining, Array(bench.queue.completed)) == (1, 2, ["3", "2"]))
        let rest = bench.queue.purge(filter, limit: 9, dryRun: false, cursor: first.cursor, now: bench.now)
        #expect(rest == BulkStep(done: 2, remaining: 0, cursor: nil))
        #expect(bench.queue.completed.isEmpty && bench.queue.records.isEmpty)
    }
}
