// The limits and names a broker runs with. The daemon's configuration fills them in.

/// Limits of one daemon; the defaults are those of the protocol.
public struct BrokerOptions: Sendable {
    /// Longest request line, bytes.
    public var lineBytes = 1 << 20
    /// Open requests of one connection before the daemon stops reading from it.
    public var inFlight = 256
    /// Bytes of unread replies at which a client is disconnected.
    public var outputBytes = 4 << 20
    /// Bytes of unread replies that no peer may leave untouched for long.
    var stalledBytes: Int { outputBytes / 4 }
    /// Bytes of unread events at which further ones are dropped and counted; less than `outputBytes`.
    public var eventBytes = 256 << 10
    /// How long a request waits for the store; here for the beginning of a subscription.
    public var requestTimeoutMs: Int64 = 5_000
    /// Connections served at a time; further ones wait in the kernel's queue.
    public var maxConnections = 10_000
    /// Connections of one user; nil: half of all, and for administrators all.
    public var maxConnectionsPerUser: Int?
    /// How long a connection may take for its first line.
    var firstLineUs: UInt64 = 60_000_000
    /// Bytes that input, open requests and unread output may take, of all connections.
    public var memoryBytes = 256 << 20
    /// Places that connections over the administrators' socket have beside those.
    static let adminConnections = 32
    /// Who may do what, beside administrators, who may do everything.
    public var access: [AccessRule] = []
    /// Reported by `hello` and `info`.
    public var version = "0"
    public init() {}
}

/// The bounds of the protocol that `hello` reports.
public enum ProtocolLimits {
    /// The protocol version that this daemon speaks.
    public static let version = 1
    /// Longest `wait_ms`.
    public static let waitMs = 600_000
    /// Most jobs in one request.
    public static let batch = 1_000
    /// Longest reply of a claim, unless it has only one job; the store counts (`ClaimRequest.maximumBytes`).
    public static let replyBytes = 4 << 20
}
