// Who is at the other end of a Unix socket: what SO_PEERCRED (unix(7)) tells.

internal import CSystemd

/// The process at the other end, as it was when it connected.
public struct PeerCredentials: Sendable, Hashable {
    /// 0 when the peer lives in another PID namespace, or there is no one process to name.
    public let pid: Int32
    public let uid: UInt32
    public let gid: UInt32

    /// The user id that stands for those who have none (user_namespaces(7)), and for peers of other sockets than Unix ones.
    public static let nobody: UInt32 = 65534

    public init(pid: Int32, uid: UInt32, gid: UInt32) {
        self.pid = pid
        self.uid = uid
        self.gid = gid
    }

    /// Of a connected socket. Not a Unix socket: pid 0 and the ids of nobody.
    public init(ofSocket fd: Int32) {
        var pid: Int32 = 0
        var uid = Self.nobody
        var gid = Self.nobody
        _ = jobqd_peer_credentials(fd, &pid, &uid, &gid)
        self.init(pid: pid, uid: uid, gid: gid)
    }
}
