// What the complete script does to the keys.

import Harness
import Store
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ScriptCompleteTests {
    @Test func completedJobLeavesARecordThatEndsByItself() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1")
        let job = try #require(try fixture.claim(worker: "w").first)
        #expect(try fixture.complete([job.claim], result: "{\"ok\": 1.0}") == [.done(.completed, runAt: nil)])
        #expect(
            try fixture.keyspace() == """
                completed list 1
                counters hash claimed=1|completed=1|enqueued=1|seq=1|token=N
                events stream [[ENTRY, [events, completed 1 1]]]
                job:1 hash attempts=1|claimed_at=T|enqueued_at=T|finished_at=T|max_attempts=3|payload=1|\
                result={"ok": 1.0}|score=1|state=completed|token=TOKEN|worker=w (ttl 3600 s)
                jobq:queues set email
                """)
    }

    @Test func sameCompleteAgainGetsTheSameAnswerAndChangesNothing() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1")
        let job = try #require(try fixture.claim().first)
        _ = try fixture.complete([job.claim], result: "1")
        let before = try fixture.keyspace()
        #expect(try fixture.complete([job.claim], result: "2") == [.done(.completed, runAt: nil)])
        #expect(
            try fixture.complete([job.claim, job.claim]) == Array(repeating: .done(.completed, runAt: nil), count: 2))
        #expect(try fixture.keyspace() == before)
    }

    @Test func staleAndUnknownTokensChangeNothing() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1", "2")
        let stale = try #require(try fixture.claim().first)
        _ = try fixture.workerGone([stale.claim])
        let current = try #require(try fixture.claim().first)
        #expect(current.id == "1")
        let before = try fixture.keyspace()
        #expect(
            try fixture.complete([
                stale.claim, Claim(id: "2", token: "x"), Claim(id: "nope", token: "x"),
                Claim(id: "1", token: current.token + "0"),
            ]) == [.leaseLost(.processing), .leaseLost(.queued), .notFound, .leaseLost(.processing)])
        #expect(try fixture.keyspace() == before)
    }

    @Test func expiredButUnclaimedLeaseStillCompletes() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1")
        let job = try #require(try fixture.claim().first)
        try fixture.shift("1", in: "processing", by: -100_000)
        #expect(try fixture.complete([job.claim]) == [.done(.completed, runAt: nil)])
    }

    @Test func batchWithMixedOutcomesAndADoubleCompletesEachOnce() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1", "2", "3")
        let jobs = try fixture.claim(3)
        let claims = [
            jobs[0].claim, Claim(id: "2", token: "no"), jobs[2].claim, jobs[0].claim, Claim(id: "9", token: "no"),
        ]
        #expect(
            try fixture.complete(claims) == [
                .done(.completed, runAt: nil), .leaseLost(.processing), .done(.completed, runAt: nil),
                .done(.completed, runAt: nil), .notFound,
            ])
        #expect(try fixture.counters()["completed"] == "2")
        #expect(try fixture.server.command("LRANGE", "jobq:{email}:completed", "0", "-1").strings == ["3", "1"])
        #expect(try fixture.members("processing") == ["2"])
    }

    @Test func keepOfTheJobElseOfTheQueueDecidesHowLongTheRecordStays() throws {
        let fixture = try StoreFixture()
        try fixture.server.command("HSET", "jobq:{email}:policy", "keep_ms", "60000")
        try fixture.enqueue(
            NewJob(id: "1", payload: bytes("1"), keepMs: 5_000), NewJob(id: "2", payload: bytes("1")),
            NewJob(id: "3", payload: bytes("1"), keepMs: 0))
        let claims = try fixture.claim(3).map(\.claim)
        #expect(try fixture.complete(claims) == Array(repeating: .done(.completed, runAt: nil), count: 3))
        func ttl(_ id: String) throws -> Int { try fixture.server.command("PTTL", "jobq:{email}:job:\(id)").int ?? 0 }
        #expect((4_000...5_000).contains(try ttl("1")))
        #expect((59_000...60_000).contains(try ttl("2")))
        #expect(try fixture.record("3").isEmpty)
        #expect(try fixture.server.command("LRANGE", "jobq:{email}:completed", "0", "-1").strings == ["2", "1"])
        #expect(try fixture.counters()["completed"] == "3")
        #expect(try fixture.complete([claims[2]]) == [.notFound])
    }

    @Test func historyBeyondKeepCountIsCutWithItsRecords() throws {
        let fixture = try StoreFixture()
        try fixture.server.command("HSET", "jobq:{email}:policy", "keep_count", "2")
        try fixture.enqueue(ids: "1", "2", "3", "4", "5")
        let claims = try fixture.claim(4).map(\.claim)
        _ = try fixture.complete(Array(claims[..<2]))
        // The id of a completed job was used again after its record had ended: that new job must stay.
        try fixture.server.command("DEL", "jobq:{email}:job:1")
        try fixture.enqueue(ids: "1")
        _ = try fixture.complete(Array(claims[2...]))
        #expect(try fixture.server.command("LRANGE", "jobq:{email}:completed", "0", "-1").strings == ["4", "3"])
        #expect(try fixture.record("1")["state"] == "queued")
        #expect(try fixture.record("2").isEmpty)
        #expect(try fixture.record("3")["state"] == "completed")
    }

    @Test func eventsOfABatchAreOneEntryOfTheLogAndOneMessage() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1", "2")
        try fixture.tellAll(false)
        var claims = try fixture.claim(2).map(\.claim)
        _ = try fixture.workerGone([claims[1]])
        claims[1] = try #require(try fixture.claim().first).claim
        let listener = try ChannelListener(fixture.server, channel: "jobq:{email}:events")
        // The double and the stale one make no event.
        _ = try fixture.complete(claims + [claims[0], Claim(id: "2", token: "no")])
        let entry = try #require(
            try fixture.server.command("XREVRANGE", "jobq:{email}:events", "+", "-", "COUNT", "1").array.first)
        let seq = try #require(entry.array[0].string)
        #expect(entry.array[1].dictionary == ["events": "completed 1 1\ncompleted 2 2"])
        #expect(try listener.next() == "\(seq)\ncompleted 1 1\ncompleted 2 2")
        let at = try #require(try fixture.record("1")["finished_at"])
        #expect(seq.hasPrefix("\(at)-"))
    }

    @Test func logGoesOnBehindItsLastEntryWhenTheClockWentBack() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1", "2")
        let claims = try fixture.claim(2).map(\.claim)
        let log = "jobq:{email}:events"
        try fixture.server.command("XADD", log, "4000000000000-7", "events", "completed 0 1")
        let listener = try ChannelListener(fixture.server, channel: log)
        #expect(try fixture.complete(claims) == Array(repeating: .done(.completed, runAt: nil), count: 2))
        // Whole thousands are taken, and the entry has the place of its last event.
        let last = try #require(try fixture.server.command("XREVRANGE", log, "+", "-", "COUNT", "1").array.first)
        #expect(last.array[0].string == "4000000000000-1999")
        #expect(try listener.next() == "4000000000000-1999\ncompleted 1 1\ncompleted 2 1")
    }

    @Test func logThatIsOfNoUseIsNoErrorOfTheScript() throws {
        let fixture = try StoreFixture()
        try fixture.server.command("SET", "jobq:{email}:events", "not a stream")
        try fixture.enqueue(ids: "1")
        let job = try #require(try fixture.claim().first)
        #expect(try fixture.complete([job.claim]) == [.done(.completed, runAt: nil)])
        #expect(try fixture.record("1")["state"] == "completed")
    }

    @Test func uniqueKeyIsFreedUnlessAnotherJobHasIt() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(
            NewJob(id: "1", payload: bytes("1"), unique: UniqueKey(key: "k")),
            NewJob(id: "2", payload: bytes("1"), unique: UniqueKey(key: "gone")),
            NewJob(id: "3", payload: bytes("1"), keepMs: 0, unique: UniqueKey(key: "{other}")),
            NewJob(id: "4", payload: bytes("1")))
        let claims = try fixture.claim(4).map(\.claim)
        // The time to live of its key was over, and a newer job has taken it.
        try fixture.server.command("SET", "jobq:{email}:unique:gone", "9")
        #expect(try fixture.complete(claims) == Array(repeating: .done(.completed, runAt: nil), count: 4))
        #expect(try fixture.server.command("KEYS", "jobq:{email}:unique:*").strings == ["jobq:{email}:unique:gone"])
        #expect(try fixture.record("1")["unique"] == "k")
    }

    @Test func flaggedJobThatIsCompletedIsCompletedAndForgetsTheFlag() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1")
        let job = try #require(try fixture.claim().first)
        try fixture.server.command("HSET", "jobq:{email}:job:1", "cancel", "too late")
        try fixture.server.command("HSET", "jobq:{email}:policy", "tracked", "1")
        #expect(try fixture.get("1")?.cancelRequested == true)
        #expect(try fixture.complete([job.claim]) == [.done(.completed, runAt: nil)])
        #expect(try fixture.record("1")["cancel"] == nil)
        #expect(try fixture.counters()["cancelled"] == nil)
    }

    @Test func callOfAThousandIsCutAndJoinedAgain() throws {
        let fixture = try StoreFixture()
        let jobs = (0..<1_000).map { NewJob(id: "\($0)", payload: bytes("1")) }
        _ = try fixture.wait { $0.enqueue(jobs, queue: "email", then: $1) }
        var claims: [Claim] = []
        while claims.count < 1_000 { claims += try fixture.claim(100).map(\.claim) }
        claims[501].token = "stale"
        let outcomes = try fixture.complete(claims)
        #expect(outcomes.count == 1_000)
        #expect(outcomes.indices.filter { outcomes[$0] != .done(.completed, runAt: nil) } == [501])
        #expect(try fixture.counters()["completed"] == "999")
    }
}
