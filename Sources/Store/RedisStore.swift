// The store in Redis: takes calls, gathers them by queue and operation, and sends each batch as one call of a script.
//
// Calls write their arguments into the batches of their queue (QueueBatcher, BatchLane); the end of the turn flushes the
// queues that have something. Reads are not gated: they go out in the turn in which they are asked. While the link is
// down calls wait until their deadline; what may be repeated is sent again when it is back. All rules of a job's life
// are in the scripts; here is only who waits for what.
//
// A daemon has two connections to Redis. Over the first one go all commands. Over the second one it listens, a message
// being a hint that something is to be found in the keys, or a copy of what the event log has, so that none is missed
// for good (RedisStore+Listening):
//
//     jobq:{email}:queued   jobs became claimable: who says so        while a claim waits for the queue
//     jobq:{email}:events   what was logged: seq, events              while somebody subscribes to it or waits for a job
//     jobq:{*}:events       the same by pattern, of many queues       while somebody subscribes with a glob
//     jobq:{email}:cancel   a running job is to end: id, reason       while a worker that can be told holds one

public import Reactor
public import Redis
public import Wire

/// A store whose truth is in Redis.
public final class RedisStore: JobStore {
    /// Items of token operations in one script call.
    static let tokenBound = 500
    /// How long nothing is sent after Redis said, over a good link, that it cannot just now; µs.
    private static let pauseAfterRefusal: UInt64 = 100_000
    /// Until when in a turn the gathered calls of further queues are sent, µs; those of some in any case.
    private static let flushUntil: UInt64 = 10_000
    private static let queuesAtLeast = 16
    /// Idle batchers are forgotten beyond this number of queues.
    private static let batchersKept = 256

    let link: RedisLink
    let subscriptions: SubscriptionLink
    let loop: Loop
    let configuration: Configuration
    let timeout: UInt64
    let listeningOrigin: String
    let silentOrigin: String
    var listening = RedisListening()
    var lostClaims = LostClaims()

    private var batchers: [String: QueueBatcher] = [:]
    private var dirty: [QueueBatcher] = []
    /// Queues that were put into `<prefix>:queues` lately, and when, µs of the loop's clock.
    private var announced: [String: UInt64] = [:]
    /// After so long a name is said again: another daemon may have removed the queue.
    private static let announcedFor: UInt64 = 60_000_000
    /// Reads that wait for the link.
    private var reads: [Read] = []
    /// Something was handed to the link that is not written yet.
    private var hasUnwritten = false
    private var pausedUntil: UInt64 = 0
    /// When the store became ready, or ceased to be; µs of the loop's clock.
    private var stateSince: UInt64
    /// The server is started by this daemon and has not served yet: that it is not there is no trouble. Whoever starts it
    /// sets this.
    public var isStarting = false
    /// What is wrong with the disk of the daemon's own Redis; nil: nothing.
    public var diskProblem: String?
    /// Due times are being moved after the server's clock; see RedisStore+Clock.
    var isMoving = false
    private var clock: LoopTimer?
    private var closing: Closing?
    /// Who refuses writes, and the watch over it (RedisStore+Refusing).
    var watch = RefusalWatch()
    /// Calls and reads under way; what closing waits for.
    private var underWay = 0

    public var onWake: ((_ queue: String?) -> Void)?
    public var onStatusChange: (() -> Void)?
    public var onEvents: ((_ queue: String, _ events: [JobEvent]) -> Void)?
    public var onListening: ((_ glob: Glob) -> Void)?
    public var onCancelRequest: ((_ queue: String, _ id: String, _ reason: String) -> Void)?
    public var onWatchingCancels: ((_ queue: String) -> Void)?

    /// The command link has to be made with `RedisStore.scripts`, both with `RedisStore.rights`.
    public init(loop: Loop, link: RedisLink, subscriptions: SubscriptionLink, configuration: Configuration) {
        self.loop = loop
        self.link = link
        self.subscriptions = subscriptions
        self.configuration = configuration
        self.listeningOrigin = "+" + configuration.origin
        self.silentOrigin = "-" + configuration.origin
        self.stateSince = loop.now
        self.timeout = UInt64(max(1, configuration.requestTimeoutMs)) * 1_000
    }

    /// Begins to connect.
    public func start() {
        clock = loop.timer { [weak self] in self?.clockRang() }
        loop.atTurnEnd { [weak self] in self?.flush() }
        link.onReady = { [weak self] in self?.linkIsReady() }
        link.onLost = { [weak self] _ in self?.linkWasLost() }
        subscriptions.mayTellOfLoss = { [weak self] in self?.link.isReady ?? false }
        startWatchingRefusals()
        link.start()
        startListening()
    }

    /// Told the time of each script, before the calls it served are completed: what follows Redis's clock.
    var onScriptTime: ((ServerTime) -> Void)?

