// A subscriber of one Pub/Sub channel, over a socket of its own: what others are told, seen from outside.

import Foundation
import Harness

/// Messages of one channel, in order.
final class ChannelListener {
    private let socket: UnixSocket
    private var buffer: [UInt8] = []

    /// Subscribed when it returns.
    init(_ server: RedisServer, channel: String) throws {
        socket = try UnixSocket(path: server.socketPath)
        try socket.write(
            Array("*2\r\n$9\r\nSUBSCRIBE\r\n$\(channel.utf8.count)\r\n\(channel)\r\n".utf8), within: 5)
        _ = try item()
        _ = try item()
        _ = try line()
    }

    /// The payload of the next message.
    func next() throws -> String {
        _ = try item()
        _ = try item(header: false)
        return try item(header: false)
    }

    /// Whether a message is there within a moment after `probe` has been published behind it.
    func isSilent(_ server: RedisServer, channel: String) throws -> Bool {
        try server.command("PUBLISH", channel, "end of test")
        return try next() == "end of test"
    }

    /// A bulk string, after the head of its array if it is the first of one.
    private func item(header: Bool = true) throws -> String {
        var head = try line()
        if header, head.hasPrefix("*") { head = try line() }
        let count = Int(head.dropFirst())!
        try fill(count + 2)
        defer { buffer.removeFirst(count + 2) }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    private func line() throws -> String {
        while true {
            if let end = buffer.firstIndex(of: 10) {
                defer { buffer.removeFirst(end + 1) }
                return String(decoding: buffer[..<(end - 1)], as: UTF8.self)
            }
            try fill(buffer.count + 1)
        }
    }

    private func fill(_ count: Int) throws {
        while buffer.count < count {
            guard let chunk = try socket.read(until: Deadline(after: 5)), !chunk.isEmpty else {
                throw HarnessError("no message")
            }
            buffer += chunk
        }
    }
}
