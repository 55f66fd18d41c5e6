// The names of all members that a request of version 1 may have, at any level: the only place where they are spelt.
//
// Decoding finds a name by its bytes (`NameTable`), so a known member is a number from the moment it is scanned, and
// "was it there" is a bit of one word.

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
        }
    }

    /// Every name, findable by its bytes.
    static let table: NameTable = {
        precondition(allCases.count <= 48, "MemberReader has slots for 48 names")
        return NameTable(allCases.map { $0.text })
    }()

    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let index = Self.table.index(of: bytes) else { return nil }
        self.init(rawValue: UInt8(truncatingIfNeeded: index))
    }
}

/// A set of members, as bits.
struct MemberNameSet: Equatable {
    var bits: UInt64 = 0

    init(_ names: MemberName...) { for name in names { insert(name) } }

    mutating func insert(_ name: MemberName) { bits |= 1 << UInt64(name.rawValue) }
    func contains(_ name: MemberName) -> Bool { bits & (1 << UInt64(name.rawValue)) != 0 }
    func subtracting(_ other: Self) -> Self {
        var rest = self
        rest.bits &= ~other.bits
        return rest
    }
    func intersection(_ other: Self) -> Self {
        var common = self
        common.bits &= other.bits
        return common
    }
    var isEmpty: Bool { bits == 0 }

    /// The members in the set, in the order of their declaration.
    var names: [MemberName] { MemberName.allCases.filter(contains) }
}
