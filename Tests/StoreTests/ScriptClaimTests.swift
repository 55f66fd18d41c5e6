// What the claim script does to the keys.

import Harness
import Store
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ScriptClaimTests {
    @Test func claimMovesTheJobAndWritesTheAttempt() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(NewJob(id: "1", payload: bytes("1"), type: "t"))
        let job = try #require(try fixture.claim(worker: "w \"1\"").first)
        #expect(job.attempt == 1)
        #expect(job.maxAttempts == 3)
        #expect(job.leaseMs == 30_000)
        #expect(
            try fixture.keyspace() == """
                counters hash claimed=1|enqueued=1|seq=1|token=N
                job:1 hash attempts=1|claimed_at=T|enqueued_at=T|max_attempts=3|payload=1|score=1|state=processing|\
                token=TOKEN|type=t|worker=w "1"
                jobq:queues set email
                processing zset 1|T
                """)
        let record = try fixture.record("1")
        #expect(record["token"] == job.token)
        #expect(job.token.hasSuffix("-000000000000feed"))
        #expect(try fixture.server.command("ZSCORE", "jobq:{email}:processing", "1").int == Int(job.leaseUntil))
        #expect(job.leaseUntil == Int64(record["claimed_at"]!)! + 30_001)
        #expect(String(job.enqueuedAt) == record["enqueued_at"])
    }

    @Test func emptyQueueGivesNothingAndWritesNothing() throws {
        let fixture = try StoreFixture()
        #expect(try fixture.claim(5).isEmpty)
        #expect(try fixture.keyspace().isEmpty)
    }

    @Test func claimsOfOneTurnShareOneScriptAndAreFilledInOrder() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1", "2", "3", "4")
        try fixture.server.command("CONFIG", "RESETSTAT")
        var found: [[String]] = [[], [], [], []]
        var left = 4
        for (index, max) in [1, 2, 3, 1].enumerated() {
            fixture.store.claim(
                ClaimRequest(max: max, leaseMs: Int64(1_000 * (index + 1)), worker: "w\(index)"), queue: "email",
                patient: false
            ) {
                found[index] = (try? $0.get().jobs.map { "\($0.id) \($0.leaseMs)" }) ?? ["failed"]
                left -= 1
            }
        }
        try fixture.drive { left == 0 }
        #expect(found == [["1 1000"], ["2 2000", "3 2000"], ["4 3000"], []])
        #expect(try ["1", "2", "3", "4"].map { try fixture.record($0)["worker"] } == ["w0", "w1", "w1", "w2"])
        #expect(try fixture.record("4")["lease"] == "3000")
        let calls = try fixture.server.command("INFO", "commandstats").string ?? ""
        #expect(calls.contains("cmdstat_evalsha:calls=1,"))
    }

    @Test func claimsBeyondAHundredJobsAreSeveralScriptsOfOneFlush() throws {
        let fixture = try StoreFixture()
        let jobs = (0..<250).map { NewJob(id: "\($0)", payload: bytes("1")) }
        _ = try fixture.wait { $0.enqueue(jobs, queue: "email", then: $1) }
        var counts: [Int] = []
        for _ in 0..<4 {
            fixture.store.claim(ClaimRequest(max: 100), queue: "email", patient: true) {
                counts.append((try? $0.get().jobs.count) ?? -1)
            }
        }
        try fixture.drive { counts.count == 4 }
        #expect(counts == [100, 100, 50, 0])
        #expect(try fixture.counters()["claimed"] == "250")
        #expect(try fixture.members("queued").isEmpty)
    }

    @Test func leaseIsThatOfTheClaimElseOfTheJobElseOfTheQueue() throws {
        let fixture = try StoreFixture()
        try fixture.server.command("HSET", "jobq:{email}:policy", "lease_ms", "7000")
        try fixture.enqueue(
            NewJob(id: "1", payload: bytes("1"), leaseMs: 500), NewJob(id: "2", payload: bytes("1")),
            NewJob(id: "3", payload: bytes("1"), leaseMs: 500))
        #expect(try fixture.claim(2).map(\.leaseMs) == [500, 7_000])
        #expect(try fixture.claim(1, leaseMs: 900).map(\.leaseMs) == [900])
        #expect(try fixture.record("1")["lease"] == nil)
        #expect(try fixture.record("3")["lease"] == "900")
    }

    @Test func tokensGrowWithEveryClaimEvenWhenTheCounterWasAhead() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1", "2", "3")
        try fixture.server.command("HSET", "jobq:{email}:counters", "token", "5000000000000000")
        let tokens = try fixture.claim(2).map(\.token) + fixture.claim(1).map(\.token)
        #expect(
            tokens == [
                "5000000000000001-000000000000feed", "5000000000000002-000000000000feed",
                "5000000000000003-000000000000feed",
            ])
        #expect(try fixture.counters()["token"] == "5000000000000003")
    }

    @Test func secondAttemptHasANewTokenAndCountsOn() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1")
        let first = try #require(try fixture.claim(1, leaseMs: 777, worker: "w").first)
        _ = try fixture.workerGone([first.claim])
        let second = try #require(try fixture.claim().first)
        #expect(second.attempt == 2)
        #expect(second.token > first.token)
        #expect(second.leaseMs == 30_000)
        let record = try fixture.record("1")
        #expect(record["worker"] == "")
        #expect(record["lease"] == "30000")
        #expect(try fixture.get("1")?.worker == nil)
    }

    @Test func checkpointIsHandedOutWithEveryClaim() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1", "2", "3")
        for id in ["1", "3"] {
            try fixture.server.command("HSET", "jobq:{email}:job:\(id)", "checkpoint", "{\"page\":\(id)}")
        }
        try fixture.setPolicy("tracked", "1")
        let jobs = try fixture.claim(3)
        #expect(jobs.map(\.checkpoint) == [bytes("{\"page\":1}"), nil, bytes("{\"page\":3}")])
        #expect(jobs.map(\.leaseMs) == [30_000, 30_000, 30_000])
        _ = try fixture.release([jobs[0].claim])
        #expect(try fixture.claim().map(\.checkpoint) == [bytes("{\"page\":1}")])
    }

    @Test func claimsAreToldWhileSomebodyListens() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1", "2", "3")
        try fixture.enqueue(NewJob(id: "late", payload: bytes("1"), front: true, expiresInMs: 60_000))
        try fixture.server.command("HSET", "jobq:{email}:job:late", "expires_at", "1")
        try fixture.tellAll(false)
        let before = try fixture.entries().count
        let first = try #require(try fixture.claim().first)
        #expect(try Array(fixture.entries()[before...]) == [["expired late 0"]])
        _ = try fixture.workerGone([first.claim])
        try fixture.tellAll()
        _ = try fixture.claim(2)
        #expect(try fixture.entries().last == ["claimed 1 2", "claimed 2 1"])
    }

    @Test func jobsOfAQueueThatUsesMoreThanPlainOnesAreClaimedAlike() throws {
        let fixture = try StoreFixture()
        try fixture.setPolicy("tracked", "1")
        try fixture.enqueue(ids: "1", "2", "3", "4")
        try fixture.server.command("DEL", "jobq:{email}:job:1")
        try fixture.server.command("HSET", "jobq:{email}:job:3", "state", "dead")
        #expect(try fixture.claim(2).map(\.id) == ["2", "4"])
        #expect(try fixture.members("queued").isEmpty)
        #expect(try fixture.members("processing") == ["2", "4"])
        #expect(try fixture.record("4")["score"] == "4")
    }

    @Test func pausedQueueGivesNothing() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1")
        try fixture.wait { $0.pause(queue: "email", until: nil, then: $1) }
        let claimed = try fixture.wait { $0.claim(ClaimRequest(max: 1), queue: "email", patient: false, then: $1) }
        #expect(claimed == Claimed(jobs: [], paused: true))
        try fixture.server.command("HSET", "jobq:{email}:policy", "paused", "4000000000000")
        #expect(try fixture.claim().isEmpty)
        try fixture.server.command("HSET", "jobq:{email}:policy", "paused", "1000")
        #expect(try fixture.claim().map(\.id) == ["1"])
    }

    @Test func namesWithoutAQueuedRecordAreDroppedAndOthersTakenInstead() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1", "2", "3", "4")
        try fixture.server.command("DEL", "jobq:{email}:job:1")
        try fixture.server.command("HSET", "jobq:{email}:job:3", "state", "dead")
        #expect(try fixture.claim(2).map(\.id) == ["2", "4"])
        #expect(try fixture.members("queued").isEmpty)
        #expect(try fixture.members("processing") == ["2", "4"])
        #expect(try fixture.counters()["claimed"] == "2")
    }

    @Test func queueOfNothingButLostNamesIsEmptied() throws {
        let fixture = try StoreFixture()
        try fixture.server.command("ZADD", "jobq:{email}:queued", "1", "x", "2", "y")
        #expect(try fixture.claim(1).isEmpty)
        #expect(try fixture.keyspace().isEmpty)
    }

    @Test func claimOnAKeyOfTheWrongTypeFailsBeforeAnyWrite() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1")
        try fixture.server.command("SET", "jobq:{email}:processing", "not a sorted set")
        let before = try fixture.keyspace()
        let result = try fixture.result {
            $0.claim(ClaimRequest(max: 1), queue: "email", patient: false, then: $1)
        }
        guard case .failure(.internal(let text)) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(text.contains("WRONGTYPE"))
        #expect(try fixture.keyspace() == before)
    }
}
