// Producers and workers of a crash test, each a thread with a connection of its own. Producers enqueue jobs with ids of
// their own and repeat until acknowledged, or now and then give up. Workers complete most jobs, fail, release, extend
// or forget some; short leases bring forgotten ones back. All they know for certain stands in the history.

import Foundation
import Harness

/// The clients of one test.
final class Load: @unchecked Sendable {
    let queue: String
    let history = History()
    private let sockets: [String]
    private let seed: UInt64
    private let producersStop = StopFlag()
    private let workersStop = StopFlag()
    private let producers = DispatchGroup()
    private let workers = DispatchGroup()
    private let lock = NSLock()
    private var surprising: [String] = []

    /// Answers that no client should ever get.
    var surprises: [String] { lock.withLock { surprising } }

    /// Starts the threads at once.
    init(queue: String, sockets: [String], seed: UInt64, producers: Int = 3, workers: Int = 6) {
        self.queue = queue
        self.sockets = sockets
        self.seed = seed
        for number in 0..<producers { thread(self.producers) { $0.produce(number) } }
        for number in 0..<workers { thread(self.workers) { $0.work(number) } }
    }

    private func thread(_ group: DispatchGroup, _ body: @escaping @Sendable (Load) -> Void) {
        group.enter()
        Thread.detachNewThread {
            body(self)
            group.leave()
        }
    }

    /// Ends the producers, waits until the workers have finished every job, and ends the workers.
    func drain(through socket: String, within seconds: Double = 30) throws {
        producersStop.set()
        defer { workersStop.set() }
        guard producers.wait(timeout: .now() + 15) == .success else { throw HarnessError("a producer hangs") }
        let client = StubbornClient([socket], stop: workersStop)
        var depth: JSON = nil
        try eventually(within: seconds, "an empty queue; the last depth: \(depth)") {
            depth = client.request(["op": "stats", "queue": JSON(queue)]).reply?["depth"] ?? nil
            return ["queued", "scheduled", "retrying", "processing"].allSatisfy { depth[$0] == 0 }
        }
        workersStop.set()
        guard workers.wait(timeout: .now() + 15) == .success else { throw HarnessError("a worker hangs") }
    }

    // MARK: Producing

    private func produce(_ number: Int) {
        var random = SeededRandom(seed &+ UInt64(number) &* 7919)
        let client = StubbornClient(sockets, startingAt: number, stop: producersStop)
        var serial = 0
        while !producersStop.isSet {
            let count = random.once(in: 4) ? Int.random(in: 2...20, using: &random) : 1
            let items = (0..<count).map { item("p\(number)-\(serial + $0)", &random) }
            serial += count
            let began = History.now()
            // Now and then the only try: whether it took effect stays unknown.
            let answer = client.request(["op": "enqueue", "jobs": JSON(items)], tries: random.once(in: 10) ? 1 : .max)
            for item in items {
                let call = HistoryEvent.Call.enqueue(
                    job: "\(queue)/\(item["job_id"].string!)", priority: item["priority"].int ?? 0,
                    ordered: item["delay_ms"].isNull)
                history.record(call, answer.outcome, began: began)
            }
            usleep(UInt32.random(in: 500...3000, using: &random))
        }
        lock.withLock { surprising += client.surprises }
    }

    private func item(_ id: String, _ random: inout SeededRandom) -> JSON {
        var item: JSON = ["queue": JSON(queue), "job_id": JSON(id), "payload": ["id": JSON(id)]]
        if random.once(in: 6) { item["delay_ms"] = JSON(Int.random(in: 1...80, using: &random)) }
        if random.once(in: 6) { item["priority"] = JSON(Int.random(in: -9...9, using: &random)) }
        // Enough that crashes alone do not use them up; and some jobs that end dead.
        item["max_attempts"] = random.once(in: 30) ? 1 : 200
        return item
    }

    // MARK: Working

    private func work(_ number: Int) {
        var random = SeededRandom(seed &+ 1_000_003 &+ UInt64(number) &* 104_729)
        let hello: JSON? = number % 2 == 0 ? ["worker": "w\(number)", "grace_ms": 100] : nil
        let client = StubbornClient(sockets, startingAt: number, hello: hello, stop: workersStop)
        while !workersStop.isSet {
            let began = History.now()
            let claim: JSON = [
                "op": "claim", "queue": JSON(queue), "wait_ms": 100, "max": JSON(Int.random(in: 1...4, using: &random)),
                "lease_ms": JSON(Int.random(in: 300...800, using: &random)),
            ]
            let claimed = client.request(claim).reply?["jobs"].array ?? []
            for job in claimed {
                let call = HistoryEvent.Call.claim(
                    job: job["job"].string!, token: job["token"].string!, attempt: job["attempt"].int!,
                    maxAttempts: job["max_attempts"].int!)
                history.record(call, .acknowledged, began: began)
            }
            for job in claimed { finish(job["job"].string!, job["token"].string!, client, &random) }
        }
        lock.withLock { surprising += client.surprises }
    }

    private func finish(_ job: String, _ token: String, _ client: StubbornClient, _ random: inout SeededRandom) {
        let proof: JSON = ["job": JSON(job), "token": JSON(token)]
        func ask(_ op: String, _ members: JSON, _ call: HistoryEvent.Call?) {
            var request = proof
            for (name, value) in members.object { request[name] = value }
            request["op"] = JSON(op)
            let began = History.now()
            var outcome = client.request(request).outcome
            // A daemon that lost its Redis asks again by itself. If the job has been claimed anew meanwhile, a fail or release
            // that had taken effect ends in `lease_lost`: true, but no proof that it had none.
            if outcome == .refused, op != "complete" { outcome = .unknown }
            if let call { history.record(call, outcome, began: began) }
        }
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<2: break  // forgotten: its lease will end
        case 2..<10:
            let delay = JSON(Int.random(in: 0...60, using: &random))
            ask("fail", ["retry_in_ms": delay, "error": "chance"], .fail(job: job, token: token))
        case 10..<15: ask("release", [:], .release(job: job, token: token))
        case 15..<20:
            ask("extend", ["progress": 50], nil)
            fallthrough
        default: ask("complete", ["result": JSON(token)], .complete(job: job, token: token))
        }
    }
}
