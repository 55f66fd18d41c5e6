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

    /// The pid of the daemon's child.
    private func childPID(of daemon: Daemon) throws -> Int32 {
        let pid = daemon.pid
        return try eventualValue(within: 10, "a child\n\(daemon.log)") {
            let text = try String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8)
            return text.split(separator: " ").first.flatMap { Int32($0) }
        }
    }
}