    /// Calls a script whose reply begins with its time. An answer of another form is as none: it counts as lost, and the
    /// link is made anew.
    ///
    /// - Parameters:
    ///   - count: how many elements the reply has; nil: any number.
    ///   - least: how many it has at least.
    func run(
        _ script: Script, keys: [String], _ arguments: CommandBuffer, count: Int? = nil, least: Int = 1,
        then: @escaping RedisLink.Completion
    ) {
        link.run(script, keys: keys, arguments) { [self] result in
            guard case .success(let reply) = result else { return then(result) }
            guard reply.count >= least, reply.count == count ?? reply.count, reply[0].kind == .integer else {
                return then(.failure(link.distrust("the answer to the script \(script.name)")))
            }
            if let onScriptTime, reply[0].integer > 0 { onScriptTime(reply[0].integer) }
            then(result)
        }
    }

    // MARK: Queues

    func batcher(_ queue: String) -> QueueBatcher {
        if let batcher = batchers[queue] { return batcher }
        let batcher = QueueBatcher(queue: queue, base: base(queue), store: self)
        batchers[queue] = batcher
        return batcher
    }

    /// What all keys of a queue begin with.
    func base(_ queue: String) -> String { "\(configuration.keyPrefix):{\(queue)}:" }

    /// The queue has something to send at the end of this turn.
    func mark(_ batcher: QueueBatcher) {
        guard !batcher.isDirty else { return }
        batcher.isDirty = true
        if dirty.isEmpty { loop.askForTurnEnd() }
        dirty.append(batcher)
    }

    /// All replies of a flush are in.
    func flushed(_ batcher: QueueBatcher) {
        if !batcher.isEmpty {
            mark(batcher)
        } else if batchers.count > Self.batchersKept, !batcher.isDirty {
            batchers[batcher.queue] = nil
        }
        if closing != nil { loop.askForTurnEnd() }
    }

    /// Puts the queue's name among the names of all queues, in front of what creates it. Another hash slot than the
    /// queue's own keys, so it cannot be part of a script.
    func announce(_ queue: String) {
        let now = loop.now
        if let last = announced[queue], now - last < Self.announcedFor { return }
        announced[queue] = now
        var command = CommandBuffer("SADD")
        command.append("\(configuration.keyPrefix):queues")
        command.append(queue)
        link.send(command) { [weak self] result in
            if case .failure = result { self?.announced[queue] = nil }
        }
    }

    /// The name is to be said again with the next thing that makes the queue.
    func unannounce(_ queue: String) { announced[queue] = nil }

    public func flush() {
        if let refusal = watch.refusals[.ownServer] { refuse(refusal.failure) }
        if !dirty.isEmpty || !reads.isEmpty, canSend() {
            let late = reads
            reads = []
            for read in late { send(read) }
            flushDirty()
            hasUnwritten = true
        } else if !link.isReady, dirty.contains(where: { $0.claims.hasPatient }) {
            loop.deferred { [weak self] in self?.parkPatientClaims() }
        }
        if hasUnwritten {
            hasUnwritten = false
            link.flush()
        }
        if let closing, !closing.isOver { finishClosing(closing) }
    }

    /// Ends all that gathered and would write; what is patient waits on.
    private func refuse(_ failure: StoreFailure) {
        let refused = dirty
        dirty.removeAll(keepingCapacity: true)
        for batcher in refused {
            batcher.isDirty = false
            batcher.expire(now: .max - 1, failure)
            for call in batcher.claims.takePatient() { call.end() }
        }
    }

    private func flushDirty() {
        let batchers = dirty
        dirty.removeAll(keepingCapacity: true)
        for (index, batcher) in batchers.enumerated() {
            batcher.isDirty = false
            batcher.flush()
            guard index % Self.queuesAtLeast == Self.queuesAtLeast - 1, index + 1 < batchers.count,
                loop.turnHasTaken(Self.flushUntil)
            else { continue }
            dirty = batchers[(index + 1)...] + dirty
            return loop.deferred {}
        }
    }

    public var load: Int { link.load + dirty.count + reads.count }

    public var isBusy: Bool { load >= link.window && link.isReady }

    public var isHalfBusy: Bool { 2 * load >= link.window && link.isReady }

    /// While Redis is away patient claims find nothing: who waits can give up at his time, and is woken when it is back.
    private func parkPatientClaims() {
        guard !link.isReady else { return }
        for call in dirty.flatMap({ $0.claims.takePatient() }) { call.end() }
        loop.askForTurnEnd()
    }

    /// False while nothing can be sent; then the clock is set for what waits.
    private func canSend() -> Bool {
        if link.isReady, pausedUntil == 0 { return true }
        let now = loop.now
        if link.isReady, pausedUntil <= now {
            pausedUntil = 0
            return true
        }
        armClock(now: now)
        return false
    }

    // MARK: Deadlines

    var deadline: UInt64 { loop.now + timeout }

    private func armClock(now: UInt64) {
        var next = dirty.lazy.map(\.earliestDeadline).min() ?? .max
        next = min(next, reads.lazy.map(\.deadline).min() ?? .max)
        if link.isReady, pausedUntil > now { next = min(next, pausedUntil) }
        if let closing { next = min(next, closing.deadline) }
        if next < .max { clock?.arm(at: next) }
    }

    private func clockRang() {
        let now = loop.now
        expire(now: now)
        loop.askForTurnEnd()
    }

