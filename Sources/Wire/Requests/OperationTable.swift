// The operations of the protocol and their members: one table, from which requests are decoded, refusals are worded and
// the manual's tables are made. A member that is not here does not exist.
//
// What the table cannot say (one of two members, not both) stands with the operation's type as code.

/// One operation.
public struct OperationSpec: Sendable {
    public let name: OperationName
    /// One line for the manual.
    public let doc: StaticString
    /// What the request may have beside `op` and `id`.
    public let members: MemberSet
}

public enum OperationTable {
    /// All operations, in the order of `OperationName`.
    public static let operations: [OperationSpec] = OperationName.allCases.map { name in
        OperationSpec(name: name, doc: doc(name), members: MemberSet(envelope + members(name)))
    }

    /// The members of an object inside requests.
    public static func members(of shape: ObjectShape) -> MemberSet {
        switch shape {
        case .job: jobSet
        case .backoff: backoffSet
        case .claim: claimSet
        case .complete: completeSet
        case .fail: failSet
        case .extend: extendSet
        case .release: releaseSet
        case .failure: failureSet
        }
    }

    static func spec(_ name: OperationName) -> OperationSpec { operations[Int(name.rawValue)] }

    // MARK: Ranges that more than one member has

    private static let delay: ClosedRange<Int64> = 0...315_360_000_000  // ten years
    private static let time: ClosedRange<Int64> = 0...253_402_300_799_999  // the end of the year 9999
    private static let lease: ClosedRange<Int64> = 100...86_400_000  // a day
    private static let maximumItems = 1000

    // MARK: Operations

    private static func doc(_ name: OperationName) -> StaticString {
        switch name {
        case .hello: "names the worker behind this connection and ties its claims to it"
        case .ping: "answers; with `store`, only after a round trip to Redis"
        case .info: "the daemon, its Redis, its connections"
        case .enqueue: "puts one job, or many, into queues"
        case .get: "the record of a job"
        case .claim: "takes jobs from the first of the queues that has some"
        case .complete: "ends an attempt well"
        case .fail: "ends an attempt badly: the job is retried or becomes a dead letter"
        case .extend: "renews the lease (heartbeat)"
        case .release: "gives the job back; the attempt is not counted"
        case .list: "the jobs of a queue in one state, page by page"
        case .queues: "all queues with their depths"
        case .stats: "totals since ever and depths, of one queue or all"
        case .requeue: "makes jobs queued now; their count of attempts starts anew"
        case .pause: "claims find nothing in the queue until it is resumed"
        case .resume: "ends a pause"
        case .reclaim: "does the sweep now: what is due is promoted, expired leases end"
        }
    }

    private static func members(_ name: OperationName) -> [MemberSpec] {
        switch name {
        case .hello: hello
        case .ping: [MemberSpec(.store, .bool, .bool(false), "answer after a round trip to Redis")]
        case .info, .queues: []
        case .enqueue: optional(job) + [many(.job)]
        case .get: [MemberSpec(.job, .jobName, .required, "which")]
        case .claim: claim
        case .complete: optional(complete) + [many(.complete), next]
        case .fail: optional(fail) + [many(.fail), next]
        case .extend: optional(extend) + [many(.extend)]
        case .release: optional(release) + [many(.release)]
        case .list: list
        case .stats, .reclaim: [MemberSpec(.queue, .queueName, .none, "only this one")]
        case .requeue: requeue
        case .pause:
            [
                MemberSpec(.queue, .queueName, .required, "which"),
                MemberSpec(.until, .integer(time), .none, "ends the pause by itself"),
            ]
        case .resume: [MemberSpec(.queue, .queueName, .required, "which")]
        }
    }

    /// Members of every request. They are checked before the operation is known, so their types here are for the manual.
    private static let envelope = [
        MemberSpec(.op, .text(1...16), .required, "the operation"),
        MemberSpec(.id, .json, .none, "echoed in the reply: a string of at most 128 bytes or an integer"),
    ]

    private static let hello = [
        MemberSpec(.protocol, .integer(Int64.min...Int64.max), .integer(1), "the version the client speaks"),
        MemberSpec(.worker, .text(1...128), .none, "the worker's name; the connection is then watched"),
        MemberSpec(.push, .bool, .bool(false), "send events that concern this worker"),
        MemberSpec(
            .onDisconnect, .word(.onDisconnect), .word("release"), "what becomes of its jobs when the connection ends"),
        MemberSpec(.graceMs, .integer(0...600_000), .integer(5_000), "how long a living peer may take to come back"),
        MemberSpec(.session, .text(1...64), .none, "the session to continue"),
    ]

    private static let list = [
        MemberSpec(.queue, .queueName, .required, "which queue"),
        MemberSpec(.state, .word(.state), .required, "which state"),
        MemberSpec(.limit, .integer(1...500), .integer(50), "jobs of a page"),
        MemberSpec(.cursor, .text(1...256), .none, "where the page begins: the cursor of the page before"),
        MemberSpec(.type, .text(0...128), .none, "only jobs of this type"),
    ]

