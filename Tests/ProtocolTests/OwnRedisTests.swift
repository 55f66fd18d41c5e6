// Without `--redis` the daemon keeps its jobs in a Redis of its own: a child
// on a socket in the state directory. It is found here as the daemon's only
// child process, and killed to see it replaced.

import Foundation
import Harness
import Testing

@Suite(.timeLimit(.minutes(1))) struct OwnRedisTests {
    @Test func itWorksWithoutAnyRedisConfiguredAndKeepsJobsOverAStop() throws {
        let daemon = try Daemon(.own)
        let client = try daemon.connect()
        try client.enqueueMany("q", 100)
        let claimed = try client.claimOne("q", ["lease_ms": 60_000])
        let child = try childPID(of: daemon)
        #expect(try daemon.terminate() == .exited(0))
        #expect(kill(child, 0) != 0, "the child must be gone")
        try daemon.start()
        let again = try daemon.connect()
        #expect(try again.complete(claimed)["state"] == "completed")
        #expect(try again.claim("q", ["max": 100]).map { $0["payload"].int } == Array(1..<100))
    }

    @Test func jobsSurviveAKilledDaemonAndTheChildGoesWithIt() throws {
        let daemon = try Daemon(.own)
        for round in 0..<3 {
            try daemon.connect().enqueueMany("q", 50)
            let child = try childPID(of: daemon)
            daemon.kill()
            try daemon.start()
            #expect(try childPID(of: daemon) != child)
            #expect(try daemon.connect().stats("q")["depth"]["queued"] == JSON((round + 1) * 50))
        }
    }

    @Test func aKilledChildIsReplacedAndNothingIsLost() throws {
        let daemon = try Daemon(.own)
        let client = try daemon.connect()
        let worker = try daemon.connect()
        try client.enqueueMany("q", 100)
        try worker.startWaiting("empty")
        let child = try childPID(of: daemon)
        kill(child, SIGKILL)
        try eventually(within: 10, "a new child") {
            guard let new = try? childPID(of: daemon), new != child else { return false }
            return try client.request(["op": "ping", "store": true])["ok"] == true
        }
        #expect(try client.stats("q")["depth"]["queued"] == 100)
        try client.enqueue("empty")
        #expect(try worker.receive()["jobs"].array.count == 1)
    }

    @Test func theChildListensOnNoPortAndOnASocketForTheOwnerOnly() throws {
        let daemon = try Daemon(.own)
        let address = try #require(try daemon.connect().call("info")["redis"]["address"].string)
        let path = address.replacingOccurrences(of: "unix://", with: "")
        #expect(path.hasPrefix(daemon.stateDirectory))
        var info = stat()
        #expect(stat(path, &info) == 0)
        #expect(info.st_mode & 0o777 == 0o600)
        let redis = try RedisClient(path: path)
        #expect(try redis.command(["CONFIG", "GET", "port"]).strings == ["port", "0"])
        #expect(try redis.command(["CONFIG", "GET", "appendonly"]).strings == ["appendonly", "yes"])
        #expect(
            try redis.command(["CONFIG", "GET", "maxmemory-policy"]).strings == ["maxmemory-policy", "noeviction"])
    }

    @Test func twoDaemonsNeverShareAStateDirectory() throws {
        let first = try Daemon(.own)
        let second = try Daemon(.own, arguments: ["--state-dir", first.stateDirectory], start: false)
        let process = try second.launch()
        #expect(try process.waitForEnd(within: 15) != .exited(0))
        #expect(second.log.contains(first.stateDirectory), "\(second.log)")
        #expect(try first.connect().call("ping", ["store": true])["ok"] == true)
    }

    // MARK: The start

    @Test func withoutRedisServerTheStartFailsInWordsAndIsNeverReady() throws {
        let place = try TemporaryDirectory()
        let manager = try UnixDatagrams(place.file("notify"))
        let daemon = try Daemon(.own, environment: ["PATH": place.path, "NOTIFY_SOCKET": manager.path], start: false)
        #expect(try daemon.launch().waitForEnd(within: 15) == .exited(72))
        #expect(daemon.log.contains("cannot start Redis: there is no redis-server in PATH"), "\(daemon.log)")
        #expect(!manager.received().contains("READY=1"))
    }

    @Test func aStateDirectoryThatCannotBeWrittenFailsTheStart() throws {
        let daemon = try Daemon(.own, arguments: ["--state-dir", "/proc/self/state"], start: false)
        #expect(try daemon.launch().waitForEnd(within: 15) == .exited(73))
        #expect(daemon.log.contains("cannot start Redis: mkdir /proc/self/state"), "\(daemon.log)")
    }

    @Test func aRedisThatCannotLoadFailsTheStartWithItsLastWords() throws {
        let daemon = try Daemon(.own, start: false)
        let folder = daemon.stateDirectory + "/appendonlydir"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try "no manifest\n".write(toFile: folder + "/appendonly.aof.manifest", atomically: false, encoding: .utf8)
        #expect(try daemon.launch().waitForEnd(within: 15) == .exited(69))
        #expect(daemon.log.contains("cannot start Redis: redis-server ended 3 times"), "\(daemon.log)")
        #expect(daemon.log.contains("AOF manifest"), "\(daemon.log)")
        #expect(!daemon.log.contains(" ready"), "\(daemon.log)")
    }

    @Test func readyIsSentWhenTheOwnRedisServesAndNotBefore() throws {
        let place = try TemporaryDirectory()
        let manager = try UnixDatagrams(place.file("notify"))
        // Stands before the real one until it may go on.
        let gate = place.file("gate")
        let script = "#!/bin/sh\nwhile [ ! -e '\(gate)' ]; do sleep 0.05; done\nexec /usr/bin/redis-server \"$@\"\n"
        try place.write(script, to: "redis-server")
        chmod(place.file("redis-server"), 0o755)
        let path = place.path + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")
        let daemon = try Daemon(
            .own, arguments: ["--request-timeout-ms", "300"],
            environment: ["PATH": path, "NOTIFY_SOCKET": manager.path], ready: false)
        let client = try daemon.connect()
        #expect(try client.call("info")["redis"]["state"] == "starting")
        let error = try client.refused("enqueue", ["queue": "q"])
        #expect(error["code"] == "store_unavailable")
        #expect(error["message"].string?.contains("starting") == true, "\(error)")
        #expect(error["retryable"] == true)
        #expect(!manager.received().contains("READY=1"))
        #expect(manager.received().contains("EXTEND_TIMEOUT_USEC="))
        #expect(!daemon.log.contains("Redis is away"), "\(daemon.log)")
        try place.write("", to: "gate")
        try eventually(within: 15, "READY=1") { manager.received().contains("READY=1") }
        try client.enqueue("q")
        #expect(try daemon.terminate() == .exited(0))
    }

    /// The pid of the daemon's child.
    private func childPID(of daemon: Daemon) throws -> Int32 {
        let pid = daemon.pid
        return try eventualValue(within: 10, "a child\n\(daemon.log)") {
            let text = try String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8)
            return text.split(separator: " ").first.flatMap { Int32($0) }
        }
    }
}
