// Output that never makes its writer wait: a thread of its own writes it, from a buffer with a bound.
//
// Who reads standard error (a log shipper, a terminal that was stopped) may read no more, and a write would then block as long as
// it likes. A worker that blocks loses its leases. So what does not fit into the buffer is dropped and counted, and the count is
// said as soon as there is room again.

import Glibc
import JobqClient
import Synchronization

/// Writes to a descriptor, which it does not own, from a thread.
final class BackgroundWriter: Sendable {
    private struct Contents {
        var waiting: [UInt8] = []
        /// What the thread is writing now.
        var underWay = 0
        var dropped = 0
        var endsLine = true
        /// Nobody reads any more: all is dropped in silence.
        var isBroken = false
        var hasThread = false

        var backlog: Int { waiting.count + underWay }
    }

    private let descriptor: Int32
    /// Beyond so many bytes that wait, more is dropped; nil = nothing is.
    private let limit: Int?
    private let contents = Mutex(Contents())
    private let work = Semaphore()
    private let progress = Semaphore()

    init(_ descriptor: Int32, limit: Int?) {
        self.descriptor = descriptor
        self.limit = limit
    }

    /// Bytes that are not written yet.
    var backlog: Int { contents.withLock { $0.backlog } }

    /// Takes all of it or drops all of it.
    func write(_ bytes: [UInt8]) {
        let needsThread = contents.withLock { contents in
            guard !contents.isBroken, !bytes.isEmpty else { return false }
            if let limit, contents.backlog + bytes.count > limit {
                contents.dropped += bytes.count
                return false
            }
            Self.sayDropped(&contents)
            contents.waiting += bytes
            contents.endsLine = bytes.last == 0x0A
            defer { contents.hasThread = true }
            return !contents.hasThread
        }
        if needsThread, BackgroundThread.start({ [self] in drive() }) != 0 {
            // Without a thread it is written here, waiting or not.
            contents.withLock { $0.hasThread = false }
            writeWaiting()
        }
        work.post()
    }

    private static func sayDropped(_ contents: inout Contents) {
        guard contents.dropped > 0 else { return }
        let count = contents.dropped
        contents.dropped = 0
        let text = "jobqctl: \(count.of("byte")) of output dropped here: nobody read standard error\n"
        contents.waiting += (contents.endsLine ? "" : "\n").utf8
        contents.waiting += text.utf8
        contents.endsLine = true
    }

    /// Waits until all is written, or this long.
    /// - Returns: whether all is.
    @discardableResult
    func finish(within milliseconds: Int64) -> Bool {
        contents.withLock { Self.sayDropped(&$0) }
        work.post()
        let end = Clock.now + milliseconds
        while true {
            let (backlog, isBroken) = contents.withLock { ($0.backlog, $0.isBroken) }
            if backlog == 0 || isBroken { return backlog == 0 }
            let left = end - Clock.now
            guard left > 0 else { return false }
            progress.wait(milliseconds: left)
        }
    }

    /// The thread, as long as the process.
    private func drive() {
        while true {
            writeWaiting()
            work.wait()
        }
    }

    private func writeWaiting() {
        while true {
            let bytes = contents.withLock { contents in
                defer { contents.waiting = [] }
                contents.underWay = contents.waiting.count
                return contents.waiting
            }
            if bytes.isEmpty { return }
            if !writeAll(bytes) { contents.withLock { $0.isBroken = true } }
            contents.withLock { $0.underWay = 0 }
            progress.post()
        }
    }

    private func writeAll(_ bytes: [UInt8]) -> Bool {
        var start = 0
        while start < bytes.count {
            let count = bytes[start...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                start += count
                let left = bytes.count - start
                contents.withLock { $0.underWay = left }
            } else if errno == EAGAIN {
                // Whoever shares it made it non-blocking.
                var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&entry, 1, -1)
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }
}
