// A small blocking client of jobqd: one connection, one request at a time, a deadline on each.
//
// `request` speaks any operation; JobqRequests.swift has the typed ones a worker or producer needs. Requests
// carry no id, so replies come in order. Events that the daemon pushes in between are kept for `takeEvents`.
// Left out: reconnecting (`ReconnectingConnection` does), several requests at a time, use from several threads at once (a heartbeat
// thread takes a connection of its own: a lease belongs to its token, not to a connection).

public import Wire

/// A connection to jobqd.
public final class JobqConnection: JobqRequests {
    /// Where jobqd listens when nothing else was said.
    public static let defaultPath = "/run/jobqd/jobqd.sock"

    /// The socket it is connected to.
    public let path: String
    /// How long a reply may take, beyond the time the request itself asks to wait.
    public var timeoutMs: Int64
    private var socket: LineSocket?
    private var events: [JSONDocument] = []

    /// Connects. Throws `ConnectionError`.
    public init(path: String = defaultPath, timeoutMs: Int64 = 30_000) throws {
        self.path = path
        self.timeoutMs = timeoutMs
        socket = try LineSocket(path: path, until: Deadline(afterMs: timeoutMs))
    }

    /// Closes now; what follows throws `ConnectionError.closed`.
    public func close() { socket = nil }

    /// Asks one operation and returns the whole reply, which has `"ok":true`.
    ///
    /// - Parameters:
    ///   - waitMs: how long the operation itself may wait (`wait_ms` of a claim), added to `timeoutMs`.
    ///   - members: writes the request's other members, e.g. `{ $0.member("job", job) }`.
    /// - Throws: `ProtocolError` when the daemon says no, `ConnectionError` when there is no reply.
    public func request(
        _ operation: String, waitMs: Int64 = 0, _ members: (inout JSONWriter) -> Void = { _ in }
    ) throws -> JSONDocument {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("op", operation)
        members(&writer)
        writer.endObject()
        let reply = try exchange(line: writer.bytes, waitMs: waitMs)
        if reply["ok"]?.bool == true { return reply }
        guard let error = reply["error"] else {
            close()
            throw ConnectionError.notAReply(String(reply.description.prefix(200)))
        }
        throw ProtocolError(error)
    }

    /// Sends one line as it is, which must be one JSON object, and returns the reply, whatever it says.
    public func exchange(line: [UInt8], waitMs: Int64 = 0) throws -> JSONDocument {
        let deadline = Deadline(afterMs: timeoutMs.addingReportingOverflow(waitMs).partialValue)
        // Line breaks can only be white space here: inside strings JSON has them escaped.
        let oneLine = line.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 } + [0x0A]
        do {
            try send(oneLine, deadline)
            while true {
                let received = try receiveLine(deadline)
                guard let document = try? JSONDocument(received), document.kind == .object else {
                    throw ConnectionError.notAReply(String(decoding: received.prefix(200), as: UTF8.self))
                }
                if document["event"] == nil { return document }
                events.append(document)
            }
        } catch {
            // A reply that comes late would be taken for the next one's.
            close()
            throw error
        }
    }

    /// The events that came since the last call, oldest first. Does not read.
    public func takeEvents() -> [JSONDocument] {
        defer { events = [] }
        return events
    }

    private func send(_ bytes: [UInt8], _ deadline: Deadline) throws(ConnectionError) {
        guard socket != nil else { throw .closed }
        try socket!.send(bytes, until: deadline)
    }

    private func receiveLine(_ deadline: Deadline) throws(ConnectionError) -> [UInt8] {
        guard socket != nil else { throw .closed }
        return try socket!.receiveLine(until: deadline)
    }
}
