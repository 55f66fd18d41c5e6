// Redis lives and makes trouble: its scripts are flushed again and again, it is
// full, it hangs for longer than a request may take. The queue goes on as far as it
// can, and afterwards everything is in its place.

import Foundation
import Harness
import Testing

@Suite(.serialized, .timeLimit(.minutes(2))) struct RedisPressureTests {
    @Test func scriptsFlushedInALoopAreNeverMissed() throws {
        let seed = SeededRandom.seed(#function)
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let load = Load(queue: "flush", sockets: [daemon.socketPath], seed: seed)
        let end = Deadline(after: 4)
        var flushes = 0
        while !end.hasPassed {
            try redis.command("SCRIPT", "FLUSH")
            flushes += 1
            usleep(300)
        }
        #expect(flushes > 500)
        try load.drain(through: daemon.socketPath)
        try Verdict(load: load).check(daemon, redis)
    }

    @Test func aFullRedisRefusesEnqueuesIsDrainedAndTakesThemAgain() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let client = try daemon.connect()
        let used = try usedMemory(redis)
        try redis.command("CONFIG", "SET", "maxmemory", String(used + 4_000_000))
        // Big payloads that leave nothing behind when they are completed.
        let payload = JSON(String(repeating: "x", count: 20_000))
        var taken = 0
        var refusal: JSON = nil
        while refusal.isNull, taken < 5000 {
            let reply = try client.request(["op": "enqueue", "queue": "full", "payload": payload, "keep_ms": 0])
            if reply["ok"] == true { taken += 1 } else { refusal = reply["error"] }
        }
        #expect(refusal["code"] == "store_full")
        #expect(refusal["retryable"] == true)
        #expect(taken > 50)
        // Claims and completes drain the queue; a whole batch is refused or taken as one.
        var completed = 0
        while let job = try client.claim("full", ["max": 1]).first {
            try client.complete(job)
            completed += 1
        }
        #expect(completed == taken)
        try eventually(within: 5, "room again") {
            try client.request(["op": "enqueue", "queue": "full", "payload": payload, "keep_ms": 0])["ok"] == true
        }
        let violations = try InvariantChecker.violations(in: redis)
        #expect(violations.isEmpty, "\(violations.prefix(10))")
    }

    @Test func underLoadAFullRedisLosesNothing() throws {
        let seed = SeededRandom.seed(#function)
        var random = SeededRandom(seed)
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let load = Load(queue: "pressed", sockets: [daemon.socketPath], seed: seed)
        for _ in 0..<8 {
            try pass(Double.random(in: 0.05...0.3, using: &random))
            try redis.command("CONFIG", "SET", "maxmemory", "1")
            try pass(Double.random(in: 0.05...0.4, using: &random))
            try redis.command("CONFIG", "SET", "maxmemory", "0")
        }
        try load.drain(through: daemon.socketPath)
        try Verdict(load: load).check(daemon, redis)
    }

    @Test func aRedisThatHangsForLongerThanARequestMayTakeLosesNothing() throws {
        let seed = SeededRandom.seed(#function)
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let load = Load(queue: "hang", sockets: [daemon.socketPath], seed: seed)
        for seconds in [6.5, 0.8] {
            try pass(0.5)
            redis.suspend()
            try pass(seconds)
            redis.resume()
        }
        try pass(0.5)
        try load.drain(through: daemon.socketPath)
        try Verdict(load: load).check(daemon, redis)
    }

    private func usedMemory(_ redis: RedisServer) throws -> Int {
        let info = try redis.command("INFO", "memory").string ?? ""
        let line = info.split(whereSeparator: \.isNewline).first { $0.hasPrefix("used_memory:") } ?? "used_memory:0"
        return Int(line.dropFirst("used_memory:".count)) ?? 0
    }
}
