// Who owns a file descriptor until somebody else takes it over.

import Glibc
import Reactor

/// A descriptor (of a socket or a file) that nobody else owns; closed when the last reference goes, unless it was released.
final class Descriptor {
    private(set) var fd: Int32

    init(fd: Int32) { self.fd = fd }
    deinit { if fd >= 0 { close(fd) } }

    /// Gives the descriptor away; the caller closes it.
    func release() -> Int32 {
        defer { fd = -1 }
        return fd
    }

    /// SO_ERROR: how a connect that was under way ended; reading clears it.
    func pendingError() -> SystemError? {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &length) == 0 else { return SystemError(errno, "getsockopt") }
        return code == 0 ? nil : SystemError(code, "connect")
    }

    /// Best effort: a connection without the option is slower, not wrong.
    func setOption(level: Int32, _ name: Int32, _ value: Int32) {
        var value = value
        setsockopt(fd, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}
