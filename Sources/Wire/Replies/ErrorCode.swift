// The codes of the protocol's errors, and which of them are worth another try.
//
// Messages are not here: they are written where the reason is known (`WireError`).

/// The error codes of the protocol; the raw values stand in `error.code` of a reply.
public enum ErrorCode: String, Sendable, CaseIterable {
    case badJSON = "bad_json"
    case lineTooLong = "line_too_long"
    case badRequest = "bad_request"
    case unknownOp = "unknown_op"
    case unsupportedProtocol = "unsupported_protocol"
    case notFound = "not_found"
    case leaseLost = "lease_lost"
    case wrongState = "wrong_state"
    case queueFull = "queue_full"
    case forbidden = "forbidden"
    case storeUnavailable = "store_unavailable"
    case storeFull = "store_full"
    case draining = "draining"
    case cancelled = "cancelled"
    case `internal` = "internal"

    /// Whether the same request may succeed later without any change.
    public var isRetryable: Bool {
        switch self {
        case .queueFull, .storeUnavailable, .storeFull, .draining: true
        default: false
        }
    }
}
