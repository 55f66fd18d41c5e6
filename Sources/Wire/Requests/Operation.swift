// A decoded request: the operation with everything that was asked, checked against `OperationTable`.
//
// The bodies with rules of their own have files of their own; the small ones are here.

public enum Operation: Sendable {
    case hello(Hello)
    case ping(store: Bool)
    case info
    case enqueue(EnqueueBody)
    case get(JobName)
    case claim(ClaimBody)
    case complete(CompleteBody)
    case fail(FailBody)
    case extend(ExtendBody)
    case release(ReleaseBody)
    case list(ListBody)
    case queues
    /// nil: all queues.
    case stats(queue: String?)
    case requeue(RequeueBody)
    /// `until` in milliseconds since the epoch; nil: until it is resumed.
    case pause(queue: String, until: Int64?)
    case resume(queue: String)
    /// nil: all queues.
    case reclaim(queue: String?)

    init(_ name: OperationName, _ members: borrowing MemberReader) throws(WireError) {
        switch name {
        case .hello: self = .hello(try Hello(members))
        case .ping: self = .ping(store: try members.bool(.store))
        case .info: self = .info
        case .enqueue: self = .enqueue(try EnqueueBody(members))
        case .get: self = .get(try members.jobName(.job))
        case .claim: self = .claim(try ClaimBody(members))
        case .complete: self = .complete(try CompleteBody(members))
        case .fail: self = .fail(try FailBody(members))
        case .extend: self = .extend(try ExtendBody(members))
        case .release: self = .release(try ReleaseBody(members))
        case .list: self = .list(try ListBody(members))
        case .queues: self = .queues
        case .stats: self = .stats(queue: try members.optionalText(.queue))
        case .requeue: self = .requeue(try RequeueBody(members))
        case .pause:
            self = .pause(queue: try members.text(.queue), until: try members.optionalInteger(.until))
        case .resume: self = .resume(queue: try members.text(.queue))
        case .reclaim: self = .reclaim(queue: try members.optionalText(.queue))
        }
    }

    /// Which operation it is.
    public var name: OperationName {
        switch self {
        case .hello: .hello
        case .ping: .ping
        case .info: .info
        case .enqueue: .enqueue
        case .get: .get
        case .claim: .claim
        case .complete: .complete
        case .fail: .fail
        case .extend: .extend
        case .release: .release
        case .list: .list
        case .queues: .queues
        case .stats: .stats
        case .requeue: .requeue
        case .pause: .pause
        case .resume: .resume
        case .reclaim: .reclaim
        }
    }
}

/// What becomes of a worker's jobs when its connection ends.
public enum OnDisconnect: String, Sendable, CaseIterable {
    /// They go back.
    case release
    /// Only their leases count.
    case keep
}

/// `hello`: who is behind the connection.
public struct Hello: Equatable, Sendable {
    /// As asked; whether it is spoken here is for the broker to say.
    public var protocolVersion: Int
    public var worker: String?
    public var push: Bool
    public var onDisconnect: OnDisconnect
    public var graceMs: Int64
    public var session: String?

    init(_ members: borrowing MemberReader) throws(WireError) {
        protocolVersion = Int(try members.integer(.protocol))
        worker = try members.optionalText(.worker)
        push = try members.bool(.push)
        onDisconnect = try members.word(.onDisconnect)
        graceMs = try members.integer(.graceMs)
        session = try members.optionalText(.session)
    }
}

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
