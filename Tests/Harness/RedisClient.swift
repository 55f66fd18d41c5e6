// Just enough of Redis's protocol (RESP2) to look into a server from a test: one
// command, one reply, blocking, with a deadline. Independent of the Redis module,
// so that a mistake there cannot hide itself.

import Foundation

/// A reply of Redis.
public enum RedisReply: Equatable, Sendable, CustomStringConvertible {
    case status(String)
    case error(String)
    case integer(Int64)
    case bulk([UInt8])
    case array([RedisReply])
    case null

    /// Text of a status, bulk, integer or error; nil for null and arrays.
    public var string: String? {
        switch self {
        case .status(let text), .error(let text): text
        case .integer(let number): String(number)
        case .bulk(let bytes): String(decoding: bytes, as: UTF8.self)
        case .array, .null: nil
        }
    }

    /// A number, also when it came as text.
    public var int: Int? { string.flatMap { Int($0) } }

    public var array: [RedisReply] {
        if case .array(let items) = self { items } else { [] }
    }

    /// The items of an array as texts.
    public var strings: [String] { array.map { $0.string ?? "(nil)" } }

    /// An array of field, value, field, value … as a dictionary (HGETALL, ZRANGE WITHSCORES).
    public var dictionary: [String: String] {
        let items = strings
        return Dictionary(
            stride(from: 0, to: items.count - 1, by: 2).map { (items[$0], items[$0 + 1]) }, uniquingKeysWith: { $1 })
    }

    public var isError: Bool {
        if case .error = self { true } else { false }
    }

    public var description: String {
        switch self {
        case .array(let items): "[\(items.map(\.description).joined(separator: ", "))]"
        case .null: "(nil)"
        case .error(let text): "(error) \(text)"
        default: string ?? ""
        }
    }
}

/// A blocking connection to a Redis server on a Unix socket.
public final class RedisClient {
    private let socket: UnixSocket
    private var buffer: [UInt8] = []
    private var start = 0

    public init(path: String) throws {
        socket = try UnixSocket(path: path)
    }

    /// Sends one command and reads its reply. An error reply is a value, not a throw.
    public func command(_ arguments: [String], within seconds: Double = 10) throws -> RedisReply {
        try command(bytes: arguments.map { Array($0.utf8) }, within: seconds)
    }

    /// The same with arguments of any bytes.
    public func command(bytes arguments: [[UInt8]], within seconds: Double = 10) throws -> RedisReply {
        var request = Array("*\(arguments.count)\r\n".utf8)
        for argument in arguments {
            request += Array("$\(argument.count)\r\n".utf8) + argument + [13, 10]
        }
        try socket.write(request, within: seconds)
        return try reply(Deadline(after: seconds))
    }

    /// The next reply without a command: a message of a channel subscribed to.
    public func receive(within seconds: Double = 10) throws -> RedisReply {
        try reply(Deadline(after: seconds))
    }

    private func reply(_ deadline: Deadline) throws -> RedisReply {
        let line = try line(deadline)
        let rest = String(decoding: line.dropFirst(), as: UTF8.self)
        switch line.first {
        case UInt8(ascii: "+"): return .status(rest)
        case UInt8(ascii: "-"): return .error(rest)
        case UInt8(ascii: ":"): return .integer(Int64(rest) ?? 0)
        case UInt8(ascii: "$"):
            guard let count = Int(rest), count >= 0 else { return .null }
            let bytes = try take(count, deadline)
            _ = try take(2, deadline)
            return .bulk(bytes)
        case UInt8(ascii: "*"):
            guard let count = Int(rest), count >= 0 else { return .null }
            return .array(try (0..<count).map { _ in try reply(deadline) })
        default: throw HarnessError("not a reply of Redis: \(rest)")
        }
    }

    private func line(_ deadline: Deadline) throws -> [UInt8] {
        var searched = start
        while true {
            if let end = buffer[searched...].firstIndex(of: 10) {
                defer { start = end + 1 }
                return Array(buffer[start..<(end - 1)])
            }
            searched = buffer.count
            try fill(deadline, &searched)
        }
    }

    private func take(_ count: Int, _ deadline: Deadline) throws -> [UInt8] {
        var unused = 0
        while buffer.count - start < count { try fill(deadline, &unused) }
        defer { start += count }
        return Array(buffer[start..<(start + count)])
    }

    /// Reads more; `position` is an index into the buffer that moves with it.
    private func fill(_ deadline: Deadline, _ position: inout Int) throws {
        if start > 0 {
            buffer.removeFirst(start)
            position = max(0, position - start)
            start = 0
        }
        guard let chunk = try socket.read(until: deadline) else { throw HarnessError("Redis does not answer") }
        if chunk.isEmpty { throw HarnessError("Redis has closed the connection") }
        buffer += chunk
    }
}
