// What the requeue, pause and resume scripts do to the keys.

import Harness
import Store
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ScriptRequeueTests {
    private func requeue(_ fixture: StoreFixture, _ id: String) throws -> RequeueOutcome {
        try fixture.wait { $0.requeue(id, queue: "email", then: $1) }
    }

    @Test func deadLetterGetsANewLife() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1", "2")
        let job = try #require(try fixture.claim(1, leaseMs: 500, worker: "w").first)
        _ = try fixture.fail([job.claim], error: "\"e\"", retry: false)
        #expect(try requeue(fixture, "1") == .requeued)
        #expect(
            try fixture.keyspace() == """
                counters hash claimed=1|dead=1|enqueued=2|failed=1|requeued=1|seq=3|token=N
                dead stream []
                events stream [[ENTRY, [events, dead 1 1 - failed]]]
                job:1 hash claimed_at=T|enqueued_at=T|error="e"|history={"attempt":1,"worker":"w","started_at":T,\
                "ended_at":T,"outcome":"failed","error":"e"}|max_attempts=3|payload=1|score=1|state=queued
                job:2 hash enqueued_at=T|max_attempts=3|payload=1|state=queued
                jobq:queues set email
                queued zset 2|2|1|3
                """)
        let record = try #require(try fixture.get("1"))
        #expect(record.attempts == 0)
        #expect(record.reason == nil)
        #expect(try fixture.fail([job.claim], retry: false) == [.leaseLost(.queued)])
        #expect(try requeue(fixture, "1") == .wrongState(.queued))
    }

    /// The first claim of a life writes no worker when it has no name: an older one must not stay.
    @Test func theWorkerOfAnEarlierLifeIsForgotten() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1")
        let job = try #require(try fixture.claim(1, worker: "w").first)
        _ = try fixture.fail([job.claim], retry: false)
        #expect(try requeue(fixture, "1") == .requeued)
        _ = try fixture.claim(1, worker: "")
        #expect(try #require(try fixture.get("1")).worker == nil)
    }

    @Test func scheduledAndRetryingJobsAreReadyNow() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(
            NewJob(id: "r", payload: bytes("1"), priority: 3),
            NewJob(id: "s", payload: bytes("1"), start: .delay(9_000)))
        _ = try fixture.fail([try #require(try fixture.claim().first).claim], retryInMs: 9_000)
        let listener = try ChannelListener(fixture.server, channel: "jobq:{email}:queued")
        #expect(try requeue(fixture, "s") == .requeued)
        #expect(try listener.next() == "-a")
        #expect(try requeue(fixture, "r") == .requeued)
        #expect(try fixture.members("queued") == ["r", "s"])
        #expect(try fixture.members("scheduled") + fixture.members("retrying") == [])
        #expect(try fixture.counters()["requeued"] == nil)
        #expect(try fixture.record("s")["run_at"] == nil)
    }

    @Test func otherStatesAndUnknownJobsAreRefused() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "c", "p", "q")
        let jobs = try fixture.claim(2).map(\.claim)
        _ = try fixture.complete([jobs[0]])
        let before = try fixture.keyspace()
        #expect(try requeue(fixture, "c") == .wrongState(.completed))
        #expect(try requeue(fixture, "p") == .wrongState(.processing))
        #expect(try requeue(fixture, "q") == .wrongState(.queued))
        #expect(try requeue(fixture, "x") == .notFound)
        #expect(try fixture.keyspace() == before)
    }

    @Test func requeuesOfOneTurnAreOneScriptAndADoubleIsRefused() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(NewJob(id: "s", payload: bytes("1"), start: .delay(9_000)))
        var outcomes: [RequeueOutcome] = []
        for id in ["s", "x", "s"] {
            fixture.store.requeue(id, queue: "email") { if let outcome = try? $0.get() { outcomes.append(outcome) } }
        }
        try fixture.drive { outcomes.count == 3 }
        #expect(outcomes == [.requeued, .notFound, .wrongState(.queued)])
        #expect(try fixture.members("queued") == ["s"])
    }

    private func requeue(
        _ fixture: StoreFixture, _ state: JobState, type: String? = nil, limit: Int = 500, dryRun: Bool = false,
        cursor: String? = nil
    ) throws -> BulkStep? {
        try fixture.wait {
            $0.requeue(
                queue: "email", state: state, type: type, limit: limit, dryRun: dryRun, cursor: cursor, then: $1)
        }
    }

    @Test(arguments: [JobState.dead, .cancelled, .scheduled, .retrying])
    func filterWorksInStepsAndCountsWhatIsLeft(state: JobState) throws {
        let fixture = try StoreFixture()
        let jobs = (0..<7).map {
            NewJob(
                id: "\($0)", payload: bytes("1"), type: $0 % 2 == 0 ? "even" : "odd",
                start: state == .scheduled ? .at(4_000_000_000_000) : .now)
        }
        _ = try fixture.wait { $0.enqueue(jobs, queue: "email", then: $1) }
        if state != .scheduled {
            let claims = try fixture.claim(7).map(\.claim)
            if state == .cancelled { for claim in claims { try fixture.flag(claim.id) } }
            _ = try fixture.fail(claims, retry: state == .retrying, retryInMs: 90_000)
        }
        let before = try fixture.keyspace()
        let dry = try #require(try requeue(fixture, state, type: "even", limit: 3, dryRun: true))
        #expect(dry.done == 3)
        #expect(dry.remaining == 2)
        let dryRest = try #require(
            try requeue(fixture, state, type: "even", limit: 3, dryRun: true, cursor: dry.cursor))
        #expect(dryRest == BulkStep(done: 1, remaining: 0, cursor: nil))
        #expect(try fixture.keyspace() == before)

        let first = try #require(try requeue(fixture, state, type: "even", limit: 3))
        #expect(first.done == 3)
        #expect(first.remaining == 2)
        #expect(try fixture.members("queued") == ["0", "2", "4"])
        let second = try #require(try requeue(fixture, state, type: "even", limit: 3, cursor: first.cursor))
        #expect(second == BulkStep(done: 1, remaining: 0, cursor: nil))
        #expect(try fixture.members("queued") == ["0", "2", "4", "6"])
        #expect(try requeue(fixture, state) == BulkStep(done: 3, remaining: 0, cursor: nil))
        #expect(try fixture.members("queued").count == 7)
        #expect(try fixture.list(state)?.jobs.isEmpty == true)
        #expect(try fixture.counters()["requeued"] == (state == .dead || state == .cancelled ? "7" : nil))
        #expect(violations(in: fixture.server).isEmpty)
    }

    @Test func filterLooksAtFiveHundredJobsAStep() throws {
        let fixture = try StoreFixture()
        let jobs = (0..<600).map {
            NewJob(
                id: "\($0)", payload: bytes("1"), type: $0 == 599 ? "x" : "", start: .at(4_000_000_000_000 + Int64($0)))
        }
        _ = try fixture.wait { $0.enqueue(jobs, queue: "email", then: $1) }
        let first = try #require(try requeue(fixture, .scheduled, type: "x"))
        #expect(first.done == 0)
        #expect(first.remaining == 100)
        let second = try #require(try requeue(fixture, .scheduled, type: "x", cursor: first.cursor))
        #expect(second == BulkStep(done: 1, remaining: 0, cursor: nil))
        #expect(try requeue(fixture, .scheduled)?.done == 500)
        #expect(try requeue(fixture, .scheduled)?.done == 99)
    }

    @Test func filterOnNothingAndOnNoQueue() throws {
        let fixture = try StoreFixture()
        #expect(try requeue(fixture, .dead) == nil)
        try fixture.enqueue(ids: "1")
        #expect(try requeue(fixture, .dead) == BulkStep(done: 0, remaining: 0, cursor: nil))
        #expect(try requeue(fixture, .cancelled) == BulkStep(done: 0, remaining: 0, cursor: nil))
    }

    /// As the cancel script leaves it.
    private func cancel(_ fixture: StoreFixture, _ id: String, from set: String, until: ServerTime = 4_000_000_000_000)
        throws
    {
        let base = StoreFixture.base
        try fixture.server.command("ZREM", base + set, id)
        try fixture.server.command("HSET", "\(base)job:\(id)", "state", "cancelled", "reason", "r", "finished_at", "5")
        try fixture.server.command("ZADD", base + "cancelled", String(until), id)
        try fixture.server.command("HINCRBY", base + "counters", "cancelled", "1")
    }

    @Test func cancelledJobGetsANewLife() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1")
        try fixture.letExpire("1", at: 4_000_000_000_000)
        try cancel(fixture, "1", from: "queued")
        #expect(try requeue(fixture, "1") == .requeued)
        #expect(
            try fixture.keyspace() == """
                counters hash cancelled=1|enqueued=1|requeued=1|seq=2
                job:1 hash enqueued_at=T|max_attempts=3|payload=1|state=queued
                jobq:queues set email
                policy hash tracked=1
                queued zset 1|2
                """)
        #expect(violations(in: fixture.server).isEmpty)
    }

    @Test func endedJobTakesItsKeyAgainIfItIsFree() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1", "2", "3", "4")
        let jobs = try fixture.claim(2).map(\.claim)
        _ = try fixture.fail(jobs, retry: false)
        try cancel(fixture, "3", from: "queued")
        for (id, key) in [("1", "a"), ("2", "b"), ("3", "c")] { try fixture.give(id, unique: key, holding: false) }
        try fixture.give("4", unique: "b")
        for id in ["1", "2", "3"] { #expect(try requeue(fixture, id) == .requeued) }
        #expect(try ["a", "b", "c"].map { try fixture.holder(of: $0) } == ["1", "4", "3"])
        #expect(try fixture.server.command("PTTL", "jobq:{email}:unique:a").int == -1)
        // Without its key by right: nothing that `check` has to put right, also when the key is free again.
        #expect(try ["1", "2", "3"].map { try fixture.record($0)["unique_loose"] } == [nil, "1", nil])
        #expect(try fixture.delete("4") == .deleted(.queued))
        #expect(try fixture.check(repair: true).violations == [])
        #expect(try fixture.holder(of: "b") == nil)
        // Once it has the key again, it is missed.
        #expect(try fixture.cancel("2") == .cancelled)
        #expect(try requeue(fixture, "2") == .requeued)
        #expect(try fixture.holder(of: "b") == "2")
        #expect(try fixture.record("2")["unique_loose"] == nil)
    }

    /// It may have given its key back at its claim: then it does not take it again.
    @Test func waitingJobKeepsWhatItHas() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(
            NewJob(id: "1", payload: bytes("1"), start: .delay(9_000)),
            NewJob(id: "2", payload: bytes("1"), start: .delay(9_000)))
        try fixture.give("1", unique: "a", holding: false)
        try fixture.give("2", unique: "b")
        for id in ["1", "2"] { #expect(try requeue(fixture, id) == .requeued) }
        #expect(try ["a", "b"].map { try fixture.holder(of: $0) } == [nil, "2"])
    }

    @Test func onlyAScheduledJobThatWasNeverStartedCanStillExpire() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(
            NewJob(id: "r", payload: bytes("1")), NewJob(id: "d", payload: bytes("1")),
            NewJob(id: "b", payload: bytes("1")), NewJob(id: "s", payload: bytes("1"), start: .delay(9_000)))
        let jobs = try fixture.claim(3).map(\.claim)
        _ = try fixture.fail([jobs[0]], retryInMs: 9_000)
        _ = try fixture.fail([jobs[1]], retry: false)
        _ = try fixture.workerGone([jobs[2]])
        _ = try fixture.release(try fixture.claim().map(\.claim), delayMs: 9_000)
        for id in ["r", "d", "b"] { try fixture.letExpire(id, at: 1_000, waiting: false) }
        try fixture.letExpire("s", at: 1_000)
        for id in ["r", "d", "b", "s"] { #expect(try requeue(fixture, id) == .requeued) }
        #expect(try ["r", "d", "b", "s"].map { try fixture.record($0)["expires_at"] } == [nil, nil, nil, "1000"])
        #expect(try fixture.members("expiry") == ["s"])
        #expect(try fixture.sweep().expired == 1)
    }

    @Test func withTheNewestFirstARequeuedJobComesBeforeAllOthers() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(
            NewJob(id: "1", payload: bytes("1")), NewJob(id: "s", payload: bytes("1"), start: .delay(9_000)),
            NewJob(id: "t", payload: bytes("1"), priority: 1, start: .delay(9_000)))
        try fixture.setPolicy("order", "lifo")
        _ = try requeue(fixture, "s")
        _ = try requeue(fixture, "t")
        #expect(try fixture.members("queued") == ["t", "s", "1"])
        #expect(try fixture.counters()["front"] == "2")
    }

    @Test func aFullRedisRequeues() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1", "2")
        _ = try fixture.fail(try fixture.claim().map(\.claim), retry: false)
        try cancel(fixture, "2", from: "queued")
        for (id, key) in [("1", "a"), ("2", "b")] { try fixture.give(id, unique: key, holding: false) }
        try fixture.server.command("CONFIG", "SET", "maxmemory", "1000")
        for id in ["1", "2"] { #expect(try requeue(fixture, id) == .requeued) }
        #expect(try fixture.members("queued") == ["1", "2"])
        #expect(try ["a", "b"].map { try fixture.holder(of: $0) } == ["1", "2"])
    }

    /// The protocol refuses these states; the script changes nothing in them either.
    @Test(arguments: [JobState.queued, .processing, .completed, .expired])
    func filterOnAStateThatCannotBeRequeuedDoesNothing(state: JobState) throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1", "2", "3")
        _ = try fixture.complete(try fixture.claim().map(\.claim))
        _ = try fixture.claim()
        let before = try fixture.keyspace()
        #expect(try requeue(fixture, state) == BulkStep(done: 0, remaining: 0, cursor: nil))
        #expect(try fixture.keyspace() == before)
    }

    @Test func pauseCreatesAQueueThatResumeLeaves() throws {
        let fixture = try StoreFixture()
        #expect(try fixture.wait { $0.resume(queue: "email", then: $1) } == nil)
        try fixture.wait { $0.pause(queue: "email", until: nil, then: $1) }
        #expect(
            try fixture.keyspace() == """
                counters hash enqueued=0
                jobq:queues set email
                policy hash paused=1
                """)
        let statistics = try #require(try fixture.statistics())
        #expect(statistics.paused)
        #expect(statistics.pausedUntil == nil)
        let channel = "jobq:{email}:queued"
        let listener = try ChannelListener(fixture.server, channel: channel)
        #expect(try fixture.wait { $0.resume(queue: "email", then: $1) } == .forever)
        #expect(try listener.next() == "-a")
        #expect(try fixture.wait { $0.resume(queue: "email", then: $1) } == QueuePause.none)
        #expect(try listener.isSilent(fixture.server, channel: channel))
        #expect(try fixture.statistics()?.paused == false)
    }
}
