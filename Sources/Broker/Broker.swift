// The broker: who is connected, who waits for what, who holds which job, and what is due.
//
// Everything it knows is in memory and may be lost at any moment; the truth is in the store. This file holds the parts
// together and the life of the daemon (serving, draining, stopped); each part has a file of its own:
//
//     Session        a connection's lines and their order          Dispatcher     operation → handler
//     WaitingClaims  claims that found nothing yet                 Workers        who holds what, and is still there
//     Figures        what is counted and timed                     Metrics        … and shown to a monitoring system
//     LeaseWatch     what workers must know of their leases        CancelWatch    … and of requests to cancel
//     Sweeper        what becomes due when                         EventHub       events, and subscriptions to them
//     ServerClock    the store's time, the right to reclaim        ClockWatch     … and the beats that keep both
//     Turns          whose lines are looked at next                QueueWalk      numbers of all queues
//     HTTPServer     the same for monitoring systems               Health         whether work can be done here
//     JobWaits       who waits for the end of a job                Admission      which connections are taken in
//     MemoryWatch    what connections hold in all                  Producing, Working, Steering, …: the handlers
//
// Timers of the broker, all of them: the nearest deadlines of the waiting claims, of the waits for jobs and of the
// subscriptions that do not hold yet, the pause between two walks through all queues, the sweeper's nearest due time and its
// next slice of the round of all queues, the nearest of the leases that workers are told about, one a second for the safety
// net, the beat, idle connections, memory and the status line (`everySecond`; with every twentieth, queues are asked to go
// on logging what subscribers want to hear), two a second for new queues while somebody claims by a pattern, and one for
// each lost worker's grace.

public import Logging
public import Reactor
public import Store
import Wire

/// One daemon's broker. Lives on the loop's thread.
public final class Broker {
    private(set) var options: BrokerOptions
    let loop: Loop
    let store: any JobStore
    let log: Logger
    let startedAt: UInt64
    let wallClockMs: () -> Int64
    let connections: ConnectionSet
    /// The memory of all connections.
    let budget: MemoryBudget
    private var writer = JSONWriter()
    private var sessions: [Int: Session] = [:]
    private var nextSession = 0
    /// Those of `sessions` that came over the administrators' socket.
    private var adminSessions = 0
    /// Places of the others, and of workers in their grace.
    var places = ConnectionPlaces()
    /// Who was told in the log lately that it has too many connections, or does not read.
    var crowds = RefusalValve()
    var unread = RefusalValve()
    var identifiers: IdentifierSource
    /// Whose turn it is among the queues of weighted claims.
    var shares = WeightedSharesTable()
    /// An administrator's `drain` holds: no new work is taken.
    private(set) var isDraining = false
    /// No job is handed to a worker any more: it drains or stops.
    var handsOutNoWork: Bool { isDraining || isStopping }
    /// Why nobody, or not everybody, can connect; nil: all can.
    public var addressProblem: String? {
        didSet { if addressProblem != oldValue { reportStatus() } }
    }
    private var stopper: Stopper?
    /// The rules of `BrokerOptions.access`; nil: there are none.
    private(set) var access: AccessRules?
    /// Who was told in the log lately that something is not allowed.
    var refusals = RefusalValve()
    private var tick: LoopTimer?
    /// When it is to ring.
    private var tickDueAt: UInt64?

    /// Connections that have sent more than can be done at once.
    private(set) lazy var turns = Turns(broker: self)
    /// The names of all queues, for whoever asks the store for them.
    private(set) lazy var queueList = SharedQuestion<[String]>(loop: loop) { [unowned self] in store.queues(then: $0) }
    /// The numbers of all queues.
    private(set) lazy var walk = QueueWalk(broker: self)
    /// Claims that found nothing yet.
    private(set) lazy var waiting = WaitingClaims(broker: self)
    /// Named connections and the jobs they hold.
    private(set) lazy var workers = Workers(broker: self)
    /// What is done when connections hold much memory.
    private(set) lazy var memory = MemoryWatch(broker: self)
    /// The store's time, and whether expired leases may be reclaimed.
    let clock = ServerClock()
    private(set) lazy var clockWatch = ClockWatch(broker: self)
    /// Due times of all queues.
    private(set) lazy var sweeper = Sweeper(broker: self)

