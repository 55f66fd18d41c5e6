// `subscribe`: which events a connection wants to hear of.

/// The events that are asked for: of these kinds, from queues whose names match one of the patterns.
public struct SubscribeBody: Equatable, Sendable {
    /// At least one.
    public var queues: [Glob]
    /// At least one, no kind twice.
    public var events: [EventKind]
    /// Replays what each queue's log has behind it; nil: only what happens from now on.
    public var since: EventID?

    init(_ members: borrowing MemberReader) throws(WireError) {
        queues = try members.optionalGlobs(.queues) ?? [.all]
        events = try members.optionalWords(.events) ?? EventKind.allCases
        since = try members.optionalEventID(.since)
    }
}
