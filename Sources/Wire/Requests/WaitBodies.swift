// The operations of whoever asked for a job: `wait` for its end, `cancel` it.

/// `wait`: the record of a job, as soon as its life is over.
public struct WaitBody: Equatable, Sendable {
    public var job: JobName
    public var waitMs: Int64

    init(_ members: borrowing MemberReader) throws(WireError) {
        job = try members.jobName(.job)
        waitMs = try members.integer(.waitMs)
    }
}

/// `cancel`: ends a waiting job, or asks for the end of one in a worker's hands.
public struct CancelBody: Equatable, Sendable {
    public var job: JobName
    /// Without control characters.
    public var reason: String?

    init(_ members: borrowing MemberReader) throws(WireError) {
        job = try members.jobName(.job)
        reason = try members.optionalText(.reason)
    }
}
