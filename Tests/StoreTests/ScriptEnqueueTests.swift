// What the enqueue script does to the keys.

import Harness
import Store
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ScriptEnqueueTests {
    @Test func plainJobIsQueuedWithASmallRecord() throws {
        let fixture = try StoreFixture()
        #expect(
            try fixture.enqueue(NewJob(id: "1", payload: bytes("{}"), type: "mail"))
                == [Enqueued(state: .queued, duplicate: false)])
        #expect(
            try fixture.keyspace() == """
                counters hash enqueued=1|seq=1
                job:1 hash enqueued_at=T|max_attempts=3|payload={}|state=queued|type=mail
                jobq:queues set email
                queued zset 1|1
                """)
    }

    @Test func everyOptionIsWrittenIntoTheRecord() throws {
        let fixture = try StoreFixture()
        let job = NewJob(
            id: "1", payload: bytes("[1.10]"), priority: -7, maxAttempts: 9,
            backoff: Backoff(kind: .linear, baseMs: 10, maxMs: 100, jitter: 0.25), leaseMs: 200, keepMs: 0,
            meta: bytes("{ \"a\": 1 }"))
        try fixture.enqueue(job)
        #expect(
            try fixture.keyspace() == """
                counters hash enqueued=1|seq=1
                job:1 hash backoff=linear 10 100 0.25|enqueued_at=T|keep_ms=0|lease_ms=200|max_attempts=9|\
                meta={ "a": 1 }|payload=[1.10]|priority=-7|state=queued
                jobq:queues set email
                queued zset 1|246290604621825
                """)
    }

    @Test func optionsOfAllKindsInOneJobKeepApart() throws {
        let fixture = try StoreFixture()
        let job = NewJob(
            id: "1", payload: bytes("1"), type: "t", priority: -1, front: true, start: .at(4_000_000_000_000),
            maxAttempts: 2, backoff: Backoff(kind: .fixed, baseMs: 1, maxMs: 2, jitter: 0), leaseMs: 300, keepMs: 400,
            meta: bytes("{\"m\":1}"), unique: UniqueKey(key: "- back 1:done:-", until: .claimed, ttlMs: 5_000),
            expiresInMs: 60_000)
        try fixture.enqueue(NewJob(id: "0", payload: bytes("0"), meta: bytes("{\"m\":0}")), job)
        #expect(
            try fixture.keyspace() == """
                counters hash enqueued=2|front=1|seq=1
                expiry zset 1|T
                job:0 hash enqueued_at=T|max_attempts=3|meta={"m":0}|payload=0|state=queued
                job:1 hash backoff=fixed 1 2 0.0|enqueued_at=T|expires_at=T|keep_ms=400|lease_ms=300|max_attempts=2|\
                meta={"m":1}|payload=1|priority=-1|run_at=4000000000000|score=35184372088831|state=scheduled|type=t|\
                unique=- back 1:done:-|unique_loose=1|unique_until=claimed
                jobq:queues set email
                policy hash tracked=1
                queued zset 0|1
                scheduled zset 1|4000000000000
                unique:- back 1:done:- string 1 (ttl 5 s)
                unique_ends zset 1|T
                """)
    }

    @Test func enqueuesAreToldForTheFirstSecondOfAQueueAndWhileSomebodyListens() throws {
        let fixture = try StoreFixture()
        let listener = try ChannelListener(fixture.server, channel: "jobq:{email}:events")
        try fixture.enqueue(
            NewJob(id: "1", payload: bytes("1")), NewJob(id: "2", payload: bytes("1"), start: .at(4_000_000_000_000)),
            NewJob(id: "1", payload: bytes("1")))
        #expect(try fixture.entries() == [["enqueued 1 0", "enqueued 2 0 4000000000000"]])
        let entry = try fixture.server.command("XRANGE", "jobq:{email}:events", "-", "+").array[0].array[0].string ?? ""
        #expect(try listener.next() == "\(entry)\nenqueued 1 0\nenqueued 2 0 4000000000000")
        let record = try fixture.record("1")
        let policy = try fixture.server.command("HGETALL", "jobq:{email}:policy").dictionary
        #expect(policy == ["listened": String(Int(record["enqueued_at"]!)! + 1_000)])
        try fixture.tellAll(false)
        try fixture.enqueue(NewJob(id: "3", payload: bytes("1")), NewJob(id: "4", payload: bytes("1"), priority: 1))
        #expect(try fixture.entries().count == 1)
        try fixture.tellAll()
        try fixture.enqueue(
            NewJob(id: "5", payload: bytes("1"), priority: 1, unique: UniqueKey(key: "k")),
            NewJob(id: "6", payload: bytes("1"), unique: UniqueKey(key: "k")))
        #expect(try fixture.entries().last == ["enqueued 5 0"])
    }

    @Test func listeningThatLastsLongerIsNotCutShortByTheFirstJob() throws {
        let fixture = try StoreFixture()
        try fixture.wait { $0.pause(queue: "email", until: nil, then: $1) }
        try fixture.tellAll()
        try fixture.enqueue(ids: "1")
        #expect(try fixture.server.command("HGET", "jobq:{email}:policy", "listened").string == "4000000000000")
    }

    @Test func delayedJobIsScheduledAndRemembersItsPlaceInTheQueue() throws {
        let fixture = try StoreFixture()
        let outcomes = try fixture.enqueue(
            NewJob(id: "1", payload: bytes("1")), NewJob(id: "2", payload: bytes("2"), start: .delay(60_000)))
        let runAt = try #require(outcomes[1].runAt)
        #expect(outcomes[1] == Enqueued(state: .scheduled, duplicate: false, runAt: runAt))
        #expect(try fixture.record("2")["run_at"] == String(runAt))
        #expect(runAt == Int64(try #require(try fixture.record("1")["enqueued_at"]))! + 60_001)
        #expect(
            try fixture.keyspace() == """
                counters hash enqueued=2|seq=2
                job:1 hash enqueued_at=T|max_attempts=3|payload=1|state=queued
                job:2 hash enqueued_at=T|max_attempts=3|payload=2|run_at=T|score=2|state=scheduled
                jobq:queues set email
                queued zset 1|1
                scheduled zset 2|T
                """)
    }

    @Test func runAtInThePastMeansNow() throws {
        let fixture = try StoreFixture()
        let outcomes = try fixture.enqueue(
            NewJob(id: "1", payload: bytes("1"), start: .at(1)),
            NewJob(id: "2", payload: bytes("1"), start: .at(4_000_000_000_000)),
            NewJob(id: "3", payload: bytes("1"), start: .delay(0)))
        #expect(outcomes.map(\.state) == [.queued, .scheduled, .queued])
        #expect(outcomes[1].runAt == 4_000_000_000_000)
        #expect(try fixture.members("queued") == ["1", "3"])
    }

    @Test func takenIdIsADuplicateAndChangesNothing() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1", "2")
        _ = try fixture.claim()
        let before = try fixture.keyspace()
        let outcomes = try fixture.enqueue(NewJob(id: "1", payload: bytes("9")), NewJob(id: "2", payload: bytes("9")))
        #expect(outcomes == [Enqueued(state: .processing, duplicate: true), Enqueued(state: .queued, duplicate: true)])
        #expect(try fixture.keyspace() == before)
    }

    @Test func sameIdTwiceInOneBatchIsEnqueuedOnce() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "0")
        let outcomes = try fixture.enqueue(
            NewJob(id: "1", payload: bytes("1")), NewJob(id: "0", payload: bytes("9")),
            NewJob(id: "1", payload: bytes("2")), NewJob(id: "2", payload: bytes("1"), start: .delay(1_000)),
            NewJob(id: "2", payload: bytes("1")), NewJob(id: "3", payload: bytes("1")))
        #expect(outcomes.map(\.duplicate) == [false, true, true, false, true, false])
        #expect(outcomes.map(\.state) == [.queued, .queued, .queued, .scheduled, .scheduled, .queued])
        #expect(try fixture.record("1")["payload"] == "1")
        #expect(try fixture.counters() == ["enqueued": "4", "seq": "4"])
        #expect(try fixture.members("queued") == ["0", "1", "3"])
    }

    @Test func priorityThenFrontThenArrivalDecideTheOrder() throws {
        let fixture = try StoreFixture()
        func job(_ id: String, _ priority: Int, front: Bool = false) -> NewJob {
            NewJob(id: id, payload: bytes("1"), priority: priority, front: front)
        }
        try fixture.enqueue(job("a", 0), job("b", 0), job("high", 100), job("f1", 0, front: true), job("low", -100))
        try fixture.enqueue(job("f2", 0, front: true), job("high-f", 100, front: true), job("c", 0), job("one", 1))
        #expect(
            try fixture.members("queued") == ["high-f", "high", "one", "f2", "f1", "a", "b", "c", "low"])
        #expect(try fixture.claim(9).map(\.id) == ["high-f", "high", "one", "f2", "f1", "a", "b", "c", "low"])
    }

    @Test func manyOptionsWithMetasInOneBatchKeepApart() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(
            NewJob(id: "1", payload: bytes("1"), meta: bytes("{\"m\":1}")), NewJob(id: "2", payload: bytes("2")),
            NewJob(id: "3", payload: bytes("3"), priority: 1),
            NewJob(id: "4", payload: bytes("4"), meta: bytes("{\"m\":4}")))
        let claimed = try fixture.claim(4)
        #expect(claimed.map(\.id) == ["3", "1", "2", "4"])
        #expect(claimed.map(\.meta) == [nil, bytes("{\"m\":1}"), nil, bytes("{\"m\":4}")])
        #expect(claimed.map(\.payload) == ["3", "1", "2", "4"].map(bytes))
    }

    @Test func queueDefaultOfMaxAttemptsIsFixedInTheRecord() throws {
        let fixture = try StoreFixture()
        try fixture.server.command("HSET", "jobq:{email}:policy", "max_attempts", "8")
        try fixture.enqueue(NewJob(id: "1", payload: bytes("1")), NewJob(id: "2", payload: bytes("1"), maxAttempts: 1))
        #expect(try fixture.record("1")["max_attempts"] == "8")
        #expect(try fixture.record("2")["max_attempts"] == "1")
    }

    @Test func thousandJobsFitInOneStep() throws {
        let fixture = try StoreFixture()
        let jobs = (0..<1_000).map {
            NewJob(id: "\($0)", payload: bytes("1"), start: $0 % 2 == 0 ? .now : .delay(9_999))
        }
        let outcomes = try fixture.wait { $0.enqueue(jobs, queue: "email", then: $1) }
        #expect(outcomes.count == 1_000)
        #expect(outcomes.filter { $0.state == .queued }.count == 500)
        #expect(try fixture.counters() == ["enqueued": "1000", "seq": "1000"])
        #expect(try fixture.members("queued").count == 500)
    }

    @Test func userTextInTypeAndPayloadStaysBytes() throws {
        let fixture = try StoreFixture()
        let payload: [UInt8] = bytes("\"%s %d \\u0000 \u{00e9}\\n\"")
        try fixture.enqueue(NewJob(id: "a.b:c_d-1", payload: payload, type: "%q\"\\ \u{1F600}", priority: 1))
        let job = try #require(try fixture.claim().first)
        #expect(job.payload == payload)
        #expect(job.type == "%q\"\\ \u{1F600}")
        #expect(job.id == "a.b:c_d-1")
    }
}
