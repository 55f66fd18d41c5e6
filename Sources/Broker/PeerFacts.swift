// What rules and the log say about the process at the other end of a connection, found out when it is first asked for.

import Reactor

/// The peer of one connection.
final class PeerFacts {
    let credentials: PeerCredentials
    private let findGroups: () -> [UInt32]
    private let findUnit: () -> PeerUnit

    init(
        _ credentials: PeerCredentials, groups: @escaping () -> [UInt32] = { [] },
        unit: @escaping () -> PeerUnit = { .none }
    ) {
        self.credentials = credentials
        findGroups = groups
        findUnit = unit
    }

    /// Of an open connection. The connection must live as long as this object.
    convenience init(of stream: ByteStream) {
        self.init(
            stream.peer, groups: { [unowned stream] in stream.peerGroups },
            unit: { [unowned stream] in stream.peerUnit })
    }

    var uid: UInt32 { credentials.uid }
    /// Its primary and its supplementary groups, as they were when it connected.
    private(set) lazy var groups: Set<UInt32> = Set(findGroups()).union([credentials.gid])
    /// The systemd unit of the process; costs some reading below /proc once. Asked for when the connection is accepted if
    /// a rule names units: later the process may be gone.
    private(set) lazy var unit: PeerUnit = findUnit()
}
