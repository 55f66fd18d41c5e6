// A connected Unix socket for a poll loop: lines in, bytes out, never waiting.
//
// What the kernel does not take at once is kept and sent when poll(2) says so. A line that is longer than any reply can be
// ends the connection.

import Glibc
import Wire

/// Owns one connection that does not block.
final class LinkSocket {
    let descriptor: Int32
    private var framer = LineFramer(limit: 256 << 20)
    private var unsent: [UInt8] = []

    init(path: String) throws(ConnectionError) {
        let fd = try UnixAddress.socket()
        let code = UnixAddress.connect(fd, to: path)
        guard code == 0 else {
            close(fd)
            throw .connect(path: path, code: code)
        }
        descriptor = fd
    }

    deinit { close(descriptor) }

    /// What poll(2) shall look for.
    var events: Int16 { unsent.isEmpty ? Int16(POLLIN) : Int16(POLLIN) | Int16(POLLOUT) }

    /// Sends a line, or keeps what of it cannot be sent now.
    func send(_ line: [UInt8]) throws(ConnectionError) {
        unsent += line
        try flush()
    }

    /// Sends what was kept, as far as it goes.
    func flush() throws(ConnectionError) {
        while !unsent.isEmpty {
            let descriptor = descriptor
            let count = unsent.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                unsent.removeFirst(count)
            } else if errno == EAGAIN {
                return
            } else if errno == EPIPE || errno == ECONNRESET {
                throw .closed
            } else if errno != EINTR {
                throw .system(call: "send", code: errno)
            }
        }
    }

    /// Reads what is there. The end of the connection is `.closed`, once all before it was taken with `nextLine`.
    func receive() throws(ConnectionError) {
        let chunk = 64 << 10
        let descriptor = descriptor
        var result = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: chunk) { target, count in
            repeat { result = recv(descriptor, target.baseAddress, chunk, 0) } while result < 0 && errno == EINTR
            count = max(0, result)
        }
        if result > 0 {
            bytes.withUnsafeBytes { framer.append($0) }
        } else if result == 0 || errno == ECONNRESET {
            throw .closed
        } else if errno != EAGAIN {
            throw .system(call: "recv", code: errno)
        }
    }

    /// The next whole line as a JSON object.
    func nextLine() throws(ConnectionError) -> JSONDocument? {
        var found: Result<JSONDocument, ConnectionError>?
        _ = framer.next { frame in
            switch frame {
            case .tooLong: found = .failure(.notAReply("a line without end"))
            case .line(let bytes):
                if let document = try? JSONDocument(bytes), document.kind == .object {
                    found = .success(document)
                } else {
                    found = .failure(.notAReply(String(decoding: bytes.prefix(200), as: UTF8.self)))
                }
            }
        }
        return try found?.get()
    }
}
