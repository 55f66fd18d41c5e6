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
        case .unique: uniqueSet
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
    private static let keep: ClosedRange<Int64> = 0...31_536_000_000  // a year
    private static let lease: ClosedRange<Int64> = 100...86_400_000  // a day
    private static let maximumItems = 1000

    // MARK: Operations

    private static func doc(_ name: OperationName) -> StaticString {
        switch name {
        case .hello: "names the worker behind this connection and ties its claims to it"
        case .ping: "answers; with `store`, only after a round trip to Redis"
        case .info: "the daemon, its Redis, its connections"
        case .enqueue: "puts one job, or many, into queues"
        case .publish: "puts one job into every queue that is bound to a topic"
        case .get: "the record of a job"
        case .wait: "the record of a job, as soon as its life is over"
        case .cancel: "ends a waiting job; one in a worker's hands is ended with its attempt, unless it is completed"
        case .claim: "takes jobs from one of the queues"
        case .complete: "ends an attempt well"
        case .fail: "ends an attempt badly: the job is retried or becomes a dead letter"
        case .extend: "renews the lease (heartbeat)"
        case .release: "gives the job back; the attempt is not counted"
        case .cancelWait: "ends a waiting request of this connection"
        case .subscribe: "sends events to this connection from now on"
        case .unsubscribe: "ends the events"
        case .bind: "binds a queue to a topic"
        case .unbind: "ends a binding"
        case .topics: "all topics with their queues"
        case .list: "the jobs of a queue in one state, page by page"
        case .queues: "all queues with their depths"
        case .stats: "totals since ever and depths, of one queue or all"
        case .workers: "the named workers of this daemon and the jobs they hold; each daemon knows its own"
        case .requeue: "makes jobs queued now; their count of attempts starts anew"
        case .delete: "removes the record of a job that is not being processed"
        case .purge: "removes the records of a queue's jobs in one state, oldest first"
        case .pause: "claims find nothing in the queue until it is resumed"
        case .resume: "ends the pause of a queue, or tells quiet workers to go on"
        case .configure: "a queue's defaults and limits: sets those that are there, null takes one back; shows all"
        case .removeQueue: "removes a queue with all that belongs to it: records, rules, totals, bindings"
        case .reclaim: "does the sweep now: what is due is promoted, expired leases end"
        case .quiet: "tells workers to finish and to claim no more"
        case .drain: "stops taking new work, and tells all workers to finish"
        case .check: "verifies the invariants of the store, and repairs on request"
        case .metrics: "what there is to measure, as Prometheus reads it"
        case .reload: "reads the configuration anew and takes over what may change in a running daemon"
        }
    }

    private static func members(_ name: OperationName) -> [MemberSpec] {
        switch name {
        case .hello: hello
        case .ping: [MemberSpec(.store, .bool, .bool(false), "answer after a round trip to Redis")]
        case .info, .queues, .unsubscribe, .topics, .workers, .drain, .metrics, .reload: []
        case .enqueue: optional(job) + [many(.job)]
        case .publish: publish
        case .get, .delete: [MemberSpec(.job, .jobName, .required, "which")]
        case .wait: wait
        case .cancel: cancel
        case .claim: claim
        case .complete: optional(complete) + [many(.complete), next]
        case .fail: optional(fail) + [many(.fail), next]
        case .extend: optional(extend) + [many(.extend)]
        case .release: optional(release) + [many(.release)]
        case .cancelWait: [MemberSpec(.target, .requestID, .required, "the id of the request to end")]
        case .subscribe: subscribe
        case .bind, .unbind: binding
        case .list: list
        case .stats, .reclaim: [MemberSpec(.queue, .queueName, .none, "only this one")]
        case .requeue: requeue
        case .purge: purge
        case .pause:
            [
                MemberSpec(.queue, .queueName, .required, "which"),
                MemberSpec(.until, .integer(time), .none, "ends the pause by itself"), create,
            ]
        case .resume:
            [
                MemberSpec(.queue, .queueName, .none, "this queue, or:"),
                MemberSpec(.worker, .glob, .none, "the workers whose names match"),
            ]
        case .configure: configure
        case .removeQueue:
            [
                MemberSpec(.queue, .queueName, .required, "which"),
                MemberSpec(.jobs, .bool, .bool(false), "also if jobs wait or run: they are removed with it"),
            ]
        case .quiet: [MemberSpec(.worker, .glob, .none, "only workers whose names match")]
        case .check:
            [
                MemberSpec(.queue, .queueName, .none, "only this one"),
                MemberSpec(.repair, .bool, .bool(false), "put right what can be"),
            ]
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

    private static let purge = [
        MemberSpec(.queue, .queueName, .required, "which queue"),
        MemberSpec(.state, .word(.purgeableState), .required, "which state"),
        MemberSpec(.type, .text(0...128), .none, "only jobs of this type"),
        MemberSpec(
            .olderThanMs, .integer(delay), .none, "only jobs that are there (or, ended, since then) for so long"),
        MemberSpec(.limit, .integer(1...500), .integer(500), "at most so many"),
        MemberSpec(.dryRun, .bool, .bool(false), "only count them"),
    ]

    private static let publish =
        [MemberSpec(.topic, .topicName, .required, "which topic")] + job.filter { $0.key != .queue }

    private static let wait = [
        MemberSpec(.job, .jobName, .required, "which"),
        MemberSpec(.waitMs, .integer(0...600_000), .integer(30_000), "how long to wait for its end"),
    ]

    private static let cancel = [
        MemberSpec(.job, .jobName, .required, "which"),
        MemberSpec(.reason, .text(1...256), .none, "shown in the record, and to the worker"),
    ]

    private static let subscribe = [
        MemberSpec(.queues, .globs(max: 64), .none, "of queues whose names match one of these; otherwise of all"),
        MemberSpec(.events, .words(.eventKind), .none, "these kinds; otherwise all"),
        MemberSpec(.since, .eventID, .none, "first what happened after this one"),
    ]

    private static let binding = [
        MemberSpec(.topic, .topicName, .required, "which topic"),
        MemberSpec(.queue, .queueName, .required, "which queue"),
    ]

    private static let create = MemberSpec(.create, .bool, .bool(false), "create the queue if it does not exist")

    private static let configure = [
        MemberSpec(.queue, .queueName, .required, "which queue"), create,
        MemberSpec(.maxAttempts, .integer(1...1000), .none, "how many attempts a job has; 3"),
        MemberSpec(.leaseMs, .integer(lease), .none, "how long a claim holds; 30 seconds"),
        MemberSpec(.backoff, .shape(.backoff), .none, "how long a job waits between attempts"),
        MemberSpec(.keepMs, .integer(keep), .none, "how long records of ended jobs stay; an hour"),
        MemberSpec(
            .keepCount, .integer(0...10_000_000), .none, "completed (cancelled, expired) jobs kept at most; 100000"),
        MemberSpec(.deadKeepMs, .integer(delay), .none, "how long dead letters stay; for ever"),
        MemberSpec(.deadKeepCount, .integer(0...10_000_000), .none, "dead letters kept at most; all"),
        MemberSpec(.maxLen, .integer(1...1_000_000_000), .none, "waiting jobs beyond which new ones are refused; none"),
        MemberSpec(.order, .word(.order), .none, "which of one priority is claimed first; \"fifo\""),
        MemberSpec(
            .agingMs, .integer(1...86_400_000), .none, "a job that waits so long counts one priority higher; none"),
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
            .keepMs, .integer(keep), .none,
            "how long the record of the completed job stays; otherwise the queue's"),
        MemberSpec(.meta, .object(maxBytes: 4_096), .none, "carried along untouched"),
        MemberSpec(
            .unique, .shape(.unique), .none, "while the key is held, another enqueue returns the job that holds it"),
        MemberSpec(.expiresInMs, .integer(1...315_360_000_000), .none, "not started by then, it expires"),
    ]

    private static let unique = [
        MemberSpec(.key, .text(1...256), .required, "the key"),
        MemberSpec(.until, .word(.uniqueUntil), .word("done"), "how long the job holds it"),
        MemberSpec(.ttlMs, .integer(1...31_536_000_000), .none, "after so long it is free in any case"),
    ]

    private static let backoff = [
        MemberSpec(.kind, .word(.backoffKind), .word("exponential"), "how the wait grows"),
        MemberSpec(.baseMs, .integer(0...86_400_000), .integer(1_000), "the first wait"),
        MemberSpec(.maxMs, .integer(0...31_536_000_000), .integer(3_600_000), "the longest wait"),
        MemberSpec(.jitter, .number(0...1), .number(0.5), "the share of the wait that chance may take away"),
    ]

    private static let claim = [
        MemberSpec(.queue, .queueName, .none, "from this queue, or from:"),
        MemberSpec(.queues, .queueTerms(max: 64), .none, "one of these, or of those that match, that has work"),
        MemberSpec(.waitMs, .integer(0...600_000), .integer(0), "how long to wait for the first job"),
        MemberSpec(.max, .integer(1...100), .integer(1), "at most so many jobs"),
        MemberSpec(.leaseMs, .integer(lease), .none, "how long the claim holds; otherwise the job's"),
        MemberSpec(.strategy, .word(.strategy), .word("strict"), "how a queue is chosen"),
        MemberSpec(.weights, .weights(1...1000), .none, "with weighted: each queue's share; 1 for those left out"),
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
            MemberSpec(.checkpoint, .smallJSON(maxBytes: 65_536), .none, "handed to the next attempt, byte for byte"),
            MemberSpec(.log, .logLine(maxBytes: 4_096), .none, "a line for the log in the record"),
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
    private static let uniqueSet = MemberSet(unique)
    private static let backoffSet = MemberSet(backoff)
    private static let claimSet = MemberSet(claim)
    private static let completeSet = MemberSet(complete)
    private static let failSet = MemberSet(fail)
    private static let extendSet = MemberSet(extend)
    private static let releaseSet = MemberSet(release)
    private static let failureSet = MemberSet(failure)
}
