// What a call of the client can throw: the daemon said no (`ProtocolError`), or there was no talking to it
// (`ConnectionError`). Nothing else.

public import Wire

/// The `error` of a reply.
public struct ProtocolError: Error, Equatable, Sendable, CustomStringConvertible {
    /// As it stood in the reply.
    public var code: String
    /// For people.
    public var message: String
    /// Whether the same request may succeed later without any change.
    public var isRetryable: Bool
    /// The member of the request that is at fault.
    public var field: String?
    /// The item of a batch that is at fault, from 0.
    public var index: Int?
    /// Where the job is now, for `lease_lost` and `wrong_state`.
    public var state: JobState?
    /// When to try again, in milliseconds from the reply.
    public var retryAfterMs: Int64?
    /// The whole object, as it came.
    public var raw: [UInt8]

    /// The code as one of those that this version knows.
    public var errorCode: ErrorCode? { ErrorCode(rawValue: code) }
    /// One line for people: message, code, and where the fault is.
    public var description: String {
        var notes: [String] = []
        if let field, !message.contains(field) { notes.append("member \(field)") }
        if let index { notes.append("item \(index)") }
        if let state { notes.append("the job is \(state.rawValue)") }
        return "\(message) (\(([code] + notes).joined(separator: ", ")))"
    }

    /// A request that is not sent, since the daemon would refuse it.
    static func tooLong(_ bytes: Int, limit: Int) -> ProtocolError {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("code", ErrorCode.lineTooLong.rawValue)
        writer.member("message", "the request is \(bytes) bytes long; jobqd takes up to \(limit)")
        writer.member("retryable", false)
        writer.endObject()
        // Cannot throw: the writer writes nothing but JSON.
        return ProtocolError(try! JSONDocument(writer.bytes))
    }

    /// From the value of `error` in a reply.
    public init(_ error: JSONDocument) {
        code = error["code"]?.string ?? ErrorCode.internal.rawValue
        message = error["message"]?.string ?? "the daemon gave no reason"
        isRetryable = error["retryable"]?.bool ?? false
        field = error["field"]?.string
        index = error["index"]?.integer.map { Int($0) }
        state = error["state"]?.string.flatMap(JobState.init)
        retryAfterMs = error["retry_after_ms"]?.integer
        raw = error.raw
    }
}

/// Why there was no reply. After any of these the connection is closed and of no more use; whether the request took
/// effect is not known, except after `connect`. Every write of the protocol is safe to repeat.
public enum ConnectionError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Nobody could be reached at the path; the number is `errno`.
    case connect(path: String, code: Int32)
    /// The daemon closed the connection.
    case closed
    /// A system call failed; its name and `errno`.
    case system(call: String, code: Int32)
    case timedOut
    /// What came was not a line of the protocol.
    case notAReply(String)

    /// One line for people.
    public var description: String {
        switch self {
        case .connect(let path, let code): "cannot reach jobqd at \(path): \(systemMessage(code))"
        case .closed: "jobqd closed the connection"
        case .system(let call, let code): "\(call): \(systemMessage(code))"
        case .timedOut: "jobqd did not answer in time"
        case .notAReply(let why): "jobqd sent something that is no reply: \(why)"
        }
    }
}
