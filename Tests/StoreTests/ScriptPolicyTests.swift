// What the configure and policy scripts do to the keys, and what `held` tells.

import Harness
import Store
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ScriptPolicyTests {
    @Test func configureCreatesTheQueueAndReturnsWhatHoldsThen() throws {
        let fixture = try StoreFixture()
        #expect(try fixture.wait { $0.policy(queue: "email", then: $1) } == nil)
        let policy = try fixture.configure {
            $0.maxAttempts = .set(7)
            $0.order = .set(.lifo)
        }
        var expected = QueuePolicy()
        expected.maxAttempts = 7
        expected.order = .lifo
        #expect(policy == expected)
        #expect(
            try fixture.keyspace() == """
                counters hash enqueued=0
                jobq:queues set email
                policy hash max_attempts=7|order=lifo
                """)
        #expect(try fixture.wait { $0.policy(queue: "email", then: $1) } == expected)
        #expect(try fixture.wait { $0.queues(then: $1) } == ["email"])
    }

    @Test func everySettingIsKeptAndResetByItsName() throws {
        let fixture = try StoreFixture()
        try fixture.wait { $0.pause(queue: "email", until: nil, then: $1) }
        try fixture.enqueue(ids: "1")
        try fixture.server.command("HDEL", "jobq:{email}:policy", "listened")
        var expected = QueuePolicy()
        expected.maxAttempts = 1_000
        expected.leaseMs = 86_400_000
        expected.backoff = Backoff(kind: .linear, baseMs: 5, maxMs: 50, jitter: 0.25)
        expected.keepMs = 0
        expected.keepCount = 0
        expected.deadKeepMs = 315_360_000_000
        expected.deadKeepCount = 10_000_000
        expected.maxLen = 1_000_000_000
        expected.order = .lifo
        expected.agingMs = 1
        let policy = try fixture.configure {
            $0.maxAttempts = .set(expected.maxAttempts)
            $0.leaseMs = .set(expected.leaseMs)
            $0.backoff = .set(expected.backoff)
            $0.keepMs = .set(expected.keepMs)
            $0.keepCount = .set(expected.keepCount)
            $0.deadKeepMs = .set(expected.deadKeepMs!)
            $0.deadKeepCount = .set(expected.deadKeepCount!)
            $0.maxLen = .set(expected.maxLen!)
            $0.order = .set(expected.order)
            $0.agingMs = .set(expected.agingMs!)
        }
        #expect(policy == expected)
        #expect(
            try fixture.server.command("HGETALL", "jobq:{email}:policy").dictionary == [
                "max_attempts": "1000", "lease_ms": "86400000", "backoff": "linear 5 50 0.25", "keep_ms": "0",
                "keep_count": "0", "dead_keep_ms": "315360000000", "dead_keep_count": "10000000",
                "max_len": "1000000000", "order": "lifo", "aging_ms": "1", "paused": "1",
            ])
        #expect(try fixture.counters()["enqueued"] == "1")

        let reset = try fixture.configure {
            $0.maxAttempts = .reset
            $0.leaseMs = .reset
            $0.backoff = .reset
            $0.keepMs = .reset
            $0.keepCount = .reset
            $0.deadKeepMs = .reset
            $0.deadKeepCount = .reset
            $0.maxLen = .reset
            $0.order = .reset
            $0.agingMs = .reset
        }
        #expect(reset == QueuePolicy())
        #expect(try fixture.server.command("HGETALL", "jobq:{email}:policy").dictionary == ["paused": "1"])
        #expect(try fixture.configure { _ in } == QueuePolicy())
    }

    @Test func whatIsNotNamedStays() throws {
        let fixture = try StoreFixture()
        try fixture.configure {
            $0.leaseMs = .set(5_000)
            $0.keepMs = .set(6_000)
        }
        let policy = try fixture.configure {
            $0.leaseMs = .reset
            $0.maxLen = .set(3)
        }
        #expect(policy.leaseMs == 30_000 && policy.keepMs == 6_000 && policy.maxLen == 3)
    }

    @Test func fullRedisRefusesASetting() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1")
        try fixture.server.command("CONFIG", "SET", "maxmemory", "1000")
        let before = try fixture.keyspace()
        var change = PolicyChange()
        change.maxLen = .set(3)
        change.order = .reset
        let refused = try fixture.result { $0.configure(change, queue: "email", then: $1) }
        guard case .failure(.full) = refused else {
            Issue.record("\(refused)")
            return
        }
        #expect(try fixture.keyspace() == before)
    }

    // MARK: held

    @Test func claimsStandUntilTheyAreLost() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1", "2", "3")
        let jobs = try fixture.claim(3)
        _ = try fixture.complete([jobs[1].claim])
        _ = try fixture.cancel("3", reason: "r - 1")
        let before = try fixture.keyspace()
        let wrong = Claim(id: "1", token: jobs[2].token)
        #expect(
            try fixture.held(jobs.map(\.claim) + [wrong, Claim(id: "x", token: "1-a")]) == [
                .held(leaseUntil: jobs[0].leaseUntil, cancelReason: nil), .lost(.completed),
                .held(leaseUntil: jobs[2].leaseUntil, cancelReason: "r - 1"), .lost(.processing), .notFound,
            ])
        #expect(try fixture.keyspace() == before)
        _ = try fixture.release([jobs[0].claim])
        #expect(try fixture.held([jobs[0].claim]) == [.lost(.queued)])
    }

    @Test func flagWithoutAReasonHasAnEmptyOne() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1")
        let job = try #require(try fixture.claim().first)
        _ = try fixture.cancel("1")
        #expect(try fixture.held([job.claim]) == [.held(leaseUntil: job.leaseUntil, cancelReason: "")])
    }

    @Test func moreClaimsThanOneScriptTakesAreAnsweredInOrder() throws {
        let fixture = try StoreFixture()
        #expect(try fixture.held([]) == [])
        try fixture.enqueue(ids: "1")
        let job = try #require(try fixture.claim().first)
        let others = (0..<1_200).map { Claim(id: "x\($0)", token: "1-a") }
        let outcomes = try fixture.held(others + [job.claim])
        #expect(outcomes.count == 1_201)
        #expect(outcomes.dropLast().allSatisfy { $0 == .notFound })
        #expect(outcomes.last == .held(leaseUntil: job.leaseUntil, cancelReason: nil))
    }
}
