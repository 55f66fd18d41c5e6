// How a link comes to be: addresses, passwords, databases, and the servers it refuses.

import Foundation
import Harness
import Logging
import Reactor
import Testing

@testable import Redis

@Suite(.serialized, .timeLimit(.minutes(2))) struct RedisLinkConnectTests {
    private let answer = Script(name: "answer", source: Array("return 42".utf8))

    /// A port that was free a moment ago.
    private func listenOnTCP(_ server: RedisServer) throws -> Int {
        for _ in 0..<50 {
            let port = Int.random(in: 20_000..<60_000)
            if try server.command("CONFIG", "SET", "port", "\(port)") == .status("OK") { return port }
        }
        throw HarnessError("no free port")
    }

    @Test func unixSocketIsConnectedCheckedAndNamed() throws {
        let server = try RedisServer(aof: .everysec)
        let bench = try Bench()
        var readyCount = 0
        let link = bench.link(try bench.configuration(server.url), scripts: [answer])
        link.onReady = { readyCount += 1 }
        #expect(link.state == .idle)
        link.start()
        try bench.run(until: "ready") { link.isReady }
        #expect(link.facts?.role == "master")
        #expect(link.facts?.version.isEmpty == false)
        #expect(link.facts?.warnings == [])
        #expect(link.problem == nil && link.reconnects == 0 && readyCount == 1)
        #expect(try bench.ask(link, "CLIENT", "GETNAME") == .value("link-test"))
        #expect(try bench.ask(link, answer) == .number(42))
        #expect(link.roundTripUs != nil)
    }

    @Test func tcpIsConnectedByNameAndByAddress() throws {
        let server = try RedisServer()
        let port = try listenOnTCP(server)
        let bench = try Bench()
        for host in ["localhost", "127.0.0.1"] {
            let link = try bench.readyLink(try bench.configuration("redis://\(host):\(port)"))
            #expect(try bench.ask(link, "PING") == .value("PONG"))
            link.stop()
        }
    }

    @Test func nameThatDoesNotExistIsAProblemAndTheLoopGoesOn() throws {
        let bench = try Bench()
        let link = bench.link(try bench.configuration("redis://no..such..host:6379"))
        link.start()
        #expect(link.state == .resolving)
        try bench.run(until: "the look-up failed") { link.problem != nil }
        #expect(link.problem?.contains("cannot look up no..such..host") == true)
        link.stop()
    }

    @Test func lookUpThatNobodyWaitsForIsForgotten() throws {
        let bench = try Bench()
        let link = bench.link(try bench.configuration("redis://localhost:1"))
        link.start()
        link.stop()
        #expect(link.state == .stopped)
        _ = try bench.loop.runOnce(timeout: 50_000)
        #expect(link.state == .stopped)
    }

    @Test func databaseOfTheAddressIsSelected() throws {
        let server = try RedisServer()
        let bench = try Bench()
        let link = try bench.readyLink(try bench.configuration(server.url + "?db=3"))
        #expect(try bench.ask(link, "SET", "here", "1") == .value("OK"))
        #expect(try server.command("EXISTS", "here").int == 0)
        #expect(try server.command("MOVE", "here", "3").int == 0)
        let other = try bench.readyLink(try bench.configuration(server.url))
        #expect(try bench.ask(other, "EXISTS", "here") == .number(0))
        #expect(try bench.ask(link, "EXISTS", "here") == .number(1))
    }

    @Test func passwordIsReadAtEachConnectAndNeverShown() throws {
        let server = try RedisServer()
        try server.command("CONFIG", "SET", "requirepass", "right-one")
        let bench = try Bench()
        var given = ["wrong-one", "wrong-one", "right-one"]
        var configuration = try bench.configuration(server.url)
        configuration.password = { Array((given.count > 1 ? given.removeFirst() : given[0]).utf8) }
        let link = bench.link(configuration)
        link.start()
        try bench.run(until: "a refusal") { link.problem != nil }
        #expect(link.problem?.contains("WRONGPASS") == true)
        try bench.run(until: "ready") { link.isReady }
        #expect(try bench.ask(link, "PING") == .value("PONG"))
        #expect(bench.log.count(.warning) >= 1)
        #expect(!bench.log.text.contains("wrong-one") && !bench.log.text.contains("right-one"))
    }

    @Test func missingPasswordIsSaidInWords() throws {
        let server = try RedisServer()
        try server.command("CONFIG", "SET", "requirepass", "secret")
        let bench = try Bench()
        let link = bench.link(try bench.configuration(server.url))
        link.start()
        try bench.run(until: "a refusal") { link.problem != nil }
        #expect(link.problem?.contains("wants a password") == true)
        let problem = try bench.ask(link, "PING").failure
        #expect(problem?.kind == .unavailable)
    }

    @Test func userOfAnACLMayLackEverythingThatOnlyInforms() throws {
        let server = try RedisServer()
        try server.command(
            "ACL", "SETUSER", "worker", "on", ">pw", "~*", "&*", "-@all", "+auth", "+evalsha", "+eval", "+script|load",
            "+get")
        let bench = try Bench()
        var configuration = try bench.configuration(server.url)
        configuration.username = "worker"
        configuration.password = { Array("pw".utf8) }
        let link = try bench.readyLink(configuration, scripts: [answer])
        #expect(try bench.ask(link, answer) == .number(42))
        #expect(link.facts?.warnings.count == 1)
        let refused = try bench.ask(link, "SET", "a", "b").failure
        #expect(refused?.kind == .unavailable)
    }

    @Test func passwordFileIsReadToTheEndOfItsFirstLine() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("geheim\n", to: "password")
        let password = RedisConfiguration.password(fromFile: path)
        #expect(password() == Array("geheim".utf8))
        try directory.write("", to: "password")
        #expect(password() == nil)
        #expect(RedisConfiguration.password(fromFile: directory.file("none"))() == nil)
    }

    @Test func oldServerIsRefusedAndAskedAgain() throws {
        let server = try FakeRedis(answers: [FakeRedis.handshake(version: "6.0.16"), FakeRedis.handshake()])
        let bench = try Bench()
        let link = bench.link(try bench.configuration(server.url))
        link.start()
        try bench.run(until: "a refusal") { link.problem != nil }
        #expect(link.problem == "Redis 6.0.16 is too old; 6.2 or later is needed")
        try bench.run(until: "ready") { link.isReady }
        #expect(server.count == 2)
        link.stop()
        server.stop()
    }

    @Test func loadingServerIsWaitedForAndReportedOnce() throws {
        let loading = FakeRedis.handshake(more: "loading:1")
        let server = try FakeRedis(answers: [loading, loading, loading, FakeRedis.handshake()])
        let bench = try Bench()
        let link = try bench.readyLink(try bench.configuration(server.url))
        #expect(server.count == 4)
        #expect(bench.log.count(.warning) == 1)
        #expect(bench.log.text.contains("LOADING"))
        link.stop()
        server.stop()
    }

    @Test func silentServerIsGivenUpAfterTheTimeAllowed() throws {
        let server = try FakeRedis(answers: ["", FakeRedis.handshake()])
        let bench = try Bench()
        let link = bench.link(try bench.configuration(server.url, timeoutMs: 100))
        link.start()
        try bench.run(until: "a refusal") { link.problem != nil }
        #expect(link.problem == "Redis did not answer in time")
        try bench.run(until: "ready") { link.isReady }
        link.stop()
        server.stop()
    }

    @Test func nonsenseFromTheServerIsAProblemAndNotACrash() throws {
        let server = try FakeRedis(answers: [
            "HTTP/1.1 400 Bad Request\r\n\r\n", FakeRedis.handshake() + ":1\r\n:2\r\n",
        ])
        let bench = try Bench()
        let link = bench.link(try bench.configuration(server.url))
        link.start()
        try bench.run(until: "a refusal") { link.problem?.contains("Protocol error") == true }
        try bench.run(until: "another") { link.problem?.contains("not asked") == true }
        link.stop()
        server.stop()
    }

    @Test func absenceOfAServerThatIsJustStartingIsNoNewsButItsLossIs() throws {
        let server = try RedisServer(aof: .everysec, start: false)
        let bench = try Bench()
        var configuration = try bench.configuration(server.url)
        configuration.startingMs = 60_000
        let link = bench.link(configuration)
        link.start()
        try bench.run(until: "a few tries") { bench.log.count(.debug) >= 6 }
        try server.start()
        try bench.run(until: "ready") { link.isReady }
        #expect(bench.log.count(.warning) == 0)
        server.kill()
        try bench.run(until: "the loss") { bench.log.count(.warning) >= 1 }
        link.stop()
    }

    @Test func reasonOfAServerThatHangsUpIsKept() throws {
        let server = try RedisServer()
        try server.command("CONFIG", "SET", "maxclients", "1")
        let bench = try Bench()
        let link = bench.link(try bench.configuration(server.url))
        link.start()
        try bench.run(until: "a refusal") { link.problem != nil }
        #expect(link.problem?.contains("max number of clients") == true)
    }

    @Test func replicaIsRefusedUntilItIsPrimary() throws {
        let server = try RedisServer()
        try server.command("REPLICAOF", "127.0.0.1", "1")
        let bench = try Bench()
        let link = bench.link(try bench.configuration(server.url))
        link.start()
        try bench.run(until: "a refusal") { link.problem?.hasPrefix("READONLY") == true }
        try server.command("REPLICAOF", "NO", "ONE")
        try bench.run(until: "ready") { link.isReady }
    }

    @Test func evictionAndMissingPersistenceAreWarnedOf() throws {
        let server = try RedisServer()
        try server.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        let bench = try Bench()
        let link = try bench.readyLink(try bench.configuration(server.url))
        #expect(link.facts?.warnings.count == 2)
        #expect(bench.log.text.contains("LOSE JOBS"))
        #expect(bench.log.text.contains("neither AOF nor snapshots"))
    }

    @Test func scriptThatDoesNotCompileIsAProblem() throws {
        let server = try RedisServer()
        let bench = try Bench()
        let broken = Script(name: "broken", source: Array("return (".utf8))
        let link = bench.link(try bench.configuration(server.url), scripts: [broken])
        link.start()
        try bench.run(until: "a refusal") { link.problem?.contains("refused to load a script") == true }
    }
}
