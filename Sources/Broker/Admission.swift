// Which connections are taken in, and which are ended because of what their clients do not do: read, or say anything.
//
// A user has a share of the places, so that one user's runaway script leaves places to the others. A share that is
// configured holds for everybody; the built-in one, half of all, not for those who may do everything anyway. A connection
// beyond the share gets one line that says so. A connection that has sent no complete line within a minute is closed;
// after its first line it may be silent for ever. None of it is about the administrators' socket but the minute.

import Logging
import Reactor
import Wire

extension Broker {
    /// How long a peer may take nothing of a large reply.
    private static let readingPatienceUs: UInt64 = 5_000_000

    /// Takes over a connected, non-blocking socket. `isAdmin`: it came over the administrators' socket.
    public func accept(_ fd: Int32, isAdmin: Bool = false) {
        do {
            let stream = try connections.adopt(fd: fd, outputLimit: options.outputBytes)
            let user = stream.peer.uid
            if !isAdmin, places.count(of: user) >= share(of: stream.peer) { return turnAway(stream) }
            begin(stream, isAdmin: isAdmin)
        } catch {
            log.warning("cannot serve a new connection: \(error)")
        }
    }

    /// Connections that this peer's user may have.
    private func share(of peer: PeerCredentials) -> Int {
        options.maxConnectionsPerUser ?? (isAdministrator(peer) ? .max : max(1, options.maxConnections / 2))
    }

    private func turnAway(_ stream: ByteStream) {
        let peer = stream.peer
        let message =
            "user \(peer.uid) has \(places.count(of: peer.uid)) connections already; MaxConnectionsPerUser= allows no more"
        figures.connectionsRefused += 1
        withWriter { writer in
            writer.errorReply(id: nil, WireError(.forbidden, message))
            stream.write(writer.bytes)
        }
        stream.closeAfterFlush()
        guard let unsaid = crowds.pass(peer.uid, at: loop.now) else { return }
        var metadata = MessageID.userFull.with(["uid": "\(peer.uid)", "pid": "\(peer.pid)"])
        metadata["connections"] = "\(places.count(of: peer.uid))"
        if unsaid > 0 { metadata["unsaid"] = "\(unsaid)" }
        log.warning("a connection of pid \(peer.pid) is refused: \(message)", metadata: metadata)
    }

    /// Once a second: ends the connections whose clients have said nothing, or do not read.
    func endIdleConnections(at now: UInt64) {
        let silent = allSessions.filter { $0.isSilent && now - $0.since >= options.firstLineUs }
        for session in silent { session.stream.close() }
        figures.connectionsSilent += UInt64(silent.count)
        if let first = silent.first {
            let peer = first.stream.peer
            log.notice(
                """
                connections closed because no complete line came within \(options.firstLineUs / 1_000_000) s: \
                \(silent.count), one of them of uid \(peer.uid), pid \(peer.pid)
                """, metadata: ["connections": "\(silent.count)", "uid": "\(peer.uid)", "pid": "\(peer.pid)"])
        }
        if budget.held > options.stalledBytes {
            connections.closeStalled(unsent: options.stalledBytes, patience: Self.readingPatienceUs)
        }
    }

    /// A connection was closed because its client did not read.
    func didNotRead(_ session: Session) {
        let peer = session.stream.peer
        guard let unsaid = unread.pass(peer.uid, at: loop.now) else { return }
        let bytes = session.stream.lostBytes
        var metadata: Logger.Metadata = ["uid": "\(peer.uid)", "pid": "\(peer.pid)", "bytes": "\(bytes)"]
        if let worker = session.worker?.name { metadata["worker"] = .string(worker) }
        if unsaid > 0 { metadata["unsaid"] = "\(unsaid)" }
        log.warning(
            "a connection of uid \(peer.uid), pid \(peer.pid), is dropped: it left \(bytes) bytes unread",
            metadata: metadata)
    }
}
