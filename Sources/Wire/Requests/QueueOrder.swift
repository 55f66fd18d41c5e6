// In which order the jobs of one priority are claimed.

/// A queue's order within one priority; the raw values are the words of the wire and of Redis.
public enum QueueOrder: String, Sendable, CaseIterable {
    /// The oldest first.
    case fifo
    /// The newest first.
    case lifo
}
