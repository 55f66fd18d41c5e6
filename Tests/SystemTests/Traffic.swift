// Producers and workers that go on while the daemon is restarted below them, as a client library does it: on a lost
// connection they connect again and repeat the request that had no answer. What they saw is the verdict.
//
// A connect must never be refused, so a failed one counts as a problem and is not tried again.

import Foundation
import Harness

/// Some producers and workers of one queue, each with a thread of its own.
final class Traffic: @unchecked Sendable {
    private let queue: String
    private let lock = NSCondition()
    private var running = 0
    private var isProducing = true
    private var isWorking = true
    private var accepted: Set<String> = []
    private var done: [String: Int] = [:]
    private var problems: [String] = []
    private var lostLinks = 0
    private var refusals: [String] = []

    init(queue: String, producers: Int, workers: Int) {
        self.queue = queue
        for number in 0..<producers { thread { try self.produce("p\(number)") } }
        for number in 0..<workers { thread { try self.work("w\(number)") } }
    }

    /// What was seen so far; `accepted` and `done` are names of jobs, `done` with how often; `refusals` are requests
    /// that a stopping daemon must not refuse, and did.
    var seen: (accepted: Set<String>, done: [String: Int], problems: [String], lostLinks: Int, refusals: [String]) {
        lock.withLock { (accepted, done, problems, lostLinks, refusals) }
    }

    /// Ends the producers, then waits until the workers have done all that was accepted, and ends them.
    func finish(within seconds: Double) throws {
        lock.withLock { isProducing = false }
        try eventually(within: seconds, "all jobs done: \(seen.done.count) of \(seen.accepted.count), \(seen.problems)")
        {
            lock.withLock { accepted.isSubset(of: done.keys) || !problems.isEmpty }
        }
        lock.withLock { isWorking = false }
        try eventually(within: 10, "all threads ended") { lock.withLock { running == 0 } }
    }

    private func produce(_ name: String) throws {
        let link = Link(self, hello: nil)
        var number = 0
        while lock.withLock({ isProducing }) {
            number += 1
            let id = "\(name)-\(number)"
            let reply = try link.ask([
                "op": "enqueue", "queue": JSON(queue), "job_id": JSON(id), "payload": JSON(number),
            ])
            guard let job = reply["job"].string else { throw HarnessError("enqueue: \(reply)") }
            lock.withLock { _ = accepted.insert(job) }
        }
    }

    private func work(_ name: String) throws {
        let link = Link(self, hello: ["op": "hello", "worker": JSON(name)])
        while lock.withLock({ isWorking }) {
            let reply = try link.ask(["op": "claim", "queue": JSON(queue), "wait_ms": 200])
            for job in reply["jobs"].array {
                lock.withLock { done[job["job"].string ?? "", default: 0] += 1 }
                let answer = try link.ask(LineClient.proof(job, ["op": "complete"]))
                guard answer["ok"] == true else { throw HarnessError("complete: \(answer)") }
            }
        }
    }

    private func thread(_ body: @escaping @Sendable () throws -> Void) {
        lock.withLock { running += 1 }
        Thread.detachNewThread { [self] in
            var problem: String?
            do { try body() } catch { problem = "\(error)" }
            lock.withLock {
                if let problem { problems.append(problem) }
                running -= 1
            }
        }
    }

    /// A connection that is made anew when it is lost.
    private final class Link {
        private let traffic: Traffic
        private var hello: JSON?
        private var client: LineClient?

        init(_ traffic: Traffic, hello: JSON?) {
            self.traffic = traffic
            self.hello = hello
        }

        /// The reply to a request that may be repeated; repeats it while the daemon is leaving or its Redis coming.
        func ask(_ request: JSON) throws -> JSON {
            while true {
                let connected = try client ?? connect()
                guard let reply = try? connected.request(request) else {
                    client = nil
                    traffic.lock.withLock { traffic.lostLinks += 1 }
                    continue
                }
                guard reply["ok"] == false, ["draining", "store_unavailable"].contains(reply["error"]["code"].string)
                else { return reply }
                // Only a claim is refused by a daemon that stops.
                if reply["error"]["code"] == "draining", request["op"] != "claim" {
                    traffic.lock.withLock { traffic.refusals.append("\(request): \(reply)") }
                }
            }
        }

        private func connect() throws -> LineClient {
            let new = try LineClient(Machine.socket)
            if let hello, let answer = try? new.request(hello) { self.hello?["session"] = answer["session"] }
            client = new
            return new
        }
    }
}
