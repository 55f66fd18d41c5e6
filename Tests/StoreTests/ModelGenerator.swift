// Makes up the steps of the model test: mostly sensible calls, and every so often stale, foreign, repeated, doubled ones.
//
// It looks at the model to know what is claimed and remembers old claims. Times are chosen so that the real time the
// test takes decides nothing: what Redis itself ends (kept records, unique keys) ends twenty minutes away from any time the
// test moves to. (A record kept for a millisecond would end between two scripts or after the second, as the machine's load
// has it.) What the scripts decide by their own time may be as near as it likes. The parts of a call are made up in
// ModelGenerator+Parts.swift.

import Wire

@testable import Store

/// One step of the test.
enum ModelStep {
    /// Calls of one turn, each of another kind.
    case turn(queue: String, [ModelOperation])
    case list(queue: String, JobState, type: String?, limit: Int)
    case requeueMatching(queue: String, JobState, type: String?, limit: Int, dryRun: Bool)
    case purge(queue: String, JobFilter, limit: Int, dryRun: Bool)
    case check(queue: String, repair: Bool)
    /// Everything that waits for a time is due so much earlier.
    case pass(milliseconds: Int64)
    /// What is kept ends so much earlier.
    case age(milliseconds: Int64)
    case flushScripts
}

struct ModelGenerator {
    /// How a run is shaped.
    struct Shape {
        var queues = ["a", "b", "c.d-e_F"]
        /// Ids in use in each queue.
        var ids = 40
        /// Unique keys in use in each queue.
        var keys = 8
        /// The share of jobs (but for plain ones) that expire.
        var mortal = 0.3
        /// Most jobs or requests of one call.
        var batch = 6
    }
    var random: Xoshiro
    let shape: Shape
    let model: MemoryModel
    private var claims: [String: [Claim]] = [:]
    /// Lines written to jobs' logs.
    var lines = 0

    init(seed: UInt64, shape: Shape, model: MemoryModel) {
        random = Xoshiro(seed: seed)
        self.shape = shape
        self.model = model
    }

    mutating func next(now: ServerTime) -> ModelStep {
        let queue = random.pick(shape.queues)
        switch random.below(1_000) {
        case ..<30: return .list(queue: queue, random.pick(JobState.allCases), type: typeOrAny(), limit: count(20))
        case ..<55:
            let state = random.pick([JobState.scheduled, .retrying, .dead, .dead, .cancelled, .cancelled, .expired])
            return .requeueMatching(
                queue: queue, state, type: typeOrAny(), limit: count(shape.batch * 3), dryRun: random.chance(0.3))
        case ..<75:
            let state = random.pick(JobState.allCases.filter { $0 != .processing })
            return .purge(
                queue: queue, JobFilter(state: state, type: typeOrAny(), olderThanMs: random.pick(Self.ages)),
                limit: count(shape.batch), dryRun: random.chance(0.3))
        case ..<80: return .check(queue: queue, repair: random.chance(0.7))
        case ..<220: return .pass(milliseconds: time(now: now))
        case ..<232: return .age(milliseconds: Self.ageStep * Int64(1 + random.below(2)))
        case ..<234: return .flushScripts
        default: return turn(queue, now: now)
        }
    }

    mutating func count(_ most: Int) -> Int { 1 + random.below(most) }

    /// A short time, a long one, or just so that the next thing is due in this very millisecond.
    private mutating func time(now: ServerTime) -> Int64 {
        let queue = model.queue(random.pick(shape.queues))
        let waiting = [queue.scheduled, queue.retrying, queue.processing, queue.expiry]
        let due = waiting.compactMap(\.first?.score).filter { $0 > now }
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
        switch random.below(1_000) {
        case ..<710: workersCall(queue, now: now)
        case ..<860: upkeepCall(queue)
        case ..<930: queueCall(now: now)
        default: readingCall(queue)
        }
    }

