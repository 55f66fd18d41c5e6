// The daemon dies: at random moments under load and comes back, or one of two on the same Redis does and the other
// carries on. Redis lives all the while, so nothing may be lost and nothing done twice. The blows are repeatable by
// their seed, the moments they hit are not.

import Foundation
import Harness
import Testing

@Suite(.serialized, .timeLimit(.minutes(2))) struct DaemonCrashTests {
    @Test func killedTwentyFiveTimesUnderLoadNothingIsLostOrDoneTwice() throws {
        let seed = SeededRandom.seed(#function)
        var random = SeededRandom(seed)
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let load = Load(queue: "crash", sockets: [daemon.socketPath], seed: seed)
        for _ in 0..<25 {
            try pass(Double.random(in: 0.02...0.5, using: &random))
            try daemon.restart()
        }
        try load.drain(through: daemon.socketPath)
        try Verdict(load: load).check(daemon, redis)
    }

    @Test func ofTwoDaemonsOnOneRedisTheOtherReclaimsWhatTheKilledOneHeld() throws {
        let seed = SeededRandom.seed(#function)
        var random = SeededRandom(seed)
        let redis = try RedisServer()
        let daemons = [try Daemon(.redis(redis)), try Daemon(.redis(redis))]
        let load = Load(queue: "pair", sockets: daemons.map(\.socketPath), seed: seed, workers: 8)
        for round in 0..<10 {
            try pass(Double.random(in: 0.1...0.6, using: &random))
            daemons[round % 2].kill()
            // Alone for a while: longer than a lease.
            try pass(Double.random(in: 0.1...0.9, using: &random))
            try daemons[round % 2].start()
        }
        daemons[0].kill()
        try load.drain(through: daemons[1].socketPath)
        try Verdict(load: load).check(daemons[1], redis)
    }

    @Test func stoppedCleanlyUnderLoadNoAnswerIsMissing() throws {
        let seed = SeededRandom.seed(#function)
        var random = SeededRandom(seed)
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let load = Load(queue: "stops", sockets: [daemon.socketPath], seed: seed)
        for _ in 0..<8 {
            try pass(Double.random(in: 0.05...0.3, using: &random))
            #expect(try daemon.terminate() == .exited(0))
            try daemon.start()
        }
        try load.drain(through: daemon.socketPath)
        try Verdict(load: load).check(daemon, redis)
    }

    @Test func withItsOwnRedisAKilledDaemonLosesNothing() throws {
        let seed = SeededRandom.seed(#function)
        var random = SeededRandom(seed)
        let daemon = try Daemon(.own)
        let load = Load(queue: "own", sockets: [daemon.socketPath], seed: seed)
        for _ in 0..<6 {
            try pass(Double.random(in: 0.1...0.5, using: &random))
            try daemon.restart()
        }
        try load.drain(through: daemon.socketPath)
        try Verdict(load: load).check(daemon)
    }
}

/// Lets the load run for a while: the time between two blows is part of the test.
func pass(_ seconds: Double) throws {
    let deadline = Deadline(after: seconds)
    try eventually(within: seconds + 5) { deadline.hasPassed }
}
