// What the delete script does to the keys.

import Harness
import Reactor
import Store
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ScriptDeleteTests {
    @Test(arguments: JobState.allCases.filter { $0 != .processing })
    func recordIsGoneFromEverywhereAndOnlyWaitingJobsCountAsDeleted(state: JobState) throws {
        let fixture = try StoreFixture()
        _ = try fixture.fill()
        let id = state.rawValue
        let isWaiting = [.queued, .scheduled, .retrying].contains(state)
        if isWaiting {
            try fixture.give(id, unique: "k")
            try fixture.letExpire(id, at: 4_000_000_000_000)
        }
        try fixture.forgetEvents()
        let counters = try fixture.counters()
        #expect(try fixture.delete(id) == .deleted(state))
        #expect(try fixture.get(id) == nil)
        if state == .dead {
            #expect(try fixture.server.command("XLEN", "jobq:{email}:dead").int == 0)
        } else if state != .completed {
            #expect(try fixture.members(id).isEmpty)
        }
        #expect(try fixture.members("expiry").isEmpty)
        #expect(try fixture.server.command("EXISTS", "jobq:{email}:unique:k").int == 0)
        let attempts = ["retrying", "dead", "completed"].contains(id) ? 1 : 0
        #expect(try fixture.events() == ["deleted \(id) \(attempts) - \(id)"])
        #expect(try fixture.counters() == (isWaiting ? counters.merging(["deleted": "1"]) { $1 } : counters))
        #expect(try fixture.delete(id) == .notFound)
    }

    @Test func jobInAWorkersHandsAndUnknownJobsAreRefused() throws {
        let fixture = try StoreFixture()
        _ = try fixture.fill()
        let before = try fixture.keyspace()
        #expect(try fixture.delete("processing") == .wrongState(.processing))
        #expect(try fixture.delete("x") == .notFound)
        #expect(try fixture.keyspace() == before)
    }

    @Test func deletesOfOneTurnAreOneScriptAndADoubleIsNotFound() throws {
        let fixture = try StoreFixture()
        _ = try fixture.fill()
        try fixture.forgetEvents()
        try fixture.server.command("CONFIG", "RESETSTAT")
        var outcomes: [DeleteOutcome] = []
        for id in ["dead", "processing", "queued", "dead", "scheduled"] {
            fixture.store.delete(id, queue: "email") { if let outcome = try? $0.get() { outcomes.append(outcome) } }
        }
        try fixture.drive { outcomes.count == 5 }
        #expect(
            outcomes == [
                .deleted(.dead), .wrongState(.processing), .deleted(.queued), .notFound, .deleted(.scheduled),
            ])
        #expect(
            try fixture.events() == [
                "deleted dead 1 - dead", "deleted queued 0 - queued", "deleted scheduled 0 - scheduled",
            ])
        #expect(try fixture.server.command("XLEN", "jobq:{email}:events").int == 1)
        #expect(try fixture.server.command("INFO", "commandstats").string?.contains("cmdstat_evalsha:calls=1,") == true)
    }

    @Test func fullRedisLetsJobsBeDeleted() throws {
        let fixture = try StoreFixture()
        _ = try fixture.fill()
        try fixture.server.command("CONFIG", "SET", "maxmemory", "1000")
        for state in JobState.allCases where state != .processing {
            #expect(try fixture.delete(state.rawValue) == .deleted(state))
        }
    }

    /// Redis does what it was sent and hangs up instead of answering; then the same is sent again.
    @Test func deleteThatWasDoneButNeverAnsweredIsNotCalledNotFound() throws {
        let fixture = try StoreFixture()
        try fixture.configure { $0.keepMs = .set(0) }
        let heavy = bytes("\"\(String(repeating: "x", count: 100_000))\"")
        try fixture.enqueue(NewJob(id: "heavy", payload: heavy, start: .delay(90_000)))
        try fixture.enqueue(ids: "1", "2")
        try fixture.server.command("CONFIG", "SET", "client-output-buffer-limit", "normal 65536 0 0")
        fixture.server.suspend()
        var deleted: Result<DeleteOutcome, StoreFailure>?
        var cancelled: Result<CancelOutcome, StoreFailure>?
        fixture.store.delete("1", queue: "email") { deleted = $0 }
        fixture.store.cancel("2", reason: nil, queue: "email") { cancelled = $0 }
        fixture.store.flush()
        fixture.store.get("heavy", queue: "email") { _ in }
        for _ in 0..<3 { _ = try fixture.loop.runOnce(timeout: 5_000) }
        fixture.server.resume()
        try eventually { try fixture.counters()["deleted"] == "1" }
        try fixture.drive { !fixture.store.status.isReady }
        try fixture.server.command("CONFIG", "SET", "client-output-buffer-limit", "normal 0 0 0")
        try fixture.drive { deleted != nil && cancelled != nil }
        guard case .failure(.unavailable) = deleted, case .failure(.unavailable) = cancelled else {
            Issue.record("\(String(describing: deleted)) \(String(describing: cancelled))")
            return
        }
        #expect(try fixture.delete("1") == .notFound)
        #expect(try fixture.counters()["deleted"] == "1")
        #expect(try fixture.counters()["cancelled"] == "1")
    }

    @Test func callsEndAtTheirDeadlineWhileTheServerIsDown() throws {
        let fixture = try StoreFixture(server: RedisServer(start: false), requestTimeoutMs: 200)
        var ended: [String] = []
        func note<Value>(_ name: String) -> Completion<Value> {
            { if case .failure(.unavailable) = $0 { ended.append(name) } }
        }
        fixture.store.delete("1", queue: "email", then: note("delete"))
        fixture.store.cancel("1", reason: nil, queue: "email", then: note("cancel"))
        fixture.store.purge(
            queue: "email", filter: JobFilter(state: .dead), limit: 1, dryRun: false, cursor: nil, then: note("purge"))
        fixture.store.configure(PolicyChange(), queue: "email", then: note("configure"))
        fixture.store.check(queue: "email", repair: false, part: .totals, then: note("check"))
        fixture.store.policy(queue: "email", then: note("policy"))
        fixture.store.held([Claim(id: "1", token: "1-a")], queue: "email", then: note("held"))
        try fixture.drive(within: 5) { ended.count == 7 }
        #expect(Set(ended).count == 7)
    }
}
