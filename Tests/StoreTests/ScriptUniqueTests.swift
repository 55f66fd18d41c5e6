// Unique keys: who holds them, what an enqueue of another job with the key gets, and when they are free again.

import Harness
import Store
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ScriptUniqueTests {
    private func holder(_ id: String, _ state: JobState = .queued) -> Enqueued {
        Enqueued(state: state, duplicate: true, holder: id)
    }

    @Test func jobWithAKeyHoldsItByAStringOfItsOwn() throws {
        let fixture = try StoreFixture()
        let key = UniqueKey(key: "user 7: %s \u{e9}", until: .claimed, ttlMs: 60_000)
        #expect(try fixture.enqueue("1", unique: key) == Enqueued(state: .queued, duplicate: false))
        #expect(
            try fixture.keyspace() == """
                counters hash enqueued=1|seq=1
                job:1 hash enqueued_at=T|max_attempts=3|payload=1|state=queued|unique=user 7: %s \u{e9}|unique_loose=1|unique_until=claimed
                jobq:queues set email
                policy hash tracked=1
                queued zset 1|1
                unique:user 7: %s \u{e9} string 1 (ttl 60 s)
                unique_ends zset 1|T
                """)
        #expect(try fixture.get("1")?.unique == "user 7: %s \u{e9}")
    }

    @Test func anotherJobWithAHeldKeyIsADuplicateThatNamesItsHolder() throws {
        let fixture = try StoreFixture()
        let key = UniqueKey(key: "k")
        try fixture.enqueue("1", unique: key)
        let before = try fixture.keyspace()
        #expect(try fixture.enqueue("2", unique: key) == holder("1"))
        #expect(
            try fixture.enqueue("3", unique: UniqueKey(key: "k", until: .claimed), start: .delay(9_999)) == holder("1"))
        #expect(try fixture.keyspace() == before)
        let job = try #require(try fixture.claim().first)
        #expect(try fixture.enqueue("2", unique: key) == holder("1", .processing))
        _ = try fixture.fail([job.claim], retryInMs: 60_000)
        #expect(try fixture.enqueue("2", unique: key) == holder("1", .retrying))
        #expect(try fixture.enqueue("2", unique: UniqueKey(key: "K")) == Enqueued(state: .queued, duplicate: false))
    }

    @Test func idThatIsTakenCountsBeforeTheKey() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue("1", unique: UniqueKey(key: "a"))
        try fixture.enqueue("2", unique: UniqueKey(key: "b"))
        #expect(try fixture.enqueue("1", unique: UniqueKey(key: "b")) == Enqueued(state: .queued, duplicate: true))
    }

    @Test func twoJobsOfOneCallWithOneKeyAreOneJob() throws {
        let fixture = try StoreFixture()
        let (a, b) = (UniqueKey(key: "a"), UniqueKey(key: "b"))
        let outcomes = try fixture.enqueue(
            NewJob(id: "1", payload: bytes("1"), start: .delay(60_000), unique: a),
            NewJob(id: "2", payload: bytes("2"), meta: bytes("{\"m\":2}"), unique: b),
            NewJob(id: "3", payload: bytes("3"), unique: a), NewJob(id: "1", payload: bytes("4"), unique: b),
            NewJob(id: "4", payload: bytes("5"), meta: bytes("{}"), unique: b))
        #expect(outcomes.map(\.duplicate) == [false, false, true, true, true])
        #expect(outcomes.map(\.holder) == [nil, nil, "1", nil, "2"])
        #expect(outcomes.map(\.state) == [.scheduled, .queued, .scheduled, .scheduled, .queued])
        #expect(try fixture.counters()["enqueued"] == "2")
        #expect(try fixture.record("2")["meta"] == "{\"m\":2}")
        #expect(try fixture.server.command("GET", "jobq:{email}:unique:b").string == "2")
    }

    @Test(arguments: ["completed", "dead", "cancelled", "expired", nil])
    func keyOfAJobThatEndedOrIsGoneIsTakenOver(state: String?) throws {
        let fixture = try StoreFixture()
        try fixture.enqueue("1", unique: UniqueKey(key: "k", ttlMs: 60_000))
        if let state {
            try fixture.server.command("HSET", "jobq:{email}:job:1", "state", state)
        } else {
            try fixture.server.command("DEL", "jobq:{email}:job:1")
        }
        #expect(try fixture.enqueue("2", unique: UniqueKey(key: "k")) == Enqueued(state: .queued, duplicate: false))
        #expect(try fixture.server.command("GET", "jobq:{email}:unique:k").string == "2")
        #expect(try fixture.server.command("PTTL", "jobq:{email}:unique:k").int == -1)
    }

    @Test func keyThatOutlivedItsTimeIsFreeAndItsOldHolderLeavesItAlone() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue("1", unique: UniqueKey(key: "k", ttlMs: 60_000))
        try fixture.server.command("DEL", "jobq:{email}:unique:k")
        #expect(try fixture.enqueue("2", unique: UniqueKey(key: "k")) == Enqueued(state: .queued, duplicate: false))
        _ = try fixture.complete(try fixture.claim().map(\.claim))
        #expect(try fixture.record("1")["state"] == "completed")
        #expect(try fixture.enqueue("3", unique: UniqueKey(key: "k")) == holder("2"))
    }

    @Test func keyUntilTheClaimIsFreeOnceTheJobIsClaimed() throws {
        let fixture = try StoreFixture()
        let key = UniqueKey(key: "k", until: .claimed)
        try fixture.enqueue("1", unique: key)
        try fixture.enqueue("done", unique: UniqueKey(key: "d"))
        let first = try fixture.claim(2)
        #expect(try fixture.enqueue("2", unique: key) == Enqueued(state: .queued, duplicate: false))
        #expect(try fixture.enqueue("3", unique: UniqueKey(key: "d")) == holder("done", .processing))
        // It does not take the key again, nor does its next claim free that of the new holder.
        _ = try fixture.release([first[0].claim])
        #expect(try fixture.claim().map(\.id) == ["1"])
        #expect(try fixture.server.command("GET", "jobq:{email}:unique:k").string == "2")
    }

    @Test func keyOfAJobThatIsCompletedOrDeadIsFree() throws {
        let fixture = try StoreFixture()
        for (index, end) in ["complete", "fail"].enumerated() {
            try fixture.enqueue("\(index)", unique: UniqueKey(key: "k"))
            let job = try #require(try fixture.claim().first)
            _ = end == "fail" ? try fixture.fail([job.claim], retry: false) : try fixture.complete([job.claim])
            #expect(try fixture.server.command("EXISTS", "jobq:{email}:unique:k").int == 0, "\(end)")
        }
    }

    @Test func keyOfTheWrongTypeFailsBeforeAnyWrite() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "0")
        try fixture.server.command("SADD", "jobq:{email}:unique:k", "not a string")
        let before = try fixture.keyspace()
        let jobs = [
            NewJob(id: "1", payload: bytes("1")), NewJob(id: "2", payload: bytes("1"), unique: UniqueKey(key: "k")),
        ]
        let result = try fixture.result { $0.enqueue(jobs, queue: "email", then: $1) }
        guard case .failure(.internal) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(try fixture.keyspace() == before)
    }
}
