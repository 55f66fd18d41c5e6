// A queue's policy in memory: the hash `jobq:{q}:policy`, under the same names. What was never configured is nil, as Redis
// leaves it out; `QueuePolicy` knows the built-in values.

import Wire

/// The defaults and limits of a queue.
struct MemoryPolicy: Equatable {
    enum Pause: Equatable {
        case forever
        case until(ServerTime)
    }
    var maxAttempts: Int?
    var leaseMs: Int64?
    var backoff: Backoff?
    var keepMs: Int64?
    var keepCount: Int?
    var deadKeepMs: Int64?
    var deadKeepCount: Int?
    var maxLen: Int?
    var order: QueueOrder?
    var agingMs: Int64?
    var paused: Pause?
    /// Some job had a unique key, an expiry, a request to cancel it or a checkpoint.
    var tracked = false
    /// Until when enqueues and claims are logged too.
    var listened: ServerTime?

    var pause: QueuePause {
        switch paused {
        case nil: .none
        case .forever: .forever
        case .until(let end): .until(end)
        }
    }

    func isPaused(at now: ServerTime) -> Bool {
        switch paused {
        case nil: false
        case .forever: true
        case .until(let end): end > now
        }
    }

    /// With the built-in values for what was not configured.
    var effective: QueuePolicy {
        var policy = QueuePolicy()
        policy.maxAttempts = maxAttempts ?? policy.maxAttempts
        policy.leaseMs = leaseMs ?? policy.leaseMs
        policy.backoff = backoff ?? policy.backoff
        policy.keepMs = keepMs ?? policy.keepMs
        policy.keepCount = keepCount ?? policy.keepCount
        policy.deadKeepMs = deadKeepMs
        policy.deadKeepCount = deadKeepCount
        policy.maxLen = maxLen
        policy.order = order ?? policy.order
        policy.agingMs = agingMs
        return policy
    }

    mutating func apply(_ change: PolicyChange) {
        func apply<Value>(_ setting: Setting<Value>, to value: inout Value?) {
            switch setting {
            case .unchanged: break
            case .reset: value = nil
            case .set(let new): value = new
            }
        }
        apply(change.maxAttempts, to: &maxAttempts)
        apply(change.leaseMs, to: &leaseMs)
        apply(change.backoff, to: &backoff)
        apply(change.keepMs, to: &keepMs)
        apply(change.keepCount, to: &keepCount)
        apply(change.deadKeepMs, to: &deadKeepMs)
        apply(change.deadKeepCount, to: &deadKeepCount)
        apply(change.maxLen, to: &maxLen)
        apply(change.order, to: &order)
        apply(change.agingMs, to: &agingMs)
    }
}
