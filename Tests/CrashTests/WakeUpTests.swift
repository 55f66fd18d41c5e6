// No job waits while a claim for its queue waits on a live daemon (beyond a second): jobs become claimable in every way
// there is, through either of two daemons, one at a time, while claims wait on both. Timing is the subject, so each
// way's slowest delivery is compared with the bound of the invariant.

import Foundation
import Harness
import Testing

@Suite(.serialized, .timeLimit(.minutes(2))) struct WakeUpTests {
    @Test func everyWayToBecomeClaimableWakesAWaitingClaimOnEitherDaemon() throws {
        let seed = SeededRandom.seed(#function)
        var random = SeededRandom(seed)
        let redis = try RedisServer()
        let daemons = [try Daemon(.redis(redis)), try Daemon(.redis(redis))]
        let clients = try daemons.map { try $0.connect() }
        var slowest: [String: Double] = [:]
        for round in 0..<400 {
            let way = Way.allCases.randomElement(using: &random)!
            let queue = "wake-\(Int.random(in: 0..<5, using: &random))"
            let (acting, waiting) = (clients[round % 2], clients[Int.random(in: 0..<2, using: &random)])
            let finish = try way.prepare(acting, queue)
            let worker = try daemons[waiting === clients[0] ? 0 : 1].connect()
            try worker.send(["op": "claim", "queues": ["other", JSON(queue)], "wait_ms": 10_000])
            // Sometimes at once, so that claim and wake-up cross on their way.
            if random.once(in: 2) { try waiting.call("ping", ["store": true]) }
            let seconds = try elapsed {
                try finish()
                let claimed = try worker.receive()["jobs"].array
                guard claimed.count == 1 else { throw HarnessError("\(way): \(claimed)") }
                try waiting.complete(claimed[0])
            }
            slowest["\(way)"] = max(slowest["\(way)"] ?? 0, seconds)
        }
        for (way, seconds) in slowest { #expect(seconds < 1.2, "\(way) took \(seconds) s") }
        let violations = try InvariantChecker.violations(in: redis)
        #expect(violations.isEmpty, "\(violations.prefix(10))")
    }

    @Test func aJobThatArrivesWhileAWokenClaimIsBeatenToTheLastOneReachesIt() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let (first, second) = (try daemon.connect(), try daemon.connect())
        let (poller, waiting) = (try daemon.connect(), try daemon.connect())
        let claim: JSON = ["op": "claim", "queue": "q", "wait_ms": 60_000]
        try waiting.send(claim)
        var slowest = 0.0
        for round in 0..<1000 {
            // The poller takes the job that woke the waiting claim; the second job comes while that claim finds nothing.
            try poller.send(["op": "claim", "queue": "q"])
            try first.send(["op": "enqueue", "queue": "q"])
            for _ in 0..<(round % 40) * 20 { _ = getpid() }
            try second.send(["op": "enqueue", "queue": "q"])
            _ = try first.receive()
            _ = try second.receive()
            var taken = try poller.receive()["jobs"].array.count
            let seconds = try elapsed {
                while taken < 2 {
                    taken += try waiting.receive()["jobs"].array.count
                    try waiting.send(claim)
                }
            }
            slowest = max(slowest, seconds)
        }
        #expect(slowest < 0.7, "\(slowest) s: found by the sweep, not by the wake-up")
    }

    /// How a job becomes claimable.
    private enum Way: CaseIterable {
        case enqueue, delay, release, retry, leaseEnd, requeue, resume, pauseEnd

        /// Makes all ready; what it returns makes the job claimable.
        func prepare(_ client: LineClient, _ queue: String) throws -> () throws -> Void {
            let name = JSON(queue)
            switch self {
            case .enqueue: return { try client.enqueue(queue) }
            case .delay: return { try client.enqueue(queue, ["delay_ms": 30]) }
            case .release:
                let claimed = try claim(client, queue)
                return { try client.release(claimed) }
            case .retry:
                let claimed = try claim(client, queue)
                return { try client.fail(claimed, ["retry_in_ms": 20]) }
            case .leaseEnd:
                _ = try claim(client, queue, lease: 100)
                return {}
            case .requeue:
                let claimed = try claim(client, queue)
                try client.fail(claimed, ["retry": false])
                return { try client.call("requeue", ["job": claimed["job"]]) }
            case .resume:
                try client.call("pause", ["create": true, "queue": name])
                try client.enqueue(queue)
                return { try client.call("resume", ["queue": name]) }
            case .pauseEnd:
                let now = try client.call("ping", ["store": true])["at"].int!
                try client.call("pause", ["create": true, "queue": name, "until": JSON(now + 60)])
                try client.enqueue(queue)
                return {}
            }
        }

        private func claim(_ client: LineClient, _ queue: String, lease: JSON = 60_000) throws -> JSON {
            try client.enqueue(queue)
            return try client.claimOne(queue, ["lease_ms": lease])
        }
    }
}