    private static let requeue = [
        MemberSpec(.job, .jobName, .none, "this job, or those of:"),
        MemberSpec(.queue, .queueName, .none, "which queue"),
        MemberSpec(.state, .word(.requeuableState), .none, "which state"),
        MemberSpec(.type, .text(0...128), .none, "only jobs of this type"),
        MemberSpec(.limit, .integer(1...500), .integer(500), "at most so many"),
        MemberSpec(.dryRun, .bool, .bool(false), "only count them"),
    ]

    // MARK: Objects inside requests

    private static let job = [
        MemberSpec(.queue, .queueName, .required, "where to"),
        MemberSpec(.payload, .json, .json("null"), "what the worker gets, byte for byte"),
        MemberSpec(.type, .text(0...128), .none, "what kind of work"),
        MemberSpec(.jobID, .jobID, .none, "the id to use; a second enqueue with it returns the first job"),
        MemberSpec(.priority, .integer(-100...100), .integer(0), "higher runs first"),
        MemberSpec(.front, .bool, .bool(false), "before all others of its priority"),
        MemberSpec(.delayMs, .integer(delay), .none, "not before so long from now"),
        MemberSpec(.runAt, .integer(time), .none, "not before that time"),
        MemberSpec(.maxAttempts, .integer(1...1000), .none, "how many attempts it has; otherwise the queue's"),
        MemberSpec(.backoff, .shape(.backoff), .none, "how long it waits between attempts; otherwise the queue's"),
        MemberSpec(.leaseMs, .integer(lease), .none, "how long a claim holds; otherwise the queue's"),
        MemberSpec(
            .keepMs, .integer(0...31_536_000_000), .none,
            "how long the record of the completed job stays; otherwise the queue's"),
        MemberSpec(.meta, .object(maxBytes: 4_096), .none, "carried along untouched"),
    ]

    private static let backoff = [
        MemberSpec(.kind, .word(.backoffKind), .word("exponential"), "how the wait grows"),
        MemberSpec(.baseMs, .integer(0...86_400_000), .integer(1_000), "the first wait"),
        MemberSpec(.maxMs, .integer(0...31_536_000_000), .integer(3_600_000), "the longest wait"),
        MemberSpec(.jitter, .number(0...1), .number(0.5), "the share of the wait that chance may take away"),
    ]

    private static let claim = [
        MemberSpec(.queue, .queueName, .none, "from this queue, or from:"),
        MemberSpec(.queues, .queueNames(max: 64), .none, "the first of these that has work"),
        MemberSpec(.waitMs, .integer(0...600_000), .integer(0), "how long to wait for the first job"),
        MemberSpec(.max, .integer(1...100), .integer(1), "at most so many jobs"),
        MemberSpec(.leaseMs, .integer(lease), .none, "how long the claim holds; otherwise the job's"),
        MemberSpec(.strategy, .word(.strategy), .word("strict"), "how a queue is chosen"),
    ]

    private static let claimed = [
        MemberSpec(.job, .jobName, .required, "which"),
        MemberSpec(.token, .text(1...64), .required, "the proof of owning it, from the claim"),
    ]

    private static let complete = claimed + [MemberSpec(.result, .json, .none, "kept in the record, byte for byte")]

    private static let fail =
        claimed + [
            MemberSpec(.error, .failure(maxBytes: 16_384), .none, "what went wrong"),
            MemberSpec(.retry, .bool, .bool(true), "false: to the dead letters at once"),
            MemberSpec(.retryInMs, .integer(delay), .none, "instead of the backoff"),
        ]

    private static let extend =
        claimed + [
            MemberSpec(.leaseMs, .integer(lease), .none, "from now on; otherwise as the claim had it"),
            MemberSpec(.progress, .json, .none, "shown in the record, byte for byte"),
        ]

    private static let release = claimed + [MemberSpec(.delayMs, .integer(delay), .none, "not again before")]

    private static let failure = [
        MemberSpec(.type, .string, .none, "what kind of error"),
        MemberSpec(.message, .string, .none, "for people"),
        MemberSpec(.trace, .string, .none, "where it happened"),
    ]

    private static let next = MemberSpec(.next, .shape(.claim), .none, "claims the next jobs in the same round trip")

    private static func many(_ shape: ObjectShape) -> MemberSpec {
        MemberSpec(.jobs, .list(shape, max: maximumItems), .none, "many at once, instead of the members of one")
    }

    /// An item's members at the top level, where `jobs` may stand instead of them.
    private static func optional(_ members: [MemberSpec]) -> [MemberSpec] {
        members.map { $0.isRequired ? MemberSpec($0.key, $0.type, .none, $0.doc) : $0 }
    }

    private static let jobSet = MemberSet(job)
    private static let backoffSet = MemberSet(backoff)
    private static let claimSet = MemberSet(claim)
    private static let completeSet = MemberSet(complete)
    private static let failSet = MemberSet(fail)
    private static let extendSet = MemberSet(extend)
    private static let releaseSet = MemberSet(release)
    private static let failureSet = MemberSet(failure)
}
