// `claim`, also as `next` of `complete` and `fail`.

/// Which jobs a worker wants.
public struct ClaimBody: Equatable, Sendable {
    /// In the order they are asked; at least one, no name twice.
    public var queues: [String]
    public var waitMs: Int64
    public var max: Int
    /// nil: the job's, or the queue's.
    public var leaseMs: Int64?

    init(_ members: borrowing MemberReader) throws(WireError) {
        switch (try members.optionalText(.queue), try members.optionalQueueNames(.queues)) {
        case (let queue?, nil): queues = [queue]
        case (nil, let names?): queues = names
        case (nil, nil): throw members.refusal(.queues, "is missing (or queue)")
        case (_?, _?): throw members.refusal(.queues, "must not stand beside queue")
        }
        waitMs = try members.integer(.waitMs)
        max = Int(try members.integer(.max))
        leaseMs = try members.optionalInteger(.leaseMs)
        let _: Strategy? = try members.optionalWord(.strategy)
    }

    /// The member `next`, nil when it is absent.
    init?(nextOf members: borrowing MemberReader) throws(WireError) {
        guard members.has(.next) else { return nil }
        try self.init(try members.object(.next, prefix: "next."))
    }

    /// How a queue is chosen: so far in only one way.
    private enum Strategy: String { case strict }
}
