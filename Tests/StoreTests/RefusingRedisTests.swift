// A Redis that answers and refuses: what the store makes of it, at the connect and while it runs. Each with a real server.

import Foundation
import Harness
import Testing
import Wire

@testable import Store

@Suite(.timeLimit(.minutes(2))) struct RefusingRedisTests {
    /// A server with a user `worker`, whose rights are those given, and a store that connects as this user.
    private func fixture(rights: String, waits: Bool = true) throws -> StoreFixture {
        let server = try RedisServer()
        try allow(rights, on: server)
        return try StoreFixture(server: server, url: "unix://worker:pw@\(server.socketPath)", waits: waits)
    }

    private func allow(_ rights: String, on server: RedisServer) throws {
        let words = ["ACL", "SETUSER", "worker", "reset", "on", ">pw"] + rights.split(separator: " ").map(String.init)
        #expect(try server.command(words) == .status("OK"))
    }

    private func drive(_ fixture: StoreFixture, to state: StoreStatus.State) throws {
        try fixture.drive("\(state), but: \(fixture.store.status)") { fixture.store.status.state == state }
    }

    private func refusal(_ fixture: StoreFixture) throws -> StoreFailure? {
        let jobs = [NewJob(id: "a", payload: bytes(#"{"card":"4111"}"#))]
        switch try fixture.result({ $0.enqueue(jobs, queue: fixture.queue, then: $1) }) {
        case .success: return nil
        case .failure(let failure): return failure
        }
    }

    // MARK: At the connect

    @Test(arguments: [
        ("~jobq:* &* +@all -zadd -hset", ["ZADD", "HSET"]), ("~jobq:* &* +@all -evalsha", ["EVALSHA"]),
        ("~jobq:* &* +@all -eval", ["EVAL"]), ("~jobq:* &* +@all -script|load", ["SCRIPT"]),
        ("~jobq:* &* +@all -subscribe", ["SUBSCRIBE"]), ("~jobq:* &* +@all -publish", ["PUBLISH"]),
        ("~jobq:* &* +@all -del -persist -pexpire", ["DEL", "PEXPIRE", "PERSIST"]),
        ("~jobq:* resetchannels +@all", ["channels &jobq:*"]), ("~other:* &* +@all", ["keys ~jobq:*"]),
        ("~other:* resetchannels +@all -evalsha", ["EVALSHA", "keys ~jobq:*", "channels &jobq:*"]),
    ])
    func missingRightsAreNamedAndNothingIsServed(rights: String, missing: [String]) throws {
        let fixture = try fixture(rights: rights, waits: false)
        try drive(fixture, to: .refusing)
        let problem = try #require(fixture.store.status.problem)
        for name in missing { #expect(problem.contains(name), "\(problem)") }
        #expect(problem.contains("worker") && !fixture.store.status.isReachable)
        #expect(fixture.linkLog.lines.count { $0.hasPrefix("warning") } == 1)
        #expect(try fixture.server.command("KEYS", "*").strings.isEmpty)
        // What is permitted later is found by the next try.
        try allow("~jobq:* &* +@all", on: fixture.server)
        try drive(fixture, to: .ready)
        #expect(try fixture.enqueue(ids: "a").count == 1)
    }

    @Test func theRightsOfTheManualAreEnough() throws {
        let fixture = try fixture(
            rights: "~jobq:* &jobq:* &jobq:{*}:events +@all -@dangerous -@admin +info +config|get")
        try fixture.enqueue(ids: "a")
        let job = try #require(try fixture.claim().first)
        #expect(try fixture.complete([job.claim]) == [.done(.completed, runAt: nil)])
        try fixture.drive("expiry of what was tried") {
            try! fixture.server.command("KEYS", "*probe*").strings.isEmpty
        }
    }

    @Test func aRefusedConnectionIsRetriedWithGrowingPausesAndToldOnce() throws {
        let fixture = try fixture(rights: "~jobq:* resetchannels +@all", waits: false)
        let tries = { fixture.linkLog.lines.count { $0.contains("connecting to Redis") } }
        try fixture.drive("some tries") { tries() >= 8 }
        #expect(fixture.linkLog.lines.count { $0.hasPrefix("warning") || $0.hasPrefix("notice") } == 1)
    }

    @Test(arguments: [["EVALSHA", "SCRIPT"], ["ZADD"], ["SUBSCRIBE"], ["TIME"], ["HINCRBY", "XADD"]])
    func renamedCommandsAreNamed(commands: [String]) throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(commands.map { "rename-command \($0) \"\"\n" }.joined(), to: "redis.conf")
        let server = try RedisServer(arguments: ["--include", file])
        let fixture = try StoreFixture(server: server, requestTimeoutMs: 500, waits: false)
        try drive(fixture, to: .refusing)
        let problem = try #require(fixture.store.status.problem)
        #expect(problem.contains("does not know") && commands.allSatisfy(problem.contains), "\(problem)")
        #expect(try refusal(fixture) == .unavailable(problem))
    }

    @Test func withoutConfigAndInfoAStoreServes() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("rename-command CONFIG \"\"\nrename-command INFO \"\"\n", to: "redis.conf")
        let fixture = try StoreFixture(server: try RedisServer(arguments: ["--include", file]))
        #expect(try fixture.enqueue(ids: "a").count == 1)
        #expect(fixture.store.status.risks.count == 1)
    }

    @Test func aReplicaIsRefusedAndServedOnceItIsThePrimary() throws {
        let server = try RedisServer()
        try server.command("REPLICAOF", "127.0.0.1", "1")
        let fixture = try StoreFixture(server: server, waits: false)
        try drive(fixture, to: .refusing)
        #expect(fixture.store.status.problem?.contains("READONLY") == true)
        try server.command("REPLICAOF", "NO", "ONE")
        try drive(fixture, to: .ready)
    }

    @Test func theProbeTriesEveryCommandThatIsUsed() throws {
        let folder = BuiltProducts.packageDirectory + "/Sources/Store/"
        let probe = try String(contentsOfFile: folder + "Scripts/probe.lua", encoding: .utf8)
        let tried = Set(probe.matches(of: #/'([A-Z]{3,})'/#).map { String($0.1) })
        var used: Set<String> = []
        for name in try FileManager.default.contentsOfDirectory(atPath: folder + "Scripts") where name != "probe.lua" {
            let text = try String(contentsOfFile: folder + "Scripts/" + name, encoding: .utf8)
            used.formUnion(text.matches(of: #/call\('([A-Z]+)'/#).map { String($0.1) })
            // Commands that are put together, as `local added = { 'ZADD', queued }`.
            used.formUnion(text.matches(of: #/\{ '([A-Z]{3,})'/#).map { String($0.1) })
        }
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) where name.hasSuffix(".swift") {
            let text = try String(contentsOfFile: folder + name, encoding: .utf8)
            used.formUnion(text.matches(of: #/(?:CommandBuffer|change)\("([A-Z]+)"/#).map { String($0.1) })
        }
        #expect(used.count > 30 && used.subtracting(tried).isEmpty, "\(used.subtracting(tried).sorted())")
    }

    // MARK: While it runs

    @Test func withoutItsReplicasItRefusesAndIsToldOnceAndEndsByItself() throws {
        let fixture = try StoreFixture(requestTimeoutMs: 300)
        try fixture.server.command("CONFIG", "SET", "min-replicas-to-write", "1")
        guard case .unavailable(let why) = try refusal(fixture) else {
            Issue.record("not refused as unavailable")
            return
        }
        #expect(why.contains("NOREPLICAS") && why.contains("too few replicas") && !why.contains("script:"))
        _ = try refusal(fixture)
        let status = fixture.store.status
        #expect(status.state == .refusing && status.isReachable && status.problem == why && status.since > 0)
        #expect(fixture.complaints.lines.count == 1)
        fixture.wakes = []
        try fixture.server.command("CONFIG", "SET", "min-replicas-to-write", "0")
        try drive(fixture, to: .ready)
        #expect(fixture.complaints.lines.count == 2 && fixture.complaints.lines[1].contains("takes writes again"))
        #expect(fixture.wakes.contains(nil))
        #expect(try refusal(fixture) == nil)
    }

    @Test func aFullServerIsStoreFullAndCanBeDrained() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "kept")
        try fixture.server.command("CONFIG", "SET", "maxmemory", "1")
        guard case .full(let why) = try refusal(fixture) else {
            Issue.record("not refused as full")
            return
        }
        #expect(why.contains("OOM") && fixture.store.status.state == .refusing)
        let job = try #require(try fixture.claim().first)
        #expect(try fixture.complete([job.claim]) == [.done(.completed, runAt: nil)])
        try fixture.server.command("CONFIG", "SET", "maxmemory", "0")
        try drive(fixture, to: .ready)
        #expect(try fixture.server.command("KEYS", "*probe*").strings.isEmpty)
    }

    @Test func aServerThatIsFullAtTheConnectServesAndSaysSo() throws {
        let server = try RedisServer(maxmemory: 1)
        let fixture = try StoreFixture(server: server, waits: false)
        try drive(fixture, to: .refusing)
        #expect(fixture.store.status.isReachable && fixture.store.status.problem?.contains("OOM") == true)
        #expect(try fixture.statistics() == nil)
        try server.command("CONFIG", "SET", "maxmemory", "0")
        try drive(fixture, to: .ready)
    }

    @Test func aServerThatCannotSaveIsStoreFullAndPatientClaimsWait() throws {
        let server = try RedisServer(arguments: ["--enable-protected-configs", "yes"])
        let fixture = try StoreFixture(server: server)
        try fixture.enqueue(ids: "kept")
        #expect(try server.command("CONFIG", "SET", "dir", "/proc", "save", "3600 1") == .status("OK"))
        try server.command("BGSAVE")
        try eventually("the failed save") {
            try server.command("INFO", "persistence").string?.contains("rdb_last_bgsave_status:err") == true
        }
        guard case .full(let why) = try refusal(fixture) else {
            Issue.record("not refused as full")
            return
        }
        #expect(why.contains("MISCONF"))
        let claimed = try fixture.wait { $0.claim(ClaimRequest(max: 1), queue: fixture.queue, patient: true, then: $1) }
        #expect(claimed.jobs.isEmpty)
        try server.command("CONFIG", "SET", "stop-writes-on-bgsave-error", "no")
        try drive(fixture, to: .ready)
        #expect(try fixture.claim().count == 1)
    }

    @Test func aServerThatIsBusyWithAScriptIsNamedSo() throws {
        let server = try RedisServer(arguments: ["--lua-time-limit", "100"])
        let fixture = try StoreFixture(server: server, requestTimeoutMs: 1_500)
        let path = server.socketPath
        Thread.detachNewThread { _ = try? RedisClient(path: path).command(["EVAL", "while true do end", "0"]) }
        try fixture.drive("BUSY") {
            guard case .failure(.unavailable(let why))? = try? fixture.result({ $0.ping(then: $1) }) else {
                return false
            }
            return why.contains("BUSY")
        }
        #expect(fixture.store.status.state == .refusing)
        #expect(fixture.store.status.problem?.contains("script of somebody else") == true)
        try server.command("SCRIPT", "KILL")
        try drive(fixture, to: .ready)
        #expect(try fixture.enqueue(ids: "a").count == 1)
    }

    @Test func aServerThatBecomesAReplicaRefuses() throws {
        let fixture = try StoreFixture(requestTimeoutMs: 300)
        try fixture.server.command("REPLICAOF", "127.0.0.1", "1")
        guard case .unavailable(let why) = try refusal(fixture) else {
            Issue.record("not refused as unavailable")
            return
        }
        #expect(why.contains("READONLY") || why.contains("MASTERDOWN"), "\(why)")
        try drive(fixture, to: .refusing)
        try fixture.server.command("REPLICAOF", "NO", "ONE")
        try drive(fixture, to: .ready)
    }

    @Test(arguments: [("-hset", "HSET"), ("-evalsha", "EVALSHA"), ("-zadd", "ZADD")])
    func aRightThatIsTakenAwayIsNamed(change: String, command: String) throws {
        let fixture = try fixture(rights: "~jobq:* &* +@all")
        try fixture.enqueue(ids: "before")
        #expect(try fixture.server.command("ACL", "SETUSER", "worker", change) == .status("OK"))
        guard case .unavailable(let why) = try refusal(fixture) else {
            Issue.record("not refused as unavailable")
            return
        }
        #expect(why.contains("does not permit") && !why.contains("4111"), "\(why)")
        try fixture.drive("its name in \(fixture.store.status)") {
            fixture.store.status.state == .refusing && fixture.store.status.problem?.contains(command) == true
        }
        try allow("~jobq:* &* +@all", on: fixture.server)
        try drive(fixture, to: .ready)
    }

    @Test func channelsThatAreTakenAwayAreNamed() throws {
        let fixture = try fixture(rights: "~jobq:* &* +@all")
        fixture.store.watch(queue: "email")
        try fixture.drive("the subscription") { fixture.wakes.contains("email") }
        #expect(try fixture.server.command("ACL", "SETUSER", "worker", "resetchannels") == .status("OK"))
        try fixture.drive("the name of it in \(fixture.store.status)") {
            fixture.store.status.problem?.contains("channels &jobq:*") == true
        }
        #expect(fixture.linkLog.lines.count { $0.hasPrefix("warning Redis ") } == 1, "\(fixture.linkLog.lines)")
    }

    @Test func aRightThatOneQueueLacksDoesNotTakeTheStoreDown() throws {
        let fixture = try fixture(rights: "~jobq:{email}* ~jobq:queues ~jobq:{}:probe* &* +@all")
        let jobs = [NewJob(id: "a", payload: bytes("1"))]
        let result = try fixture.result { $0.enqueue(jobs, queue: "other", then: $1) }
        guard case .failure(.unavailable(let why)) = result else {
            Issue.record("not refused: \(result)")
            return
        }
        #expect(why.contains("does not permit"))
        #expect(try fixture.enqueue(ids: "a").count == 1)
        #expect(fixture.store.status.isReady && fixture.store.status.reconnects == 0)
    }

    // MARK: The daemon's own refusal

    @Test func whatTheDaemonRefusesForItsOwnServerIsNotSent() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "kept")
        fixture.store.refuseWrites(.ownServer, because: .full("its disk is full"))
        #expect(fixture.store.status.state == .refusing && fixture.store.status.problem == "its disk is full")
        #expect(try refusal(fixture) == .full("its disk is full"))
        let claimed = try fixture.wait { $0.claim(ClaimRequest(max: 1), queue: fixture.queue, patient: true, then: $1) }
        #expect(claimed.jobs.isEmpty)
        #expect(try fixture.get("kept")?.state == .queued)
        fixture.wakes = []
        fixture.store.refuseWrites(.ownServer, because: nil)
        #expect(fixture.store.status.isReady && fixture.wakes == [nil])
        #expect(try fixture.claim().count == 1)
        #expect(fixture.complaints.lines.count == 2)
    }

    // MARK: Answers of another shape

    @Test(arguments: [
        "+OK\r\n", ":1\r\n", "*0\r\n", "$-1\r\n", "*2\r\n$1\r\na\r\n:1\r\n",
        "*9\r\n:1\r\n:0\r\n:0\r\n:0\r\n:0\r\n:0\r\n:0\r\n:0\r\n:0\r\n",
    ])
    func anAnswerOfAnotherShapeEndsTheLinkAndTheCallIsMadeAgain(answer: String) throws {
        let server = try RedisServer()
        let proxy = try RedisProxy(server)
        defer { proxy.stop() }
        let fixture = try StoreFixture(server: server, url: proxy.url)
        fixture.answersAreForged = true
        try fixture.enqueue(ids: "before")
        proxy.lie(answer, times: 1)
        #expect(try fixture.enqueue(ids: "after").count == 1)
        #expect(fixture.store.status.reconnects == 1)
        #expect(fixture.linkLog.lines.contains { $0.contains("has a form that Redis does not give") })
    }

    @Test func aRedisThatKeepsAnsweringNonsenseIsUnavailableAndNotABug() throws {
        let server = try RedisServer()
        let proxy = try RedisProxy(server)
        defer { proxy.stop() }
        let fixture = try StoreFixture(server: server, requestTimeoutMs: 500, url: proxy.url)
        proxy.lie("+OK\r\n", times: .max)
        guard case .unavailable = try refusal(fixture) else {
            Issue.record("not refused as unavailable")
            return
        }
        proxy.lie("", times: 0)
        try drive(fixture, to: .ready)
        #expect(try refusal(fixture) == nil)
    }

    @Test func aLostRedisIsToldOnceThoughBothConnectionsAreLost() throws {
        let fixture = try StoreFixture()
        fixture.store.watch(queue: "email")
        try fixture.drive("the subscription") { fixture.wakes.contains("email") }
        fixture.server.kill()
        let tries = { fixture.linkLog.lines.count { $0.contains("connecting to Redis") } }
        try fixture.drive("tries for a while") { tries() >= 12 }
        #expect(fixture.linkLog.lines.count { $0.hasPrefix("warning Redis ") } == 1, "\(fixture.linkLog.lines)")
    }
}
