// How the store itself is.

public import Reactor

/// What `info` tells about the store.
public struct StoreStatus: Equatable, Sendable {
    /// What can be asked of the store now. The raw value is the word of `info`.
    public enum State: String, CaseIterable, Sendable {
        /// The daemon's own Redis starts, or loads its data: nothing is wrong yet.
        case starting
        /// A connection is being made.
        case connecting
        /// There is no connection; the next try is due.
        case down
        /// Redis answers, but refuses what the store needs: some right is missing, or it takes no writes.
        case refusing
        case ready

        /// Whether everything that the store does can be done.
        public var isReady: Bool { self == .ready }
    }

    /// `redis` or `memory`.
    public var kind: String
    /// Without user and password, e.g. `unix:///run/redis.sock`.
    public var address: String
    public var state: State
    /// Whether anything can be asked of it. One that refuses writes can be read, and jobs may leave it when it is full.
    public var isReachable: Bool
    /// Since when it is ready, or is not: µs of the loop's clock (`Loop.now`). Tries to connect do not change it.
    public var since: UInt64
    public var role: String?
    public var version: String?
    /// Of the last exchange, microseconds.
    public var roundTripUs: Int64?
    /// Of all exchanges since the start.
    public var roundTrips: Histogram
    public var reconnects: Int
    /// Why it is not ready, in words for a user; nil: it is, or nothing is known yet.
    public var problem: String?
    /// What an operator must know although it works: how jobs may get lost. Each a sentence.
    public var risks: [String]
    /// That the disk of the daemon's own Redis is full, in words; nil: it is not, or nobody knows.
    public var diskProblem: String?

    /// What a user is told beside the state.
    public var remarks: [String] { risks + (diskProblem.map { [$0] } ?? []) }

    /// Whether everything that the store does can be done.
    public var isReady: Bool { state.isReady }

    public init(
        kind: String, address: String, state: State, isReachable: Bool? = nil, since: UInt64 = 0, role: String? = nil,
        version: String? = nil,
        roundTripUs: Int64? = nil, roundTrips: Histogram = Histogram(.short), reconnects: Int = 0,
        problem: String? = nil, risks: [String] = []
    ) {
        self.kind = kind
        self.address = address
        self.state = state
        self.isReachable = isReachable ?? state.isReady
        self.since = since
        self.role = role
        self.version = version
        self.roundTripUs = roundTripUs
        self.roundTrips = roundTrips
        self.reconnects = reconnects
        self.problem = problem
        self.risks = risks
    }
}
