// Everything at once: two daemons on one Redis, and in random order daemons are killed, stopped and suspended, Redis is
// killed, suspended, flushed of its scripts and filled up, all under load. With `appendfsync always` nothing may be lost
// whatever happens. `$CRASH_SECONDS` makes it last longer than its few seconds.

import Foundation
import Harness
import Testing

@Suite(.serialized, .timeLimit(.minutes(30))) struct ChaosTests {
    @Test func withEverythingGoingWrongAtOnceNothingIsLostOrDoneTwice() throws {
        let seed = SeededRandom.seed(#function)
        var random = SeededRandom(seed)
        let seconds = ProcessInfo.processInfo.environment["CRASH_SECONDS"].flatMap { Double($0) } ?? 12
        let redis = try RedisServer(aof: .always)
        let daemons = [try Daemon(.redis(redis)), try Daemon(.redis(redis))]
        let load = Load(queue: "chaos", sockets: daemons.map(\.socketPath), seed: seed, workers: 8)
        // A long run completes more jobs than the history keeps.
        try redis.command("HSET", "jobq:{chaos}:policy", "keep_count", "10000000")
        let end = Deadline(after: seconds)
        while !end.hasPassed {
            try pass(Double.random(in: 0.05...0.4, using: &random))
            try strike(daemons[random.once(in: 2) ? 0 : 1], redis, &random)
        }
        try load.drain(through: daemons[0].socketPath)
        try Verdict(load: load).check(daemons[1], redis)
    }

    /// One blow, and what heals it.
    private func strike(_ daemon: Daemon, _ redis: RedisServer, _ random: inout SeededRandom) throws {
        let moment = Double.random(in: 0.05...0.5, using: &random)
        switch Int.random(in: 0..<7, using: &random) {
        case 0, 1: try daemon.restart()
        case 2:
            // Redis may be slow with its file just now, but never for long.
            #expect(try daemon.terminate() == .exited(0))
            try daemon.start()
        case 3:
            // As a machine that is paused: its clients and Redis go on without it.
            daemon.process.send(signal: SIGSTOP)
            try pass(moment * 2)
            daemon.process.send(signal: SIGCONT)
        case 4: try redis.restart()
        case 5:
            redis.suspend()
            try pass(moment)
            redis.resume()
        default:
            try redis.command("SCRIPT", "FLUSH")
            try redis.command("CONFIG", "SET", "maxmemory", "1")
            try pass(moment / 2)
            try redis.command("CONFIG", "SET", "maxmemory", "0")
        }
    }
}
