// What an enqueue with claims that wait for it does to the keys: the same as an enqueue and then a claim.

import Harness
import Store
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ScriptHandoverTests {
    private struct Outcome {
        var enqueued: [Enqueued] = []
        var claimed: [[String]] = []
        var paused: [Bool] = []
    }

    /// One turn: jobs, and claims for so many each.
    private func turn(
        _ fixture: StoreFixture, _ jobs: [NewJob], claims: [(max: Int, leaseMs: Int64?, worker: String)]
    ) throws -> Outcome {
        var outcome = Outcome()
        var left = 1 + claims.count
        fixture.store.enqueue(jobs, queue: "email") {
            outcome.enqueued = (try? $0.get()) ?? []
            left -= 1
        }
        for claim in claims {
            fixture.store.claim(
                ClaimRequest(max: claim.max, leaseMs: claim.leaseMs, worker: claim.worker), queue: "email",
                patient: true
            ) { result in
                outcome.claimed.append(
                    (try? result.get().jobs.map { "\($0.id) \($0.leaseMs) \($0.attempt)" }) ?? ["failed"])
                outcome.paused.append((try? result.get().paused) ?? false)
                left -= 1
            }
        }
        try fixture.drive { left == 0 }
        return outcome
    }

    private func plain(_ ids: String...) -> [NewJob] { ids.map { NewJob(id: $0, payload: bytes("1")) } }

    @Test func jobsOfAnEmptyQueueGoStraightToTheClaimsInTheirOrder() throws {
        let fixture = try StoreFixture()
        try fixture.server.command("CONFIG", "RESETSTAT")
        let outcome = try turn(
            fixture, plain("1", "2", "3", "4"), claims: [(1, nil, ""), (2, 5_000, "w"), (3, nil, "v")])
        #expect(outcome.enqueued == Array(repeating: Enqueued(state: .queued, duplicate: false), count: 4))
        #expect(outcome.claimed == [["1 30000 1"], ["2 5000 1", "3 5000 1"], ["4 30000 1"]])
        #expect(
            try fixture.keyspace() == """
                counters hash claimed=4|enqueued=4|seq=4|token=N
                job:1 hash attempts=1|claimed_at=T|enqueued_at=T|max_attempts=3|payload=1|score=1|state=processing|\
                token=TOKEN
                job:2 hash attempts=1|claimed_at=T|enqueued_at=T|lease=5000|max_attempts=3|payload=1|score=2|\
                state=processing|token=TOKEN|worker=w
                job:3 hash attempts=1|claimed_at=T|enqueued_at=T|lease=5000|max_attempts=3|payload=1|score=3|\
                state=processing|token=TOKEN|worker=w
                job:4 hash attempts=1|claimed_at=T|enqueued_at=T|max_attempts=3|payload=1|score=4|state=processing|\
                token=TOKEN|worker=v
                jobq:queues set email
                processing zset 2|T|3|T|1|T|4|T
                """)
        let calls = try fixture.server.command("INFO", "commandstats").string ?? ""
        #expect(calls.contains("cmdstat_evalsha:calls=1,"))
        // The events; no wake-up.
        #expect(calls.contains("cmdstat_publish:calls=1,"))
        #expect(violations(in: fixture.server).isEmpty)
    }

    @Test func tokensOfHandedOverJobsAreGood() throws {
        let fixture = try StoreFixture()
        var jobs: [ClaimedJob] = []
        var left = 2
        fixture.store.enqueue(plain("1", "2"), queue: "email") { _ in left -= 1 }
        fixture.store.claim(ClaimRequest(max: 2), queue: "email", patient: true) {
            jobs = (try? $0.get().jobs) ?? []
            left -= 1
        }
        try fixture.drive { left == 0 }
        #expect(Set(jobs.map(\.token)).count == 2)
        #expect(try fixture.record("2")["token"] == jobs[1].token)
        let done = TokenOutcome.done(.completed, runAt: nil)
        #expect(try fixture.complete(jobs.map { Claim(id: $0.id, token: $0.token) }) == [done, done])
        try fixture.enqueue(ids: "3")
        let next = try #require(try fixture.claim().first)
        let number = { (token: String) in Int64(token.prefix { $0 != "-" }) ?? 0 }
        #expect(number(next.token) > number(jobs[1].token))
    }

    @Test func whatNobodyClaimsStaysQueuedAndIsAnnounced() throws {
        let fixture = try StoreFixture()
        let listener = try ChannelListener(fixture.server, channel: "jobq:{email}:queued")
        let outcome = try turn(fixture, plain("1", "2", "3"), claims: [(1, nil, "")])
        #expect(outcome.claimed == [["1 30000 1"]])
        #expect(try fixture.members("queued") == ["2", "3"])
        #expect(try fixture.members("processing") == ["1"])
        #expect(try listener.next() == "-a")
    }

    @Test func jobsThatWaitAlreadyComeFirst() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "old")
        let outcome = try turn(fixture, plain("new"), claims: [(1, nil, "")])
        #expect(outcome.claimed == [["old 30000 1"]])
        #expect(try fixture.members("queued") == ["new"])
    }

    @Test func pausedQueueKeepsItsJobsAndTellsTheClaims() throws {
        let fixture = try StoreFixture()
        try fixture.wait { $0.pause(queue: "email", until: nil, then: $1) }
        let outcome = try turn(fixture, plain("1"), claims: [(1, nil, "")])
        #expect(outcome.enqueued.map(\.state) == [.queued])
        #expect(outcome.claimed == [[]])
        #expect(outcome.paused == [true])
        #expect(try fixture.members("queued") == ["1"])
    }

    @Test func duplicatesAreToldAndNotHandedOver() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1")
        _ = try fixture.claim()
        let outcome = try turn(fixture, plain("1", "2", "2"), claims: [(3, nil, "")])
        #expect(
            outcome.enqueued == [
                Enqueued(state: .processing, duplicate: true), Enqueued(state: .queued, duplicate: false),
                Enqueued(state: .queued, duplicate: true),
            ])
        #expect(outcome.claimed == [["2 30000 1"]])
        #expect(try fixture.counters()["enqueued"] == "2")
        let nothingNew = try turn(fixture, plain("1", "2"), claims: [(1, nil, "")])
        #expect(nothingNew.claimed == [[]])
    }

    @Test func jobsWithOptionsAreEnqueuedAndThenClaimed() throws {
        let fixture = try StoreFixture()
        let jobs = [
            NewJob(id: "low", payload: bytes("1")), NewJob(id: "high", payload: bytes("1"), priority: 5),
            NewJob(id: "later", payload: bytes("1"), start: .delay(60_000)),
        ]
        let outcome = try turn(fixture, jobs, claims: [(3, nil, "")])
        #expect(outcome.claimed == [["high 30000 1", "low 30000 1"]])
        #expect(try fixture.members("scheduled") == ["later"])
    }

    @Test func queuesOwnAttemptsAndLeaseAreUsed() throws {
        let fixture = try StoreFixture()
        try fixture.server.command("HSET", "jobq:{email}:policy", "lease_ms", "7000", "max_attempts", "9")
        let outcome = try turn(fixture, plain("1"), claims: [(1, nil, "")])
        #expect(outcome.claimed == [["1 7000 1"]])
        #expect(try fixture.record("1")["max_attempts"] == "9")
    }

    @Test func queueWhoseNewestComeFirstHandsTheNewestOver() throws {
        let fixture = try StoreFixture()
        try fixture.setPolicy("order", "lifo")
        let outcome = try turn(fixture, plain("1", "2", "3"), claims: [(2, nil, "")])
        #expect(outcome.claimed == [["3 30000 1", "2 30000 1"]])
        #expect(try fixture.members("queued") == ["1"])
    }

    @Test func fullQueueRefusesTheJobsBeyondItsLengthBeforeTheClaims() throws {
        let fixture = try StoreFixture()
        try fixture.setPolicy("max_len", "2")
        let outcome = try turn(fixture, plain("1", "2", "3"), claims: [(3, nil, "")])
        #expect(outcome.enqueued.map(\.isRefused) == [false, false, true])
        #expect(outcome.claimed == [["1 30000 1", "2 30000 1"]])
        #expect(try fixture.record("3").isEmpty)
    }

    @Test func agedJobsThatWaitComeFirst() throws {
        let fixture = try StoreFixture()
        try fixture.setPolicy("aging_ms", "100000")
        try fixture.enqueue(NewJob(id: "old", payload: bytes("1"), priority: -1))
        try fixture.server.command("HINCRBY", "jobq:{email}:job:old", "enqueued_at", "-250000")
        let outcome = try turn(fixture, plain("1", "2"), claims: [(2, nil, "")])
        #expect(outcome.claimed == [["old 30000 1", "1 30000 1"]])
    }

    @Test(arguments: [false, true])
    func enqueuesAndClaimsAreToldTogether(isAdmitted: Bool) throws {
        let fixture = try StoreFixture()
        // With a limit the jobs go through `queued`.
        if isAdmitted { try fixture.setPolicy("max_len", "9") }
        _ = try turn(fixture, plain("1", "2", "1"), claims: [(1, nil, "")])
        #expect(try fixture.entries() == [["enqueued 1 0", "enqueued 2 0", "claimed 1 1"]])
        try fixture.tellAll(false)
        _ = try turn(fixture, plain("3"), claims: [(3, nil, "")])
        #expect(try fixture.entries().count == 1)
        try fixture.tellAll()
        _ = try turn(fixture, plain("4"), claims: [(1, nil, "")])
        #expect(try fixture.entries().last == ["enqueued 4 0", "claimed 4 1"])
    }

    @Test func uniqueJobsAreEnqueuedAndThenClaimed() throws {
        let fixture = try StoreFixture()
        let jobs = ["1", "2"].map { NewJob(id: $0, payload: bytes("1"), unique: UniqueKey(key: "k", until: .claimed)) }
        let outcome = try turn(fixture, jobs, claims: [(2, nil, "")])
        #expect(outcome.enqueued.map(\.holder) == [nil, "1"])
        #expect(outcome.claimed == [["1 30000 1"]])
        #expect(try fixture.server.command("EXISTS", "jobq:{email}:unique:k").int == 0)
    }

    @Test func fullRedisRefusesTheJobsAndTheClaimsFindWhatIsThere() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "old")
        try fixture.server.command("CONFIG", "SET", "maxmemory", "1")
        var refused = false
        var claimed: Result<Claimed, StoreFailure>?
        fixture.store.enqueue(plain("new"), queue: "email") {
            if case .failure(.full) = $0 { refused = true }
        }
        fixture.store.claim(ClaimRequest(max: 1), queue: "email", patient: true) { claimed = $0 }
        try fixture.drive { claimed != nil }
        #expect(refused)
        #expect(try claimed?.get().jobs.map(\.id) == ["old"])
        #expect(try fixture.record("new").isEmpty)
    }
}
