// The operations of producers and workers, typed, for every kind of connection. Each is one request; all throw what `request`
// throws.
//
// Left out: the forms of complete, fail, extend and release that take many jobs, and what administrators ask. `request`
// speaks them all.

public import Wire

/// What asks the daemon one operation and waits for its reply.
public protocol JobqRequests {
    /// Asks one operation and returns the whole reply, which has `"ok":true`.
    ///
    /// - Parameters:
    ///   - waitMs: how long the operation itself may wait (`wait_ms` of a claim), beyond the time for any reply.
    ///   - members: writes the request's other members, e.g. `{ $0.member("job", job) }`.
    /// - Throws: `ProtocolError` when the daemon says no, `ConnectionError` when there is no reply.
    func request(_ operation: String, waitMs: Int64, _ members: (inout JSONWriter) -> Void) throws -> JSONDocument
}

extension JobqConnection {
    /// Names this worker: when the connection ends, its jobs go back (at once if the process is gone).
    ///
    /// - Returns: the reply, with `session`, `server`, `version` and `limits`.
    @discardableResult
    public func hello(worker: String, graceMs: Int64? = nil, keepOnDisconnect: Bool = false) throws -> JSONDocument {
        try request("hello") {
            $0.member("protocol", 1)
            $0.member("worker", worker)
            if let graceMs { $0.member("grace_ms", graceMs) }
            if keepOnDisconnect { $0.member("on_disconnect", "keep") }
        }
    }
}

extension JobqRequests {
    private func request(_ operation: String, _ members: (inout JSONWriter) -> Void) throws -> JSONDocument {
        try request(operation, waitMs: 0, members)
    }

    /// The daemon's time, in milliseconds since the epoch. With `store`, after a round trip to Redis.
    @discardableResult
    public func ping(store: Bool = false) throws -> Int64 {
        try request("ping") { if store { $0.member("store", true) } }.required("at", \.integer)
    }

    // MARK: Producing

    /// Returns when Redis has it.
    @discardableResult
    public func enqueue(_ job: JobToEnqueue) throws -> EnqueuedJob {
        try EnqueuedJob(request(enqueue: job))
    }

    /// The same with the whole reply.
    public func request(enqueue job: JobToEnqueue) throws -> JSONDocument {
        try request("enqueue") { job.write(to: &$0) }
    }

    /// At most 1000 jobs at once; one that is wrong refuses them all. An item that the store alone refuses (its queue is
    /// full) is the error in its place.
    public func enqueue(_ jobs: [JobToEnqueue]) throws -> [Result<EnqueuedJob, ProtocolError>] {
        let reply = try request("enqueue") { writer in
            writer.key("jobs")
            writer.beginArray()
            for job in jobs {
                writer.beginObject()
                job.write(to: &writer)
                writer.endObject()
            }
            writer.endArray()
        }
        return try reply.required("jobs", \.array).map { item in
            if let error = item["error"] { return .failure(ProtocolError(error)) }
            return .success(try EnqueuedJob(item))
        }
    }

    /// The record of a job (`queue/id`), as the protocol describes it.
    public func get(_ job: String) throws -> JSONDocument {
        try request("get") { $0.member("job", job) }.required("job") { $0 }
    }

    // MARK: Working

    /// Empty when nothing came within `waitMs`.
    public func claim(_ options: ClaimOptions) throws -> [ClaimedJob] {
        try claimed(request("claim", waitMs: options.waitMs) { options.write(to: &$0) })
    }

    /// - Parameter next: claims the next job in the same round trip; what it finds is returned.
    @discardableResult
    public func complete(
        _ job: ClaimedJob, result: JSONDocument? = nil, next: ClaimOptions? = nil
    ) throws -> [ClaimedJob] {
        let reply = try request("complete", waitMs: next?.waitMs ?? 0) {
            $0.members(of: job)
            if let result { $0.member("result", raw: result.raw) }
            $0.member(next: next)
        }
        return next == nil ? [] : try claimed(reply)
    }

    /// - Parameters:
    ///   - error: why, for people; kept in the job's history.
    ///   - retry: false sends the job to the dead letters at once.
    @discardableResult
    public func fail(
        _ job: ClaimedJob, error: String, retry: Bool = true, retryInMs: Int64? = nil, next: ClaimOptions? = nil
    ) throws -> [ClaimedJob] {
        let reply = try request("fail", waitMs: next?.waitMs ?? 0) {
            $0.members(of: job)
            $0.member("error", error)
            $0.member("retry", retry)
            if let retryInMs { $0.member("retry_in_ms", retryInMs) }
            $0.member(next: next)
        }
        return next == nil ? [] : try claimed(reply)
    }

    /// Heartbeat: the lease begins anew.
    ///
    /// - Returns: when it ends now, by the clock of Redis.
    @discardableResult
    public func extend(_ job: ClaimedJob, leaseMs: Int64? = nil, progress: JSONDocument? = nil) throws -> Int64 {
        try request("extend") {
            $0.members(of: job)
            if let leaseMs { $0.member("lease_ms", leaseMs) }
            if let progress { $0.member("progress", raw: progress.raw) }
        }.required("lease_until", \.integer)
    }

    /// Back to its queue; the attempt does not count.
    public func release(_ job: ClaimedJob, delayMs: Int64? = nil) throws {
        _ = try request("release") {
            $0.members(of: job)
            if let delayMs { $0.member("delay_ms", delayMs) }
        }
    }

    private func claimed(_ reply: JSONDocument) throws -> [ClaimedJob] {
        try reply.required("jobs", \.array).map { try ClaimedJob($0) }
    }
}

extension JSONWriter {
    fileprivate mutating func members(of job: ClaimedJob) {
        member("job", job.job)
        member("token", job.token)
    }

    fileprivate mutating func member(next options: ClaimOptions?) {
        guard let options else { return }
        key("next")
        beginObject()
        options.write(to: &self)
        endObject()
    }
}