    /// Events of all queues that somebody asks for.
    private(set) lazy var hub = EventHub(broker: self)
    /// What this daemon counts and times of its own doing.
    var figures = Figures()
    /// These, and those of all queues, as text.
    private(set) lazy var metrics = Metrics(broker: self)
    /// Monitoring systems that ask for them over HTTP.
    private lazy var http = HTTPServer(broker: self)
    /// Who waits for the end of which job.
    private(set) lazy var waits = JobWaits(broker: self)

    /// Called when the status line may have changed.
    public var onStatus: ((String) -> Void)?
    /// Called when a connection ended, so that a paused listener may go on.
    public var onRoom: (() -> Void)?
    /// Called once a second, until the daemon stops.
    public var onSecond: (() -> Void)?
    /// Called by `reload`: reads the configuration anew and says what came of it.
    public var onReload: (() -> ReloadOutcome)?

    /// - Parameters:
    ///   - wallClockMs: milliseconds since the Unix epoch, for job ids, and for `ping` before the store's clock is known.
    public init(
        options: BrokerOptions, loop: Loop, store: any JobStore, wallClockMs: @escaping () -> Int64, logger: Logger
    ) throws(SystemError) {
        self.options = options
        self.loop = loop
        self.store = store
        log = logger
        startedAt = loop.now
        self.wallClockMs = wallClockMs
        identifiers = IdentifierSource(wallClockMs: wallClockMs)
        access = AccessRules(options.access)
        budget = MemoryBudget(limit: options.memoryBytes)
        connections = try ConnectionSet(loop: loop, budget: budget)
    }

    /// Begins to serve: from now on the store's news are heard and the timers run.
    public func start() {
        store.onWake = { [unowned self] queue in
            if let queue { waiting.wake(queue, atLeast: 1) } else { waiting.wakeAll() }
        }
        store.onStatusChange = { [unowned self] in
            // Refused writes are a gap too: no worker could renew its lease meanwhile.
            if store.status.isReady { storeIsBack() } else { clock.connectionWasLost() }
            reportStatus()
        }
        store.onCancelRequest = { [unowned self] queue, id, _ in workers.cancelRequested(id, queue: queue) }
        store.onWatchingCancels = { [unowned self] queue in workers.hearsCancels(of: queue) }
        hub.start()
        tick = loop.timer { [unowned self] in everySecond() }
        storeIsBack()
        everySecond()
    }

    /// The store is there, perhaps again: everything may be due, but who waited for it is heard first.
    private func storeIsBack() {
        clockWatch.beat()
        sweeper.storeIsBack()
    }

    /// The safety net: whatever was missed (a lost message, another host's crash) is found within a second.
    private func everySecond() {
        let now = loop.now
        let due = min(tickDueAt ?? now, now)
        if tickDueAt != nil { figures.loopLag.observe(microseconds: now - due) }
        endIdleConnections(at: now)
        memory.tick(at: now)
        waiting.tidy()
        workers.tidy()
        clockWatch.beat()
        hub.tick()
        waits.tick()
        onSecond?()
        metrics.forgetOld()
        reportStatus()
        // From when it was due, not from now: what the tick itself, or anything else, takes too long shows as lateness.
        let next = max(due + 1_000_000, now)
        tickDueAt = next
        tick?.arm(at: next)
    }

    // MARK: Connections

    /// Whether another connection may be accepted: of a client, or over the administrators' socket, which has a few places
    /// of its own.
    public func hasRoom(isAdmin: Bool) -> Bool {
        isAdmin
            ? adminSessions < BrokerOptions.adminConnections
            : places.count < options.maxConnections
    }
    /// A reload changed how many connections may be served, or how much memory they may hold.
    public func setLimits(maxConnections: Int, maxConnectionsPerUser: Int?, memoryBytes: Int) {
        options.maxConnections = maxConnections
        options.maxConnectionsPerUser = maxConnectionsPerUser
        options.memoryBytes = memoryBytes
        budget.limit = memoryBytes
        memory.limitChanged()
        onRoom?()
    }

    /// Takes over rules, for the connections that are there too.
    public func setAccess(_ rules: [AccessRule]) {
        guard rules != options.access else { return }
        options.access = rules
        access = AccessRules(rules)
        closeWhatIsNotAllowed(sessions.values)
    }

    /// Connections now.
    public var connectionCount: Int { sessions.count }
    /// Connections ended because their client did not read, or held the most when memory was short.
    var droppedConnections: Int { connections.droppedForOutput + memory.droppedCount }

    /// All connections of clients and administrators, in no order.
    var allSessions: some Collection<Session> { sessions.values }

