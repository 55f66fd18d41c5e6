// A store without Redis, for `--store memory` and for tests of what stands above a store.
//
// Calls gather in the order the contract names (token operations, enqueues, sweeps and requeues, claims), are carried
// out by the model in the next turn of the loop, and their completions are called in that turn: replies then leave
// with that turn's writes. Nothing survives the process. What it leaves out: other hosts, so nobody else ever wakes it.

internal import Glibc
public import Reactor
public import Wire

/// `JobStore` over a `MemoryModel`.
public final class MemoryStore: JobStore {
    /// The order in which the calls of one turn are carried out.
    enum Phase: Int, CaseIterable { case tokens, enqueues, upkeep, claims, reading }

    /// One gathered call: does its work at a time (µs since the epoch) and returns the delivery of its result.
    private typealias Call = (_ nowUs: Int64) -> (() -> Void)

    let model = MemoryModel()
    private let clock: () -> Int64
    let later: (@escaping () -> Void) -> Void
    private var random: SystemRandomNumberGenerator = .init()
    private var calls: [[Call]] = Phase.allCases.map { _ in [] }
    private var isScheduled = false
    var listening = MemoryListening()

    public var onWake: ((String?) -> Void)?
    public var onStatusChange: (() -> Void)?
    public var onEvents: ((_ queue: String, _ events: [JobEvent]) -> Void)?
    public var onListening: ((_ glob: Glob) -> Void)?
    public var onCancelRequest: ((_ queue: String, _ id: String, _ reason: String) -> Void)?
    public var onWatchingCancels: ((_ queue: String) -> Void)?

    /// - Parameters:
    ///   - clock: microseconds since the Unix epoch; should never go back.
    ///   - later: runs an action once, in the next turn of the loop.
    public init(clock: @escaping () -> Int64, later: @escaping (@escaping () -> Void) -> Void) {
        self.clock = clock
        self.later = later
        model.onEvents = { [unowned self] in listening.note($1, queue: $0) }
        model.onNotice = { [unowned self] in listening.note($1, queue: $0) }
    }

    /// Over a loop's clock, which never goes back, with the wall's time of this moment.
    public convenience init(loop: Loop) {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let start = Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000 - Int64(loop.now)
        self.init(clock: { [unowned loop] in start + Int64(loop.now) }, later: { [unowned loop] in loop.deferred($0) })
    }

    func gather<Value>(
        _ phase: Phase, _ then: @escaping Completion<Value>, _ work: @escaping (_ nowUs: Int64) -> Value
    ) {
        calls[phase.rawValue].append { nowUs in
            let value = work(nowUs)
            return { then(.success(value)) }
        }
    }

    // MARK: The life of a job

    public func enqueue(_ jobs: [NewJob], queue: String, then: @escaping Completion<[Enqueued]>) {
        gather(.enqueues, then) { [model] in model.createdQueue(queue).enqueue(jobs, now: $0 / 1000) }
    }

    public func claim(_ request: ClaimRequest, queue: String, patient: Bool, then: @escaping Completion<Claimed>) {
        gather(.claims, then) { [self] in
            model.queue(queue).claim([request], nonce: nonce(), nowUs: $0).first ?? Claimed(jobs: [])
        }
    }

    public func complete(_ requests: [CompleteRequest], queue: String, then: @escaping Completion<[TokenOutcome]>) {
        gather(.tokens, then) { [model] in model.queue(queue).complete(requests, now: $0 / 1000) }
    }

    public func fail(_ requests: [FailRequest], queue: String, then: @escaping Completion<[TokenOutcome]>) {
        gather(.tokens, then) { [self] now in
            model.queue(queue).fail(requests, random: { Double.random(in: 0..<1, using: &random) }, now: now / 1000)
        }
    }

    public func extend(_ requests: [ExtendRequest], queue: String, then: @escaping Completion<[ExtendOutcome]>) {
        gather(.tokens, then) { [model] in model.queue(queue).extend(requests, now: $0 / 1000) }
    }

    public func release(_ requests: [ReleaseRequest], queue: String, then: @escaping Completion<[TokenOutcome]>) {
        gather(.tokens, then) { [model] in model.queue(queue).release(requests, now: $0 / 1000) }
    }

    public func workerGone(_ claims: [Claim], queue: String, then: @escaping Completion<[TokenOutcome]>) {
        gather(.tokens, then) { [model] in model.queue(queue).workerGone(claims, now: $0 / 1000) }
    }

    public func sweep(queue: String, reclaimingUntil: ServerTime?, then: @escaping Completion<Swept>) {
        gather(.upkeep, then) { [model] nowUs in
            let now = nowUs / 1000
            return model.queue(queue).sweep(reclaiming: now <= reclaimingUntil ?? 0, now: now)
        }
    }

    /// All that may ever be due: looking is as cheap as knowing.
    public func look(at queues: [String], reclaimingUntil: ServerTime?, then: @escaping Completion<[QueueLook]>) {
        gather(.upkeep, then) { [model] _ in
            queues.indices.map { index in
                let queue = model.queue(queues[index])
                return QueueLook(index: index, due: queue.nextDue, claimable: queue.isClaimable)
            }
        }
    }

    /// Nobody else is connected, and the clock is this process's own.
    public func beat(_ beat: Beat, then: @escaping Completion<BeatReply>) {
        gather(.upkeep, then) { [model] nowUs in BeatReply(now: nowUs / 1000, queues: model.queues.count) }
    }

    // MARK: The turn

    public func flush() {
        guard !isScheduled, calls.contains(where: { !$0.isEmpty }) else { return }
        isScheduled = true
        later { [weak self] in self?.carryOut() }
    }

    private func carryOut() {
        isScheduled = false
        let gathered = calls
        calls = Phase.allCases.map { _ in [] }
        let nowUs = clock()
        let deliveries = gathered.flatMap { phase in phase.map { $0(nowUs) } }
        for deliver in deliveries { deliver() }
        tellListeners()
    }

    private func nonce() -> String {
        let digits = String(random.next() as UInt64, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    public var load: Int { 0 }
    public var isHalfBusy: Bool { false }
    public var isBusy: Bool { false }

    public var status: StoreStatus { StoreStatus(kind: "memory", address: "memory", state: .ready) }

    /// Nobody else changes these queues: after the one wake-up of the contract none follows.
    public func watch(queue: String) {
        later { [weak self] in self?.onWake?(queue) }
    }

    public func unwatch(queue: String) {}

    public func close(withinMs: Int64, then: @escaping () -> Void) {
        later { [weak self] in
            self?.carryOut()
            then()
        }
    }
}
