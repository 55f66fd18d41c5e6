// connect(2) to a path, once, on a socket that does not block.

import Glibc

enum UnixAddress {
    /// A new stream socket that is not inherited and does not block.
    static func socket() throws(ConnectionError) -> Int32 {
        let fd = Glibc.socket(
            AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard fd >= 0 else { throw .system(call: "socket", code: errno) }
        return fd
    }

    /// 0 when it is connected, else `errno`. unix(7): EAGAIN means that the queue of the listener is full; there is nothing
    /// to poll for.
    static func connect(_ fd: Int32, to path: String) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { target in
            guard path.utf8.count < target.count else { return false }
            target.copyBytes(from: path.utf8)
            return true
        }
        guard fits else { return ENAMETOOLONG }
        let result = withUnsafePointer(to: &address) {
            // sockaddr_un begins as every sockaddr does; connect(2) is told its real size.
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(fd, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        return result == 0 || errno == EISCONN ? 0 : errno
    }
}
