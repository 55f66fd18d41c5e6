// A producer that asks and asks while its daemon is restarted below it, and counts what must not happen: a request that is
// refused, or one that could be sent and got no answer.

import Foundation
import Harness

/// One thread that enqueues, each request when the one before it is answered.
final class EagerProducer: @unchecked Sendable {
    /// What it has seen so far.
    struct Seen {
        var accepted = 0
        var lostLinks = 0
        var problems: [String] = []
    }
    private let name: String
    private let path: String
    private let lock = NSCondition()
    private var state = Seen()
    private var isWanted = true
    private var isRunning = true

    init(name: String, path: String) {
        self.name = name
        self.path = path
        Thread.detachNewThread { [self] in
            produce()
            lock.withLock {
                isRunning = false
                lock.broadcast()
            }
        }
    }

    var seen: Seen { lock.withLock { state } }

    /// Ends it, and waits for its end.
    func finish() {
        lock.lock()
        isWanted = false
        while isRunning { lock.wait() }
        lock.unlock()
    }

    private func produce() {
        var link: LineClient?
        var number = 0
        while lock.withLock({ isWanted }) {
            guard let connected = link ?? served() else { continue }
            link = connected
            number += 1
            // What cannot be sent was not asked.
            guard (try? connected.send(request(number))) != nil else {
                link = nil
                lock.withLock { state.lostLinks += 1 }
                continue
            }
            let reply = try? connected.receive()
            lock.withLock {
                if reply?["ok"] == true {
                    state.accepted += 1
                } else {
                    state.problems.append("\(name)-\(number): \(reply?.description ?? "no answer")")
                    isWanted = state.problems.count < 10
                }
            }
        }
    }

    private func request(_ number: Int) -> JSON {
        ["op": "enqueue", "queue": "q", "job_id": JSON("\(name)-\(number)"), "payload": JSON(number)]
    }

    /// A connection over which the daemon and its store have answered; nil: not now.
    private func served() -> LineClient? {
        guard let client = try? LineClient(path),
            (try? client.request(["op": "ping", "store": true]))?["ok"] == true
        else { return nil }
        return client
    }
}