    /// What producers and workers do.
    private mutating func workersCall(_ queue: String, now: ServerTime) -> (kind: Int, ModelOperation) {
        switch random.below(70) {
        case ..<22: (0, .enqueue((0..<count(shape.batch)).map { _ in job(now: now) }))
        case ..<43: (1, .claim((0..<count(3)).map { _ in claim() }))
        case ..<52: (2, .complete(many(queue).map { complete($0) }))
        case ..<60: (3, .fail(many(queue).map { fail($0) }))
        case ..<64: (4, .extend(extensions(queue)))
        case ..<68:
            (5, .release(many(queue).map { ReleaseRequest(claim: $0, delayMs: random.pick([nil] + Self.delays)) }))
        default: (6, .workerGone(many(queue)))
        }
    }

    /// What time and administrators do to jobs.
    private mutating func upkeepCall(_ queue: String) -> (kind: Int, ModelOperation) {
        switch random.below(14) {
        case ..<5: (7, .sweep(reclaiming: random.chance(0.8)))
        case ..<7: (8, .requeue(ids()))
        case ..<12: (9, .cancel(cancels(queue)))
        default: (10, .delete(ids()))
        }
    }

    /// What is done to a queue.
    private mutating func queueCall(now: ServerTime) -> (kind: Int, ModelOperation) {
        switch random.below(12) {
        case ..<1: (11, .pause(until: random.chance(0.4) ? nil : now + Int64(random.below(10_000)) - 100))
        case ..<3: (12, .resume)
        case ..<8: (13, .configure(change()))
        case ..<9: (14, .logAll(forMs: random.pick([1, 500, 60_000])))
        case ..<11: (15, .bind(topic: random.pick(Self.topics)))
        default: (15, .unbind(topic: random.pick(Self.topics)))
        }
    }

    /// What is said of topics takes two round trips: it must not meet a change of them.
    private mutating func readingCall(_ queue: String) -> (kind: Int, ModelOperation) {
        switch random.below(10) {
        case ..<3: (16, .get(id()))
        case ..<5: (17, .held(many(queue)))
        case ..<6: (18, .policy)
        case ..<7: (19, .statistics)
        case ..<8: (20, .queues)
        case ..<9: (15, .bindings(topic: random.pick(Self.topics)))
        default: (15, .topics)
        }
    }

    // MARK: Jobs and claims that are there, mostly

    mutating func id() -> String { "j\(random.below(shape.ids))" }

    /// A few at most; one of them twice, now and then.
    private mutating func ids() -> [String] {
        var found = (0..<count(max(2, shape.batch / 10))).map { _ in id() }
        if random.chance(0.1) { found.append(found[0]) }
        return found
    }

    /// Of jobs in workers' hands mostly.
    private mutating func cancels(_ queue: String) -> [(id: String, reason: String?)] {
        let held = model.queue(queue).processing.entries(limit: 200).map(\.id)
        let named = ids().map { held.isEmpty || random.chance(0.3) ? $0 : random.pick(held) }
        return named.map { ($0, random.pick(Self.reasons)) }
    }

    /// What was claimed, for later.
    mutating func remember(_ claimed: [Claimed], queue: String) {
        claims[queue, default: []] += claimed.flatMap(\.jobs).map { Claim(id: $0.id, token: $0.token) }
        claims[queue] = claims[queue]?.suffix(100)
    }

    mutating func many(_ queue: String) -> [Claim] {
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
            else { return oldClaim(queue) }
            return Claim(id: record.id, token: token)
        case ..<9: return oldClaim(queue)
        default: return Claim(id: random.chance(0.2) ? "nobody" : id(), token: random.pick(["", "1-0", "nonsense"]))
        }
    }

    private mutating func oldClaim(_ queue: String) -> Claim {
        guard let old = claims[queue], !old.isEmpty else { return Claim(id: id(), token: "1-0") }
        return random.pick(old)
    }
}
