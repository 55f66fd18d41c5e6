// Workers that try to connect all the time, as a client library does whose daemon is away: they claim while there is one,
// and knock on the door while there is none.

import Foundation
import Harness

/// Some threads that connect to a socket again and again, until this is let go of.
final class ConnectingWorkers {
    private let crowd: Crowd

    init(_ path: String = Machine.socket, count: Int = 8) { crowd = Crowd(path, count) }

    deinit { crowd.finish() }

    /// Claims that were answered so far.
    var answered: Int { crowd.answered }

    /// What the threads share; it is theirs, so that the owner can be let go of while they run.
    private final class Crowd: @unchecked Sendable {
        private let path: String
        private let lock = NSCondition()
        private var isWanted = true
        private var running: Int
        private var answers = 0

        init(_ path: String, _ count: Int) {
            self.path = path
            running = count
            for _ in 0..<count { Thread.detachNewThread { [self] in work() } }
        }

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
                let claim: JSON = ["op": "claim", "queue": "nothing-here", "wait_ms": 200]
                while lock.withLock({ isWanted }), let reply = try? client.request(claim, within: 2),
                    reply["ok"] == true
                {
                    lock.withLock { answers += 1 }
                }
            }
            lock.withLock {
                running -= 1
                lock.broadcast()
            }
        }
    }
}