    private func expire(now: UInt64) {
        let failure = presentFailure
        let limit = closing.map { $0.deadline <= now ? UInt64.max : now } ?? now
        for batcher in Array(batchers.values) { batcher.expire(now: limit, failure) }
        let late = reads.filter { $0.deadline <= limit }
        reads.removeAll { $0.deadline <= limit }
        for read in late { read.then(.failure(failure)) }
    }

    /// Whether a call that ended so shall be sent again. Only for what is idempotent.
    func mayRepeat(after failure: RedisFailure, until deadline: UInt64) -> Bool {
        // What is not permitted is not permitted a moment later.
        guard failure.kind == .unavailable, failure.missingRight == nil else { return false }
        let now = loop.now
        if let closing, closing.deadline <= now { return false }
        if link.isReady { pausedUntil = now + Self.pauseAfterRefusal }
        return deadline > now
    }

    // MARK: The links

    private func linkIsReady() {
        stateSince = loop.now
        announced.removeAll()
        pausedUntil = 0
        sendWhatWaited()
        recoverLostClaims()
        refusalsAfterConnect()
        onStatusChange?()
        onWake?(nil)
    }

    /// What was kept while nothing could be sent goes out at the end of this turn.
    func sendWhatWaited() {
        for batcher in batchers.values where !batcher.isEmpty { mark(batcher) }
        loop.askForTurnEnd()
    }

    private func linkWasLost() {
        stateSince = loop.now
        refusalsAfterLoss()
        loop.askForTurnEnd()
        onStatusChange?()
    }

    public var status: StoreStatus {
        let refusal = watch.refusals.current
        let state: StoreStatus.State =
            switch link.state {
            case .ready: refusal == nil ? .ready : .refusing
            case _ where isStarting: .starting
            case .idle, .resolving, .connecting, .handshake: link.isRefused ? .refusing : .connecting
            case .waiting, .stopped: link.isRefused ? .refusing : .down
            }
        var status = StoreStatus(
            kind: "redis", address: configuration.address, state: state, isReachable: link.isReady,
            since: link.isReady ? refusal?.since ?? stateSince : stateSince, role: link.facts?.role,
            version: link.facts?.version, roundTripUs: link.roundTripUs, roundTrips: link.roundTrips,
            reconnects: link.reconnects, problem: refusal?.failure.text ?? link.problem,
            risks: link.facts?.warnings ?? [])
        status.diskProblem = diskProblem
        return status
    }

    // MARK: Reads

    /// A script or command that only reads, of one queue or of none, or that may be repeated.
    struct Read {
        var script: Script?
        var keys: [String] = []
        var arguments: CommandBuffer
        /// What a command is answered with; scripts answer with arrays.
        var kind = ReplyView.Kind.array
        var deadline: UInt64
        /// It is sent again though it may have been executed.
        var onRepeat: (() -> Void)?
        var then: (Result<ReplyView, StoreFailure>) -> Void
    }

    /// Sends a read now, or when the link is back.
    func send(_ read: Read) {
        guard link.isReady, pausedUntil == 0 else {
            reads.append(read)
            return loop.askForTurnEnd()
        }
        if !hasUnwritten {
            hasUnwritten = true
            loop.askForTurnEnd()
        }
        underWay += 1
        let completed: RedisLink.Completion = { [self] answer in
            underWay -= 1
            var result = answer
            if case .success(let reply) = answer, reply.kind != read.kind {
                result = .failure(link.distrust("the answer to a command"))
            }
            if closing != nil { loop.askForTurnEnd() }
            if case .failure(let failure) = result, mayRepeat(after: failure, until: read.deadline) {
                if failure.leavesItOpen { read.onRepeat?() }
                reads.append(read)
                loop.askForTurnEnd()
            } else {
                read.then(result.mapError(StoreFailure.init))
            }
        }
        if let script = read.script {
            run(script, keys: read.keys, read.arguments, then: completed)
        } else {
            link.send(read.arguments, then: completed)
        }
    }

    func nonce() -> String {
        let digits = String(configuration.randomBits(), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    // MARK: The end

    private struct Closing {
        var deadline: UInt64
        var then: () -> Void
        var isOver = false
    }

    public func close(withinMs: Int64, then: @escaping () -> Void) {
        precondition(closing == nil, "a store is closed once")
        closing = Closing(deadline: loop.now + UInt64(max(0, withinMs)) * 1_000, then: then)
        armClock(now: loop.now)
        loop.askForTurnEnd()
    }

    /// Done when nothing waits and nothing is under way, or when the time is over.
    private func finishClosing(_ closing: Closing) {
        let now = loop.now
        let isIdle = underWay == 0 && reads.isEmpty && batchers.values.allSatisfy { $0.isEmpty && $0.underWay == 0 }
        guard isIdle || closing.deadline <= now else { return armClock(now: now) }
        self.closing = Closing(deadline: 0, then: {}, isOver: true)
        clock?.disarm()
        expire(now: now)
        link.stop()
        subscriptions.stop()
        loop.deferred(closing.then)
    }
}
