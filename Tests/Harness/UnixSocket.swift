// A blocking stream socket in the file system with deadlines, the ground
// under the line client and the Redis client. One object, one thread at a
// time. It knows nothing of lines or replies.

import Foundation

/// A connected Unix stream socket.
public final class UnixSocket {
    public private(set) var descriptor: Int32

    /// Connects to `path`; throws when nobody listens there.
    public init(path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw HarnessError("socket: \(String(cString: strerror(errno)))") }
        let result = withUnixAddress(path) { connect(descriptor, $0, $1) }
        guard result == 0 else {
            let problem = String(cString: strerror(errno))
            close()
            throw HarnessError("connect \(path): \(problem)")
        }
    }

    /// Takes over a connected socket.
    public init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close() }

    /// Full close; what is unread is thrown away.
    public func close() {
        if descriptor >= 0 { Foundation.close(descriptor) }
        descriptor = -1
    }

    /// "No more from me": the peer reads end of input, and can still answer.
    public func shutdownWrite() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Writes all of it; throws when the peer takes none for `seconds` or has closed.
    public func write(_ bytes: [UInt8], within seconds: Double = 10) throws {
        let deadline = Deadline(after: seconds)
        var sent = 0
        while sent < bytes.count {
            let count = writeSome(bytes[sent...])
            if count >= 0 {
                sent += count
            } else if errno == EAGAIN {
                guard wait(for: POLLOUT, deadline) else { throw HarnessError("write: peer does not read") }
            } else if errno != EINTR {
                throw HarnessError("write: \(String(cString: strerror(errno)))")
            }
        }
    }

    /// One non-blocking write; the count taken, or −1 with `errno`.
    public func writeSome(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.withUnsafeBytes {
            send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        }
    }

    /// What is there, up to 64 KiB; empty at end of input, nil when the deadline passed first.
    public func read(until deadline: Deadline) throws -> [UInt8]? {
        guard wait(for: POLLIN, deadline) else { return nil }
        // A peer killed with unread input resets the connection: for a test that is an end of input as well.
        return [UInt8](unsafeUninitializedCapacity: 65536) { buffer, count in
            count = max(0, recv(descriptor, buffer.baseAddress, buffer.count, 0))
        }
    }

    private func wait(for events: Int32, _ deadline: Deadline) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        while true {
            let ready = poll(&entry, 1, deadline.pollTimeout)
            if ready > 0 { return true }
            if ready == 0 { return false }
        }
    }
}

/// Calls `body` with the address of a socket in the file system.
public func withUnixAddress<Value>(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value) -> Value {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { target in
        precondition(path.utf8.count < target.count, "socket path too long: \(path)")
        target.copyBytes(from: path.utf8)
    }
    return withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
}
