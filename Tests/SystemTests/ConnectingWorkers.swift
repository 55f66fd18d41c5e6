// Workers that try to connect all the time, as a client library does whose daemon is away: they claim while there is one,
// and knock on the door while there is none.

import Foundation
import Harness

/// Some threads that connect to a socket again and again.
final class ConnectingWorkers: @unchecked Sendable {
    private let path: String
    private let lock = NSCondition()
    private var isWanted = true
    private var running = 0
    private var answers = 0

    init(_ path: String = Machine.socket, count: Int = 8) {
        self.path = path
        running = count
        for _ in 0..<count { Thread.detachNewThread { [self] in work() } }
    }

    deinit { finish() }

    /// Claims that were answered so far.
    var answered: Int { lock.withLock { answers } }

    func finish() {
        lock.lock()
        isWanted = false
        while running > 0 { lock.wait() }
        lock.unlock()
    }

    private func work() {
        while lock.withLock({ isWanted }) {
            guard let client = try? LineClient(path) else {
                usleep(5_000)  // Between two tries, as a client does it.
                continue
            }
            while lock.withLock({ isWanted }),
                let reply = try? client.request(["op": "claim", "queue": "nothing-here", "wait_ms": 200], within: 2),
                reply["ok"] == true
            { lock.withLock { answers += 1 } }
        }
        lock.withLock {
            running -= 1
            lock.broadcast()
        }
    }
}
