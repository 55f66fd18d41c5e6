// Who holds which job, and what happens to it when a worker disappears.
//
// A connection that said `hello` with a worker's name is watched. When it ends, three facts decide: the peer's process is
// gone (its pidfd says so, also for SIGKILL) → its jobs go back at once; it still lives → it has `grace_ms` to come back
// with its session; `on_disconnect: keep` → nothing happens and only the leases count. Who holds no job has no
// grace, since there is nothing to come back for, unless it is quiet and is to stay so. A worker in its grace takes the
// place of a connection. The kernel closes a dying process's sockets a moment before its pidfd tells, so "still lives" is
// often true for some microseconds only: the pidfd is watched during the grace.
//
// After a restart of the daemon nobody holds anything. A worker that comes back says `hello` with the session it had and
// extends what it holds; these jobs are taken into its hands again (`adopt`). Nobody else's `extend` does that: it may
// come from a heartbeat's connection, whose end says nothing of the worker.
//
// A connection that asked for events (`push`) without a name is a worker too, but only for these: it is not counted,
// and its jobs are not given back. What workers are told, and when, is in `LeaseWatch` and `CancelWatch`.

import Logging
import Reactor
import Store
import Wire

/// The workers of this daemon.
final class Workers {
    private unowned let broker: Broker
    private var bySession: [String: Worker] = [:]
    /// By token, also for completions that come over another connection. Tokens are never used twice.
    private var held: [String: HeldJob] = [:]
    private var isStopped = false
    private lazy var leases = LeaseWatch(broker: broker, workers: self)
    private lazy var cancels = CancelWatch(broker: broker, leases: leases)

    /// Jobs of a worker that is gone let go of between two looks at the clock.
    private static let jobsAtOnce = 100

    /// Workers with a name that are connected or within their grace.
    private(set) var count = 0

    init(broker: Broker) {
        self.broker = broker
    }

    /// Jobs in their hands, as far as this daemon knows.
    var heldCount: Int { held.count }

    /// All, also those without a name, in no order.
    var all: some Sequence<Worker> { bySession.values }

    // MARK: Hello

    /// A connection says who it is; returns its session. A known session is taken over with the jobs it holds, but not
    /// another user's. `news`: the worker must be told what it may have missed (`tellAgain`), behind the reply.
    func hello(_ hello: Hello, from session: Session) -> (session: String, news: Worker?) {
        let earlier = hello.worker == nil ? nil : hello.session.flatMap { bySession[$0] }
        let isOwn = earlier?.peer.uid == session.stream.peer.uid
        let known = (isOwn ? earlier : nil) ?? session.worker
        if let known {
            let isNews = !known.push || known.connection !== session
            attach(known, to: session)
            rename(known, hello)
            // It came with the session of another life before it had a name in this one.
            if hello.worker != nil, let session = hello.session, bySession[session] == nil { known.adopts = true }
            setPush(known, hello.push)
            return (known.session, known.push && isNews ? known : nil)
        }
        let sessionID = broker.identifiers.sessionID()
        guard hello.worker != nil || hello.push else { return (sessionID, nil) }
        let worker = Worker(session: sessionID, hello: hello, connection: session, sinceAt: broker.serverNow)
        bySession[sessionID] = worker
        if worker.name != nil { count += 1 }
        attach(worker, to: session)
        return (sessionID, worker.push ? worker : nil)
    }

    /// A name once said stays; a nameless worker gets one when it says it.
    private func rename(_ worker: Worker, _ hello: Hello) {
        guard let name = hello.worker else { return }
        if worker.name == nil { count += 1 }
        worker.name = name
        worker.onDisconnect = hello.onDisconnect
        worker.graceMs = hello.graceMs
    }

    private func attach(_ worker: Worker, to session: Session) {
        if let earlier = session.worker, earlier !== worker { sessionDidEnd(session) }
        switch worker.presence {
        case .connected(let other) where other !== session: other.worker = nil
        case .missing: endGrace(worker)
        case .connected, .gone: break
        }
        worker.connect(session)
        session.worker = worker
        worker.processHasEnded = ProcessWatch.isGone(session.stream.peer.pid)
        worker.process = ProcessWatch(loop: broker.loop, peerOf: session.stream) {
            [unowned self, unowned worker] in
            processEnded(worker)
        }
        broker.waiting.set(session, parked: worker.isQuiet)
    }

