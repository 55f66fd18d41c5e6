// `configure`: a queue's defaults and limits, each left as it is, set, or put back to the built-in default (null).

/// What `configure` changes in the policy of a queue.
public struct ConfigureBody: Equatable, Sendable {
    public var queue: String
    /// Make the queue if there is none.
    public var create: Bool
    public var maxAttempts: Setting<Int>
    public var leaseMs: Setting<Int64>
    public var backoff: Setting<BackoffBody>
    public var keepMs: Setting<Int64>
    public var keepCount: Setting<Int>
    public var deadKeepMs: Setting<Int64>
    public var deadKeepCount: Setting<Int>
    public var maxLen: Setting<Int>
    public var order: Setting<QueueOrder>
    public var agingMs: Setting<Int64>

    init(_ members: borrowing MemberReader) throws(WireError) {
        queue = try members.text(.queue)
        create = try members.bool(.create)
        maxAttempts = try members.countSetting(.maxAttempts)
        leaseMs = members.setting(.leaseMs, try members.optionalInteger(.leaseMs))
        backoff = members.setting(.backoff, try BackoffBody(members))
        keepMs = members.setting(.keepMs, try members.optionalInteger(.keepMs))
        keepCount = try members.countSetting(.keepCount)
        deadKeepMs = members.setting(.deadKeepMs, try members.optionalInteger(.deadKeepMs))
        deadKeepCount = try members.countSetting(.deadKeepCount)
        maxLen = try members.countSetting(.maxLen)
        order = members.setting(.order, try members.optionalWord(.order))
        agingMs = members.setting(.agingMs, try members.optionalInteger(.agingMs))
    }
}

extension MemberReader {
    /// What a member says about a setting; `value` is the member's, nil when it is absent or null.
    fileprivate func setting<Value>(_ name: MemberName, _ value: Value?) -> Setting<Value> {
        if let value { return .set(value) }
        return isNull(name) ? .reset : .unchanged
    }

    fileprivate func countSetting(_ name: MemberName) throws(WireError) -> Setting<Int> {
        setting(name, try optionalInteger(name).map { Int($0) })
    }
}
