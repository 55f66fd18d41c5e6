// Jobs whose cancellation was asked for while they were being processed: however their attempt ends, they are cancelled.

import Harness
import Store
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ScriptFlaggedTests {
    /// How an attempt ends without being completed.
    enum End: String, CaseIterable {
        case failed, failedForGood, released, releasedForLater, workerGone, leaseExpired

        var outcome: String {
            switch self {
            case .failed, .failedForGood: "failed"
            case .released, .releasedForLater: "released"
            case .workerGone: "worker_gone"
            case .leaseExpired: "lease_expired"
            }
        }
        var counter: String {
            switch self {
            case .failed, .failedForGood: "failed"
            case .released, .releasedForLater: "released"
            case .workerGone, .leaseExpired: "reclaimed"
            }
        }
    }

    /// nil: the sweep has no answer for a single job.
    private func end(_ fixture: StoreFixture, _ jobs: [ClaimedJob], _ end: End) throws -> [TokenOutcome]? {
        let claims = jobs.map(\.claim)
        switch end {
        case .failed: return try fixture.fail(claims, error: "\"e\"")
        case .failedForGood: return try fixture.fail(claims, error: "\"e\"", retry: false)
        case .released: return try fixture.release(claims)
        case .releasedForLater: return try fixture.release(claims, delayMs: 9_000)
        case .workerGone: return try fixture.workerGone(claims)
        case .leaseExpired:
            for job in jobs { try fixture.shift(job.id, in: "processing", by: -60_000) }
            #expect(try fixture.sweep().reclaimed == jobs.count)
            return nil
        }
    }

    @Test(arguments: End.allCases, [1, 3])
    func flaggedJobIsCancelledHoweverItsAttemptEnds(how: End, maxAttempts: Int) throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(NewJob(id: "1", payload: bytes("1"), maxAttempts: maxAttempts))
        try fixture.give("1", unique: "k")
        let job = try #require(try fixture.claim(worker: "w").first)
        try fixture.flag("1", reason: "not needed")
        let outcome = try end(fixture, [job], how)
        #expect(outcome == nil || outcome == [.done(.cancelled, runAt: nil)])

        let attempts = how.outcome == "released" ? "0" : "1"
        let error = how.outcome == "failed"
        #expect(
            try fixture.keyspace() == """
                cancelled zset 1|T
                counters hash cancelled=1|claimed=1|enqueued=1|\(how.counter)=1|seq=1|token=N
                events stream [[ENTRY, [events, cancelled 1 1 - not needed]]]
                job:1 hash attempts=\(attempts)|claimed_at=T|enqueued_at=T\(error ? "|error=\"e\"" : "")|finished_at=T|\
                history={"attempt":1,"worker":"w","started_at":T,"ended_at":T,"outcome":"\(how.outcome)"\
                \(error ? ",\"error\":\"e\"" : "")}|max_attempts=\(maxAttempts)|outcome=\(how.outcome)|payload=1|\
                reason=not needed|score=1|state=cancelled|token=TOKEN|unique=k|unique_until=done|worker=w
                jobq:queues set email
                policy hash tracked=1
                """)
        #expect(violations(in: fixture.server).isEmpty)

        // Again: the same answer, and nothing changes.
        let before = try fixture.keyspace()
        if outcome != nil {
            #expect(try end(fixture, [job, job], how) == Array(repeating: .done(.cancelled, runAt: nil), count: 2))
        }
        #expect(try fixture.complete([job.claim]) == [.leaseLost(.cancelled)])
        #expect(try fixture.keyspace() == before)
        #expect(try fixture.get("1")?.reason == "not needed")
    }

    @Test func flagWithoutAReasonIsAFlagAsWell() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1")
        let job = try #require(try fixture.claim().first)
        try fixture.flag("1")
        #expect(try fixture.fail([job.claim]) == [.done(.cancelled, runAt: nil)])
        #expect(try fixture.log() == ["cancelled 1 1"])
        #expect(try fixture.record("1")["reason"] == nil)
        #expect(try fixture.record("1")["cancel"] == nil)
    }

    @Test(arguments: [End.failed, .released, .workerGone, .leaseExpired])
    func inABatchOnlyTheFlaggedAreCancelledEachOnce(how: End) throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(
            NewJob(id: "1", payload: bytes("1")), NewJob(id: "2", payload: bytes("1")),
            NewJob(id: "3", payload: bytes("1"), keepMs: 0), NewJob(id: "4", payload: bytes("1")))
        let jobs = try fixture.claim(4)
        try fixture.flag("2", reason: "a")
        try fixture.flag("3", reason: "b")
        let twice = how == .leaseExpired ? jobs : jobs + jobs
        if let outcomes = try end(fixture, twice, how) {
            #expect(outcomes[1] == .done(.cancelled, runAt: nil))
            #expect(outcomes[2] == .done(.cancelled, runAt: nil))
            #expect(outcomes[0] != outcomes[1])
            #expect(Array(outcomes[..<4]) == Array(outcomes[4...]))
        }
        let counters = try fixture.counters()
        #expect(counters["cancelled"] == "2")
        #expect(counters[how.counter] == "4")
        #expect(counters["retried"] == (how == .failed ? "2" : nil))
        #expect(try fixture.members("cancelled") == ["2"])
        // Whose record is not kept is gone at once.
        #expect(try !fixture.exists("3"))
        #expect(try fixture.log().suffix(2) == ["cancelled 2 1 - a", "cancelled 3 1 - b"])
        #expect(violations(in: fixture.server).isEmpty)
    }

    /// A retried job that was cancelled while it waited: the repeated `fail` says where the job is for good.
    @Test func repeatAfterALaterCancellationSaysCancelled() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1")
        let job = try #require(try fixture.claim().first)
        _ = try fixture.fail([job.claim], retryInMs: 60_000)
        try fixture.server.command("ZREM", "jobq:{email}:retrying", "1")
        try fixture.set("state", of: "1", to: "cancelled")
        #expect(try fixture.fail([job.claim]) == [.done(.cancelled, runAt: nil)])
    }

    @Test func aKeyThatAnotherJobHasByNowStaysItsOwn() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1", "2")
        try fixture.give("1", unique: "k", holding: false)
        try fixture.give("2", unique: "k")
        let job = try #require(try fixture.claim().first)
        try fixture.flag("1")
        #expect(try fixture.fail([job.claim]) == [.done(.cancelled, runAt: nil)])
        #expect(try fixture.holder(of: "k") == "2")
    }

    @Test(arguments: [End.failedForGood, .workerGone, .leaseExpired])
    func aDeadJobFreesItsKey(how: End) throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(NewJob(id: "1", payload: bytes("1"), maxAttempts: 1))
        try fixture.give("1", unique: "k")
        let job = try #require(try fixture.claim().first)
        _ = try end(fixture, [job], how)
        #expect(try fixture.get("1")?.state == .dead)
        #expect(try fixture.holder(of: "k") == nil)
    }

    @Test func aJobThatGoesOnKeepsItsKey() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1", "2", "3")
        for id in ["1", "2", "3"] { try fixture.give(id, unique: "k" + id) }
        let claims = try fixture.claim(3).map(\.claim)
        _ = try fixture.fail([claims[0]])
        _ = try fixture.release([claims[1]])
        _ = try fixture.workerGone([claims[2]])
        #expect(try ["k1", "k2", "k3"].map { try fixture.holder(of: $0) } == ["1", "2", "3"])
    }

    @Test func cancelledRecordsBeyondKeepCountGoTheOldestFirst() throws {
        let fixture = try StoreFixture()
        try fixture.setPolicy("keep_count", "2")
        try fixture.enqueue(ids: "1", "2", "3", "4")
        let claims = try fixture.claim(4).map(\.claim)
        for id in ["1", "2", "3", "4"] { try fixture.flag(id) }
        _ = try fixture.fail([claims[0]])
        try fixture.shift("1", in: "cancelled", by: -2)
        _ = try fixture.fail([claims[1]])
        try fixture.shift("2", in: "cancelled", by: -1)
        // What the set names wrongly leaves it, and its record stays.
        try fixture.server.command("ZADD", "jobq:{email}:cancelled", "1", "4")
        _ = try fixture.fail([claims[2]])
        #expect(try fixture.members("cancelled") == ["2", "3"])
        #expect(try fixture.exists("4"))
        #expect(try !fixture.exists("1"))
        #expect(try fixture.counters()["cancelled"] == "3")
        _ = try fixture.fail([claims[3]])
        #expect(try fixture.members("cancelled") == ["3", "4"])
        #expect(violations(in: fixture.server).isEmpty)
    }

    @Test func aRecordThatIsCancelledIsKeptAsItsJobOrTheQueueSays() throws {
        let fixture = try StoreFixture()
        try fixture.setPolicy("keep_ms", "70000")
        try fixture.enqueue(NewJob(id: "1", payload: bytes("1"), keepMs: 5_000), NewJob(id: "2", payload: bytes("1")))
        let claims = try fixture.claim(2).map(\.claim)
        for id in ["1", "2"] { try fixture.flag(id) }
        _ = try fixture.release(claims)
        for (id, keep) in [("1", 5_000), ("2", 70_000)] {
            let until = try #require(try fixture.server.command("ZSCORE", "jobq:{email}:cancelled", id).string)
            let finished = try #require(try fixture.record(id)["finished_at"])
            #expect(Int(until)! - Int(finished)! == keep + 1)
            #expect(try fixture.server.command("PTTL", "jobq:{email}:job:\(id)").int == -1)
        }
    }

    @Test func aFullRedisCancelsFlaggedJobs() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1", "2", "3", "4")
        let jobs = try fixture.claim(4)
        for job in jobs {
            try fixture.flag(job.id, reason: "full")
            try fixture.give(job.id, unique: "k" + job.id)
        }
        try fixture.shift("4", in: "processing", by: -60_000)
        try fixture.server.command("CONFIG", "SET", "maxmemory", "1000")
        #expect(try fixture.fail([jobs[0].claim], error: "\"e\"") == [.done(.cancelled, runAt: nil)])
        #expect(try fixture.release([jobs[1].claim]) == [.done(.cancelled, runAt: nil)])
        #expect(try fixture.workerGone([jobs[2].claim]) == [.done(.cancelled, runAt: nil)])
        #expect(try fixture.sweep().reclaimed == 1)
        #expect(try fixture.members("cancelled") == ["1", "2", "3", "4"])
        #expect(try fixture.log().count == 4)
        #expect(violations(in: fixture.server).isEmpty)
    }
}
