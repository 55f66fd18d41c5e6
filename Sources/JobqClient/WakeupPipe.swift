// A pipe that wakes a poll loop: from another thread, or from a signal handler, where write(2) is one of the few things
// allowed.

import Glibc

/// Owns both ends. Neither blocks, and children do not inherit them.
public final class WakeupPipe: Sendable {
    /// Readable after a wake-up.
    public let descriptor: Int32
    /// Where one byte is a wake-up.
    public let writeEnd: Int32

    public init() throws(ConnectionError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw .system(call: "pipe", code: errno) }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        (descriptor, writeEnd) = (ends[0], ends[1])
    }

    deinit {
        close(descriptor)
        close(writeEnd)
    }

    /// Wakes the loop; a full pipe has done so already.
    public func wake() {
        var byte: UInt8 = 0
        _ = write(writeEnd, &byte, 1)
    }

    /// Takes all that was written.
    public func drain() -> [UInt8] {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 256)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count <= 0 { return all }
            all += chunk[..<count]
        }
    }
}
