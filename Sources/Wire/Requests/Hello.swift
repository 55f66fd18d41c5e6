// `hello`: who is behind the connection, and what becomes of its jobs.

/// What becomes of a worker's jobs when its connection ends.
public enum OnDisconnect: String, Sendable, CaseIterable {
    /// They go back.
    case release
    /// Only their leases count.
    case keep
}

/// `hello`: who is behind the connection.
public struct Hello: Equatable, Sendable {
    /// As asked; whether it is spoken here is for the broker to say.
    public var protocolVersion: Int
    public var worker: String?
    public var push: Bool
    public var onDisconnect: OnDisconnect
    public var graceMs: Int64
    public var session: String?

    init(_ members: borrowing MemberReader) throws(WireError) {
        protocolVersion = Int(try members.integer(.protocol))
        worker = try members.optionalText(.worker)
        push = try members.bool(.push)
        onDisconnect = try members.word(.onDisconnect)
        graceMs = try members.integer(.graceMs)
        session = try members.optionalText(.session)
    }
}
