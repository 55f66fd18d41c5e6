// Makes up the steps of the model test: mostly sensible calls, and every so often stale, foreign, repeated, doubled ones.
//
// It looks at the model to know what is claimed and remembers old claims. Times are chosen so that the real time the
// test takes decides nothing: a kept record ends twenty minutes away from any time the test moves to. (A record kept for
// a millisecond would end between two scripts or after the second, as the machine's load has it.)

import Wire

@testable import Store

/// One step of the test.
enum ModelStep {
    /// Calls of one turn, each of another kind.
    case turn(queue: String, [ModelOperation])
    case list(queue: String, JobState, type: String?, limit: Int)
    case requeueMatching(queue: String, JobState, type: String?, limit: Int, dryRun: Bool)
    /// Sets a field of the policy, or removes it.
    case policy(queue: String, field: String, value: String?)
    /// Everything that waits for a time is due so much earlier.
    case pass(milliseconds: Int64)
    /// Kept records end so much earlier.
    case age(milliseconds: Int64)
    case flushScripts
}

struct ModelGenerator {
    /// How a run is shaped.
    struct Shape {
        var queues = ["a", "b", "c.d-e_F"]
        /// Ids in use in each queue.
        var ids = 40
        /// Most jobs or requests of one call.
        var batch = 6
    }
    var random: Xoshiro
    let shape: Shape
    let model: MemoryModel
    private var claims: [String: [Claim]] = [:]

