// The limits and names a broker runs with. The daemon's configuration fills them in.

/// Limits of one daemon; the defaults are those of the protocol.
public struct BrokerOptions: Sendable {
    /// Longest request line, bytes.
    public var lineBytes = 1 << 20
    /// Open requests of one connection before the daemon stops reading from it.
    public var inFlight = 256
    /// Bytes of unread replies at which a client is disconnected.
    public var outputBytes = 4 << 20
    /// Bytes of unread events at which further ones are dropped and counted; less than `outputBytes`.
    public var eventBytes = 256 << 10
    /// How long a request waits for the store; here for the beginning of a subscription.
    public var requestTimeoutMs: Int64 = 5_000
    /// Connections served at a time; further ones wait in the kernel's queue.
    public var maxConnections = 10_000
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
}
