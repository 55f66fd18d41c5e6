// The operations on many jobs of a queue: `list`, `requeue`, `purge`; and `resume`, which is for a queue or for workers.

/// `list`: a page of a queue's jobs in one state.
public struct ListBody: Equatable, Sendable {
    public var queue: String
    public var state: JobState
    public var limit: Int
    public var cursor: String?
    public var type: String?

    init(_ members: borrowing MemberReader) throws(WireError) {
        queue = try members.text(.queue)
        state = try members.word(.state)
        limit = Int(try members.integer(.limit))
        cursor = try members.optionalText(.cursor)
        type = try members.optionalText(.type)
    }
}

/// `requeue`: one job, or those of a queue in a state.
public enum RequeueBody: Equatable, Sendable {
    case job(JobName)
    case filter(queue: String, state: JobState, type: String?, limit: Int, dryRun: Bool)

    init(_ members: borrowing MemberReader) throws(WireError) {
        if let job = try members.optionalJobName(.job) {
            for name in [MemberName.queue, .state, .type, .limit, .dryRun] where members.has(name) {
                throw members.refusal(name, "must not stand beside job")
            }
            self = .job(job)
            return
        }
        guard members.has(.queue) else { throw members.refusal(.job, "is missing (or queue and state)") }
        self = .filter(
            queue: try members.text(.queue), state: try members.word(.state), type: try members.optionalText(.type),
            limit: Int(try members.integer(.limit)), dryRun: try members.bool(.dryRun))
    }
}

/// `purge`: removes the records of a queue's jobs in a state, oldest first.
public struct PurgeBody: Equatable, Sendable {
    public var queue: String
    /// Any but `processing`.
    public var state: JobState
    /// Only jobs of this type.
    public var type: String?
    /// Only jobs that are there for at least so long.
    public var olderThanMs: Int64?
    public var limit: Int
    /// Only count them.
    public var dryRun: Bool

    init(_ members: borrowing MemberReader) throws(WireError) {
        queue = try members.text(.queue)
        state = try members.word(.state)
        type = try members.optionalText(.type)
        olderThanMs = try members.optionalInteger(.olderThanMs)
        limit = Int(try members.integer(.limit))
        dryRun = try members.bool(.dryRun)
    }
}

/// `resume`: ends the pause of a queue, or tells quiet workers to go on.
public enum ResumeBody: Equatable, Sendable {
    case queue(String)
    case worker(Glob)

    init(_ members: borrowing MemberReader) throws(WireError) {
        switch (try members.optionalText(.queue), try members.optionalGlob(.worker)) {
        case (let queue?, nil): self = .queue(queue)
        case (nil, let worker?): self = .worker(worker)
        case (nil, nil): throw members.refusal(.queue, "is missing (or worker)")
        case (_?, _?): throw members.refusal(.worker, "must not stand beside queue")
        }
    }
}
