// How the store itself is.

public import Reactor

/// What `info` tells about the store.
public struct StoreStatus: Equatable, Sendable {
    /// `redis` or `memory`.
    public var kind: String
    /// Without user and password, e.g. `unix:///run/redis.sock`.
    public var address: String
    /// `ready`, `connecting` or `down`.
    public var state: String
    public var role: String?
    public var version: String?
    /// Of the last exchange, microseconds.
    public var roundTripUs: Int64?
    /// Of all exchanges since the start.
    public var roundTrips: Histogram
    public var reconnects: Int
    /// Why it is down, or nil.
    public var problem: String?
    public init(
        kind: String, address: String, state: String, role: String? = nil, version: String? = nil,
        roundTripUs: Int64? = nil, roundTrips: Histogram = Histogram(.short), reconnects: Int = 0,
        problem: String? = nil
    ) {
        self.kind = kind
        self.address = address
        self.state = state
        self.role = role
        self.version = version
        self.roundTripUs = roundTripUs
        self.roundTrips = roundTrips
        self.reconnects = reconnects
        self.problem = problem
    }
}
