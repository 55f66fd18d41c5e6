// Jobs as a client sees them: one to enqueue, one that was enqueued, one that was claimed. Members that are nil are
// left to the queue's defaults; shapes, units and ranges are those of the protocol.

public import Wire

/// A job to enqueue.
public struct JobToEnqueue: Sendable {
    /// Its queue, which is made by its first job.
    public var queue: String
    /// Any JSON, handed to the worker byte for byte; nil: `null`.
    public var payload: JSONDocument?
    /// What kind of work it is, at most 128 bytes.
    public var type: String?
    /// The part of the job's name after the slash; a second enqueue with the same one changes nothing.
    public var jobID: String?
    /// −100…100, higher runs first.
    public var priority: Int?
    /// Before all others of its priority.
    public var front: Bool?
    /// Not before then, in milliseconds from now.
    public var delayMs: Int64?
    /// Milliseconds since the epoch; not together with `delayMs`.
    public var runAt: Int64?
    /// 1…1000.
    public var maxAttempts: Int?
    /// The protocol's `backoff` object.
    public var backoff: JSONDocument?
    /// How long a worker has it without a sign of life, 100…86 400 000.
    public var leaseMs: Int64?
    /// How long its record stays when it is completed; 0 deletes it at once.
    public var keepMs: Int64?
    /// An object of at most 4 KiB, carried along untouched.
    public var meta: JSONDocument?

    /// A job with what most jobs have; the rest can be set afterwards.
    public init(queue: String, payload: JSONDocument? = nil, type: String? = nil, jobID: String? = nil) {
        self.queue = queue
        self.payload = payload
        self.type = type
        self.jobID = jobID
    }

    func write(to writer: inout JSONWriter) {
        writer.member("queue", queue)
        if let payload { writer.member("payload", raw: payload.raw) }
        if let type { writer.member("type", type) }
        if let jobID { writer.member("job_id", jobID) }
        if let priority { writer.member("priority", priority) }
        if let front { writer.member("front", front) }
        if let delayMs { writer.member("delay_ms", delayMs) }
        if let runAt { writer.member("run_at", runAt) }
        if let maxAttempts { writer.member("max_attempts", maxAttempts) }
        if let backoff { writer.member("backoff", raw: backoff.raw) }
        if let leaseMs { writer.member("lease_ms", leaseMs) }
        if let keepMs { writer.member("keep_ms", keepMs) }
        if let meta { writer.member("meta", raw: meta.raw) }
    }
}

/// What became of a job to enqueue.
public struct EnqueuedJob: Equatable, Sendable {
    /// `queue/id`.
    public let job: String
    /// Where it is now.
    public let state: JobState
    /// The id was taken; nothing was written.
    public let isDuplicate: Bool

    init(_ item: JSONDocument) throws {
        job = try item.required("job", \.string)
        state = try item.required("state") { $0.string.flatMap(JobState.init) }
        isDuplicate = item["duplicate"]?.bool ?? false
    }
}

/// A claim: which queues, how long to wait, how many.
public struct ClaimOptions: Sendable {
    /// 1…64 names; the first with work wins.
    public var queues: [String]
    /// 0…600 000.
    public var waitMs: Int64
    /// 1…100.
    public var max: Int
    /// nil: the job's or the queue's.
    public var leaseMs: Int64?

    /// By default one job, if there is one now.
    public init(_ queues: [String], waitMs: Int64 = 0, max: Int = 1, leaseMs: Int64? = nil) {
        self.queues = queues
        self.waitMs = waitMs
        self.max = max
        self.leaseMs = leaseMs
    }

    func write(to writer: inout JSONWriter) {
        writer.key("queues")
        writer.beginArray()
        for queue in queues { writer.string(queue) }
        writer.endArray()
        writer.member("wait_ms", waitMs)
        writer.member("max", max)
        if let leaseMs { writer.member("lease_ms", leaseMs) }
    }
}

/// A job in this worker's hands, until its lease ends.
public struct ClaimedJob: Sendable {
    /// `queue/id`.
    public let job: String
    /// The part of its name before the slash.
    public let queue: String
    /// As it was enqueued, or empty.
    public let type: String
    /// As it was enqueued, byte for byte.
    public let payload: JSONDocument
    /// As it was enqueued.
    public let meta: JSONDocument?
    /// From 1.
    public let attempt: Int
    /// After so many attempts it is a dead letter.
    public let maxAttempts: Int
    /// Proof of owning it.
    public let token: String
    /// How long the lease is; extend it well before its end.
    public let leaseMs: Int64
    /// By the clock of Redis.
    public let leaseUntil: Int64
    /// What an attempt before this one left with `extend`.
    public let checkpoint: JSONDocument?

    /// From an element of `jobs` in a claim's reply.
    public init(_ item: JSONDocument) throws {
        job = try item.required("job", \.string)
        checkpoint = item["checkpoint"]
        queue = try item.required("queue", \.string)
        type = item["type"]?.string ?? ""
        payload = try item.required("payload") { $0 }
        meta = item["meta"]
        attempt = Int(try item.required("attempt", \.integer))
        maxAttempts = Int(try item.required("max_attempts", \.integer))
        token = try item.required("token", \.string)
        leaseMs = try item.required("lease_ms", \.integer)
        leaseUntil = try item.required("lease_until", \.integer)
    }
}

extension JSONDocument {
    /// A member that the protocol promises.
    func required<Value>(_ name: String, _ read: (JSONDocument) -> Value?) throws -> Value {
        guard let value = self[name].flatMap(read) else { throw ConnectionError.notAReply("no proper \"\(name)\"") }
        return value
    }
}
