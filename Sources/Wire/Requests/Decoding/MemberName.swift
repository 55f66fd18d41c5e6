// The names of all members that a request of version 1 may have, at any level: the only place where they are spelt.
//
// Decoding finds a name by its bytes (`NameTable`), so a known member is a number from the moment it is scanned, and
// "was it there" is a bit of one of two words.

enum MemberName: UInt8, CaseIterable {
    case op, id
    case `protocol`, worker, push, onDisconnect, graceMs, session
    case store
    case queue, queues, jobs, job, token, type, state
    case payload, jobID, priority, front, delayMs, runAt, maxAttempts, backoff, leaseMs, keepMs, meta
    case kind, baseMs, maxMs, jitter
    case waitMs, max, strategy
    case result, next, error, retry, retryInMs, progress
    case message, trace
    case limit, cursor, dryRun, until
    // From here on in the second word of a set: what few requests have.
    case unique, key, ttlMs, expiresInMs, weights, checkpoint, log
    case reason, target, events, since, topic
    case olderThanMs, repair, create
    case keepCount, deadKeepMs, deadKeepCount, maxLen, order, agingMs

    var text: StaticString {
        switch self {
        case .op: "op"
        case .id: "id"
        case .protocol: "protocol"
        case .worker: "worker"
        case .push: "push"
        case .onDisconnect: "on_disconnect"
        case .graceMs: "grace_ms"
        case .session: "session"
        case .store: "store"
        case .queue: "queue"
        case .queues: "queues"
        case .jobs: "jobs"
        case .job: "job"
        case .token: "token"
        case .type: "type"
        case .state: "state"
        case .payload: "payload"
        case .jobID: "job_id"
        case .priority: "priority"
        case .front: "front"
        case .delayMs: "delay_ms"
        case .runAt: "run_at"
        case .maxAttempts: "max_attempts"
        case .backoff: "backoff"
        case .leaseMs: "lease_ms"
        case .keepMs: "keep_ms"
        case .meta: "meta"
        case .kind: "kind"
        case .baseMs: "base_ms"
        case .maxMs: "max_ms"
        case .jitter: "jitter"
        case .waitMs: "wait_ms"
        case .max: "max"
        case .strategy: "strategy"
        case .result: "result"
        case .next: "next"
        case .error: "error"
        case .retry: "retry"
        case .retryInMs: "retry_in_ms"
        case .progress: "progress"
        case .message: "message"
        case .trace: "trace"
        case .limit: "limit"
        case .cursor: "cursor"
        case .dryRun: "dry_run"
        case .until: "until"
        case .reason: "reason"
        case .target: "target"
        case .events: "events"
        case .since: "since"
        case .topic: "topic"
        case .unique: "unique"
        case .key: "key"
        case .ttlMs: "ttl_ms"
        case .expiresInMs: "expires_in_ms"
        case .weights: "weights"
        case .checkpoint: "checkpoint"
        case .log: "log"
        case .olderThanMs: "older_than_ms"
        case .repair: "repair"
        case .create: "create"
        case .keepCount: "keep_count"
        case .deadKeepMs: "dead_keep_ms"
        case .deadKeepCount: "dead_keep_count"
        case .maxLen: "max_len"
        case .order: "order"
        case .agingMs: "aging_ms"
        }
    }

    /// Every name, findable by its bytes.
    static let table: NameTable = {
        precondition(allCases.count <= 72, "MemberReader has slots for 72 names")
        return NameTable(allCases.map { $0.text })
    }()

    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let index = Self.table.index(of: bytes) else { return nil }
        self.init(rawValue: UInt8(truncatingIfNeeded: index))
    }
}

/// A set of members, as bits.
struct MemberNameSet: Equatable {
    /// The first 64 names, and the others.
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    init(_ names: MemberName...) { for name in names { insert(name) } }

    // A shift by the raw value as it is takes it modulo 64.
    private static func bit(_ name: MemberName) -> UInt64 { 1 &<< UInt64(name.rawValue) }

    mutating func insert(_ name: MemberName) {
        if name.rawValue < 64 { low |= Self.bit(name) } else { high |= Self.bit(name) }
    }
    func contains(_ name: MemberName) -> Bool { (name.rawValue < 64 ? low : high) & Self.bit(name) != 0 }
    func subtracting(_ other: Self) -> Self {
        var rest = self
        rest.low &= ~other.low
        rest.high &= ~other.high
        return rest
    }
    func intersection(_ other: Self) -> Self {
        var common = self
        common.low &= other.low
        common.high &= other.high
        return common
    }
    var isEmpty: Bool { low | high == 0 }

    /// The members in the set, in the order of their declaration.
    var names: [MemberName] { MemberName.allCases.filter(contains) }
}
