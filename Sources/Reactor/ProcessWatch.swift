// The end of a process that is not our child (a worker at the other end of a connection), by its pidfd (pidfd_open(2)).
//
// Unlike a check of the pid from time to time it cannot be fooled by a reused pid once the descriptor is open, and it
// tells the end within microseconds, for a SIGKILL too.

internal import CSystemd
internal import Glibc

/// Watches a process for its end. Letting go of it ends the watch.
public final class ProcessWatch {
    private let fd: Int32
    private var source: FDSource?

    /// nil when `pid` is 0 (a peer in another PID namespace) or the process is already gone: `isGone(_:)` tells which.
    /// `onExit` is called once.
    public init?(loop: Loop, pid: Int32, onExit: @escaping () -> Void) {
        guard pid > 0, !ProcessWatch.isGone(pid) else { return nil }
        fd = jobqd_pidfd_open(pid)
        if fd < 0 { return nil }
        source = loop.watch(fd: fd, interest: .readable) { [weak self] _ in
            self?.source = nil
            onExit()
        }
    }

    deinit {
        source = nil
        if fd >= 0 { Glibc.close(fd) }
    }

    /// Whether the process has ended (a zombie has). False when that cannot be known (pid 0).
    public static func isGone(_ pid: Int32) -> Bool {
        if pid <= 0 { return false }
        let fd = jobqd_pidfd_open(pid)
        if fd < 0 { return fd == -ESRCH }
        defer { Glibc.close(fd) }
        var query = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
        return poll(&query, 1, 0) > 0
    }
}
