// A worker of this daemon: the jobs it holds, and whether it is still there. A state machine; `Workers` acts on it.

import Reactor
import Store
import Wire

/// Who said `hello` with a name or asked for events, across connections of one session.
final class Worker {
    /// Where its connection is.
    enum Presence {
        case connected(Session)
        /// The connection ended while the process lived on; the timer ends the grace.
        case missing(LoopTimer)
        /// Its jobs went back; a `hello` with its session finds nothing any more.
        case gone
    }
    let session: String
    /// nil: it only asked for its events. Then its jobs stay with it when the connection ends.
    var name: String?
    /// It asked for its events.
    var push: Bool
    var onDisconnect: OnDisconnect
    var graceMs: Int64
    var presence: Presence
    /// It was told to finish: its claims find nothing.
    var isQuiet = false
    /// Its `hello` named a session that this daemon does not know, as after a restart: jobs that it extends and that nobody
    /// holds here are its own from before.
    var adopts: Bool
    /// Tells the end of the peer's process; nil when its pid is not known here (another PID namespace).
    var process: ProcessWatch?
    /// The process at the other end has ended, though the connection may live on in a child of it.
    var processHasEnded = false
    /// It has ended, also when its watch does not know yet.
    var processIsGone: Bool { processHasEnded || process?.hasEnded ?? ProcessWatch.isGone(peer.pid) }
    /// The process behind its present, or last, connection.
    private(set) var peer: PeerCredentials
    /// The systemd unit of that process, if it has one and somebody asked.
    private(set) var unit: String?
    private var isUnitKnown = false
    /// When it first said hello.
    let sinceAt: ServerTime
    /// In no order.
    private(set) var held: [HeldJob] = []

    init(session: String, hello: Hello, connection: Session, sinceAt: ServerTime) {
        self.session = session
        self.sinceAt = sinceAt
        name = hello.worker
        push = hello.push
        onDisconnect = hello.worker == nil ? .keep : hello.onDisconnect
        graceMs = hello.graceMs
        adopts = hello.worker != nil && hello.session != nil
        presence = .connected(connection)
        peer = connection.stream.peer
    }

    /// Finds out the unit of its process, once for each connection, while that process is surely the one that connected.
    func learnUnit() {
        guard !isUnitKnown, let connection, !processHasEnded else { return }
        isUnitKnown = true
        unit = connection.stream.peerUnit.name
    }

    /// Its present connection; nil during its grace.
    var connection: Session? {
        if case .connected(let session) = presence { return session }
        return nil
    }

    /// It holds jobs, or was told to take none: something that its session would keep.
    var hasReasonToReturn: Bool { !held.isEmpty || isQuiet }

    /// Events reach it now.
    var hears: Bool { push && connection != nil }

    /// It speaks over this connection from now on.
    func connect(_ session: Session) {
        presence = .connected(session)
        peer = session.stream.peer
        unit = nil
        isUnitKnown = false
    }

    func add(_ job: HeldJob) {
        job.place = held.count
        held.append(job)
    }

    func remove(_ job: HeldJob) {
        let last = held.removeLast()
        guard last !== job else { return }
        last.place = job.place
        held[job.place] = last
    }

    /// Sends it an event, if it asked for them. While it is missing nobody hears it; see `Workers.tellAgain`.
    func tell(_ event: WorkerEvent) {
        guard push, let connection else { return }
        connection.tell { $0.event(event) }
    }
}
