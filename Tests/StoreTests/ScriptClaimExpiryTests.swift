// Jobs that nobody started in time: enqueue, and the claim that finds one past its time. The sweep has its own tests.

import Harness
import Store
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ScriptClaimExpiryTests {
    private func job(
        _ id: String, in milliseconds: Int64 = 60_000, keepMs: Int64? = nil, start: NewJob.Start = .now
    ) -> NewJob {
        NewJob(
            id: id, payload: bytes("1"), start: start, keepMs: keepMs, unique: UniqueKey(key: id),
            expiresInMs: milliseconds)
    }

    /// The time of a job is over.
    private func end(_ fixture: StoreFixture, _ ids: String...) throws {
        for id in ids {
            try fixture.server.command("HSET", "jobq:{email}:job:\(id)", "expires_at", "1000")
            try fixture.server.command("ZADD", "jobq:{email}:expiry", "XX", "1000", id)
        }
    }

    @Test func jobThatExpiresIsNamedInASetOfItsOwn() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(
            NewJob(id: "1", payload: bytes("1"), expiresInMs: 60_000),
            NewJob(id: "2", payload: bytes("1"), start: .delay(90_000), expiresInMs: 60_000))
        #expect(
            try fixture.keyspace() == """
                counters hash enqueued=2|seq=2
                expiry zset 1|T|2|T
                job:1 hash enqueued_at=T|expires_at=T|max_attempts=3|payload=1|state=queued
                job:2 hash enqueued_at=T|expires_at=T|max_attempts=3|payload=1|run_at=T|score=2|state=scheduled
                jobq:queues set email
                policy hash tracked=1
                queued zset 1|1
                scheduled zset 2|T
                """)
        let record = try fixture.record("1")
        #expect(Int(record["expires_at"]!)! == Int(record["enqueued_at"]!)! + 60_001)
        #expect(try fixture.server.command("ZSCORE", "jobq:{email}:expiry", "2").string == record["expires_at"])
        #expect(try fixture.get("2")?.expiresAt == Int64(record["expires_at"]!))
        #expect(try fixture.list(.queued)?.jobs.map(\.expiresAt) == [Int64(record["expires_at"]!)])
    }

    @Test func claimThatMeetsAJobPastItsTimeLetsItExpireAndTakesTheNext() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(job("1"), job("2"), job("3"))
        try end(fixture, "1")
        try fixture.tellAll(false)
        #expect(try fixture.claim().map(\.id) == ["2"])
        #expect(
            try fixture.keyspace() == """
                counters hash claimed=1|enqueued=3|expired=1|seq=3|token=N
                events stream [[ENTRY, [events, expired 1 0]]]
                expired zset 1|T
                expiry zset 3|T
                job:1 hash enqueued_at=T|expires_at=1000|finished_at=T|max_attempts=3|payload=1|state=expired|unique=1|\
                unique_until=done
                job:2 hash attempts=1|claimed_at=T|enqueued_at=T|expires_at=T|max_attempts=3|payload=1|score=2|\
                state=processing|token=TOKEN|unique=2|unique_until=done
                job:3 hash enqueued_at=T|expires_at=T|max_attempts=3|payload=1|state=queued|unique=3|unique_until=done
                jobq:queues set email
                policy hash tracked=1
                processing zset 2|T
                queued zset 3|3
                unique:2 string 2
                unique:3 string 3
                """)
        let finished = try #require(try fixture.get("1")?.finishedAt)
        #expect(try fixture.server.command("ZSCORE", "jobq:{email}:expired", "1").int == Int(finished) + 3_600_001)
        #expect(try fixture.get("1")?.expiresAt == nil)
        #expect(try fixture.get("2")?.expiresAt == nil)
        #expect(violations(in: fixture.server).isEmpty)
    }

    @Test func expiredRecordsStayAsLongAsCompletedOnes() throws {
        let fixture = try StoreFixture()
        try fixture.setPolicy("keep_ms", "70000")
        try fixture.enqueue(job("queue's"), job("own", keepMs: 5_000), job("none", keepMs: 0))
        try end(fixture, "queue's", "own", "none")
        #expect(try fixture.claim(3).isEmpty)
        func kept(_ id: String) throws -> Int? {
            guard let score = try fixture.server.command("ZSCORE", "jobq:{email}:expired", id).int else { return nil }
            return score - Int(try fixture.record(id)["finished_at"] ?? "")!
        }
        #expect(try ["queue's", "own", "none"].map(kept) == [70_001, 5_001, nil])
        #expect(try fixture.record("none").isEmpty)
        #expect(try fixture.counters()["expired"] == "3")
        #expect(try fixture.server.command("KEYS", "jobq:{email}:unique:*").strings.isEmpty)
        let depth = try #require(try fixture.statistics()).depth
        #expect(depth.expired == 2)
        #expect(depth.queued == 0)
    }

    @Test func noMoreExpiredRecordsStayThanTheQueueKeeps() throws {
        let fixture = try StoreFixture()
        try fixture.setPolicy("keep_count", "2")
        try fixture.enqueue(job("1", keepMs: 9_000), job("2", keepMs: 7_000), job("3", keepMs: 8_000))
        try end(fixture, "1", "2", "3")
        #expect(try fixture.claim(3).isEmpty)
        #expect(try fixture.members("expired") == ["3", "1"])
        #expect(try fixture.record("2").isEmpty)
    }

    @Test func jobThatWasStartedDoesNotExpire() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(job("1"))
        let first = try #require(try fixture.claim().first)
        _ = try fixture.workerGone([first.claim])
        try end(fixture, "1")
        #expect(try fixture.claim().map(\.attempt) == [2])
    }

    @Test func jobWhoseOnlyAttemptDoesNotCountExpiresAgain() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(job("1"))
        _ = try fixture.release([try #require(try fixture.claim().first).claim])
        try end(fixture, "1")
        #expect(try fixture.claim().isEmpty)
        #expect(try fixture.record("1")["state"] == "expired")
        #expect(try fixture.members("expiry").isEmpty)
    }

    @Test func claimTakesFourHundredJobsOutAtMost() throws {
        let fixture = try StoreFixture()
        let jobs = (0..<450).map { NewJob(id: "\($0)", payload: bytes("1"), expiresInMs: 1) }
        _ = try fixture.wait { $0.enqueue(jobs, queue: "email", then: $1) }
        try fixture.enqueue(ids: "good")
        let last = Int(try fixture.record("0")["expires_at"]!)!
        try fixture.drive {
            let time = try? fixture.server.command("TIME").array.compactMap { Int($0.string ?? "") }
            return (time.map { $0[0] * 1_000 + $0[1] / 1_000 } ?? 0) > last
        }
        #expect(try fixture.claim(100).isEmpty)
        #expect(try fixture.counters()["expired"] == "400")
        #expect(try fixture.claim(100).map(\.id) == ["good"])
        #expect(try fixture.counters()["expired"] == "450")
    }

    @Test func fullRedisIsDrainedOfExpiredJobsToo() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(job("1"), job("2"))
        try end(fixture, "1")
        try fixture.server.command("CONFIG", "SET", "maxmemory", "1")
        #expect(try fixture.claim().map(\.id) == ["2"])
        #expect(try fixture.record("1")["state"] == "expired")
        let refused = try fixture.result { $0.enqueue([job("3")], queue: "email", then: $1) }
        guard case .failure(.full) = refused else {
            Issue.record("\(refused)")
            return
        }
        #expect(try fixture.server.command("KEYS", "*3").strings.isEmpty)
    }
}
