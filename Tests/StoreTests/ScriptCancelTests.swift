// What the cancel script does to the keys.

import Harness
import Store
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ScriptCancelTests {
    @Test func waitingJobEndsAtOnceAndIsKeptForAWhile() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1")
        #expect(try fixture.cancel("1", reason: "not now - later") == .cancelled)
        #expect(
            try fixture.keyspace() == """
                cancelled zset 1|T
                counters hash cancelled=1|enqueued=1|seq=1
                events stream [[ENTRY, [events, cancelled 1 0 - not now - later]]]
                job:1 hash enqueued_at=T|finished_at=T|max_attempts=3|payload=1|reason=not now - later|state=cancelled
                jobq:queues set email
                """)
        let record = try #require(try fixture.get("1"))
        #expect(record.state == .cancelled && record.reason == "not now - later")
        let until = try #require(try fixture.server.command("ZSCORE", "jobq:{email}:cancelled", "1").int)
        #expect(Int64(until) == (record.finishedAt ?? 0) + 3_600_001)
    }

    @Test(arguments: ["queued", "scheduled", "retrying"])
    func everyWaitingPlaceIsLeft(place: String) throws {
        let fixture = try StoreFixture()
        _ = try fixture.fill()
        try fixture.letExpire(place, at: 4_000_000_000_000)
        try fixture.give(place, unique: "k")
        try fixture.forgetEvents()
        #expect(try fixture.cancel(place) == .cancelled)
        #expect(try fixture.members(place).isEmpty)
        #expect(try fixture.members("expiry").isEmpty)
        #expect(try fixture.members("cancelled").contains(place))
        #expect(try fixture.server.command("EXISTS", "jobq:{email}:unique:k").int == 0)
        #expect(try fixture.get(place)?.reason == nil)
        #expect(try fixture.events() == ["cancelled \(place) \(place == "retrying" ? 1 : 0)"])
        #expect(try fixture.counters()["cancelled"] == "2")
        // Again: the same answer, and nothing changes.
        let before = try fixture.keyspace()
        #expect(try fixture.cancel(place, reason: "other") == .cancelled)
        #expect(try fixture.keyspace() == before)
    }

    @Test func uniqueKeyOfAnotherHolderStays() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1", "2")
        try fixture.give("1", unique: "k")
        try fixture.give("2", unique: "k")
        #expect(try fixture.cancel("1") == .cancelled)
        #expect(try fixture.server.command("GET", "jobq:{email}:unique:k").string == "2")
    }

    @Test func jobInAWorkersHandsIsFlaggedAndItsWorkerTold() throws {
        let fixture = try StoreFixture()
        let claim = try fixture.fill()
        try fixture.forgetEvents()
        try fixture.server.command("DEL", "jobq:{email}:policy")
        let listener = try ChannelListener(fixture.server, channel: "jobq:{email}:cancel")
        #expect(try fixture.cancel("processing", reason: "too late") == .requested)
        #expect(try listener.next() == "processing too late")
        let record = try fixture.record("processing")
        #expect(record["state"] == "processing" && record["cancel"] == "too late")
        #expect(try fixture.server.command("HGET", "jobq:{email}:policy", "tracked").string == "1")
        #expect(try fixture.events().isEmpty)
        #expect(try fixture.counters()["cancelled"] == "1")
        // The first reason stays; the worker may not have heard it.
        let before = try fixture.keyspace()
        #expect(try fixture.cancel("processing", reason: "another") == .requested)
        #expect(try listener.next() == "processing too late")
        #expect(try fixture.keyspace() == before)
        #expect(try fixture.fail([claim]) == [.done(.cancelled, runAt: nil)])
        #expect(violations(in: fixture.server) == [])
    }

    @Test func flagWithoutAReasonIsAFlag() throws {
        let fixture = try StoreFixture()
        let claim = try fixture.fill()
        let listener = try ChannelListener(fixture.server, channel: "jobq:{email}:cancel")
        #expect(try fixture.cancel("processing") == .requested)
        #expect(try listener.next() == "processing ")
        #expect(try fixture.record("processing")["cancel"] == "")
        #expect(try fixture.extend([claim]).first.map { "\($0)" }?.contains("cancelRequested: true") == true)
    }

    @Test func endedAndUnknownJobsAreRefused() throws {
        let fixture = try StoreFixture()
        _ = try fixture.fill()
        let before = try fixture.keyspace()
        #expect(try fixture.cancel("completed") == .wrongState(.completed))
        #expect(try fixture.cancel("dead") == .wrongState(.dead))
        #expect(try fixture.cancel("expired") == .wrongState(.expired))
        #expect(try fixture.cancel("x") == .notFound)
        #expect(try fixture.keyspace() == before)
    }

    @Test func keepMsOfTheJobElseOfTheQueueCountsAndNoneLeavesNoRecord() throws {
        let fixture = try StoreFixture()
        try fixture.configure { $0.keepMs = .set(0) }
        try fixture.enqueue(
            NewJob(id: "1", payload: bytes("1")), NewJob(id: "2", payload: bytes("1"), keepMs: 5_000))
        #expect(try fixture.cancel("1", reason: "r") == .cancelled)
        #expect(try fixture.get("1") == nil)
        #expect(try fixture.cancel("2") == .cancelled)
        let until = try #require(try fixture.server.command("ZSCORE", "jobq:{email}:cancelled", "2").int)
        #expect(Int64(until) == (try fixture.get("2")?.finishedAt ?? 0) + 5_001)
        #expect(try fixture.members("cancelled") == ["2"])
        #expect(try fixture.counters()["cancelled"] == "2")
        #expect(try fixture.events() == ["cancelled 1 0 - r", "cancelled 2 0"])
        #expect(try fixture.cancel("1") == .notFound)
    }

    @Test func cancelsOfOneTurnAreOneScriptAndADoubleIsOne() throws {
        let fixture = try StoreFixture()
        _ = try fixture.fill()
        try fixture.forgetEvents()
        try fixture.server.command("CONFIG", "RESETSTAT")
        var outcomes: [CancelOutcome] = []
        for id in ["queued", "processing", "x", "queued", "processing"] {
            fixture.store.cancel(id, reason: nil, queue: "email") {
                if let outcome = try? $0.get() { outcomes.append(outcome) }
            }
        }
        try fixture.drive { outcomes.count == 5 }
        #expect(outcomes == [.cancelled, .requested, .notFound, .cancelled, .requested])
        #expect(try fixture.events() == ["cancelled queued 0"])
        #expect(try fixture.server.command("INFO", "commandstats").string?.contains("cmdstat_evalsha:calls=1,") == true)
    }

    @Test func claimOfTheSameTurnDoesNotFindWhatWasCancelled() throws {
        let fixture = try StoreFixture()
        var cancelled: CancelOutcome?
        var found: [String]?
        fixture.store.claim(ClaimRequest(max: 2), queue: "email", patient: false) {
            found = try? $0.get().jobs.map(\.id)
        }
        fixture.store.enqueue(["1", "2"].map { NewJob(id: $0, payload: bytes("1")) }, queue: "email") { _ in }
        fixture.store.cancel("1", reason: nil, queue: "email") { cancelled = try? $0.get() }
        try fixture.drive { found != nil }
        #expect(cancelled == .cancelled)
        #expect(found == ["2"])
    }

    @Test func fullRedisLetsWaitingJobsEndAndRefusesAFlag() throws {
        let fixture = try StoreFixture()
        _ = try fixture.fill()
        try fixture.server.command("CONFIG", "SET", "maxmemory", "1000")
        #expect(try fixture.cancel("queued") == .cancelled)
        let before = try fixture.keyspace()
        let refused = try fixture.result { $0.cancel("processing", reason: nil, queue: "email", then: $1) }
        guard case .failure(.full) = refused else {
            Issue.record("\(refused)")
            return
        }
        #expect(try fixture.keyspace() == before)
    }
}
