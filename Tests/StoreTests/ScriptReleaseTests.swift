// What the release, extend and worker_gone scripts do to the keys.

import Harness
import Store
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ScriptReleaseTests {
    @Test func releasedJobReturnsToItsPlaceAndTheAttemptDoesNotCount() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1", "2")
        let job = try #require(try fixture.claim(worker: "w").first)
        #expect(try fixture.release([job.claim]) == [.done(.queued, runAt: nil)])
        #expect(
            try fixture.keyspace() == """
                counters hash claimed=1|enqueued=2|released=1|seq=2|token=N
                events stream [[ENTRY, [events, released 1 1]]]
                job:1 hash attempts=0|claimed_at=T|enqueued_at=T|history={"attempt":1,"worker":"w","started_at":T,\
                "ended_at":T,"outcome":"released"}|max_attempts=3|outcome=released|payload=1|score=1|state=queued|\
                token=TOKEN|worker=w
                job:2 hash enqueued_at=T|max_attempts=3|payload=1|state=queued
                jobq:queues set email
                queued zset 1|1|2|2
                """)
        #expect(try fixture.claim().map(\.attempt) == [1])
    }

    @Test func releaseWithADelayIsScheduled() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1")
        let job = try #require(try fixture.claim().first)
        guard case .done(.scheduled, let runAt?)? = try fixture.release([job.claim], delayMs: 5_000).first else {
            Issue.record("another outcome")
            return
        }
        #expect(try fixture.record("1")["run_at"] == String(runAt))
        #expect(try fixture.get("1")?.runAt == runAt)
        #expect(try fixture.members("scheduled") == ["1"])
        #expect(try fixture.members("queued").isEmpty)
        #expect(try fixture.release([job.claim]) == [.done(.scheduled, runAt: runAt)])
        try fixture.shift("1", in: "scheduled", by: -10_000)
        #expect(try fixture.sweep().promoted == 1)
        #expect(try fixture.release([job.claim]) == [.done(.scheduled, runAt: runAt)])
        #expect(try fixture.get("1")?.runAt == nil)
    }

    @Test func sameReleaseAgainGetsTheSameAnswerAndChangesNothing() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(NewJob(id: "1", payload: bytes("1"), start: .delay(1)))
        try fixture.shift("1", in: "scheduled", by: -10_000)
        _ = try fixture.sweep()
        let job = try #require(try fixture.claim().first)
        #expect(
            try fixture.release([job.claim, job.claim], delayMs: 0)
                == Array(repeating: .done(.queued, runAt: nil), count: 2))
        let before = try fixture.keyspace()
        #expect(try fixture.release([job.claim]) == [.done(.queued, runAt: nil)])
        #expect(try fixture.fail([job.claim]) == [.leaseLost(.queued)])
        #expect(try fixture.keyspace() == before)
        #expect(try fixture.counters()["released"] == "1")
        _ = try fixture.claim()
        #expect(try fixture.release([job.claim]) == [.leaseLost(.processing)])
        #expect(try fixture.release([Claim(id: "9", token: "x")]) == [.notFound])
    }

    @Test func extendMovesTheEndOfTheLease() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1")
        let job = try #require(try fixture.claim(1, leaseMs: 2_000).first)
        try fixture.shift("1", in: "processing", by: -50_000)
        let outcomes = try fixture.extend([job.claim], progress: "{\"p\": 0.50}")
        guard case .extended(let until, cancelRequested: false)? = outcomes.first else {
            Issue.record("another outcome")
            return
        }
        #expect((0...500).contains(until - job.leaseUntil))
        #expect(
            try fixture.keyspace() == """
                counters hash claimed=1|enqueued=1|seq=1|token=N
                job:1 hash attempts=1|claimed_at=T|enqueued_at=T|lease=2000|max_attempts=3|payload=1|\
                progress={"p": 0.50}|score=1|state=processing|token=TOKEN|worker=
                jobq:queues set email
                processing zset 1|T
                """)
        #expect(try fixture.get("1")?.leaseUntil == until)
        guard case .extended(let later, _)? = try fixture.extend([job.claim], leaseMs: 90_000).first else {
            Issue.record("another outcome")
            return
        }
        #expect((85_000...91_000).contains(later - until + 2_000))
        #expect(try fixture.get("1")?.progress == bytes("{\"p\": 0.50}"))
    }

    @Test func extendWithoutTimeTakesTheLeaseOfTheJobOrTheQueue() throws {
        let fixture = try StoreFixture()
        try fixture.server.command("HSET", "jobq:{email}:policy", "lease_ms", "7000")
        try fixture.enqueue(
            NewJob(id: "1", payload: bytes("1"), leaseMs: 400_000), NewJob(id: "2", payload: bytes("1")))
        let jobs = try fixture.claim(2)
        let outcomes = try fixture.extend(jobs.map(\.claim))
        for (job, outcome) in zip(jobs, outcomes) {
            guard case .extended(let until, _) = outcome else {
                Issue.record("another outcome")
                return
            }
            #expect((0...1_000).contains(until - job.leaseUntil))
        }
        #expect(
            try fixture.extend([Claim(id: "1", token: "x"), Claim(id: "9", token: "x")])
                == [.leaseLost(.processing), .notFound])
    }

    @Test func jobOfAWorkerThatIsGoneReturnsAtOnceAndTheAttemptCounts() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1", "2")
        let job = try #require(try fixture.claim().first)
        #expect(try fixture.workerGone([job.claim]) == [.done(.queued, runAt: nil)])
        #expect(
            try fixture.keyspace() == """
                counters hash claimed=1|enqueued=2|reclaimed=1|seq=2|token=N
                events stream [[ENTRY, [events, reclaimed 1 1 - worker_gone]]]
                job:1 hash attempts=1|claimed_at=T|enqueued_at=T|history={"attempt":1,"started_at":T,"ended_at":T,\
                "outcome":"worker_gone"}|max_attempts=3|outcome=worker_gone|payload=1|score=1|state=queued|token=TOKEN
                job:2 hash enqueued_at=T|max_attempts=3|payload=1|state=queued
                jobq:queues set email
                queued zset 1|1|2|2
                """)
        let before = try fixture.keyspace()
        #expect(
            try fixture.workerGone([job.claim, job.claim]) == Array(repeating: .done(.queued, runAt: nil), count: 2))
        #expect(try fixture.keyspace() == before)
    }

    @Test func lastAttemptOfAWorkerThatIsGoneMakesADeadLetter() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(
            NewJob(id: "1", payload: bytes("1"), maxAttempts: 1), NewJob(id: "2", payload: bytes("1")))
        let claims = try fixture.claim(2).map(\.claim)
        #expect(
            try fixture.workerGone([claims[0], claims[1], claims[0], Claim(id: "9", token: "x")])
                == [.done(.dead, runAt: nil), .done(.queued, runAt: nil), .done(.dead, runAt: nil), .notFound])
        #expect(try fixture.get("1")?.reason == "worker_gone")
        #expect(try fixture.counters()["reclaimed"] == "2")
        #expect(try fixture.counters()["dead"] == "1")
        #expect(try fixture.workerGone([claims[0]]) == [.done(.dead, runAt: nil)])
        #expect(try fixture.server.command("XLEN", "jobq:{email}:dead").int == 1)
    }
}
