// What the sweep script does to the keys: reclaiming, promoting, ending a pause.

import Harness
import Store
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ScriptSweepTests {
    @Test func idleQueueCostsTwoCommands() throws {
        let fixture = try StoreFixture()
        _ = try fixture.sweep()
        let before = try commands(fixture)
        let swept = try fixture.sweep()
        // EVALSHA and EXISTS, and the INFO that counted first.
        #expect(try commands(fixture) - before == 2 + 1)
        #expect(swept == Swept())
        #expect(try fixture.keyspace().isEmpty)
    }

    private func commands(_ fixture: StoreFixture) throws -> Int {
        let info = try fixture.server.command("INFO", "stats").string ?? ""
        let line = try #require(info.split(separator: "\r\n").first { $0.hasPrefix("total_commands_processed:") })
        return try #require(Int(line.split(separator: ":")[1]))
    }

    @Test func expiredLeaseReturnsToItsQueue() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1", "2", "3")
        let jobs = try fixture.claim(2)
        try fixture.shift("1", in: "processing", by: -30_001)
        let swept = try fixture.sweep()
        #expect(swept.reclaimed == 1)
        #expect(swept.promoted == 0)
        #expect(swept.claimable)
        #expect(!swept.more)
        #expect(swept.nextDue == jobs[1].leaseUntil)
        #expect(
            try fixture.keyspace() == """
                counters hash claimed=2|enqueued=3|reclaimed=1|seq=3|token=N
                events stream [[ENTRY, [events, reclaimed 1 1 - lease_expired]]]
                job:1 hash attempts=1|claimed_at=T|enqueued_at=T|history={"attempt":1,"started_at":T,"ended_at":T,\
                "outcome":"lease_expired"}|max_attempts=3|outcome=lease_expired|payload=1|score=1|state=queued|token=TOKEN
                job:2 hash attempts=1|claimed_at=T|enqueued_at=T|max_attempts=3|payload=1|score=2|state=processing|token=TOKEN
                job:3 hash enqueued_at=T|max_attempts=3|payload=1|state=queued
                jobq:queues set email
                processing zset 2|T
                queued zset 1|1|3|3
                """)
        #expect(try fixture.complete([jobs[0].claim]) == [.leaseLost(.queued)])
    }

    @Test func lastExpiredLeaseMakesADeadLetter() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(NewJob(id: "1", payload: bytes("1"), maxAttempts: 1))
        _ = try fixture.claim()
        try fixture.shift("1", in: "processing", by: -30_001)
        let swept = try fixture.sweep()
        #expect(swept.reclaimed == 1)
        #expect(!swept.claimable)
        #expect(swept.nextDue == nil)
        #expect(try fixture.get("1")?.reason == "lease_expired")
        #expect(try fixture.list(.dead)?.jobs.map(\.id) == ["1"])
        #expect(try fixture.members("processing").isEmpty)
    }

    @Test func reclaimingCanBeLeftOut() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1")
        _ = try fixture.claim()
        try fixture.shift("1", in: "processing", by: -30_001)
        let before = try fixture.keyspace()
        #expect(try fixture.sweep(reclaiming: false).reclaimed == 0)
        #expect(try fixture.keyspace() == before)
    }

    @Test func dueJobsBecomeReadyScheduledOnesAtTheirOldPlace() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(
            NewJob(id: "later", payload: bytes("1"), start: .delay(1_000)), NewJob(id: "1", payload: bytes("1")),
            NewJob(id: "far", payload: bytes("1"), start: .delay(90_000)))
        let job = try #require(try fixture.claim().first)
        _ = try fixture.fail([job.claim], retryInMs: 2_000)
        try fixture.enqueue(ids: "2")
        try fixture.shift("later", in: "scheduled", by: -2_000)
        try fixture.shift("1", in: "retrying", by: -2_000)
        let swept = try fixture.sweep()
        #expect(swept.promoted == 2)
        #expect(swept.nextDue == (try fixture.get("far")?.runAt))
        #expect(try fixture.members("queued") == ["later", "2", "1"])
        #expect(
            try fixture.keyspace() == """
                counters hash claimed=1|enqueued=4|failed=1|retried=1|seq=5|token=N
                events stream [[ENTRY, [events, retrying 1 1 T]]]
                job:1 hash attempts=1|claimed_at=T|enqueued_at=T|history={"attempt":1,"started_at":T,"ended_at":T,\
                "outcome":"failed"}|max_attempts=3|outcome=failed|payload=1|run_at=T|score=2|state=queued|token=TOKEN
                job:2 hash enqueued_at=T|max_attempts=3|payload=1|state=queued
                job:far hash enqueued_at=T|max_attempts=3|payload=1|run_at=T|score=3|state=scheduled
                job:later hash enqueued_at=T|max_attempts=3|payload=1|run_at=T|score=1|state=queued
                jobq:queues set email
                queued zset later|1|2|4|1|5
                scheduled zset far|T
                """)
    }

    @Test func stepOfAHundredSaysThatThereIsMore() throws {
        let fixture = try StoreFixture()
        let jobs = (0..<250).map { NewJob(id: "\($0)", payload: bytes("1"), start: .at(4_000_000_000_000)) }
        _ = try fixture.wait { $0.enqueue(jobs, queue: "email", then: $1) }
        for job in jobs { try fixture.server.command("ZADD", "jobq:{email}:scheduled", "1000", job.id) }
        let steps = try (0..<3).map { _ in try fixture.sweep() }
        #expect(steps.map(\.promoted) == [100, 100, 50])
        #expect(steps.map(\.more) == [true, true, false])
        #expect(steps.map(\.nextDue) == [1_000, 1_000, nil])
        #expect(try fixture.members("queued").count == 250)
    }

    @Test func namesWithoutARecordOnlyLeaveTheirSet() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "q")
        for set in ["processing", "scheduled", "retrying"] {
            try fixture.server.command("ZADD", "jobq:{email}:\(set)", "1", "x", "2", "q")
        }
        let swept = try fixture.sweep()
        #expect(swept.reclaimed == 0)
        #expect(swept.promoted == 0)
        #expect(try fixture.members("queued") == ["q"])
        #expect(try ["processing", "scheduled", "retrying"].flatMap { try fixture.members($0) }.isEmpty)
    }

    @Test func pauseEndsAtItsTimeAndTheOthersAreWoken() throws {
        let fixture = try StoreFixture()
        let listener = try ChannelListener(fixture.server, channel: "jobq:{email}:queued")
        try fixture.enqueue(ids: "1")
        #expect(try listener.next() == "-a")
        try fixture.wait { $0.pause(queue: "email", until: 4_000_000_000_000, then: $1) }
        let waiting = try fixture.sweep()
        #expect(waiting.nextDue == 4_000_000_000_000)
        #expect(!waiting.claimable)
        try fixture.server.command("HSET", "jobq:{email}:policy", "paused", "1000")
        let ended = try fixture.sweep()
        #expect(ended.claimable)
        #expect(ended.nextDue == nil)
        #expect(try listener.next() == "-a")
        #expect(try fixture.server.command("HEXISTS", "jobq:{email}:policy", "paused").int == 0)
    }

    @Test func onlyJobsAddedToAnEmptyQueueWakeTheOthers() throws {
        let fixture = try StoreFixture()
        let channel = "jobq:{email}:queued"
        let listener = try ChannelListener(fixture.server, channel: channel)
        try fixture.enqueue(ids: "1")
        #expect(try listener.next() == "-a")
        try fixture.enqueue(ids: "2")
        #expect(try listener.isSilent(fixture.server, channel: channel))
        let jobs = try fixture.claim(2)
        try fixture.shift("1", in: "processing", by: -30_001)
        _ = try fixture.sweep()
        #expect(try listener.next() == "-a")
        _ = try fixture.release([jobs[1].claim])
        #expect(try listener.isSilent(fixture.server, channel: channel))
    }
}
