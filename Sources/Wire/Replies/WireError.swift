// What goes wrong, as the wire shows it: the `error` object of a reply, and the refusal of a whole line.
//
// A message is written by us. Text of the client's appears in it only where it helps (an unknown member's name), shortened
// and with everything beyond printable ASCII escaped (`Quotation`).

/// One `error` object of a reply.
public struct WireError: Error, Equatable, Sendable {
    public var code: ErrorCode
    /// For people; names the member and its range.
    public var message: String
    /// The member that is wrong, with a dot before an inner one: `priority`, `backoff.base_ms`, `next.queues`.
    public var field: String?
    /// The place in `jobs`, from 0.
    public var index: Int?
    /// Where the job is now.
    public var state: JobState?
    public var retryAfterMs: Int64?
    /// The protocol versions we speak.
    public var supported: [Int]?
    /// Under which the log has the details.
    public var ref: String?

    public init(
        _ code: ErrorCode, _ message: String, field: String? = nil, index: Int? = nil, state: JobState? = nil,
        retryAfterMs: Int64? = nil, supported: [Int]? = nil, ref: String? = nil
    ) {
        self.code = code
        self.message = message
        self.field = field
        self.index = index
        self.state = state
        self.retryAfterMs = retryAfterMs
        self.supported = supported
        self.ref = ref
    }

}

/// A refused line: the error, and the id to echo if one could be read.
public struct RequestError: Error, Equatable, Sendable {
    /// The raw JSON of the id.
    public var id: [UInt8]?
    public var error: WireError

    public init(id: [UInt8]?, error: WireError) {
        self.id = id
        self.error = error
    }

    /// The refusal of a line of more than `limit` bytes that the framer did not keep; `head` has its first bytes.
    public init(tooLong head: UnsafeRawBufferPointer, limit: Int) {
        self.init(
            id: RequestHead.id(of: head), error: WireError(.lineTooLong, "the line is longer than \(limit) bytes"))
    }
}
