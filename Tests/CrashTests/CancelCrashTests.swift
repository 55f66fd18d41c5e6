// Cancels of running jobs while things go wrong: the workers hold their jobs at one daemon, the cancels are asked for at
// another, and Redis, its connections or the other daemon are struck at that moment. The workers ask for nothing: they
// wait to be told, and each of them must be, once a cancel was acknowledged.

import Foundation
import Harness
import Testing

@Suite(.serialized, .timeLimit(.minutes(2))) struct CancelCrashTests {
    @Test func everyWorkerIsToldThatItsJobWasCancelledWhateverIsStruckMeanwhile() throws {
        let seed = SeededRandom.seed(#function)
        var random = SeededRandom(seed)
        let redis = try RedisServer(aof: .always)
        let daemons = [try Daemon(.redis(redis)), try Daemon(.redis(redis))]
        let workers = try (0..<3).map { number in
            let worker = try daemons[0].connect()
            try worker.call("hello", ["worker": JSON("w\(number)"), "push": true])
            return worker
        }
        let asking = StubbornClient(daemons.reversed().map(\.socketPath), stop: StopFlag())
        let producer = try daemons[0].connect()
        var slowest = (seconds: 0.0, blow: "")
        for round in 0..<24 {
            let held = try workers.map { worker in
                try producer.enqueue("held", ["max_attempts": 1])
                return try worker.claimOne("held", ["lease_ms": 60_000])
            }
            let blow = Blow.allCases[round % Blow.allCases.count]
            // Before, during or after the cancels.
            let striking = Striking(after: Double.random(in: 0...0.02, using: &random)) {
                try blow.strike(redis, daemons[1])
            }
            usleep(UInt32.random(in: 0...20_000, using: &random))
            let reason = JSON("round \(round)")
            for job in held {
                let answer = asking.request(["op": "cancel", "job": job["job"], "reason": reason])
                #expect(answer.reply?["cancel_requested"] == true, "\(blow): \(answer)")
            }
            try striking.wait()
            let seconds = try elapsed {
                for (worker, job) in zip(workers, held) { try expectCancel(worker, job, reason, "\(blow)") }
            }
            if seconds > slowest.seconds { slowest = (seconds, "\(blow)") }
            for (worker, job) in zip(workers, held) { try expectEnd(worker, job) }
        }
        // Reconnecting takes up to two seconds; the tick that would find it by itself is not the point here.
        #expect(slowest.seconds < 4, "\(slowest)")
        #expect(asking.surprises.isEmpty, "\(asking.surprises.prefix(5))")
        let violations = try InvariantChecker.violations(in: redis)
        #expect(violations.isEmpty, "\(violations.prefix(10))")
    }

    /// The worker is told of this very job, once; a cancel of an attempt that is over is none of its business.
    private func expectCancel(_ worker: LineClient, _ job: JSON, _ reason: JSON, _ blow: String) throws {
        let told = try worker.receive(within: 10)
        #expect(
            told["event"] == "cancel" && told["job"] == job["job"] && told["token"] == job["token"], "\(blow): \(told)")
        #expect(told["reason"] == reason)
    }

    private func expectEnd(_ worker: LineClient, _ job: JSON) throws {
        var reply: JSON = nil
        try eventually(within: 10, "an answer; the last was \(reply)") {
            var request = LineClient.proof(job)
            request["op"] = "fail"
            reply = try worker.request(request)
            return reply["error"]["retryable"] != true
        }
        #expect(reply["state"] == "cancelled", "\(reply)")
    }

    /// What is struck.
    private enum Blow: CaseIterable {
        case nothing, redis, commands, listening, both, pause, otherDaemon, scripts

        func strike(_ redis: RedisServer, _ daemon: Daemon) throws {
            switch self {
            case .nothing: break
            case .redis: try redis.restart()
            case .commands: try redis.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            case .listening: try redis.command("CLIENT", "KILL", "TYPE", "pubsub")
            case .both:
                try redis.command("CLIENT", "KILL", "TYPE", "pubsub")
                try redis.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            case .pause:
                redis.suspend()
                try pass(0.3)
                redis.resume()
            case .otherDaemon: try daemon.restart()
            case .scripts: try redis.command("SCRIPT", "FLUSH")
            }
        }
    }

    /// A blow that falls beside the test.
    private final class Striking: @unchecked Sendable {
        private let group = DispatchGroup()
        private let lock = NSLock()
        private var failure: (any Error)?

        init(after seconds: Double, _ body: @escaping @Sendable () throws -> Void) {
            group.enter()
            Thread.detachNewThread { [self] in
                do {
                    try pass(seconds)
                    try body()
                } catch { lock.withLock { failure = error } }
                group.leave()
            }
        }

        /// Throws what the blow threw.
        func wait() throws {
            group.wait()
            if let failure = lock.withLock({ failure }) { throw failure }
        }
    }
}
