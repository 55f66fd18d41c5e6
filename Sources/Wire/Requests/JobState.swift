// The states of a job. The rules that lead from one to another are the store's; here are only the words, which are the
// same on the wire, in Redis, in the manual and in the log.

/// Where a job is in its life; the raw values are the words of the wire, of Redis and of the manual.
public enum JobState: String, Sendable, CaseIterable {
    /// Ready to be claimed.
    case queued
    /// Waits for its time (`delay_ms`, `run_at`).
    case scheduled
    /// Failed, waits for its backoff.
    case retrying
    /// Claimed by a worker, under a lease.
    case processing
    /// Done; the record stays for `keep_ms`.
    case completed
    /// A dead letter: no attempts left, or failed with `retry: false`.
    case dead
    /// Ended by `cancel`.
    case cancelled
    /// Never started before it expired.
    case expired

    /// True for the states in which a job's life is over (until someone requeues it).
    public var isTerminal: Bool {
        switch self {
        case .queued, .scheduled, .retrying, .processing: false
        case .completed, .dead, .cancelled, .expired: true
        }
    }
}
