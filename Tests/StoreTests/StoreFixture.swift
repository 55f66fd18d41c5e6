// A RedisStore on a redis-server of its own, whose loop is driven by the test: each call is made, flushed, and waited for
// with a deadline. Several stores can share one server, as several daemons do.

import Harness
import Logging
import Reactor
import Redis
import Store
import Testing
import Wire

/// A store and what it stands on.
final class StoreFixture {
    let server: RedisServer
    let loop: Loop
    let link: RedisLink
    let store: RedisStore
    /// What `onWake` was called with.
    var wakes: [String?] = []
    /// What the store itself has logged.
    let complaints = LogLines()
    /// What its links have logged.
    let linkLog = LogLines()
    let queue = "email"
    /// Keys that end: when, and as `keyspace()` tells it.
    private var ends: [String: (at: Int, text: String)] = [:]

    /// - Parameters:
    ///   - server: that of another fixture, or nil for an own one.
    ///   - url: how to reach it otherwise than as the default user: with a user, another database, over a proxy.
    ///   - waits: for the store to be ready.
    init(
        server: RedisServer? = nil, maxmemory: Int? = nil, keyPrefix: String = "jobq", origin: String = "a",
        requestTimeoutMs: Int64 = 5_000, random: @escaping () -> Double = { 0.5 }, url: String? = nil,
        waits: Bool = true
    ) throws {
        let server =
            try server ?? RedisServer(maxmemory: maxmemory, arguments: ["--hash-max-listpack-value", "1024"])
        self.server = server
        loop = try Loop()
        let redis = RedisConfiguration(
            address: try RedisAddress.parse(url ?? server.url), requestTimeoutMs: requestTimeoutMs)
        let logger = Logger(label: "link") { [linkLog] _ in linkLog }
        let database = redis.address.database
        let rights = RedisStore.rights(keyPrefix: keyPrefix)
        link = RedisLink(
            loop: loop, configuration: redis, scripts: RedisStore.scripts(database: database), rights: rights,
            logger: logger)
        let subscriptions = SubscriptionLink(loop: loop, configuration: redis, rights: rights, logger: logger)
        store = RedisStore(
            loop: loop, link: link, subscriptions: subscriptions,
            configuration: .init(
                keyPrefix: keyPrefix, address: redis.address.description, database: database,
                requestTimeoutMs: requestTimeoutMs,
                origin: origin, random: random, randomBits: { 0xfeed },
                logger: Logger(label: "store") { [complaints] _ in complaints }))
        store.onWake = { [unowned self] in wakes.append($0) }
        store.start()
        if server.pid != nil, waits { try drive { store.status.isReady } }
    }

    /// A test stands between the store and Redis and changes answers.
    var answersAreForged = false

    /// Redis itself never answers in another shape, so a link that says it did reads it wrongly.
    deinit {
        #expect(answersAreForged || !linkLog.lines.contains { $0.contains("a form that Redis does not give") })
    }

    /// Turns the loop until the condition holds.
    func drive(within seconds: Double = 10, _ what: @autoclosure () -> String = "", until: () -> Bool) throws {
        let deadline = Deadline(after: seconds)
        while !until() {
            if deadline.hasPassed { throw HarnessError("the loop ran for \(seconds) s without \(what())") }
            _ = try loop.runOnce(timeout: 10_000)
        }
    }

    /// Makes a call and waits for its completion, which must not come from inside the call.
    func result<Value>(_ call: (RedisStore, @escaping Completion<Value>) -> Void) throws -> Result<Value, StoreFailure>
    {
        var result: Result<Value, StoreFailure>?
        call(store) {
            #expect(result == nil, "completed twice")
            result = $0
        }
        #expect(result == nil, "completed inside the call")
        try drive { result != nil }
        return result!
    }

    func wait<Value>(_ call: (RedisStore, @escaping Completion<Value>) -> Void) throws -> Value {
        try result(call).get()
    }

    // MARK: Short forms on the one queue

    @discardableResult
    func enqueue(_ jobs: NewJob...) throws -> [Enqueued] {
        try wait { $0.enqueue(jobs, queue: queue, then: $1) }
    }

    @discardableResult
    func enqueue(ids: String...) throws -> [Enqueued] {
        try wait { $0.enqueue(ids.map { NewJob(id: $0, payload: Array("1".utf8)) }, queue: queue, then: $1) }
    }

    /// One job with a unique key.
    @discardableResult
    func enqueue(_ id: String, unique: UniqueKey, start: NewJob.Start = .now) throws -> Enqueued {
        try enqueue(NewJob(id: id, payload: bytes("1"), start: start, unique: unique))[0]
    }

    func claim(_ max: Int = 1, leaseMs: Int64? = nil, worker: String = "") throws -> [ClaimedJob] {
        let request = ClaimRequest(max: max, leaseMs: leaseMs, worker: worker)
        return try wait { $0.claim(request, queue: queue, patient: false, then: $1) }.jobs
    }

    func complete(_ claims: [Claim], result: String? = nil) throws -> [TokenOutcome] {
        let requests = claims.map { CompleteRequest(claim: $0, result: result.map { Array($0.utf8) }) }
        return try wait { $0.complete(requests, queue: queue, then: $1) }
    }

    func fail(
        _ claims: [Claim], error: String? = nil, retry: Bool = true, retryInMs: Int64? = nil
    ) throws -> [TokenOutcome] {
        let requests = claims.map {
            FailRequest(claim: $0, error: error.map { Array($0.utf8) }, retry: retry, retryInMs: retryInMs)
        }
        return try wait { $0.fail(requests, queue: queue, then: $1) }
    }

