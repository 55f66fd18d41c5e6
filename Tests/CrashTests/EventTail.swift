// Follows the ends of a queue's jobs over every loss: after each it subscribes again, with the last `seq` it has seen as
// `since`, at the next daemon. What it got is all there was, each once; `EventChecker` judges that.

import Foundation
import Harness

/// A subscriber with a thread of its own.
final class EventTail: @unchecked Sendable {
    private let queue: String
    private let sockets: [String]
    private let stop = StopFlag()
    private let over = DispatchGroup()
    private let lock = NSLock()
    private var collected: [EventChecker.Event] = []
    private var connected = 0

    /// What came so far, in its order.
    var events: [EventChecker.Event] { lock.withLock { collected } }
    /// How often it subscribed.
    var subscriptions: Int { lock.withLock { connected } }

    init(queue: String, sockets: [String]) {
        self.queue = queue
        self.sockets = sockets
        over.enter()
        Thread.detachNewThread { [self] in
            var index = 0
            while !stop.isSet {
                try? follow(sockets[index % sockets.count])
                index += 1
                usleep(2000)
            }
            over.leave()
        }
    }

    /// Ends it as soon as it has seen so many events, or after `seconds` if they do not come.
    func finish(count: Int, within seconds: Double = 10) {
        try? eventually(within: seconds) { events.count >= count }
        stop.set()
        over.wait()
    }

    private func follow(_ socket: String) throws {
        let client = try LineClient(socket)
        try client.send([
            "op": "subscribe", "id": 1, "queues": [JSON(queue)],
            "events": JSON(EventChecker.ends.sorted().map { JSON($0) }),
            "since": JSON(events.last?.seq ?? "0-0"),
        ])
        while !stop.isSet {
            if try client.staysSilent(for: 0.1) { continue }
            let line = try client.receive()
            if line["event"].isNull {
                guard line["ok"] == true else { return }
                lock.withLock { connected += 1 }
                continue
            }
            // Whatever was dropped is in the log.
            if line["event"] == "overflow" { return }
            let event = EventChecker.Event(
                kind: line["event"].string ?? "", job: line["job"].string ?? "", seq: line["seq"].string ?? "")
            lock.withLock { collected.append(event) }
        }
    }
}
