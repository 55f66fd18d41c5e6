// The reference model: sweeps, requeues, listings and latency.

import Testing
import Wire

@testable import Store

@Suite struct UpkeepModelTests {
    private let bench = ModelBench()

    @Test func anIdleQueueAsksForNothing() {
        #expect(bench.sweep() == Swept())
    }

    @Test func anExpiredLeaseReturnsToItsOldPlaceAndTheLastOneIsDead() {
        bench.enqueue(modelJob("a", maxAttempts: 2), modelJob("b"))
        _ = bench.claim()
        bench.now += 30_000
        #expect(bench.sweep().reclaimed == 0)
        bench.now += 1
        #expect(bench.sweep(reclaiming: false).reclaimed == 0)
        #expect(bench.sweep().reclaimed == 1)
        #expect(bench.claim().map(\.id) == ["a"])
        bench.now += 30_001
        #expect(bench.sweep().reclaimed == 1)
        #expect(bench.state("a") == .dead && bench.record("a")?.reason == "lease_expired")
    }

    @Test func scheduledJobsReturnToTheirPlaceAndRetriedOnesToTheEnd() {
        bench.enqueue(modelJob("late", start: .delay(10)))
        let claim = bench.claimed(modelJob("failed"))
        _ = bench.fail(claim, inMs: 10)
        bench.enqueue("now")
        bench.now += 11
        #expect(bench.sweep().promoted == 2)
        #expect(bench.claim(3).map(\.id) == ["late", "now", "failed"])
    }

    @Test func aSweepTakesAtMostAHundredOfEachKind() {
        for number in 0..<150 { bench.enqueue(modelJob("\(number)", start: .delay(1))) }
        bench.now += 2
        let first = bench.sweep()
        #expect((first.promoted, first.more, first.nextDue) == (100, true, bench.now))
        let second = bench.sweep()
        #expect((second.promoted, second.more, second.nextDue) == (50, false, nil))
    }

    @Test func requeueStartsADeadJobAnewAtTheEnd() throws {
        let claim = bench.claimed(modelJob("a"))
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
        let claim = bench.claimed(modelJob("a"))
        bench.enqueue("b")
        #expect(bench.queue.requeue("a", now: bench.now) == .wrongState(.processing))
        #expect(bench.queue.requeue("b", now: bench.now) == .wrongState(.queued))
        _ = bench.complete(claim)
        #expect(bench.queue.requeue("a", now: bench.now) == .wrongState(.completed))
        #expect(bench.queue.requeue("c", now: bench.now) == .notFound)
    }

    @Test func requeueByFilterGoesInStepsOldestFirst() throws {
        for number in 0..<5 { _ = bench.fail(bench.claimed(modelJob("\(number)")), retry: false) }
        func step(_ limit: Int, dryRun: Bool, _ cursor: String?) throws -> BulkStep {
            try #require(
                bench.queue.requeue(
                    state: .dead, type: nil, limit: limit, dryRun: dryRun, cursor: cursor, now: bench.now))
        }
        let dry = try step(2, dryRun: true, nil)
        #expect((dry.done, dry.remaining) == (2, 3))
        #expect(try step(9, dryRun: true, dry.cursor).done == 3)
        let first = try step(2, dryRun: false, nil)
        #expect((first.done, first.remaining) == (2, 3))
        let rest = try step(9, dryRun: false, first.cursor)
        #expect(rest == BulkStep(done: 3, remaining: 0, cursor: nil))
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
        bench.enqueue(modelJob("old", priority: -3))
        bench.now += 100
        bench.enqueue(modelJob("new", priority: 5), modelJob("front", priority: 5, front: true))
        bench.now += 10
        #expect(try #require(bench.queue.statistics(now: bench.now)).latencyMs == 110)
        #expect(bench.queue.requeue("old", now: bench.now) == .wrongState(.queued))
        _ = bench.claim(3)
        #expect(try #require(bench.queue.statistics(now: bench.now)).latencyMs == 0)
    }
}
