// A connected Unix socket that sends bytes and receives lines, each with a deadline. Blocking for its caller: it waits
// in poll(2) on a non-blocking descriptor, which it owns.
//
// It knows nothing of JSON, and does not read while it sends: with one request at a time the daemon has nothing to say
// before it has read the whole line.

import Glibc

/// Owns one connection.
struct LineSocket: ~Copyable {
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var start = 0

    /// A line longer than this is not received; far above what the daemon sends.
    private static let longestLine = 256 << 20

    init(path: String, until deadline: Deadline) throws(ConnectionError) {
        let fd = try UnixAddress.socket()
        guard let problem = Self.connect(fd, path, deadline) else {
            descriptor = fd
            return
        }
        close(fd)
        throw problem
    }

    deinit { close(descriptor) }

    /// Sends all of it.
    func send(_ bytes: [UInt8], until deadline: Deadline) throws(ConnectionError) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                sent += count
            } else if errno == EAGAIN {
                try wait(for: Int16(POLLOUT), deadline)
            } else if errno == EPIPE || errno == ECONNRESET {
                throw .closed
            } else if errno != EINTR {
                throw .system(call: "send", code: errno)
            }
        }
    }

    /// The next line without its `\n`.
    mutating func receiveLine(until deadline: Deadline) throws(ConnectionError) -> [UInt8] {
        var searched = start
        while true {
            if let end = buffer[searched...].firstIndex(of: 0x0A) {
                defer { start = end + 1 }
                return Array(buffer[start..<end])
            }
            if start > 0 {
                buffer.removeFirst(start)
                start = 0
            }
            searched = buffer.count
            guard searched <= Self.longestLine else { throw .notAReply("a line without end") }
            try receive(until: deadline)
        }
    }

    /// Appends what is there, at least one byte.
    private mutating func receive(until deadline: Deadline) throws(ConnectionError) {
        let chunk = 64 << 10
        while true {
            var result = 0
            let descriptor = descriptor
            let bytes = [UInt8](unsafeUninitializedCapacity: chunk) { target, count in
                result = recv(descriptor, target.baseAddress, chunk, 0)
                count = max(0, result)
            }
            if result > 0 {
                buffer += bytes
                return
            }
            if result == 0 || errno == ECONNRESET { throw .closed }
            if errno == EAGAIN {
                try wait(for: Int16(POLLIN), deadline)
            } else if errno != EINTR {
                throw .system(call: "recv", code: errno)
            }
        }
    }

    private func wait(for events: Int16, _ deadline: Deadline) throws(ConnectionError) {
        while true {
            var entry = pollfd(fd: descriptor, events: events, revents: 0)
            let ready = poll(&entry, 1, deadline.pollTimeout)
            if ready > 0 { return }
            if ready == 0, deadline.hasPassed { throw .timedOut }
            if ready < 0, errno != EINTR { throw .system(call: "poll", code: errno) }
        }
    }

    /// nil: connected.
    private static func connect(_ fd: Int32, _ path: String, _ deadline: Deadline) -> ConnectionError? {
        while true {
            let code = UnixAddress.connect(fd, to: path)
            if code == 0 { return nil }
            // The queue of the listener is full: try again a little later.
            let mayRetry = code == EAGAIN || code == EINTR
            guard mayRetry, !deadline.hasPassed else { return .connect(path: path, code: code) }
            poll(nil, 0, min(10, deadline.pollTimeout))
        }
    }
}
