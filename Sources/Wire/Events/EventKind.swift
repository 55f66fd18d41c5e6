// The kinds of events that a subscriber may ask for: one for each transition of a job's life.

/// What happened to a job; the raw values are the words of the wire and of the event log in Redis.
public enum EventKind: String, Sendable, CaseIterable {
    /// New, ready or for later.
    case enqueued
    /// In a worker's hands.
    case claimed
    case completed
    /// Failed, with attempts left.
    case retrying
    /// A dead letter.
    case dead
    case cancelled
    /// Never started in time.
    case expired
    /// Back in its queue because its lease ended or its worker is gone.
    case reclaimed
    /// Given back by its worker.
    case released
    /// Its record was removed by an administrator, or by retention of dead letters.
    case deleted
}
