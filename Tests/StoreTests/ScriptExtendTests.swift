// What the extend script keeps of what a worker says: a checkpoint, lines for the job's log; and what it tells the worker.

import Harness
import Store
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ScriptExtendTests {
    private func extend(_ fixture: StoreFixture, _ requests: [ExtendRequest]) throws -> [ExtendOutcome] {
        try fixture.wait { $0.extend(requests, queue: "email", then: $1) }
    }

    @Test func checkpointIsKeptAndTheQueueKnowsIt() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1")
        let job = try #require(try fixture.claim().first)
        _ = try fixture.extend([job.claim], progress: "1")
        #expect(try fixture.server.command("HEXISTS", "jobq:{email}:policy", "tracked").int == 0)
        _ = try extend(fixture, [ExtendRequest(claim: job.claim, checkpoint: bytes("{\"row\": 1.10}"))])
        #expect(
            try fixture.keyspace() == """
                counters hash claimed=1|enqueued=1|seq=1|token=N
                job:1 hash attempts=1|checkpoint={"row": 1.10}|claimed_at=T|enqueued_at=T|max_attempts=3|payload=1|\
                progress=1|score=1|state=processing|token=TOKEN
                jobq:queues set email
                policy hash tracked=1
                processing zset 1|T
                """)
        // The next replaces it, one without leaves it, and it stays when the job goes back.
        _ = try extend(fixture, [ExtendRequest(claim: job.claim, checkpoint: bytes("null"))])
        _ = try fixture.extend([job.claim])
        _ = try fixture.workerGone([job.claim])
        #expect(try fixture.record("1")["checkpoint"] == "null")
        // A stale token changes nothing.
        #expect(
            try extend(fixture, [ExtendRequest(claim: job.claim, checkpoint: bytes("2"), log: bytes("\"x\""))])
                == [.leaseLost(.queued)])
        #expect(try fixture.record("1")["checkpoint"] == "null")
        #expect(try fixture.record("1")["logs"] == nil)
    }

    @Test func theLastHundredLinesOfTheLogStayInARing() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1")
        let job = try #require(try fixture.claim().first)
        _ = try extend(
            fixture,
            (0..<99).map { ExtendRequest(claim: job.claim, log: bytes("\"line \($0)\"")) })
        #expect(try fixture.record("1")["log:98"] == "\"line 98\"")
        #expect(try fixture.record("1")["log:99"] == nil)
        for line in 99..<103 {
            _ = try extend(fixture, [ExtendRequest(claim: job.claim, log: bytes("\"line \(line)\""))])
        }
        let record = try fixture.record("1")
        #expect(record["logs"] == "103")
        #expect(record.keys.filter { $0.hasPrefix("log:") }.count == 100)
        #expect(
            ["log:0", "log:2", "log:3", "log:99"].map { record[$0] } == [
                "\"line 100\"", "\"line 102\"", "\"line 3\"", "\"line 99\"",
            ])
        #expect(try fixture.server.command("HEXISTS", "jobq:{email}:policy", "tracked").int == 0)
    }

    @Test func theWorkerOfAFlaggedJobIsTold() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1", "2")
        let jobs = try fixture.claim(2)
        try fixture.flag("2", reason: "why")
        let outcomes = try fixture.extend(jobs.map(\.claim), leaseMs: 50_000)
        guard case .extended(let first, cancelRequested: false) = outcomes[0],
            case .extended(let second, cancelRequested: true) = outcomes[1]
        else {
            Issue.record("\(outcomes)")
            return
        }
        #expect(first == second)
        #expect(try fixture.server.command("ZSCORE", "jobq:{email}:processing", "2").string == String(second))
        #expect(try fixture.get("2")?.leaseUntil == second)
    }

    @Test func aFullRedisTakesHeartbeatsWithAllTheySay() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1")
        let job = try #require(try fixture.claim().first)
        try fixture.server.command("CONFIG", "SET", "maxmemory", "1000")
        let all = ExtendRequest(
            claim: job.claim, progress: bytes("1"), checkpoint: bytes("2"), log: bytes("\"3\""))
        guard case .extended? = try extend(fixture, [all]).first else {
            Issue.record("not extended")
            return
        }
        let record = try fixture.record("1")
        #expect(["progress", "checkpoint", "log:0"].map { record[$0] } == ["1", "2", "\"3\""])
    }
}
