// The parts of the calls that the model test makes up: jobs, requests, and what they carry.

import Wire

@testable import Store

extension ModelGenerator {
    static let hour: Int64 = 3_600_000
    /// Ages move by 40 minutes, and all times to keep a record are 20 minutes beside: the default's 60,
    /// 100 or 140 minutes.
    static let ageStep: Int64 = 2_400_000
    private static let keeps: [Int64?] = [nil, nil, 0, 0, 6_000_000, 8_400_000]
    private static let leases: [Int64?] = [nil, nil, 100, 1_000, hour]
    static let delays: [Int64] = [0, 1, 50, 1_000, 60_000, hour]
    static let ages: [Int64?] = [nil, nil, nil, 0, 5_000, hour, 2 * hour]
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
    static let reasons: [String?] = [nil, nil, "stop", "no more of \"it\"|%s - x", "genügt"]
    static let topics = ["news", "t.2-x"]

    mutating func typeOrAny() -> String? { random.chance(0.7) ? nil : random.pick(Self.types.filter { $0 != "" }) }

    // MARK: Jobs

    mutating func job(now: ServerTime) -> NewJob {
        var job = NewJob(id: id(), payload: Self.texts[1 + random.below(3)] ?? [])
        if random.chance(0.3) { return job }
        job.type = random.pick(Self.types)
        if random.chance(0.15) { return job }
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
        job.unique = random.chance(0.5) ? unique() : nil
        job.expiresInMs =
            random.chance(shape.mortal) ? random.pick([1, 50, 1_000, 60_000, Self.hour, 2 * Self.hour]) : nil
        return job
    }

    /// From a small pool, so that keys collide; some with bytes that mean something elsewhere.
    private mutating func unique() -> UniqueKey {
        let number = random.below(shape.keys)
        let key = number == 0 ? "a:1 b {x} %s\"é" : "k\(number)"
        return UniqueKey(
            key: key, until: random.pick([.done, .claimed]), ttlMs: random.pick([nil, nil, 3_600_000, 6_000_000]))
    }

    // MARK: Requests

    mutating func claim() -> ClaimRequest {
        ClaimRequest(
            max: count(min(shape.batch, 33)), leaseMs: random.pick(Self.leases), worker: random.pick(Self.workers))
    }

    mutating func complete(_ claim: Claim) -> CompleteRequest {
        CompleteRequest(claim: claim, result: random.pick(Self.texts))
    }

    mutating func fail(_ claim: Claim) -> FailRequest {
        FailRequest(
            claim: claim, error: random.pick(Self.texts), retry: random.chance(0.85),
            retryInMs: random.chance(0.2) ? random.pick(Self.delays) : nil)
    }

    /// Of one job so many, at times, that its log is full.
    mutating func extensions(_ queue: String) -> [ExtendRequest] {
        let claims = many(queue)
        let all = random.chance(0.1) ? Array(repeating: claims[0], count: 70) : claims
        return all.map { claim in
            lines += 1
            return ExtendRequest(
                claim: claim, leaseMs: random.pick(Self.leases), progress: random.pick(Self.texts),
                checkpoint: random.chance(0.3) ? random.pick(Self.texts) : nil,
                log: random.chance(0.5) ? Array("\"line \(lines)\"".utf8) : nil)
        }
    }

    // MARK: Policies

    /// Some settings, each to a value or back; the others stay.
    mutating func change() -> PolicyChange {
        var change = PolicyChange()
        for _ in 0..<random.below(4) {
            switch random.below(10) {
            case 0: change.maxAttempts = setting([1, 2, 5])
            case 1: change.leaseMs = setting([100, 5_000])
            case 2: change.backoff = setting(Self.backoffs.compactMap(\.self))
            case 3: change.keepMs = setting([0, 6_000_000, 8_400_000])
            case 4: change.keepCount = setting([0, 1, 5, 20])
            case 5: change.deadKeepMs = setting([0, 3_600_000, 6_000_000])
            case 6: change.deadKeepCount = setting([0, 1, 5])
            case 7: change.maxLen = setting([shape.batch, shape.ids / 2, shape.ids / 2])
            case 8: change.order = setting([.fifo, .lifo, .lifo])
            default: change.agingMs = setting([1, 30, 1_000, 60_000, Self.hour])
            }
        }
        return change
    }

    private mutating func setting<Value: Equatable & Sendable>(_ values: [Value]) -> Setting<Value> {
        random.chance(0.4) ? .reset : .set(random.pick(values))
    }
}