    private func setPush(_ worker: Worker, _ push: Bool) {
        guard worker.push != push else { return }
        worker.push = push
        for job in worker.held { if push { watch(job) } else { unwatch(job) } }
    }

    /// A worker that asked for events has (another) connection: what it may have missed is told.
    func tellAgain(_ worker: Worker) {
        if worker.isQuiet || broker.handsOutNoWork { worker.tell(.quiet) }
        leases.watchAgain(worker)
    }

    // MARK: Holding

    /// A worker claims from these queues.
    func claims(_ body: ClaimBody, _ worker: Worker) {
        guard worker.push else { return }
        for (index, name) in body.queues.enumerated() where body.patterns & (1 << UInt64(index)) == 0 {
            cancels.want(name)
        }
    }

    /// Jobs went into a worker's hands.
    func hold(_ jobs: [ClaimedJob], queue: String, _ worker: Worker) {
        let now = broker.loop.now
        for job in jobs {
            let lease = LeasePeriod(lengthUs: UInt64(job.leaseMs) * 1_000, until: job.leaseUntil, at: now)
            hold(JobName(queue: queue, id: job.id), token: job.token, lease, worker)
        }
    }

    @discardableResult
    private func hold(_ job: JobName, token: String, _ lease: LeasePeriod, _ worker: Worker) -> HeldJob {
        let new = HeldJob(name: job, token: token, worker: worker, lease: lease)
        held[token] = new
        worker.add(new)
        if worker.push { watch(new) }
        return new
    }

    private func watch(_ job: HeldJob) {
        cancels.add(job)
        leases.watch(job)
    }

    private func unwatch(_ job: HeldJob) {
        cancels.remove(job)
        leases.unwatch(job)
    }

    /// The lease of a claim was renewed over a connection, whosever it is. `leaseMs` nil: by as much as it was given for.
    func extended(
        _ job: JobName, token: String, leaseMs: Int64?, until: ServerTime, cancelRequested: Bool, over session: Session
    ) {
        guard let held = held[token] else {
            if let worker = session.worker, worker.adopts {
                adopt(job, token: token, leaseMs: leaseMs, until: until, cancelRequested: cancelRequested, worker)
            }
            return
        }
        guard held.name == job else { return }
        let now = broker.loop.now
        let length =
            leaseMs.map { UInt64($0) * 1_000 }
            ?? held.lease.lengthUs(until: until, serverNow: broker.clock.now(at: now), at: now)
        held.lease.renewed(lengthUs: length, until: until, at: now)
        guard held.worker.hears else { return }
        leases.watch(held)
        if cancelRequested, !held.cancelIsSaid { leases.ask([held]) }
    }

    /// A claim from before this daemon's start, or from before its worker was given up, is in its worker's hands again. The
    /// store has just said that it stands.
    private func adopt(
        _ job: JobName, token: String, leaseMs: Int64?, until: ServerTime, cancelRequested: Bool, _ worker: Worker
    ) {
        let lengthMs = leaseMs ?? max(0, until - broker.serverNow)
        let lease = LeasePeriod(lengthUs: UInt64(lengthMs) * 1_000, until: until, at: broker.loop.now)
        let held = hold(job, token: token, lease, worker)
        if cancelRequested, worker.hears { leases.ask([held]) }
    }

    /// The claim under this token has ended.
    func letGo(_ job: JobName, token: String) {
        guard !held.isEmpty, let held = held[token], held.name == job else { return }
        letGo(held)
    }

    /// A claim has ended.
    func letGo(_ job: HeldJob) {
        guard job.isHeld else { return }
        job.isHeld = false
        held[job.token] = nil
        let worker = job.worker
        worker.remove(job)
        if worker.push { unwatch(job) }
        if case .missing = worker.presence, !worker.hasReasonToReturn { forget(worker) }
    }

    /// Once a second.
    func tidy() {
        leases.askAgain()
        leases.tidy(bySession.values, held: held.count)
        cancels.tidy(at: broker.loop.now)
    }

    // MARK: Telling

    /// Somebody, on whichever host, asked to cancel a job that is in a worker's hands.
    func cancelRequested(_ id: String, queue: String) { cancels.requested(id, queue: queue) }

    /// Such requests are heard from now on.
    func hearsCancels(of queue: String) { cancels.listens(to: queue) }

