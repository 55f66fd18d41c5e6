// The reference model: what is logged of a job's life, in which words, and how the log is read. And what workers leave in a
// record: checkpoint and log.

import Testing
import Wire

@testable import Store

@Suite struct EventModelTests {
    private let bench = ModelBench()

    /// From now on; the first second of a queue, in which all is told, is over.
    private func lines(_ body: () -> Void) -> [String] {
        bench.enqueue("first")
        _ = bench.queue.delete("first", now: bench.now)
        bench.now += 1_000
        let before = bench.events.count
        body()
        return Array(bench.events[before...])
    }

    @Test func aNewQueueTellsAllForASecond() {
        bench.enqueue("a")
        _ = bench.claim()
        bench.now += 1_000
        bench.enqueue("b")
        #expect(bench.events == ["enqueued a 0", "claimed a 1"])
    }

    @Test func whatHappensToEveryJobIsToldOnDemand() {
        let told = lines {
            bench.queue.logAll(forMs: 100, now: bench.now)
            bench.queue.logAll(forMs: 10, now: bench.now)
            bench.now += 100
            bench.enqueue(modelJob("a"), modelJob("b", start: .delay(5)), modelJob("a"))
            _ = bench.claim()
            bench.now += 1
            bench.enqueue("c")
        }
        #expect(told == ["enqueued a 0", "enqueued b 0 \(bench.now + 5)", "claimed a 1"])
        let new = MemoryQueue("new")
        new.logAll(forMs: 100, now: 0)
        #expect(!new.exists)
    }

    @Test func everyEndAndEveryWayBackIsTold() {
        let told = lines {
            _ = bench.complete(bench.claimed(modelJob("a")))
            _ = bench.fail(bench.claimed(modelJob("b")), inMs: 7)
            _ = bench.fail(bench.claimed(modelJob("c")), retry: false)
            _ = bench.release(bench.claimed(modelJob("d", priority: 9)))
            _ = bench.release(bench.claimed(modelJob("d")), delayMs: 3)
            _ = bench.queue.workerGone([bench.claimed(modelJob("e", priority: 8))], now: bench.now)
            _ = bench.queue.workerGone([bench.claimed(modelJob("f", priority: 9, maxAttempts: 1))], now: bench.now)
            _ = bench.queue.cancel("e", reason: "two words", now: bench.now)
            _ = bench.queue.requeue("c", now: bench.now)
        }
        let now = bench.now
        #expect(
            told == [
                "completed a 1", "retrying b 1 \(now + 8)", "dead c 1 - failed", "released d 1",
                "released d 1 \(now + 4)", "reclaimed e 1 - worker_gone", "dead f 1 - worker_gone",
                "cancelled e 1 - two words",
            ])
    }

    @Test func theEventsOfAStepHaveSeqsOfTheirOwnAlsoWhenTheClockGoesBack() {
        for number in 0..<6 { bench.enqueue(modelJob("\(number)", start: .delay(Int64(1 + number / 3)))) }
        bench.now -= 5
        _ = bench.queue.purge(JobFilter(state: .scheduled), limit: 9, dryRun: false, cursor: nil, now: bench.now)
        let seqs = bench.queue.events.entries.joined().map(\.seq)
        #expect(seqs.count == 12 && zip(seqs, seqs.dropFirst()).allSatisfy { $0 < $1 })
        #expect(seqs.allSatisfy { $0.milliseconds == 1_000_000 })
    }

    @Test func aPageOfEventsBeginsBehindAnyEventAndEndsWithAStep() {
        bench.enqueue("a", "b", "c")
        bench.enqueue("d")
        bench.enqueue("e")
        let log = bench.queue.events
        let first = log.page(after: .zero, limit: 1)
        #expect(first.events.map(\.id) == ["a", "b", "c"] && !first.isLast)
        let rest = log.page(after: first.events[0].seq, limit: 9)
        #expect(rest.events.map(\.id) == ["b", "c", "d", "e"] && rest.isLast)
        #expect(log.page(after: rest.events[3].seq, limit: 9) == EventPage(events: [], isLast: true))
    }

    @Test func theLogKeepsTheLastSteps() {
        var log = MemoryEventLog()
        for number in 0..<(MemoryEventLog.limit + 5) {
            _ = log.append([JobEvent(kind: .expired, id: "\(number)", seq: .zero, attempt: 0)], now: 1)
        }
        #expect(log.entries.count == MemoryEventLog.limit && log.entries.first?[0].id == "5")
    }

    // MARK: What workers leave

    @Test func aCheckpointGoesWithEveryLaterClaim() {
        var claim = bench.claimed(modelJob("a", maxAttempts: 2))
        _ = bench.queue.extend([ExtendRequest(claim: claim, checkpoint: [55])], now: bench.now)
        #expect(bench.record("a")?.checkpoint == [55] && bench.queue.policy.tracked)
        _ = bench.fail(claim, inMs: 1)
        bench.now += 2
        _ = bench.sweep()
        let second = bench.claim()[0]
        #expect(second.checkpoint == [55])
        claim = Claim(id: "a", token: second.token)
        _ = bench.fail(claim)
        _ = bench.queue.requeue("a", now: bench.now)
        #expect(bench.claim()[0].checkpoint == [55])
        #expect(
            bench.queue.list(state: .processing, type: nil, limit: 9, cursor: nil, now: bench.now)?.jobs[0].checkpoint
                == nil)
    }

    @Test func theLastHundredLinesOfALogStay() {
        let claim = bench.claimed(modelJob("a"))
        for number in 0..<103 {
            _ = bench.queue.extend([ExtendRequest(claim: claim, log: bytes("\"\(number)\""))], now: bench.now)
        }
        let log = bench.record("a")?.log.map { String(decoding: $0, as: UTF8.self) } ?? []
        #expect(log.count == 100 && log.first == "\"3\"" && log.last == "\"102\"")
        #expect(bench.queue.records["a"]?.logs == 103 && !bench.queue.policy.tracked)
    }
}
