// `enqueue`: one job, or up to a thousand.

/// The jobs of an `enqueue`.
public struct EnqueueBody: Sendable {
    public var jobs: [EnqueueItem]
    /// Asked with `jobs`, so it is answered with `jobs`.
    public var isMany: Bool

    init(_ members: borrowing MemberReader) throws(WireError) {
        isMany = members.has(.jobs)
        if isMany {
            try members.refuseBesideJobs()
            jobs = try members.list(.jobs) { item throws(WireError) in try EnqueueItem(item) }
        } else {
            jobs = [try EnqueueItem(members)]
        }
    }
}

/// One job to enqueue. `nil` means the queue's default.
public struct EnqueueItem: Equatable, Sendable {
    public var queue: String
    /// The id the client chose.
    public var jobID: String?
    /// The client's JSON, byte for byte.
    public var payload: [UInt8]
    public var type: String
    public var priority: Int
    public var front: Bool
    /// At most one of `delayMs` and `runAt` is there.
    public var delayMs: Int64?
    public var runAt: Int64?
    public var maxAttempts: Int?
    public var backoff: BackoffBody?
    public var leaseMs: Int64?
    public var keepMs: Int64?
    /// The client's JSON object, byte for byte.
    public var meta: [UInt8]?
    public var unique: UniqueBody?
    /// When it has not started by then, it expires; nil: never.
    public var expiresInMs: Int64?

    init(_ members: borrowing MemberReader) throws(WireError) {
        try self.init(members, queue: try members.text(.queue))
    }

    /// The job for a queue that the members do not name.
    init(_ members: borrowing MemberReader, queue: String) throws(WireError) {
        self.queue = queue
        jobID = try members.optionalText(.jobID)
        payload = try members.json(.payload)
        type = try members.optionalText(.type) ?? ""
        priority = Int(try members.integer(.priority))
        front = try members.bool(.front)
        delayMs = try members.optionalInteger(.delayMs)
        runAt = try members.optionalInteger(.runAt)
        if delayMs != nil && runAt != nil { throw members.refusal(.runAt, "must not stand beside delay_ms") }
        maxAttempts = try members.optionalInteger(.maxAttempts).map { Int($0) }
        backoff = try BackoffBody(members)
        leaseMs = try members.optionalInteger(.leaseMs)
        keepMs = try members.optionalInteger(.keepMs)
        meta = try members.optionalJSON(.meta)
        unique = try UniqueBody(members)
        expiresInMs = try members.optionalInteger(.expiresInMs)
    }
}

/// How long a job waits between attempts; members that were left out have the protocol's defaults.
public struct BackoffBody: Equatable, Sendable {
    /// `exponential`, `linear` or `fixed`.
    public var kind: String
    public var baseMs: Int64
    public var maxMs: Int64
    /// 0…1.
    public var jitter: Double

    /// The member `backoff` of a job, nil when it is absent.
    init?(_ job: borrowing MemberReader) throws(WireError) {
        guard job.has(.backoff) else { return nil }
        let members = try job.object(.backoff, prefix: "backoff.")
        let kind: BackoffKind = try members.word(.kind)
        self.kind = kind.rawValue
        baseMs = try members.integer(.baseMs)
        maxMs = try members.integer(.maxMs)
        jitter = try members.number(.jitter)
    }
}

/// How long a job holds its unique key; the raw values are the words of the wire.
public enum UniqueUntil: String, Sendable, CaseIterable {
    /// Until its life is over.
    case done
    /// Until it is claimed for the first time, or its life is over.
    case claimed
}

/// A key that only one job of the queue holds at a time.
public struct UniqueBody: Equatable, Sendable {
    /// 1 to 256 bytes without control characters.
    public var key: String
    public var until: UniqueUntil
    /// The key is free after this time in any case.
    public var ttlMs: Int64?

    /// The member `unique` of a job, nil when it is absent.
    init?(_ job: borrowing MemberReader) throws(WireError) {
        guard job.has(.unique) else { return nil }
        let members = try job.object(.unique, prefix: "unique.")
        key = try members.text(.key)
        until = try members.word(.until)
        ttlMs = try members.optionalInteger(.ttlMs)
    }
}

/// The words of `backoff.kind`.
enum BackoffKind: String, CaseIterable {
    case exponential, linear, fixed
}

extension MemberReader {
    /// In the form with `jobs`, the members of an item may not stand at the top level.
    func refuseBesideJobs() throws(WireError) {
        guard case .list(let shape, _) = set[.jobs].type else { preconditionFailure("jobs is no list") }
        let both = present.intersection(OperationTable.members(of: shape).allowed)
        if let name = both.names.first { throw refusal(name, "must not stand beside jobs") }
    }
}
