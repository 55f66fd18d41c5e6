// The right to use a state directory: an flock(2) on the file `lock` in it.
//
// The descriptor is inherited by the child redis-server on purpose (no O_CLOEXEC). Such a lock belongs to the open file
// and is held "until all duplicates of the descriptor are closed", so when a daemon is killed, the next one gets the
// directory no sooner than the old server has closed its files. The file holds the daemon's pid for the error text.

import Glibc

/// An exclusive hold on a directory, until this object and all children that inherited it are gone.
final class DirectoryLock {
    private let fd: Int32

    enum Problem: Error, Equatable {
        /// Somebody has it; his pid, if he wrote it.
        case busy(holder: String)
        case failed(String)
    }

    init(directory: String) throws(Problem) {
        let path = directory + "/lock"
        let fd = open(path, O_RDWR | O_CREAT, 0o600)
        guard fd >= 0 else { throw .failed("cannot open \(path): \(Errno(code: errno))") }
        guard flock(fd, LOCK_EX | LOCK_NB) == 0 else {
            let error = errno
            let holder = Self.holder(fd)
            close(fd)
            throw error == EWOULDBLOCK ? .busy(holder: holder) : .failed("cannot lock \(path): \(Errno(code: error))")
        }
        ftruncate(fd, 0)
        let text = Array("\(getpid())\n".utf8)
        _ = text.withUnsafeBytes { pwrite(fd, $0.baseAddress, $0.count, 0) }
        self.fd = fd
    }

    deinit { close(fd) }

    private static func holder(_ fd: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 32)
        let length = buffer.withUnsafeMutableBytes { pread(fd, $0.baseAddress, $0.count, 0) }
        return String(decoding: buffer.prefix(max(0, length)).prefix { (48...57).contains($0) }, as: UTF8.self)
    }
}