    func release(_ claims: [Claim], delayMs: Int64? = nil) throws -> [TokenOutcome] {
        try wait {
            $0.release(claims.map { ReleaseRequest(claim: $0, delayMs: delayMs) }, queue: queue, then: $1)
        }
    }

    func extend(_ claims: [Claim], leaseMs: Int64? = nil, progress: String? = nil) throws -> [ExtendOutcome] {
        let requests = claims.map {
            ExtendRequest(claim: $0, leaseMs: leaseMs, progress: progress.map { Array($0.utf8) })
        }
        return try wait { $0.extend(requests, queue: queue, then: $1) }
    }

    func workerGone(_ claims: [Claim]) throws -> [TokenOutcome] {
        try wait { $0.workerGone(claims, queue: queue, then: $1) }
    }

    func sweep(reclaiming: Bool = true) throws -> Swept {
        try wait { $0.sweep(queue: queue, reclaimingUntil: reclaiming ? .max : nil, then: $1) }
    }

    func get(_ id: String) throws -> JobRecord? {
        try wait { $0.get(id, queue: queue, then: $1) }
    }

    func list(_ state: JobState, type: String? = nil, limit: Int = 50, cursor: String? = nil) throws -> JobPage? {
        try wait { $0.list(queue: queue, state: state, type: type, limit: limit, cursor: cursor, then: $1) }
    }

    func statistics() throws -> QueueStatistics? {
        try wait { $0.statistics(queue: queue, then: $1) }
    }

    // MARK: Looking into the server

    /// The whole keyspace, a key a line, in a form that does not depend on the clock: times are `T`, tokens `TOKEN`,
    /// entries of streams `ENTRY`; keys that end have their time to live in seconds, rounded when it is first seen. Not in it: `enqueued` and
    /// `claimed` events, and until when these are told, which a new queue always has.
    func keyspace() throws -> String {
        var lines: [String] = []
        for (key, value) in try server.dump() {
            guard let value = try withoutListening(key, value) else { continue }
            lines.append(key.replacing("jobq:{email}:", with: "") + " " + value + (try end(of: key)))
        }
        return lines.sorted().joined(separator: "\n")
            .replacing(#/\b\d{16}-[0-9a-f]{16}\b/#, with: "TOKEN")
            .replacing(#/\b1\d{12}-\d+\b/#, with: "ENTRY")
            .replacing(#/\b1\d{12}\b/#, with: "T")
            .replacing(#/token=\d{16}/#, with: "token=N")
    }

    /// An end that has not moved is told as it was before, whatever time has passed since.
    private func end(of key: String) throws -> String {
        let script = """
            local left, time = redis.call('PTTL', KEYS[1]), redis.call('TIME')
            return { left, left + time[1] * 1000 + math.floor(time[2] / 1000) }
            """
        let reply = try server.command("EVAL", script, "1", key).array.map { $0.int ?? -1 }
        guard reply[0] >= 0 else { return "" }
        // Both clocks of the server are read a moment apart.
        if let known = ends[key], abs(known.at - reply[1]) <= 100 { return known.text }
        let text = " (ttl \((reply[0] + 500) / 1_000) s)"
        ends[key] = (reply[1], text)
        return text
    }

    private func withoutListening(_ key: String, _ value: String) throws -> String? {
        if key.hasSuffix("}:policy") {
            let rest = value.replacing(#/\blistened=\d+\|?/#, with: "").trimming("|")
            return rest == "hash " ? nil : rest
        }
        guard key.hasSuffix("}:events") else { return value }
        let entries = try entries().map { entry in
            entry.filter { !$0.hasPrefix("enqueued ") && !$0.hasPrefix("claimed ") }
        }.filter { !$0.isEmpty }
        guard !entries.isEmpty else { return nil }
        return "stream [\(entries.map { "[ENTRY, [events, \($0.joined(separator: "\n"))]]" }.joined(separator: ", "))]"
    }

    /// The event log: the lines of each entry.
    func entries() throws -> [[String]] {
        try server.command("XRANGE", "jobq:{email}:events", "-", "+").array.map { entry in
            let fields = entry.array[1].dictionary
            return (fields["events"] ?? "").split(separator: "\n").map(String.init)
        }
    }

    /// Enqueues and claims are told from now on (or no longer), whatever the script of the queue's first job said.
    func tellAll(_ isOn: Bool = true) throws {
        try server.command("HSET", "jobq:{email}:policy", "listened", isOn ? "4000000000000" : "0")
    }

    /// Fields of a job's record.
    func record(_ id: String) throws -> [String: String] {
        try server.command("HGETALL", "jobq:{email}:job:\(id)").dictionary
    }

    /// Members of a sorted set of the queue, by score.
    func members(_ set: String) throws -> [String] {
        try server.command("ZRANGE", "jobq:{email}:\(set)", "0", "-1").strings
    }

    /// Moves a job's score in a set by milliseconds: time passes without waiting.
    func shift(_ id: String, in set: String, by milliseconds: Int) throws {
        try server.command("ZINCRBY", "jobq:{email}:\(set)", String(milliseconds), id)
    }

    func counters() throws -> [String: String] {
        try server.command("HGETALL", "jobq:{email}:counters").dictionary
    }
}

extension String {
    fileprivate func trimming(_ end: Character) -> String { last == end ? String(dropLast()) : self }
}

extension ClaimedJob {
    var claim: Claim { Claim(id: id, token: token) }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// A log handler that keeps what it is told. Used by one thread only: that of the test.
final class LogLines: LogHandler, @unchecked Sendable {
    private(set) var lines: [String] = []
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { lines.append("\(event.level) \(event.message)") }
}
