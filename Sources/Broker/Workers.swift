// Who holds which job, and what happens to it when a worker disappears.
//
// A connection that said `hello` with a worker's name is watched. When it ends, three facts decide: the peer's process is
// gone (its pidfd says so, also for SIGKILL) → its jobs go back at once; it still lives → it has `grace_ms` to come back
// with its session; `on_disconnect: keep` → nothing happens and only the leases count. The kernel closes a dying process's
// sockets a moment before its pidfd tells, so "still lives" is often true for some microseconds only: the pidfd is
// watched during the grace.

import Logging
import Reactor
import Store
import Wire

/// The named workers of this daemon.
final class Workers {
    private unowned let broker: Broker
    private var bySession: [String: Worker] = [:]
    /// token → worker, for completions that come over another connection.
    private var holders: [String: Worker] = [:]
    private var isStopped = false

    init(broker: Broker) { self.broker = broker }

    /// Workers that are connected or within their grace.
    var count: Int { bySession.count }

    // MARK: Hello

    /// A connection says who it is; returns its session. A known session is taken over with the jobs it holds.
    func hello(_ hello: Hello, from session: Session) -> String {
        guard let name = hello.worker else { return broker.identifiers.sessionID() }
        if let known = hello.session.flatMap({ bySession[$0] }) ?? session.worker {
            attach(known, to: session)
            known.name = name
            known.push = hello.push
            known.onDisconnect = hello.onDisconnect
            known.graceMs = hello.graceMs
            return known.session
        }
        let worker = Worker(
            session: broker.identifiers.sessionID(), hello: hello, name: name, connection: session,
            since: broker.loop.now)
        bySession[worker.session] = worker
        attach(worker, to: session)
        return worker.session
    }

    private func attach(_ worker: Worker, to session: Session) {
        if let earlier = session.worker, earlier !== worker { sessionDidEnd(session) }
        switch worker.presence {
        case .connected(let other) where other !== session: other.worker = nil
        case .missing(let timer): timer.disarm()
        case .connected, .gone: break
        }
        worker.presence = .connected(session)
        session.worker = worker
        worker.processHasEnded = ProcessWatch.isGone(session.stream.peer.pid)
        worker.process = ProcessWatch(loop: broker.loop, pid: session.stream.peer.pid) {
            [unowned self, unowned worker] in
            processEnded(worker)
        }
    }

    // MARK: Holding

    /// Jobs went into a worker's hands.
    func hold(_ jobs: [ClaimedJob], queue: String, _ worker: Worker) {
        for job in jobs {
            worker.held[job.token] = JobName(queue: queue, id: job.id)
            holders[job.token] = worker
        }
    }

    /// The claim under this token has ended.
    func letGo(_ token: String) {
        guard !holders.isEmpty, let worker = holders.removeValue(forKey: token) else { return }
        worker.held[token] = nil
    }

    // MARK: Leaving

    /// A watched connection ended.
    func sessionDidEnd(_ session: Session) {
        guard let worker = session.worker else { return }
        session.worker = nil
        if isStopped { return }
        if worker.onDisconnect == .keep {
            forget(worker)
        } else if worker.processHasEnded || ProcessWatch.isGone(session.stream.peer.pid) {
            giveUp(worker, because: "its process ended")
        } else {
            let timer = broker.loop.timer { [unowned self, unowned worker] in
                giveUp(worker, because: "it did not come back within its grace")
            }
            timer.arm(after: UInt64(worker.graceMs) * 1_000)
            worker.presence = .missing(timer)
        }
    }

    private func processEnded(_ worker: Worker) {
        worker.processHasEnded = true
        // While the connection is open somebody else (a child of the peer) still has it: its end decides.
        guard case .missing = worker.presence else { return }
        giveUp(worker, because: "its process ended")
    }

    private func giveUp(_ worker: Worker, because reason: String) {
        if case .missing(let timer) = worker.presence { timer.disarm() }
        worker.presence = .gone
        if !worker.held.isEmpty {
            broker.log.notice(
                "worker is gone, \(worker.held.count) jobs go back: \(reason)", metadata: ["worker": "\(worker.name)"])
        }
        var byQueue: [String: [Claim]] = [:]
        for (token, job) in worker.held { byQueue[job.queue, default: []].append(Claim(id: job.id, token: token)) }
        forget(worker)
        for (queue, claims) in byQueue { broker.workerGone(claims, queue: queue) }
    }

    private func forget(_ worker: Worker) {
        for token in worker.held.keys { holders[token] = nil }
        worker.held = [:]
        worker.process = nil
        bySession[worker.session] = nil
    }

    /// The daemon stops: connections will end by our doing, and the leases stay with their workers.
    func stop() {
        isStopped = true
        for worker in bySession.values {
            if case .missing(let timer) = worker.presence { timer.disarm() }
        }
    }
}
