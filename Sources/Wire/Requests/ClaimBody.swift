// `claim`, also as `next` of `complete` and `fail`.

/// Which jobs a worker wants.
public struct ClaimBody: Equatable, Sendable {
    /// Names of queues and patterns in the order they are asked; at least one, at most 64, none twice.
    public var queues: [String]
    /// A bit for each of `queues`, the first the lowest: it is a pattern.
    public var patterns: UInt64 = 0
    public var waitMs: Int64
    public var max: Int
    /// nil: the job's, or the queue's.
    public var leaseMs: Int64?
    public var strategy: ClaimStrategy
    /// With `weighted`: one for each of `queues`, in their order. Otherwise empty.
    public var weights: [Int]

    init(_ members: borrowing MemberReader) throws(WireError) {
        switch (try members.optionalText(.queue), try members.optionalQueueTerms(.queues)) {
        case (let queue?, nil): queues = [queue]
        case (nil, let terms?):
            queues = terms
            for (index, term) in terms.enumerated() where Glob.isPattern(term) { patterns |= 1 << UInt64(index) }
        case (nil, nil): throw members.refusal(.queues, "is missing (or queue)")
        case (_?, _?): throw members.refusal(.queues, "must not stand beside queue")
        }
        waitMs = try members.integer(.waitMs)
        max = Int(try members.integer(.max))
        leaseMs = try members.optionalInteger(.leaseMs)
        strategy = try members.optionalWord(.strategy) ?? .strict
        switch strategy {
        case .strict:
            if members.has(.weights) { throw members.refusal(.weights, "must stand beside strategy \"weighted\"") }
            weights = []
        case .weighted:
            weights = try members.weights(.weights, of: queues)
        }
    }

    /// The member `next`, nil when it is absent.
    init?(nextOf members: borrowing MemberReader) throws(WireError) {
        guard members.has(.next) else { return nil }
        try self.init(try members.object(.next, prefix: "next."))
    }
}

/// How a claim chooses among its queues; the raw values are the words of the wire.
public enum ClaimStrategy: String, Sendable, CaseIterable {
    /// The first that has work.
    case strict
    /// In proportion to their weights.
    case weighted
}
