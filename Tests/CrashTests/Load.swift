// The clients of a crash test, each a thread with a connection of its own. Producers enqueue jobs with ids of their own
// and repeat until acknowledged, or now and then give up; one publishes to a topic, which brings jobs into two queues.
// Workers complete most jobs, fail, release, extend or forget some; short leases bring forgotten ones back. Others cancel
// jobs, wait for the end of jobs, and follow the events of the second queue. All they know for certain stands in the
// history. What each of them does is in the files Load+….swift.

import Foundation
import Harness

/// The clients of one test.
final class Load: @unchecked Sendable {
    let queue: String
    /// Gets the published jobs only: few enough that its event log reaches back over any break.
    let second: String
    var queues: [String] { [queue, second] }
    var topic: String { "\(queue).topic" }
    let history = History()
    let tail: EventTail
    let sockets: [String]
    let seed: UInt64
    let producersStop = StopFlag()
    let workersStop = StopFlag()
    private let producers = DispatchGroup()
    private let workers = DispatchGroup()
    private let lock = NSLock()
    private var surprising: [String] = []
    private var recent: [String] = []

    /// Answers that no client should ever get.
    var surprises: [String] { lock.withLock { surprising } }

    /// Starts the threads at once.
    init(queue: String, sockets: [String], seed: UInt64, producers: Int = 3, workers: Int = 6) {
        self.queue = queue
        self.second = "\(queue)-2"
        self.sockets = sockets
        self.seed = seed
        tail = EventTail(queue: second, sockets: sockets)
        for number in 0..<producers { thread(self.producers) { $0.produce(number) } }
        thread(self.producers) { $0.publish() }
        thread(self.producers) { $0.cancel() }
        for number in 0..<workers { thread(self.workers) { $0.work(number) } }
        for number in 0..<2 { thread(self.workers) { $0.submit(number) } }
    }

    private func thread(_ group: DispatchGroup, _ body: @escaping @Sendable (Load) -> [String]) {
        group.enter()
        Thread.detachNewThread {
            let surprises = body(self)
            self.lock.withLock { self.surprising += surprises }
            group.leave()
        }
    }

    /// A generator of a client's own.
    func random(_ client: UInt64) -> SeededRandom { SeededRandom(seed &+ client &* 104_729) }

    /// Ends the producers, waits until the workers have finished every job, and ends the workers.
    func drain(through socket: String, within seconds: Double = 30) throws {
        producersStop.set()
        defer { workersStop.set() }
        guard producers.wait(timeout: .now() + 15) == .success else { throw HarnessError("a producer hangs") }
        let client = StubbornClient([socket], stop: workersStop)
        var depth: JSON = nil
        for queue in queues {
            try eventually(within: seconds, "an empty queue \(queue); the last depth: \(depth)") {
                let reply = client.request(["op": "stats", "queue": JSON(queue)]).reply
                if reply?["error"]["code"] == "not_found" { return true }
                depth = reply?["depth"] ?? nil
                return ["queued", "scheduled", "retrying", "processing"].allSatisfy { depth[$0] == 0 }
            }
        }
        workersStop.set()
        guard workers.wait(timeout: .now() + 30) == .success else { throw HarnessError("a worker hangs") }
    }

    // MARK: Jobs that may be there

    /// Says that a job is about to be there, for whoever wants one to cancel.
    func mention(_ job: String) {
        lock.withLock {
            if recent.count > 60 { recent.removeFirst(30) }
            recent.append(job)
        }
    }

    func mentioned(_ random: inout SeededRandom) -> String? { lock.withLock { recent.randomElement(using: &random) } }
}
