// What the daemon counts and times of its own doing, from its start on: requests, refusals, how long jobs waited and ran.
//
// How long a job waited its claim's reply says: since when it could be claimed, and when it was. How long it ran the token
// says: it begins with the microsecond of the claim by the store's clock. So neither costs a further command, and workers
// without `hello`, and jobs claimed over another daemon, count as well. A completion that is sent twice counts twice.
// What holds for all daemons of a store (depths, totals) is not here but in the store.

import Reactor
import Store
import Wire

/// Counters and times of one daemon.
struct Figures {
    /// How long the jobs of one queue waited and ran.
    final class QueueTimes {
        var waits = Histogram(.long)
        var runs = Histogram(.long)
    }

    /// By `OperationName.rawValue`.
    private var requests = [UInt64](repeating: 0, count: OperationName.allCases.count)
    private var errors: [ErrorCode: UInt64] = [:]
    private var queues: [String: QueueTimes] = [:]
    /// Events that subscribers did not read in time.
    var eventsDropped: UInt64 = 0
    /// Connections turned away because their user had enough of them.
    var connectionsRefused: UInt64 = 0
    /// Connections closed because no complete line came.
    var connectionsSilent: UInt64 = 0
    /// How late the timer rings that should once a second.
    var loopLag = Histogram(.short)

    /// Queues whose times are kept, so that memory is bounded whatever names clients make up.
    static let queueLimit = 10_000

    /// A request was read.
    mutating func count(_ operation: OperationName) { requests[Int(operation.rawValue)] += 1 }
    /// A request was refused.
    mutating func count(_ error: ErrorCode) { errors[error, default: 0] += 1 }

    func requests(_ operation: OperationName) -> UInt64 { requests[Int(operation.rawValue)] }
    func errors(_ code: ErrorCode) -> UInt64 { errors[code] ?? 0 }

    /// Queues of which a job was claimed or ended here, in the order of their names.
    var times: [(queue: String, times: QueueTimes)] {
        queues.sorted { $0.key < $1.key }.map { (queue: $0.key, times: $0.value) }
    }

    /// Jobs of a queue were claimed.
    mutating func waited(_ jobs: [ClaimedJob], queue: String) {
        guard let times = times(of: queue) else { return }
        for job in jobs {
            guard let readyAt = job.readyAt else { continue }
            times.waits.observe(microseconds: UInt64(max(0, job.claimedAt - readyAt)) * 1_000)
        }
    }

    /// An attempt has ended with what its worker said. `now` by the store's clock, ms.
    mutating func ran(queue: String, token: String, now: ServerTime) {
        guard let claimedUs = Self.microseconds(of: token), let times = times(of: queue) else { return }
        times.runs.observe(microseconds: UInt64(max(0, now * 1_000 - claimedUs)))
    }

    /// The queue was removed.
    mutating func forget(_ queue: String) { queues[queue] = nil }

    private mutating func times(of queue: String) -> QueueTimes? {
        if let known = queues[queue] { return known }
        guard queues.count < Self.queueLimit else { return nil }
        let new = QueueTimes()
        queues[queue] = new
        return new
    }

    /// The number that a token begins with: when the job was claimed, µs since the epoch.
    static func microseconds(of token: String) -> Int64? {
        var value: Int64 = 0
        for byte in token.utf8 {
            if byte == 0x2D { return value > 0 ? value : nil }
            guard byte &- 0x30 < 10, value < 1 << 59 else { return nil }
            value = value * 10 + Int64(byte &- 0x30)
        }
        return nil
    }
}

extension Broker {
    /// These attempts were completed or failed, where the outcome is not that the claim was lost.
    func noteRuns(of jobs: [JobName], tokens: [String], _ outcomes: [TokenOutcome]) {
        let now = serverNow
        for (index, outcome) in outcomes.enumerated() {
            guard case .done = outcome else { continue }
            figures.ran(queue: jobs[index].queue, token: tokens[index], now: now)
        }
    }
}