    /// Begins to serve a connection.
    func begin(_ stream: ByteStream, isAdmin: Bool) {
        let session = Session(stream: stream, broker: self, number: nextSession, isAdmin: isAdmin)
        nextSession += 1
        if isAdmin { adminSessions += 1 } else { places.take(for: stream.peer.uid) }
        sessions[session.number] = session
        // Now, while the process surely is the one that connected.
        if let access, access.asksForUnits, !session.isPrivileged { _ = session.peer.unit }
    }

    /// Whether another connection of a monitoring system may be accepted.
    public var hasRoomForHTTP: Bool { http.hasRoom }

    /// Takes over a connected, non-blocking socket that speaks HTTP.
    public func acceptHTTP(_ fd: Int32) {
        do {
            http.take(try connections.adopt(fd: fd, outputLimit: options.outputBytes))
        } catch {
            log.warning("cannot serve a new connection: \(error)")
        }
    }

    /// A connection is gone: its waiting claims end, its jobs go back as its `hello` asked.
    func sessionDidEnd(_ session: Session) {
        sessions[session.number] = nil
        if session.isAdmin { adminSessions -= 1 } else { places.leave(session.stream.peer.uid) }
        waiting.drop(session)
        waits.drop(session)
        hub.drop(session)
        workers.sessionDidEnd(session)
        stopper?.check()
        onRoom?()
    }

    /// One writer serves all replies; each is copied to its stream at once.
    func withWriter(_ body: (inout JSONWriter) -> Void) {
        writer.removeAll()
        body(&writer)
        // A large reply does not keep its memory.
        if writer.bytes.count > Self.writerBytesKept { writer = JSONWriter() }
    }

    private static let writerBytesKept = 65_536

    /// The server's time; before the store has answered, this host's.
    var serverNow: ServerTime { clock.now(at: loop.now) ?? wallClockMs() }

    // MARK: The end

    /// Takes no new work from now on, and tells the workers to finish; what they have they may end. Waiting claims are
    /// answered with no jobs. Only a restart ends it.
    func startDraining() {
        guard !isDraining else { return }
        isDraining = true
        log.notice(
            """
            draining: this daemon takes no new work until it restarts; \(workers.count.of("worker")) \
            \(workers.count == 1 ? "holds" : "hold") \(workers.heldCount.of("job"))
            """, metadata: MessageID.draining.with(["jobs": "\(workers.heldCount)"]))
        waiting.answerAll()
        for worker in workers.all { worker.tell(.quiet) }
        reportStatus()
    }

    /// The daemon is about to end.
    var isStopping: Bool { stopper != nil }

    /// Hands out no more work, answers what is asked until the connections are closed, and then calls `then`; at the
    /// latest after about four seconds.
    ///
    /// Waiting claims are answered with no jobs, and waits for jobs as if their time were over. Leases stay with their
    /// workers: after a restart the same tokens are good.
    public func stop(then: @escaping () -> Void) {
        guard !isStopping else { return }
        waiting.answerAll()
        waits.answerAll()
        tick?.disarm()
        sweeper.stop()
        clockWatch.stop()
        workers.stop()
        let stopper = Stopper(broker: self, then: then)
        self.stopper = stopper
        hub.stop()
        stopper.begin()
    }

    /// Requests read and not yet answered, of all connections.
    var openRequests: Int { sessions.values.reduce(0) { $0 + $1.openRequests } }
    /// Bytes of replies not yet taken by the kernel, of all connections.
    var unsentBytes: Int { sessions.values.reduce(0) { $0 + $1.stream.unsentBytes } }
    /// Of all connections, whether everything that was sent over them is answered, and no more can come.
    var sessionsAreDone: Bool { sessions.values.allSatisfy(\.isDone) }
    /// Nothing more can be sent over the connections; what was sent is still read and answered.
    func endInput() { for session in sessions.values { session.stream.endInput() } }
    func finishSessions() { for session in sessions.values { session.finish() } }
    func closeSessions() { for session in sessions.values { session.stream.close() } }

    /// One line that says how things are, for the service manager.
    private func reportStatus() {
        guard let onStatus else { return }
        let status = store.status
        let line = StatusLine(
            isStopping: isStopping, isDraining: isDraining, isFull: !hasRoom(isAdmin: false),
            addressProblem: addressProblem, connections: sessions.count,
            workers: workers.count, held: workers.heldCount, waitingClaims: waiting.count, store: status,
            storeSince: since(of: status))
        onStatus(line.text)
    }
}
