// Who is at the other end of a Unix socket: what SO_PEERCRED (unix(7)) tells.

internal import CSystemd

/// The process at the other end, as it was when it connected.
public struct PeerCredentials: Sendable, Hashable {
    /// 0 when the peer lives in another PID namespace, or there is no one process to name.
    public let pid: Int32
    public let uid: UInt32
    public let gid: UInt32

    public init(pid: Int32, uid: UInt32, gid: UInt32) {
        self.pid = pid
        self.uid = uid
        self.gid = gid
    }

    /// Of a connected socket. Not a Unix socket: pid 0 and the ids of nobody.
    public init(ofSocket fd: Int32) {
        var pid: Int32 = 0
        var uid: UInt32 = 65534
        var gid: UInt32 = 65534
        _ = jobqd_peer_credentials(fd, &pid, &uid, &gid)
        self.init(pid: pid, uid: uid, gid: gid)
    }
}
