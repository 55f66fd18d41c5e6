// A process that is not our child (the peer of a connection), by its pidfd (pidfd_open(2)).
//
// Unlike a check of the pid from time to time it cannot be fooled by a reused pid once the descriptor is open, and it
// tells the end within microseconds, for a SIGKILL too. Where the kernel has SO_PEERPIDFD (Linux 6.5), the descriptor is
// that of the very process that connected, also when that has ended meanwhile.

internal import CSystemd
internal import Glibc

/// The process at the other end of a connection, held by a descriptor.
struct PeerProcess: ~Copyable {
    let fd: Int32
    /// It is surely the one that connected; otherwise it has the pid that that one had.
    let isExact: Bool

    /// nil: it has ended, or cannot be named here (another PID namespace).
    init?(ofSocket socket: Int32, pid: Int32) {
        guard pid > 0 else { return nil }
        let exact = jobqd_peer_pidfd(socket)
        // Any other refusal of a kernel that knows the option says that the process is gone.
        let isKnown = exact != -ENOPROTOOPT
        let fd = isKnown ? exact : jobqd_pidfd_open(pid)
        if fd < 0 { return nil }
        self.fd = fd
        isExact = isKnown
    }

    deinit { close(fd) }

    var hasEnded: Bool { PeerProcess.hasEnded(fd) }

    /// The descriptor, which is the caller's from now on.
    consuming func release() -> Int32 {
        let fd = fd
        discard self
        return fd
    }

    static func hasEnded(_ pidfd: Int32) -> Bool {
        var query = pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0)
        return poll(&query, 1, 0) > 0
    }
}

/// Watches a process for its end. Letting go of it ends the watch.
public final class ProcessWatch {
    private let fd: Int32
    private var source: FDSource?

    /// The process at the other end of an open stream. nil when it is already gone or has no pid here, which `isGone(_:)`
    /// tells apart, and when descriptors are short: then only the end of its connection says that it is gone.
    /// `onExit` is called once.
    public init?(loop: Loop, peerOf stream: ByteStream, onExit: @escaping () -> Void) {
        guard stream.isOpen, let process = PeerProcess(ofSocket: stream.fd, pid: stream.peer.pid) else { return nil }
        guard !process.hasEnded, DescriptorLimit.allows(process.fd, for: .client) else { return nil }
        fd = process.release()
        source = loop.watch(fd: fd, interest: .readable) { [weak self] _ in
            self?.source = nil
            onExit()
        }
    }

    deinit {
        source = nil
        Glibc.close(fd)
    }

    /// Whether it has ended (a zombie has), also before `onExit` is called.
    public var hasEnded: Bool { PeerProcess.hasEnded(fd) }

    /// Whether the process with this pid has ended. False when that cannot be known (pid 0).
    public static func isGone(_ pid: Int32) -> Bool {
        if pid <= 0 { return false }
        let fd = jobqd_pidfd_open(pid)
        if fd < 0 { return fd == -ESRCH }
        defer { Glibc.close(fd) }
        return PeerProcess.hasEnded(fd)
    }
}
