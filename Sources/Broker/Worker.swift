// A worker that said its name: the jobs it holds, and whether it is still there. A state machine; `Workers` acts on it.

import Reactor
import Store
import Wire

/// A named worker, across connections of one session.
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
    var name: String
    var push: Bool
    var onDisconnect: OnDisconnect
    var graceMs: Int64
    var presence: Presence
    /// Tells the end of the peer's process; nil when its pid is not known here (another PID namespace).
    var process: ProcessWatch?
    /// The process at the other end has ended, though the connection may live on in a child of it.
    var processHasEnded = false
    let since: UInt64
    /// token → job. Tokens are never used twice, so they are the key.
    var held: [String: JobName] = [:]

    init(session: String, hello: Hello, name: String, connection: Session, since: UInt64) {
        self.session = session
        self.name = name
        self.since = since
        push = hello.push
        onDisconnect = hello.onDisconnect
        graceMs = hello.graceMs
        presence = .connected(connection)
    }
}
