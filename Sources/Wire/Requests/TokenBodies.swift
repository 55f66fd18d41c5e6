// The operations of whoever holds a job: `complete`, `fail`, `extend`, `release`, each for one job or up to a thousand.
//
// Every item names the job and carries the token of its claim.

/// The attempts that `complete` ends.
public struct CompleteBody: Equatable, Sendable {
    public var items: [CompleteItem]
    /// Asked with `jobs`, so it is answered with `jobs`.
    public var isMany: Bool
    /// What to claim in the same round trip.
    public var next: ClaimBody?

    init(_ members: borrowing MemberReader) throws(WireError) {
        isMany = members.has(.jobs)
        items = try members.items { item throws(WireError) in try CompleteItem(item) }
        next = try ClaimBody(nextOf: members)
    }
}

/// One attempt that ended well.
public struct CompleteItem: Equatable, Sendable {
    public var job: JobName
    public var token: String
    /// The client's JSON.
    public var result: [UInt8]?

    init(_ members: borrowing MemberReader) throws(WireError) {
        job = try members.jobName(.job)
        token = try members.text(.token)
        result = try members.optionalJSON(.result)
    }
}

/// The attempts that `fail` ends.
public struct FailBody: Equatable, Sendable {
    public var items: [FailItem]
    public var isMany: Bool
    /// What to claim in the same round trip.
    public var next: ClaimBody?

    init(_ members: borrowing MemberReader) throws(WireError) {
        isMany = members.has(.jobs)
        items = try members.items { item throws(WireError) in try FailItem(item) }
        next = try ClaimBody(nextOf: members)
    }
}

/// One attempt that ended badly.
public struct FailItem: Equatable, Sendable {
    public var job: JobName
    public var token: String
    /// The client's JSON: a string, or an object of strings.
    public var error: [UInt8]?
    /// False: to the dead letters at once.
    public var retry: Bool
    /// Instead of the backoff.
    public var retryInMs: Int64?

    init(_ members: borrowing MemberReader) throws(WireError) {
        job = try members.jobName(.job)
        token = try members.text(.token)
        error = try members.optionalJSON(.error)
        retry = try members.bool(.retry)
        retryInMs = try members.optionalInteger(.retryInMs)
    }
}

/// The leases that `extend` renews.
public struct ExtendBody: Equatable, Sendable {
    public var items: [ExtendItem]
    public var isMany: Bool

    init(_ members: borrowing MemberReader) throws(WireError) {
        isMany = members.has(.jobs)
        items = try members.items { item throws(WireError) in try ExtendItem(item) }
    }
}

/// One heartbeat.
public struct ExtendItem: Equatable, Sendable {
    public var job: JobName
    public var token: String
    /// nil: as long as the claim was made for.
    public var leaseMs: Int64?
    /// The client's JSON; nil leaves what is there.
    public var progress: [UInt8]?
    /// The client's JSON for the claim of the next attempt; nil leaves what is there.
    public var checkpoint: [UInt8]?
    /// A line for the job's log: the client's JSON string, quotes included.
    public var log: [UInt8]?

    init(_ members: borrowing MemberReader) throws(WireError) {
        job = try members.jobName(.job)
        token = try members.text(.token)
        leaseMs = try members.optionalInteger(.leaseMs)
        progress = try members.optionalJSON(.progress)
        checkpoint = try members.optionalJSON(.checkpoint)
        log = try members.optionalJSON(.log)
    }
}

/// The jobs that `release` gives back.
public struct ReleaseBody: Equatable, Sendable {
    public var items: [ReleaseItem]
    public var isMany: Bool

    init(_ members: borrowing MemberReader) throws(WireError) {
        isMany = members.has(.jobs)
        items = try members.items { item throws(WireError) in try ReleaseItem(item) }
    }
}

/// One job that goes back to its queue.
public struct ReleaseItem: Equatable, Sendable {
    public var job: JobName
    public var token: String
    /// nil: at once.
    public var delayMs: Int64?

    init(_ members: borrowing MemberReader) throws(WireError) {
        job = try members.jobName(.job)
        token = try members.text(.token)
        delayMs = try members.optionalInteger(.delayMs)
    }
}

extension MemberReader {
    /// The items of `jobs`, or the one item that stands at the top level.
    fileprivate func items<Item>(
        _ read: (borrowing MemberReader) throws(WireError) -> Item
    ) throws(WireError) -> [Item] {
        guard has(.jobs) else { return [try read(self)] }
        try refuseBesideJobs()
        return try list(.jobs, read)
    }
}
