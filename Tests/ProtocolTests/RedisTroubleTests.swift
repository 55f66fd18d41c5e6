// What clients see when Redis is down, hangs, is read-only, full or damaged; and that its password is never shown. Each
// test has a Redis and a daemon of its own to trouble. The same under load, with a look at what survives, is in the
// crash tests.

import Foundation
import Harness
import Testing

@Suite(.timeLimit(.minutes(1))) struct RedisTroubleTests {
    @Test func withRedisDownAtStartTheDaemonIsUpAndWorksOnceItComes() throws {
        let redis = try RedisServer(start: false)
        let daemon = try Daemon(.redis(redis), ready: false)
        let client = try daemon.connect()
        #expect(try client.call("ping")["ok"] == true)
        #expect(try client.call("info")["redis"]["state"] != "ready")
        var error: JSON = nil
        let seconds = try elapsed { () throws in error = try client.refused("enqueue", ["queue": "q"], within: 10) }
        #expect(error["code"] == "store_unavailable")
        #expect(error["retryable"] == true)
        #expect(seconds < 7, "\(seconds)")
        let waiting = try daemon.connect()
        try waiting.send(["op": "claim", "queue": "q", "wait_ms": 60_000])
        try redis.start()
        try eventually(within: 10, "the store") { try client.request(["op": "ping", "store": true])["ok"] == true }
        try client.enqueue("q", ["payload": "at last"])
        #expect(try waiting.receive()["jobs"][0]["payload"] == "at last")
        #expect(try client.call("info")["redis"]["state"] == "ready")
    }

    @Test func aRequestThatCameWhileRedisWasAwayIsServedIfItReturnsInTime() throws {
        let redis = try RedisServer(start: false)
        let daemon = try Daemon(.redis(redis), ready: false)
        let client = try daemon.connect()
        try client.sendRaw("{\"op\":\"enqueue\",\"id\":1,\"queue\":\"q\"}\n{\"op\":\"ping\",\"id\":2}\n")
        #expect(try client.receive()["id"] == 2)
        try redis.start()
        #expect(try client.receive()["state"] == "queued")
    }

    @Test func aRedisThatHangsEndsRequestsAfterTheTimeoutAndWaitingClaimsWaitOn() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let (client, waiting) = (try daemon.connect(), try daemon.connect())
        try waiting.startWaiting("q")
        redis.suspend()
        let seconds = try elapsed { () throws in
            #expect(try client.refused("enqueue", ["queue": "other"])["code"] == "store_unavailable")
        }
        #expect(seconds > 3 && seconds < 7, "\(seconds)")
        #expect(try client.call("ping")["ok"] == true)
        redis.resume()
        try eventually(within: 10, "the store") { try client.request(["op": "ping", "store": true])["ok"] == true }
        try client.enqueue("q")
        #expect(try waiting.receive()["jobs"].array.count == 1)
    }

    @Test(arguments: ["down", "hanging"]) func aWaitingClaimEndsAtItsTimeAlsoWhileRedisIsAway(_ redisIs: String) throws
    {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let (early, late) = (try daemon.connect(), try daemon.connect())
        try early.startWaiting("q", ms: 800)
        if redisIs == "down" { redis.kill() } else { redis.suspend() }
        // One was idle when Redis went, the other one comes while it is away.
        try late.send(["op": "claim", "queue": "q", "wait_ms": 300])
        let seconds = try elapsed { () throws in
            #expect(try early.receive()["jobs"] == [])
            let reply = try late.receive()
            #expect(reply["jobs"] == [] || reply["error"]["code"] == "store_unavailable", "\(reply)")
        }
        #expect(seconds < 7, "\(seconds)")
        redis.resume()
    }

    @Test func clientsStayWhenRedisIsKilledAndRestarted() throws {
        let redis = try RedisServer(aof: .always)
        let daemon = try Daemon(.redis(redis))
        let client = try daemon.connect()
        let worker = try daemon.connect()
        try client.enqueueMany("q", 10)
        let claimed = try client.claimOne("q")
        try worker.startWaiting("w")
        try redis.restart()
        // Sent at once: waits for the link to be back instead of failing.
        #expect(try client.complete(claimed)["state"] == "completed")
        #expect(try client.stats("q")["depth"]["queued"] == 9)
        try client.enqueue("w")
        #expect(try worker.receive()["jobs"].array.count == 1)
        #expect(try client.call("info")["redis"]["reconnects"].int! >= 1)
    }

    @Test func aReadOnlyRedisIsStoreUnavailable() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let client = try daemon.connect()
        try client.enqueue("q")
        try redis.command("REPLICAOF", "127.0.0.1", "1")
        let error = try client.refused("enqueue", ["queue": "q"])
        #expect(error["code"] == "store_unavailable")
        #expect(error["retryable"] == true)
        try redis.command("REPLICAOF", "NO", "ONE")
        try eventually(within: 10, "writable again") {
            try client.request(["op": "enqueue", "queue": "q"])["ok"] == true
        }
    }

    @Test func aFullRedisRefusesEnqueuesAndStillDrains() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let client = try daemon.connect()
        try client.enqueueMany("q", 50)
        let claimed = try client.claim("q", ["max": 10])
        try redis.command("CONFIG", "SET", "maxmemory", "1")
        let error = try client.refused("enqueue", ["queue": "q"])
        #expect(error["code"] == "store_full")
        #expect(error["retryable"] == true)
        #expect(try client.complete(claimed[0], ["result": 1])["state"] == "completed")
        #expect(try client.fail(claimed[1])["state"] == "retrying")
        #expect(try client.fail(claimed[2], ["retry": false])["state"] == "dead")
        #expect(try client.release(claimed[3])["state"] == "queued")
        #expect(try client.extend(claimed[4])["lease_until"].int != nil)
        #expect(try client.claim("q", ["max": 100]).count == 41)
        try redis.command("CONFIG", "SET", "maxmemory", "0")
        #expect(try client.call("enqueue", ["queue": "q"])["state"] == "queued")
        try expectConservation(client, "q")
    }

    @Test func flushedScriptsAreLoadedAgainUnseen() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let client = try daemon.connect()
        for _ in 0..<5 {
            try redis.command("SCRIPT", "FLUSH")
            try client.enqueue("q")
            try redis.command("SCRIPT", "FLUSH")
            try client.complete(client.claimOne("q"))
        }
    }

    @Test func damagedDataIsAnInternalErrorWhoseReferenceStandsInTheLog() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let client = try daemon.connect()
        try redis.command("SET", "jobq:{q}:queued", "not a sorted set")
        let error = try client.refused("enqueue", ["queue": "q"])
        #expect(error["code"] == "internal")
        #expect(error["retryable"] == false)
        let reference = try #require(error["ref"].string)
        #expect(daemon.log.contains(reference), "\(daemon.log)")
        // Other queues are not affected.
        try client.enqueue("other")
    }

    @Test func nothingOutsideItsPrefixIsTouched() throws {
        let redis = try RedisServer()
        try redis.command("SET", "foreign", "1")
        let daemon = try Daemon(.redis(redis), arguments: ["--key-prefix", "mine"])
        let client = try daemon.connect()
        try client.enqueueMany("q", 3)
        try client.complete(client.claimOne("q"))
        try client.fail(client.claimOne("q"), ["retry": false])
        try client.call("pause", ["create": true, "queue": "q"])
        let keys = try redis.command("KEYS", "*").strings
        #expect(
            keys.filter { !["mine:queues", "mine:clock"].contains($0) && !$0.hasPrefix("mine:{q}:") } == ["foreign"])
        #expect(try redis.command("GET", "foreign").string == "1")
    }

    @Test func aPolicyThatEvictsIsALoudWarning() throws {
        let redis = try RedisServer(arguments: ["--maxmemory-policy", "allkeys-lru"])
        let daemon = try Daemon(.redis(redis))
        try eventually(within: 3, "the warning") { daemon.log.contains("allkeys-lru") }
    }

    @Test func thePasswordFromAFileWorksAndIsNeverShown() throws {
        let secret = "s3cr3t-of-the-file"
        let redis = try RedisServer(password: secret)
        let directory = try TemporaryDirectory()
        let file = try directory.write(secret + "\n", to: "password")
        let daemon = try Daemon(.redis(redis), arguments: ["--redis-password-file", file, "--log-level", "trace"])
        try checkHidden(secret, daemon)
    }

    @Test func thePasswordFromTheCredentialsDirectoryWorksAndIsNeverShown() throws {
        let secret = "s3cr3t-of-the-credential"
        let redis = try RedisServer(password: secret)
        let directory = try TemporaryDirectory()
        try directory.write(secret, to: "jobqd.redis-password")
        let daemon = try Daemon(
            .redis(redis), arguments: ["--log-level", "trace"], environment: ["CREDENTIALS_DIRECTORY": directory.path])
        try checkHidden(secret, daemon)
    }

    @Test func aWrongPasswordIsToldWithoutShowingIt() throws {
        let redis = try RedisServer(password: "right")
        let directory = try TemporaryDirectory()
        let file = try directory.write("wr0ng-guess", to: "password")
        let daemon = try Daemon(.redis(redis), arguments: ["--redis-password-file", file], ready: false)
        try eventually(within: 5, "the problem in the log\n\(daemon.log)") {
            daemon.log.contains("WRONGPASS") || daemon.log.lowercased().contains("password")
        }
        #expect(!daemon.log.contains("wr0ng-guess"))
        #expect(try daemon.connect().call("ping")["ok"] == true)
    }

    private func checkHidden(_ secret: String, _ daemon: Daemon) throws {
        let client = try daemon.connect()
        try client.complete(client.claimOne(client.enqueue("q").components(separatedBy: "/")[0]))
        for file in ["cmdline", "environ"] {
            let shown = FileManager.default.contents(atPath: "/proc/\(daemon.pid)/\(file)") ?? Data()
            #expect(!String(decoding: shown, as: UTF8.self).contains(secret), "\(file)")
        }
        #expect(!daemon.log.contains(secret))
        #expect(!(try client.call("info").description).contains(secret))
        _ = try daemon.terminate()
        #expect(!daemon.log.contains(secret))
    }
}
