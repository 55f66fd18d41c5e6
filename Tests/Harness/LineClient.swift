// A raw client of jobqd's protocol: bytes out, lines in, each with a deadline.
// It knows lines and JSON, nothing of the operations, so it can also send what
// no proper client would. One thread at a time.

import Foundation

/// A connection to jobqd.
public final class LineClient {
    public let socket: UnixSocket
    private var buffer: [UInt8] = []
    private var start = 0

    /// Connects to the daemon's socket.
    public init(_ path: String) throws {
        socket = try UnixSocket(path: path)
    }

    /// Speaks over a connected socket.
    public init(_ socket: UnixSocket) { self.socket = socket }

    // MARK: Sending

    /// Text as it is: the `\n` is the caller's.
    public func sendRaw(_ text: String) throws { try socket.write(Array(text.utf8)) }
    public func sendRaw(_ bytes: [UInt8]) throws { try socket.write(bytes) }

    /// One request line.
    public func send(_ request: JSON) throws { try sendRaw(request.description + "\n") }

    public func shutdownWrite() { socket.shutdownWrite() }
    public func close() { socket.close() }

    // MARK: Receiving

    /// The next line without its `\n`; nil when the daemon has closed; throws when none comes in time.
    public func readLineBytes(within seconds: Double = 10) throws -> [UInt8]? {
        let deadline = Deadline(after: seconds)
        var searched = start
        while true {
            if let end = buffer[searched...].firstIndex(of: 10) {
                defer { start = end + 1 }
                return Array(buffer[start..<end])
            }
            if start > 0 {
                buffer.removeFirst(start)
                start = 0
            }
            searched = buffer.count
            guard let chunk = try socket.read(until: deadline) else {
                throw HarnessError("no line within \(seconds) s")
            }
            if chunk.isEmpty {
                guard buffer.isEmpty else {
                    throw HarnessError("closed in mid-line: \(String(decoding: buffer, as: UTF8.self))")
                }
                return nil
            }
            buffer += chunk
        }
    }

    /// The next line as text; throws when the daemon has closed or none comes in time.
    public func readLine(within seconds: Double = 10) throws -> String {
        guard let line = try readLineBytes(within: seconds) else { throw HarnessError("the daemon has closed") }
        return String(decoding: line, as: UTF8.self)
    }

    /// The next line as a value.
    public func receive(within seconds: Double = 10) throws -> JSON {
        try JSON(parsing: readLine(within: seconds).utf8)
    }

    /// Waits until the daemon closes; lines that come before are returned.
    @discardableResult
    public func readToEnd(within seconds: Double = 10) throws -> [String] {
        let deadline = Deadline(after: seconds)
        var lines: [String] = []
        while let line = try readLineBytes(within: Double(deadline.pollTimeout) / 1000) {
            lines.append(String(decoding: line, as: UTF8.self))
        }
        return lines
    }

    /// True when no byte comes for `seconds`: for showing that something does *not* happen.
    public func staysSilent(for seconds: Double) throws -> Bool {
        guard start == buffer.count else { return false }
        return try socket.read(until: Deadline(after: seconds)).map { buffer += $0 } == nil
    }

    // MARK: Both

    /// Sends one request and reads one line.
    public func request(_ request: JSON, within seconds: Double = 10) throws -> JSON {
        try send(request)
        return try receive(within: seconds)
    }

    /// The same with a request line given as text, without its `\n`.
    public func request(text: String, within seconds: Double = 10) throws -> JSON {
        try sendRaw(text + "\n")
        return try receive(within: seconds)
    }

    /// `{"op":op, …members}`; the reply, which must be `"ok":true`, else it throws with the reply.
    @discardableResult
    public func call(_ op: String, _ members: JSON = [:], within seconds: Double = 10) throws -> JSON {
        let reply = try request(Self.line(op, members), within: seconds)
        guard reply["ok"] == true else { throw HarnessError("\(op) \(members) → \(reply)") }
        return reply
    }

    /// `{"op":op, …members}`; the `error` of the reply, which must be `"ok":false`, else it throws with the reply.
    public func refused(_ op: String, _ members: JSON = [:], within seconds: Double = 10) throws -> JSON {
        let reply = try request(Self.line(op, members), within: seconds)
        guard reply["ok"] == false else { throw HarnessError("\(op) \(members) was not refused: \(reply)") }
        return reply["error"]
    }

    private static func line(_ op: String, _ members: JSON) -> JSON {
        var request = members
        request["op"] = JSON(op)
        return request
    }
}
