// The right to use a state directory, and the log of the server in it.
//
// Two flock(2) locks. `lock` is held by the daemon and has its pid in it for the error text. `redis.log` is held by
// the daemon and by its redis-server, which has the same open file as its standard output: such a lock belongs to the
// open file and lasts until all its duplicates are closed. So when a daemon is killed, the next one gets the directory
// no sooner than the old server has ended, and two servers never write the same files.

import Glibc
import Reactor

/// An exclusive hold on a directory, until this object and all children that write its log are gone.
final class DirectoryLock {
    private let lock: Descriptor
    private let log: Descriptor
    /// The child's standard output and standard error.
    var logDescriptor: Int32 { log.fd }

    enum Problem: Error, Equatable {
        /// Somebody has it: who, in words.
        case busy(String)
        case failed(String)
    }

    init(directory: String) throws(Problem) {
        let lock = try Self.open(directory + "/lock", O_RDWR) { fd in
            let pid = Self.holder(fd)
            return "another jobqd" + (pid.isEmpty ? "" : " (pid \(pid))") + " uses \(directory)"
        }
        let log = try Self.open(directory + "/redis.log", O_WRONLY | O_APPEND) { _ in
            "an older redis-server in \(directory) has not ended"
        }
        ftruncate(lock.fd, 0)
        let text = Array("\(getpid())\n".utf8)
        _ = text.withUnsafeBytes { pwrite(lock.fd, $0.baseAddress, $0.count, 0) }
        self.lock = lock
        self.log = log
    }

    private static func open(
        _ path: String, _ flags: Int32, busy: (Int32) -> String
    ) throws(Problem) -> Descriptor {
        let fd = Glibc.open(path, flags | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard fd >= 0 else { throw .failed("\(SystemError(errno, "open \(path)"))") }
        let file = Descriptor(fd: fd)
        guard flock(fd, LOCK_EX | LOCK_NB) != 0 else { return file }
        let error = errno
        throw error == EWOULDBLOCK ? .busy(busy(fd)) : .failed("\(SystemError(error, "flock \(path)"))")
    }

    private static func holder(_ fd: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 32)
        let length = buffer.withUnsafeMutableBytes { pread(fd, $0.baseAddress, $0.count, 0) }
        return String(decoding: buffer.prefix(max(0, length)).prefix { (48...57).contains($0) }, as: UTF8.self)
    }
}
