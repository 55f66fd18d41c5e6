// Whether those for whom the daemon listens can connect: that its addresses lead to its own sockets, and that there is one
// for clients at all.
//
// Sockets of the service manager can be lost without the daemon: a socket unit that is started too often fails and takes
// its file away, and the daemon goes on with the descriptors it has, or begins with those that were left. The status line,
// the health and one message of the log say so. A daemon without a socket for clients cannot mend that; it ends, and is
// started again together with the sockets that its unit requires.

import Logging
import Reactor

/// Looks at the listeners' addresses once a second.
final class Reachability {
    /// What the service manager has handed over is all there is.
    let isActivated: Bool
    /// In words, for the status line; nil: all is well.
    private(set) var problem: String?
    private let log: Logger
    private var lost: Set<SocketRole> = []

    init(isActivated: Bool, log: Logger) {
        self.isActivated = isActivated
        self.log = log
    }

    /// None of the sockets that were handed over is for clients.
    func lacksClients(_ listeners: [(role: SocketRole, listener: Listener)]) -> Bool {
        isActivated && !listeners.contains { $0.role == .client }
    }

    /// Looks at all of them.
    func look(_ listeners: [(role: SocketRole, listener: Listener)]) {
        var first: String?
        for role in SocketRole.allCases {
            let states = listeners.lazy.filter { $0.role == role }.map { $0.listener.lookAtAddress() }
            var why: String?
            for case .unreachable(let reason) in states where why == nil { why = reason }
            tell(role, why)
            if first == nil { first = why }
        }
        problem = first
    }

    private func tell(_ role: SocketRole, _ why: String?) {
        if let why {
            guard lost.insert(role).inserted else { return }
            log.error(
                "nobody can connect (\(role)): \(why); a restart of the service mends it",
                metadata: MessageID.unreachable.with(["for": "\(role)", "reason": "\(why)"]))
        } else if lost.remove(role) != nil {
            log.notice("connections arrive again (\(role))", metadata: ["for": "\(role)"])
        }
    }
}
