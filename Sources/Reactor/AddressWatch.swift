// Whether the path of a listening Unix socket still leads to it.
//
// A socket file can be removed, or another's put in its place, while the socket behind it goes on to listen: who is
// connected is served, and nobody else gets in. The kernel does not say which socket a file stands for, so it is tried: the
// process connects to the path, and a listener that takes a connection of its own process knows that the way is good. That
// is done once for each state of the file (device, inode, time of change); while that stays the same a look costs one
// stat(2).

internal import CSystemd
internal import Glibc

/// What is known of the way to a listening socket.
public enum AddressState: Equatable, Sendable {
    /// It has no path that could be taken away, or nothing is known about it yet.
    case unknown
    case reachable
    /// Nobody can connect, for this reason.
    case unreachable(String)
}

/// Looks at one listening socket's path.
final class AddressWatch {
    private struct File: Equatable {
        let device: dev_t
        let inode: ino_t
        let seconds: Int
        let nanoseconds: Int
    }
    let path: String
    private(set) var state = AddressState.unknown
    /// The file that led here when it was last tried.
    private var proven: File?
    /// The file that is being tried, or was and led elsewhere.
    private var tried: File?
    /// Looks since then.
    private var patience = 0
    private var probe: Int32 = -1
    /// A connection of this very process is on its way.
    private(set) var expectsProbe = false
    private var wasReached = false

    /// nil: the socket has no path (TCP, or an abstract name).
    init?(listening fd: Int32) {
        var buffer = [CChar](repeating: 0, count: SocketPath.longest + 1)
        let length = jobqd_socket_path(fd, &buffer, buffer.count)
        guard length > 0 else { return nil }
        path = String(decoding: buffer.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { hangUp() }

    /// Looks at the file, once a second. `isAccepting`: the listener takes connections, so that a probe must arrive
    /// before the next look but one.
    func look(isAccepting: Bool) {
        var found = stat()
        guard fstatat(AT_FDCWD, path, &found, 0) == 0 else {
            if [ENOENT, ENOTDIR, ELOOP].contains(errno) { missing() } else { state = .unknown }
            return
        }
        guard found.st_mode & S_IFMT == S_IFSOCK else { return lost("is not a socket") }
        let file = File(
            device: found.st_dev, inode: found.st_ino, seconds: found.st_ctim.tv_sec, nanoseconds: found.st_ctim.tv_nsec
        )
        if file == proven {
            state = .reachable
        } else if file != tried {
            tryOut(file)
        } else if isAccepting {
            patience += 1
            if patience >= 2 { lost("leads to another socket") }
        }
    }

    /// The listener has taken a connection of this process while one was expected.
    func probeArrived() {
        expectsProbe = false
        proven = tried
        wasReached = true
        state = .reachable
        hangUp()
    }

    /// A service may have a /tmp of its own, in which a path of the whole machine's /tmp was never to be seen.
    private func missing() {
        let mayBeHidden = !wasReached && (path.hasPrefix("/tmp/") || path.hasPrefix("/var/tmp/"))
        if mayBeHidden { state = .unknown } else { lost("does not exist") }
    }

    private func lost(_ why: String) {
        hangUp()
        state = .unreachable("\(path) \(why)")
    }

    private func tryOut(_ file: File) {
        hangUp()
        let fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard fd >= 0 else { return }
        switch jobqd_unix_address(fd, path, -1) {
        case 0:
            probe = fd
            tried = file
            patience = 0
            expectsProbe = true
            return
        case -ECONNREFUSED: lost("is nobody's socket")
        case -ENOENT: missing()
        // The queue of connections is full: the next look tries again.
        case -EAGAIN: break
        default: state = .unknown
        }
        close(fd)
    }

    private func hangUp() {
        if probe >= 0 { close(probe) }
        probe = -1
    }
}