    static let hour: Int64 = 3_600_000
    /// Ages move by 40 minutes, and all times to keep a record are 20 minutes beside: the default's 60,
    /// 100 or 140 minutes.
    static let ageStep: Int64 = 2_400_000
    private static let keeps: [Int64?] = [nil, nil, 0, 0, 6_000_000, 8_400_000]
    private static let leases: [Int64?] = [nil, nil, 100, 1_000, hour]
    private static let delays: [Int64] = [0, 1, 50, 1_000, 60_000, hour]
    private static let texts: [[UInt8]?] = [
        nil, "\"boom\"", #"{"type":"E","message":"a\nb/\"c\" é","trace":"1:2"}"#, "{\"a\":[1.10,12345678901234567890]}",
    ].map { $0.map { Array($0.utf8) } }
    private static let backoffs: [Backoff?] = [
        nil, Backoff(kind: .fixed, baseMs: 5, maxMs: 1_000, jitter: 0),
        Backoff(kind: .linear, baseMs: 333, maxMs: 1_000, jitter: 1),
        Backoff(kind: .exponential, baseMs: 7, maxMs: 31_536_000_000, jitter: 0.25),
        Backoff(kind: .exponential, baseMs: 86_400_000, maxMs: 86_400_000, jitter: 0.1),
    ]
    private static let types = ["", "", "mail", "a b|%s"]
    private static let workers = ["", "w1", #"a"b\c/d"#, "ünter"]

    init(seed: UInt64, shape: Shape, model: MemoryModel) {
        random = Xoshiro(seed: seed)
        self.shape = shape
        self.model = model
    }

    mutating func next(now: ServerTime) -> ModelStep {
        let queue = random.pick(shape.queues)
        switch random.below(1_000) {
        case ..<30: return .list(queue: queue, random.pick(JobState.allCases), type: aType(), limit: count(20))
        case ..<50:
            let state = random.pick([JobState.scheduled, .retrying, .dead, .dead, .cancelled])
            return .requeueMatching(
                queue: queue, state, type: aType(), limit: count(shape.batch * 3), dryRun: random.chance(0.3))
        case ..<70: return policy(queue)
        case ..<220: return .pass(milliseconds: time(now: now))
        case ..<230: return .age(milliseconds: Self.ageStep * Int64(1 + random.below(2)))
        case ..<232: return .flushScripts
        default: return turn(queue, now: now)
        }
    }

    // MARK: Around the calls

    private mutating func aType() -> String? { random.chance(0.7) ? nil : random.pick(Self.types.filter { $0 != "" }) }

    private mutating func count(_ most: Int) -> Int { 1 + random.below(most) }

    private mutating func policy(_ queue: String) -> ModelStep {
        let (field, values): (String, [String]) = random.pick([
            ("max_attempts", ["1", "2", "5"]), ("lease_ms", ["100", "5000"]),
            ("keep_ms", ["0", "6000000", "8400000"]),
            ("keep_count", ["0", "1", "5", "20"]), ("backoff", ["fixed 10 10 0.0", "linear 9 1000 0.5"]),
        ])
        return .policy(queue: queue, field: field, value: random.chance(0.4) ? nil : random.pick(values))
    }

    /// A short time, a long one, or just so that the next thing is due in this very millisecond.
    private mutating func time(now: ServerTime) -> Int64 {
        let queue = model.queue(random.pick(shape.queues))
        let due = [queue.scheduled, queue.retrying, queue.processing].compactMap(\.first?.score).filter { $0 > now }
        switch random.below(3) {
        case 0: return Int64(1 + random.below(3_000))
        case 1: return Self.hour * Int64(random.below(3)) + 1
        default: return max(1, (due.min() ?? now) - now + Int64(random.below(3)))
        }
    }

    // MARK: Turns

    private mutating func turn(_ queue: String, now: ServerTime) -> ModelStep {
        var kinds: Set<Int> = []
        var operations: [ModelOperation] = []
        for _ in 0..<(random.chance(0.15) ? 3 : 1) {
            let (kind, operation) = operation(queue, now: now)
            if kinds.insert(kind).inserted { operations.append(operation) }
            // A record that is kept for a millisecond must not be met again in the same turn.
            if case .complete = operation { break }
        }
        if operations.count > 1, let last = operations.last, case .complete = last { operations = [last] }
        return .turn(queue: queue, operations)
    }

    private mutating func operation(_ queue: String, now: ServerTime) -> (kind: Int, ModelOperation) {
        switch random.below(100) {
        case ..<22: return (0, .enqueue((0..<count(shape.batch)).map { _ in job(now: now) }))
        case ..<46:
            let requests = (0..<count(3)).map { _ in
                ClaimRequest(
                    max: count(min(shape.batch, 33)), leaseMs: random.pick(Self.leases),
                    worker: random.pick(Self.workers))
            }
            return (1, .claim(requests))
        case ..<57:
            return (2, .complete(many(queue).map { CompleteRequest(claim: $0, result: random.pick(Self.texts)) }))
        case ..<67:
            let requests = many(queue).map {
                FailRequest(
                    claim: $0, error: random.pick(Self.texts), retry: random.chance(0.85),
                    retryInMs: random.chance(0.2) ? random.pick(Self.delays) : nil)
            }
            return (3, .fail(requests))
        case ..<71:
            let requests = many(queue).map {
                ExtendRequest(claim: $0, leaseMs: random.pick(Self.leases), progress: random.pick(Self.texts))
            }
            return (4, .extend(requests))
        case ..<77:
            return (
                5, .release(many(queue).map { ReleaseRequest(claim: $0, delayMs: random.pick([nil] + Self.delays)) })
            )
        case ..<81: return (6, .workerGone(many(queue)))
        case ..<88: return (7, .sweep(reclaiming: random.chance(0.8)))
        case ..<91: return (8, .requeue(id()))
        case ..<95: return (9, .get(id()))
        case ..<96: return (10, .pause(until: random.chance(0.4) ? nil : now + Int64(random.below(10_000)) - 100))
        case ..<98: return (11, .resume)
        case ..<99: return (12, .statistics)
        default: return (13, .queues)
        }
    }

    private mutating func id() -> String { "j\(random.below(shape.ids))" }

    private mutating func job(now: ServerTime) -> NewJob {
        var job = NewJob(id: id(), payload: Self.texts[1 + random.below(3)] ?? [])
        if random.chance(0.4) { return job }
        job.type = random.pick(Self.types)
        job.priority = random.pick([0, 0, 1, -1, 100, -100])
        job.front = random.chance(0.2)
        switch random.below(4) {
        case 0: job.start = .delay(random.pick(Self.delays))
        case 1: job.start = .at(now + random.pick([-1_000] + Self.delays))
        default: break
        }
        job.maxAttempts = random.pick([nil, 1, 2, 3, 15])
        job.backoff = random.pick(Self.backoffs)
        job.leaseMs = random.pick(Self.leases)
        job.keepMs = random.pick(Self.keeps)
        job.meta = random.chance(0.3) ? Array(#"{"trace":"0/1"}"#.utf8) : nil
        return job
    }

    // MARK: Claims

    /// What was claimed, for later.
    mutating func remember(_ claimed: [Claimed], queue: String) {
        claims[queue, default: []] += claimed.flatMap(\.jobs).map { Claim(id: $0.id, token: $0.token) }
        claims[queue] = claims[queue]?.suffix(100)
    }

    private mutating func many(_ queue: String) -> [Claim] {
        let held = model.queue(queue).processing.entries(limit: 200).map(\.id)
        var found = (0..<count(shape.batch)).map { _ in one(queue, held) }
        if random.chance(0.1) { found.append(found[0]) }
        return found
    }

    /// A held job mostly; else an old claim, or one that never was.
    private mutating func one(_ queue: String, _ held: [String]) -> Claim {
        switch random.below(10) {
        case ..<7:
            guard !held.isEmpty, let record = model.queue(queue).records[random.pick(held)], let token = record.token
            else { return one(queue, held, stale: true) }
            return Claim(id: record.id, token: token)
        case ..<9: return one(queue, held, stale: true)
        default: return Claim(id: random.chance(0.2) ? "nobody" : id(), token: random.pick(["", "1-0", "nonsense"]))
        }
    }

    private mutating func one(_ queue: String, _ held: [String], stale: Bool) -> Claim {
        guard let old = claims[queue], !old.isEmpty else { return Claim(id: id(), token: "1-0") }
        return random.pick(old)
    }
}