    /// Workers whose name matches; nil: all.
    func matching(_ glob: Glob?) -> [Worker] {
        bySession.values.filter { worker in glob.map { $0.matches(worker.name ?? "") } ?? true }
    }

    /// Tells a worker to finish, or to go on.
    func set(_ worker: Worker, quiet: Bool) {
        guard worker.isQuiet != quiet else { return }
        worker.isQuiet = quiet
        if let connection = worker.connection { broker.waiting.set(connection, parked: quiet) }
        // All were told when the draining began.
        if !broker.handsOutNoWork { worker.tell(quiet ? .quiet : .resume) }
    }

    // MARK: Leaving

    /// A watched connection ended.
    func sessionDidEnd(_ session: Session) {
        guard let worker = session.worker else { return }
        session.worker = nil
        if isStopped { return }
        if worker.onDisconnect == .keep || !worker.hasReasonToReturn {
            forget(worker)
        } else if worker.processIsGone {
            giveUp(worker, because: "exited")
        } else {
            let timer = broker.loop.timer { [unowned self, unowned worker] in
                giveUp(worker, because: "did not come back within \(worker.graceMs) ms")
            }
            timer.arm(after: UInt64(worker.graceMs) * 1_000)
            worker.presence = .missing(timer)
            broker.places.take(for: worker.peer.uid)
        }
    }

    /// The grace of a worker ends, one way or the other.
    private func endGrace(_ worker: Worker) {
        guard case .missing(let timer) = worker.presence else { return }
        timer.disarm()
        broker.places.leave(worker.peer.uid)
        broker.onRoom?()
    }

    private func processEnded(_ worker: Worker) {
        worker.processHasEnded = true
        // While the connection is open somebody else (a child of the peer) still has it: its end decides.
        guard case .missing = worker.presence else { return }
        giveUp(worker, because: "exited")
    }

    /// `what`: what it did, as in `exited`.
    private func giveUp(_ worker: Worker, because what: String) {
        endGrace(worker)
        worker.presence = .gone
        if !worker.held.isEmpty {
            tellGone(worker, what, Dictionary(grouping: worker.held, by: \.name.queue).mapValues(\.count))
        }
        forget(worker) { [self] jobs in
            for (queue, jobs) in Dictionary(grouping: jobs, by: \.name.queue) {
                broker.workerGone(jobs.map(\.claim), queue: queue)
            }
        }
    }

    private func tellGone(_ worker: Worker, _ what: String, _ jobs: [String: Int]) {
        let count = worker.held.count
        let queues = jobs.keys.sorted()
        let shown = queues.prefix(4).map { queues.count == 1 ? $0 : "\($0) \(jobs[$0]!)" }.joined(separator: ", ")
        let name = worker.name.map { "worker \($0)" } ?? "a worker without a name"
        broker.log.notice(
            """
            \(name) (pid \(worker.peer.pid)) \(what); \(count.of("job")) returned to \
            \(count == 1 ? "its queue" : queues.count == 1 ? "their queue" : "their queues") \
            (\(shown)\(queues.count > 4 ? ", and \(queues.count - 4) more" : ""))
            """,
            metadata: MessageID.workerGone.with([
                "worker": "\(worker.name ?? "")", "pid": "\(worker.peer.pid)", "jobs": "\(count)",
                "queue": .string(queues.prefix(4).joined(separator: ",")),
            ]))
    }

    /// Lets go of a worker and its jobs: of many in pieces, as far as the store has time. `release` gets each piece.
    private func forget(_ worker: Worker, _ release: @escaping ([HeldJob]) -> Void = { _ in }) {
        endGrace(worker)
        worker.presence = .gone
        worker.process = nil
        if bySession.removeValue(forKey: worker.session) != nil, worker.name != nil { count -= 1 }
        if worker.held.isEmpty { return }
        broker.turns.inPieces { [self] in
            let jobs = Array(worker.held.suffix(Self.jobsAtOnce))
            for job in jobs.reversed() { letGo(job) }
            release(jobs)
            return !worker.held.isEmpty
        }
    }

    /// The daemon stops: connections will end by our doing, and the leases stay with their workers.
    func stop() {
        isStopped = true
        leases.stop()
        for worker in bySession.values {
            if case .missing(let timer) = worker.presence { timer.disarm() }
        }
    }
}
