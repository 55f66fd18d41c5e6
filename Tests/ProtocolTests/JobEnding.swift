// The ways in which a job's life ends, each as a few requests: for tests of what every end must do.

import Harness
import Testing

/// A way for a job to end, or to be removed.
enum JobEnding: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case completed
    /// Completed with `keep_ms` 0: nothing is left.
    case forgotten
    /// Dead by a failure that is not retried.
    case failed
    /// Dead by the lease of its last attempt.
    case poisoned
    case cancelled
    /// Cancelled while a worker had it, who then gave it back.
    case cancelledInHands
    case expired
    case deleted
    case purged

    var testDescription: String { rawValue }

    /// Enqueues a job with these members and brings it to its end. The queue must have nothing else to claim.
    @discardableResult
    func bring(newJobOf queue: String, with members: JSON = [:], _ client: LineClient) throws -> String {
        var members = members
        switch self {
        case .forgotten: members["keep_ms"] = 0
        case .poisoned: members["max_attempts"] = 1
        case .expired: members["expires_in_ms"] = 30
        default: break
        }
        let job = try client.enqueue(queue, members)
        switch self {
        case .completed, .forgotten: try client.complete(client.claimOne(queue))
        case .failed: try client.fail(client.claimOne(queue), ["retry": false])
        case .poisoned:
            _ = try client.claimOne(queue, ["lease_ms": 100])
            try eventually(within: 5, "a dead letter") { try client.state(job) == "dead" }
        case .cancelled: try client.call("cancel", ["job": JSON(job)])
        case .cancelledInHands:
            let claimed = try client.claimOne(queue)
            try client.call("cancel", ["job": JSON(job)])
            try client.release(claimed)
        case .expired: try eventually(within: 5, "an expired job") { try client.state(job) == "expired" }
        case .deleted: try client.call("delete", ["job": JSON(job)])
        case .purged: try client.call("purge", ["queue": JSON(queue), "state": "queued"])
        }
        return job
    }
}

extension JSON {
    /// The integer; −1 for anything else, so that what is missing fails an expectation and not the whole run.
    var number: Int { int ?? -1 }
    /// The text; for anything else one that is in no reply.
    var name: String { string ?? "(none)" }
}
