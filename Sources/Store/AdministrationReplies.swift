// What the scripts of administrators take and answer, as values: the other half of the heads of their Lua files.

import Redis
import Wire

extension CancelOutcome {
    /// - Parameter isResent: an earlier call with an unknown end may have cancelled it, and its record was not to be kept.
    static func read(_ item: ReplyView, isResent: Bool) -> Result<CancelOutcome, StoreFailure>? {
        if let state = item.state { return .success(.wrongState(state)) }
        guard item.kind == .integer else { return nil }
        switch item.integer {
        case 0: return isResent ? .failure(.goneOnTheWay) : .success(.notFound)
        case 1: return .success(.cancelled)
        case 2: return .success(.requested)
        default: return nil
        }
    }
}

extension DeleteOutcome {
    /// - Parameter isResent: an earlier call with an unknown end may have removed it.
    static func read(_ item: ReplyView, isResent: Bool) -> Result<DeleteOutcome, StoreFailure>? {
        if let state = item.state { return .success(state == .processing ? .wrongState(state) : .deleted(state)) }
        guard item.kind == .integer, item.integer == 0 else { return nil }
        return isResent ? .failure(.goneOnTheWay) : .success(.notFound)
    }
}

extension StoreFailure {
    /// Neither "done" nor "not found" would be known to be true; who asks again learns the rest.
    fileprivate static var goneOnTheWay: StoreFailure {
        .unavailable("the connection to Redis was lost on the way; the job is not there now, perhaps by this request")
    }
}

extension HeldOutcome {
    init?(_ item: ReplyView) {
        if let state = item.state {
            self = .lost(state)
        } else if item.kind == .integer {
            self = .notFound
        } else {
            guard item.count == 2, let leaseUntil = item[0].decimal else { return nil }
            self = .held(leaseUntil: leaseUntil, cancelReason: item[1].kind == .string ? item[1].string : nil)
        }
    }
}

extension CheckStep {
    /// After `now`: how many were looked at, the cursor, then a row for each violation.
    init?(_ reply: ReplyView) {
        guard reply.count >= 3 else { return nil }
        let violations = (3..<reply.count).compactMap { StoreViolation(reply[$0]) }
        guard violations.count == reply.count - 3 else { return nil }
        self.init(checked: Int(reply[1].integer), violations: violations, cursor: reply[2].text)
    }
}

extension StoreViolation {
    /// Number of the invariant, id or empty, what, 1 if repaired.
    fileprivate init?(_ row: ReplyView) {
        guard row.count == 4, let what = row[2].text else { return nil }
        self.init(
            invariant: Int(row[0].integer), job: row[1].text, what: what, isRepaired: row[3].integer == 1)
    }
}

// MARK: The policy

extension CommandBuffer {
    /// `name value` for each setting that changes; an empty value for one that is reset.
    mutating func append(_ change: PolicyChange) {
        append("max_attempts", change.maxAttempts) { "\($0)" }
        append("lease_ms", change.leaseMs) { "\($0)" }
        append("backoff", change.backoff, \.text)
        append("keep_ms", change.keepMs) { "\($0)" }
        append("keep_count", change.keepCount) { "\($0)" }
        append("dead_keep_ms", change.deadKeepMs) { "\($0)" }
        append("dead_keep_count", change.deadKeepCount) { "\($0)" }
        append("max_len", change.maxLen) { "\($0)" }
        append("order", change.order, \.rawValue)
        append("aging_ms", change.agingMs) { "\($0)" }
    }

    private mutating func append<Value>(_ name: StaticString, _ setting: Setting<Value>, _ text: (Value) -> String) {
        switch setting {
        case .unchanged: break
        case .reset:
            append(name)
            append("" as StaticString)
        case .set(let value):
            append(name)
            append(text(value))
        }
    }
}

extension QueuePolicy {
    /// After `now`: the settings in the order that policy.lua tells.
    init?(_ reply: ReplyView) {
        guard reply.count == 11 else { return nil }
        self.init()
        if let value = reply[1].decimal { maxAttempts = Int(value) }
        if let value = reply[2].decimal { leaseMs = value }
        if !reply[3].isNil {
            guard let value = Backoff(text: reply[3].string) else { return nil }
            backoff = value
        }
        if let value = reply[4].decimal { keepMs = value }
        if let value = reply[5].decimal { keepCount = Int(value) }
        deadKeepMs = reply[6].decimal
        deadKeepCount = reply[7].decimal.map { Int($0) }
        maxLen = reply[8].decimal.map { Int($0) }
        if let value = reply[9].text { order = QueueOrder(rawValue: value) ?? order }
        agingMs = reply[10].decimal
    }
}

extension Backoff {
    /// From what stands in Redis: `exponential 1000 3600000 0.5`.
    init?(text: String) {
        let words = text.split(separator: " ")
        guard words.count == 4, let kind = Kind(rawValue: String(words[0])), let base = Int64(words[1]),
            let most = Int64(words[2]), let jitter = Double(words[3])
        else { return nil }
        self.init(kind: kind, baseMs: base, maxMs: most, jitter: jitter)
    }
}
