// The store over its links: batching, resending after a loss, deadlines, wake-ups between daemons, a full Redis, closing.
// What each script does to the keys is told in the Script…Tests.

import Harness
import Reactor
import Redis
import Store
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct RedisStoreTests {
    @Test func jobIsEnqueuedClaimedAndCompleted() throws {
        let fixture = try StoreFixture()
        let job = NewJob(id: "1", payload: bytes("{\"a\": 1.10}"), type: "mail", meta: bytes("{\"m\":1}"))
        #expect(try fixture.enqueue(job) == [Enqueued(state: .queued, duplicate: false)])
        let claimed = try fixture.claim(10, worker: "w")
        #expect(claimed.count == 1)
        #expect(claimed[0].payload == bytes("{\"a\": 1.10}"))
        #expect(claimed[0].meta == bytes("{\"m\":1}"))
        #expect(claimed[0].type == "mail")
        #expect(try fixture.complete([claimed[0].claim], result: "[1]") == [.done(.completed, runAt: nil)])
        let record = try #require(try fixture.get("1"))
        #expect(record.state == .completed)
        #expect(record.result == bytes("[1]"))
        #expect(record.history.map(\.outcome) == ["completed"])
        #expect(record.history.first?.worker == "w")
    }

    // MARK: Batching

    @Test func callsOfOneTurnAreOneScriptEachAndAClaimSeesWhatWasEnqueuedWithIt() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "0")
        let old = try #require(try fixture.claim().first)
        try fixture.server.command("CONFIG", "RESETSTAT")
        var order: [String] = []
        var ids: [String] = []
        fixture.store.claim(ClaimRequest(max: 10), queue: "email", patient: false) {
            ids = (try? $0.get().jobs.map(\.id)) ?? []
            order.append("claim")
        }
        for id in ["1", "2", "3"] {
            fixture.store.enqueue([NewJob(id: id, payload: bytes("1"))], queue: "email") { _ in order.append("enqueue")
            }
        }
        fixture.store.release([ReleaseRequest(claim: old.claim)], queue: "email") { _ in order.append("release") }
        try fixture.drive { order.count == 5 }
        #expect(order == ["release", "enqueue", "enqueue", "enqueue", "claim"])
        #expect(ids == ["0", "1", "2", "3"])
        // The release, and the enqueues together with the claim.
        #expect(try fixture.server.command("INFO", "commandstats").string?.contains("cmdstat_evalsha:calls=2,") == true)
    }

    @Test func whileTwoFlushesAreUnderWayCallsGatherToOneBatch() throws {
        let fixture = try StoreFixture()
        try fixture.server.command("CONFIG", "RESETSTAT")
        var left = 21
        fixture.store.enqueue([NewJob(id: "0", payload: bytes("1"))], queue: "email") { _ in left -= 1 }
        fixture.store.flush()
        for id in 1...20 {
            fixture.store.enqueue([NewJob(id: "\(id)", payload: bytes("1"))], queue: "email") { _ in left -= 1 }
            fixture.store.flush()
        }
        try fixture.drive { left == 0 }
        #expect(try fixture.server.command("INFO", "commandstats").string?.contains("cmdstat_evalsha:calls=3,") == true)
        #expect(try fixture.members("queued").count == 21)
    }

    @Test func queuesDoNotWaitForOneAnother() throws {
        let fixture = try StoreFixture()
        var outcomes = 0
        for queue in ["a", "b", "c"] {
            fixture.store.enqueue([NewJob(id: "1", payload: bytes("1"))], queue: queue) { _ in outcomes += 1 }
            fixture.store.claim(ClaimRequest(max: 1), queue: queue, patient: false) { result in
                if (try? result.get().jobs.first?.id) == "1" { outcomes += 1 }
            }
        }
        try fixture.drive { outcomes == 6 }
        #expect(try fixture.wait { $0.queues(then: $1) } == ["a", "b", "c"])
        #expect(try fixture.wait { $0.ping(then: $1) } > 1_600_000_000_000)
    }

    // MARK: A Redis that goes away

    @Test func callsWaitForAServerThatIsStillDownAndEndAtTheirDeadline() throws {
        let server = try RedisServer(start: false)
        let fixture = try StoreFixture(server: server, requestTimeoutMs: 200)
        let job = NewJob(id: "1", payload: bytes("1"))
        var patient: Claimed?
        fixture.store.claim(ClaimRequest(max: 1), queue: "email", patient: true) { patient = try? $0.get() }
        var refused: Result<[Enqueued], StoreFailure> = .success([])
        let seconds = try elapsed {
            refused = try fixture.result { $0.enqueue([job], queue: "email", then: $1) }
        }
        #expect(isUnavailable(refused))
        #expect((0.15...2).contains(seconds))
        #expect(
            try isUnavailable(
                fixture.result { $0.claim(ClaimRequest(max: 1), queue: "email", patient: false, then: $1) }))
        #expect(try isUnavailable(fixture.result { $0.get("1", queue: "email", then: $1) }))
        // A patient claim found nothing at once, and whoever waits is woken when the server is there.
        #expect(patient == Claimed(jobs: []))
        #expect(fixture.wakes.isEmpty)
        try server.start()
        try fixture.drive { fixture.wakes == [nil] }
        // What ended as unavailable before it was sent is not sent afterwards.
        #expect(try fixture.statistics() == nil)
        #expect(try fixture.keyspace().isEmpty)
    }

    @Test func callsMadeWhileTheServerIsDownGoOutWhenItIsBack() throws {
        let server = try RedisServer(start: false)
        let fixture = try StoreFixture(server: server)
        var enqueued: [Enqueued]?
        var claimed: Claimed?
        fixture.store.claim(ClaimRequest(max: 2), queue: "email", patient: false) { claimed = try? $0.get() }
        fixture.store.enqueue([NewJob(id: "1", payload: bytes("1"))], queue: "email") { enqueued = try? $0.get() }
        for _ in 0..<3 { _ = try fixture.loop.runOnce(timeout: 5_000) }
        try server.start()
        try fixture.drive { claimed != nil }
        #expect(enqueued == [Enqueued(state: .queued, duplicate: false)])
        #expect(claimed?.jobs.map(\.id) == ["1"])
        #expect(try fixture.wait { $0.queues(then: $1) } == ["email"])
    }

    @Test func callsUnderWayWhenTheServerDiesAreSentAgain() throws {
        let server = try RedisServer(aof: .always)
        let fixture = try StoreFixture(server: server)
        try fixture.enqueue(ids: "1", "2", "3", "4", "5")
        let jobs = try fixture.claim(4)
        server.suspend()
        var outcomes: [String: String] = [:]
        func note<Value>(_ name: String) -> Completion<Value> {
            { outcomes[name] = "\((try? $0.get()).map { "\($0)" } ?? "failed")" }
        }
        let store = fixture.store
        store.enqueue([NewJob(id: "6", payload: bytes("1"))], queue: "email", then: note("enqueue"))
        store.complete([CompleteRequest(claim: jobs[0].claim)], queue: "email", then: note("complete"))
        store.fail([FailRequest(claim: jobs[1].claim, retry: false)], queue: "email", then: note("fail"))
        store.release([ReleaseRequest(claim: jobs[2].claim)], queue: "email", then: note("release"))
        store.workerGone([jobs[3].claim], queue: "email", then: note("gone"))
        store.statistics(queue: "email", then: note("statistics"))
        store.claim(ClaimRequest(max: 1), queue: "email", patient: true, then: note("patient"))
        store.claim(ClaimRequest(max: 1), queue: "email", patient: false, then: note("claim"))
        // Flushed by this turn: all bytes have left when the server dies.
        for _ in 0..<3 { _ = try fixture.loop.runOnce(timeout: 10_000) }
        #expect(outcomes.isEmpty)
        try server.restart()
        try fixture.drive { outcomes.count == 8 }
        #expect(outcomes["enqueue"]?.contains("duplicate: false") == true)
        #expect(outcomes["complete"] == "\([TokenOutcome.done(.completed, runAt: nil)])")
        #expect(outcomes["fail"] == "\([TokenOutcome.done(.dead, runAt: nil)])")
        #expect(outcomes["release"] == "\([TokenOutcome.done(.queued, runAt: nil)])")
        #expect(outcomes["gone"] == "\([TokenOutcome.done(.queued, runAt: nil)])")
        #expect(outcomes["statistics"] != "failed")
        #expect(outcomes["patient"] == "\(Claimed(jobs: []))")
        #expect(outcomes["claim"] == "failed")
        #expect(try fixture.members("queued") == ["3", "4", "5", "6"])
        #expect(fixture.store.status.reconnects == 1)
        #expect(violations(in: server).isEmpty)
    }

    @Test func writesThatWereExecutedButNeverAnsweredTakeEffectOnce() throws {
        let fixture = try StoreFixture()
        let heavy = bytes("\"\(String(repeating: "x", count: 100_000))\"")
        try fixture.enqueue(NewJob(id: "heavy", payload: heavy, start: .delay(90_000)))
        try fixture.enqueue(ids: "0", "1", "2", "3", "4")
        let jobs = try fixture.claim(5).map(\.claim)
        _ = try fixture.fail([jobs[0]], retry: false)
        // Redis executes all it is sent, and hangs up instead of answering, since the last reply is beyond this limit.
        try fixture.server.command("CONFIG", "SET", "client-output-buffer-limit", "normal 65536 0 0")
        fixture.server.suspend()
        var outcomes: [String: String] = [:]
        func note<Value>(_ name: String) -> Completion<Value> {
            { outcomes[name] = "\((try? $0.get()).map { "\($0)" } ?? "failed")" }
        }
        let store = fixture.store
        store.enqueue([NewJob(id: "5", payload: bytes("1"))], queue: "email", then: note("enqueue"))
        store.complete([CompleteRequest(claim: jobs[1])], queue: "email", then: note("complete"))
        store.fail([FailRequest(claim: jobs[2], retry: false)], queue: "email", then: note("fail"))
        store.release([ReleaseRequest(claim: jobs[3])], queue: "email", then: note("release"))
        store.workerGone([jobs[4]], queue: "email", then: note("gone"))
        store.requeue("0", queue: "email", then: note("requeue"))
        store.flush()
        store.get("heavy", queue: "email", then: note("get"))
        for _ in 0..<3 { _ = try fixture.loop.runOnce(timeout: 5_000) }
        fixture.server.resume()
        try eventually { try fixture.counters()["requeued"] == "1" }
        #expect(outcomes.isEmpty)
        try fixture.drive { !fixture.store.status.isReady }
        try fixture.server.command("CONFIG", "SET", "client-output-buffer-limit", "normal 0 0 0")
        try fixture.drive { outcomes.count == 7 }

        #expect(outcomes["enqueue"]?.contains("duplicate: true") == true)
        #expect(outcomes["complete"] == "\([TokenOutcome.done(.completed, runAt: nil)])")
        #expect(outcomes["fail"] == "\([TokenOutcome.done(.dead, runAt: nil)])")
        #expect(outcomes["release"] == "\([TokenOutcome.done(.queued, runAt: nil)])")
        #expect(outcomes["gone"] == "\([TokenOutcome.done(.queued, runAt: nil)])")
        #expect(outcomes["requeue"] == "\(RequeueOutcome.requeued)")
        #expect(outcomes["get"] != "failed")
        var totals = Totals()
        totals.enqueued = 7
        totals.claimed = 5
        totals.completed = 1
        totals.failed = 2
        totals.dead = 2
        totals.reclaimed = 1
        totals.released = 1
        totals.requeued = 1
        #expect(try fixture.statistics()?.totals == totals)
        #expect(violations(in: fixture.server).isEmpty)
    }

    @Test func serverThatHangsEndsCallsAfterTheTimeoutAndComesBack() throws {
        let fixture = try StoreFixture(requestTimeoutMs: 300)
        fixture.server.suspend()
        let job = NewJob(id: "1", payload: bytes("1"))
        #expect(try isUnavailable(fixture.result { $0.enqueue([job], queue: "email", then: $1) }))
        #expect(!fixture.store.status.isReady)
        var gone: [TokenOutcome]?
        fixture.store.workerGone([Claim(id: "x", token: "t")], queue: "email") { gone = try? $0.get() }
        fixture.server.resume()
        try fixture.drive { gone != nil }
        #expect(gone == [.notFound])
        try fixture.enqueue(ids: "2")
        #expect(fixture.wakes.contains(nil))
    }

    @Test func scriptFlushIsHealedWithoutAnError() throws {
        let fixture = try StoreFixture()
        for round in 0..<20 {
            try fixture.server.command("SCRIPT", "FLUSH")
            try fixture.enqueue(ids: "\(round)")
            if round % 2 == 0 { try fixture.server.command("SCRIPT", "FLUSH") }
            let job = try #require(try fixture.claim().first)
            #expect(try fixture.complete([job.claim]) == [.done(.completed, runAt: nil)])
        }
        #expect(try fixture.counters()["completed"] == "20")
        #expect(fixture.store.status.reconnects == 0)
    }

    // MARK: A full Redis

    @Test func fullRedisRefusesEnqueuesAndCanBeDrained() throws {
        let fixture = try StoreFixture()
        let jobs = (0..<8).map { NewJob(id: "\($0)", payload: bytes("1"), maxAttempts: $0 == 4 ? 1 : 3) }
        _ = try fixture.wait { $0.enqueue(jobs, queue: "email", then: $1) }
        let early = try fixture.claim(1)
        try fixture.server.command("CONFIG", "SET", "maxmemory", "1000")
        let before = try fixture.keyspace()
        let refused = try fixture.result {
            $0.enqueue([NewJob(id: "new", payload: bytes("1"))], queue: "email", then: $1)
        }
        guard case .failure(.full) = refused else {
            Issue.record("\(refused)")
            return
        }
        #expect(try fixture.keyspace() == before)
        let claimed = early + (try fixture.claim(6))
        #expect(claimed.map(\.id) == (0..<7).map { "\($0)" })
        guard case .extended? = try fixture.extend([claimed[0].claim], progress: "1").first else {
            Issue.record("not extended")
            return
        }
        #expect(try fixture.complete([claimed[0].claim], result: "1") == [.done(.completed, runAt: nil)])
        guard case .done(.retrying, _)? = try fixture.fail([claimed[1].claim], error: "\"e\"", retryInMs: 60_000).first
        else {
            Issue.record("not retrying")
            return
        }
        #expect(try fixture.release([claimed[2].claim]) == [.done(.queued, runAt: nil)])
        #expect(try fixture.workerGone([claimed[3].claim]) == [.done(.queued, runAt: nil)])
        #expect(try fixture.fail([claimed[4].claim], error: "\"e\"") == [.done(.dead, runAt: nil)])
        try fixture.server.command("ZREM", "jobq:{email}:processing", "none")
        for id in ["5", "6"] {
            // ZINCRBY is refused now: the score is moved with room for a moment.
            try fixture.server.command("CONFIG", "SET", "maxmemory", "0")
            try fixture.shift(id, in: "processing", by: -60_000)
            try fixture.server.command("CONFIG", "SET", "maxmemory", "1000")
        }
        #expect(try fixture.sweep().reclaimed == 2)
        let rest = try fixture.claim(10)
        #expect(rest.map(\.id) == ["2", "3", "5", "6", "7"])
        #expect(try fixture.complete(rest.map(\.claim)) == Array(repeating: .done(.completed, runAt: nil), count: 5))
        #expect(violations(in: fixture.server).isEmpty)
    }

    // MARK: Several daemons

    @Test func storesOnOneRedisWakeEachOther() throws {
        let first = try StoreFixture(origin: "first")
        let second = try StoreFixture(server: first.server, origin: "second")
        first.store.watch(queue: "email")
        second.store.watch(queue: "email")
        try first.drive { first.wakes.contains("email") }
        try second.drive { second.wakes.contains("email") }
        first.wakes = []
        second.wakes = []
        try second.enqueue(ids: "1")
        try first.drive { first.wakes == ["email"] }
        // Not by its own message: everything that was told before the reply of this is read by then.
        _ = try second.wait { $0.ping(then: $1) }
        for _ in 0..<5 { _ = try second.loop.runOnce(timeout: 5_000) }
        #expect(second.wakes.isEmpty)
        #expect(try first.claim().map(\.id) == ["1"])

        first.store.unwatch(queue: "email")
        second.store.unwatch(queue: "email")
        try first.enqueue(ids: "2")
        for _ in 0..<5 { _ = try second.loop.runOnce(timeout: 5_000) }
        #expect(second.wakes.isEmpty)
    }

    @Test func onlyListenerIsNotToldOfItsOwnJobs() throws {
        let fixture = try StoreFixture()
        fixture.store.watch(queue: "email")
        try fixture.drive { fixture.wakes.contains("email") }
        func published() throws -> String? {
            let statistics = try fixture.server.command("INFO", "commandstats").string ?? ""
            return statistics.split(separator: "\r\n").first { $0.hasPrefix("cmdstat_publish:") }.map(String.init)
        }
        try fixture.enqueue(ids: "0")
        _ = try fixture.claim()
        try fixture.tellAll(false)
        try fixture.server.command("CONFIG", "RESETSTAT")
        try fixture.enqueue(ids: "1")
        #expect(try published() == nil)

        let other = try StoreFixture(server: fixture.server, origin: "other")
        // Its connect has tried PUBLISH.
        try fixture.server.command("CONFIG", "RESETSTAT")
        try other.enqueue(ids: "2")
        _ = try other.claim(2)
        try other.enqueue(ids: "3")
        #expect(try published()?.contains("calls=1,") == true)
        fixture.wakes = []
        try fixture.drive { fixture.wakes.contains("email") }
    }

    @Test func everyReconnectWakesAllQueues() throws {
        let fixture = try StoreFixture()
        fixture.store.watch(queue: "email")
        try fixture.drive { fixture.wakes.contains("email") }
        var changes: [StoreStatus.State] = []
        fixture.store.onStatusChange = { [unowned fixture] in changes.append(fixture.store.status.state) }
        fixture.wakes = []
        try fixture.server.restart()
        try fixture.drive { fixture.wakes.contains(nil) && fixture.wakes.contains("email") }
        #expect(changes.last == .ready)
        #expect(changes.count >= 2)
    }

    // MARK: Closing

    @Test func closeWaitsForWhatIsUnderWay() throws {
        let fixture = try StoreFixture()
        var steps: [String] = []
        fixture.store.enqueue([NewJob(id: "1", payload: bytes("1"))], queue: "email") {
            steps.append((try? $0.get()) == nil ? "failed" : "enqueued")
        }
        fixture.store.close(withinMs: 5_000) { steps.append("closed") }
        let seconds = try elapsed { try fixture.drive { steps.count == 2 } }
        #expect(steps == ["enqueued", "closed"])
        #expect(seconds < 2)
        #expect(try fixture.members("queued") == ["1"])
    }

    @Test func closeEndsInTimeWithRedisAway() throws {
        let fixture = try StoreFixture()
        fixture.server.suspend()
        var steps: [String] = []
        func note<Value>(_ name: String) -> Completion<Value> {
            { result in
                if case .failure(.unavailable) = result { steps.append(name) }
            }
        }
        fixture.store.enqueue([NewJob(id: "1", payload: bytes("1"))], queue: "email", then: note("enqueue"))
        for _ in 0..<3 { _ = try fixture.loop.runOnce(timeout: 5_000) }
        fixture.store.workerGone([Claim(id: "1", token: "t")], queue: "email", then: note("gone"))
        fixture.store.get("1", queue: "email", then: note("get"))
        fixture.store.close(withinMs: 200) { steps.append("closed") }
        let seconds = try elapsed { try fixture.drive { steps.last == "closed" } }
        #expect(steps.sorted() == ["closed", "enqueue", "get", "gone"])
        #expect((0.1...2).contains(seconds))
        fixture.server.resume()
    }
}

private func isUnavailable(_ result: Result<some Any, StoreFailure>) -> Bool {
    if case .failure(.unavailable) = result { true } else { false }
}

/// Violations of the invariants that the keys show.
func violations(in server: RedisServer) -> [String] {
    do { return try InvariantChecker.violations(in: server).map { "\($0)" } } catch { return ["\(error)"] }
}
