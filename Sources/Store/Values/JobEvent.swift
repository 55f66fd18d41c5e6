// What happened to a job, as the event log has it.

public import Wire

/// One transition of one job.
public struct JobEvent: Equatable, Sendable {
    public var kind: EventKind
    /// The part of the job's name after the slash.
    public var id: String
    /// Its place in the queue's log; the milliseconds are when it happened.
    public var seq: EventID
    /// Attempts so far, 0 before the first claim.
    public var attempt: Int
    /// For jobs that wait for their time.
    public var runAt: ServerTime?
    /// Why it is dead, reclaimed or cancelled; nil where there is nothing to say.
    public var reason: String?
    public var at: ServerTime { ServerTime(clamping: seq.milliseconds) }
    public init(
        kind: EventKind, id: String, seq: EventID, attempt: Int, runAt: ServerTime? = nil, reason: String? = nil
    ) {
        self.kind = kind
        self.id = id
        self.seq = seq
        self.attempt = attempt
        self.runAt = runAt
        self.reason = reason
    }
}

/// A page of a queue's event log, oldest first.
public struct EventPage: Equatable, Sendable {
    public var events: [JobEvent]
    /// There was nothing more in the log.
    public var isLast: Bool
    public init(events: [JobEvent], isLast: Bool) {
        self.events = events
        self.isLast = isLast
    }
}

/// What one topic is bound to.
public struct TopicBinding: Equatable, Sendable {
    public var topic: String
    /// Sorted.
    public var queues: [String]
    public init(topic: String, queues: [String]) {
        self.topic = topic
        self.queues = queues
    }
}
