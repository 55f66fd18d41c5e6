// What clients saw of a store: each call with the time it was sent and the time its answer came, written down by any
// number of threads, to be judged afterwards by `HistoryChecker`. It leaves out calls which cannot change anything, but
// for waits, whose answers say what has happened.

import Foundation

/// One call of a client, and how it ended for the client.
public struct HistoryEvent: Sendable {
    /// What the client knows about the effect.
    public enum Outcome: Sendable, Equatable {
        /// The daemon said yes.
        case acknowledged
        /// No answer, or `store_unavailable`: it may have taken effect.
        case unknown
        /// The daemon said no: it had no effect.
        case refused
    }
    /// Under which terms a job was enqueued.
    public struct Terms: Sendable, Equatable {
        /// The unique key, and whether it is free with the first claim already.
        public var key: String?
        public var untilClaimed: Bool
        public var expiresInMs: Int?
        public init(key: String? = nil, untilClaimed: Bool = false, expiresInMs: Int? = nil) {
            self.key = key
            self.untilClaimed = untilClaimed
            self.expiresInMs = expiresInMs
        }
    }
    /// What a claim said of its job.
    public struct Sight: Sendable, Equatable {
        /// By the server's clock, ms since the epoch.
        public var enqueuedAt: Int?
        public var claimedAt: Int?
        public var checkpoint: String?
        public init(enqueuedAt: Int? = nil, claimedAt: Int? = nil, checkpoint: String? = nil) {
            self.enqueuedAt = enqueuedAt
            self.claimedAt = claimedAt
            self.checkpoint = checkpoint
        }
    }
    public enum Call: Sendable, Equatable {
        /// `ordered`: claimed in its turn (no delay, not `front`); jobs of one `priority` are compared.
        case enqueue(job: String, priority: Int = 0, ordered: Bool = true, terms: Terms = Terms())
        /// An enqueue that was told that `holder` has its key: the job is not there.
        case duplicate(job: String, holder: String, key: String)
        /// Always acknowledged: without the answer the client does not know what it claimed.
        case claim(job: String, token: String, attempt: Int, maxAttempts: Int, sight: Sight = Sight())
        case complete(job: String, token: String)
        case fail(job: String, token: String)
        case release(job: String, token: String)
        case requeue(job: String)
        /// `ended`: the job is cancelled by now; else it runs, and will be unless it is completed.
        case cancel(job: String, ended: Bool)
        case checkpoint(job: String, token: String, value: String)
        /// The job was in this terminal state when the answer came.
        case wait(job: String, state: String)
    }
    public var call: Call
    public var outcome: Outcome
    /// Monotonic nanoseconds: before the request was sent, and after its answer was read (or given up).
    public var began: UInt64
    public var ended: UInt64
    public init(_ call: Call, _ outcome: Outcome, began: UInt64, ended: UInt64) {
        self.call = call
        self.outcome = outcome
        self.began = began
        self.ended = ended
    }

    /// The job's name, `queue/id`.
    public var job: String {
        switch call {
        case .enqueue(let job, _, _, _), .duplicate(let job, _, _), .claim(let job, _, _, _, _), .complete(let job, _),
            .fail(let job, _), .release(let job, _), .requeue(let job), .cancel(let job, _),
            .checkpoint(let job, _, _), .wait(let job, _):
            job
        }
    }
    /// The job's queue.
    public var queue: String { String(job.prefix { $0 != "/" }) }
}

/// Collects events from any thread.
public final class History: @unchecked Sendable {
    private let lock = NSLock()
    private var collected: [HistoryEvent] = []

    public init() {}

    /// Monotonic nanoseconds: ask before sending, and hand it to `record`.
    public static func now() -> UInt64 { DispatchTime.now().uptimeNanoseconds }

    /// Writes down a call that has ended just now.
    public func record(_ call: HistoryEvent.Call, _ outcome: HistoryEvent.Outcome, began: UInt64) {
        let event = HistoryEvent(call, outcome, began: began, ended: Self.now())
        lock.withLock { collected.append(event) }
    }

    /// In the order they ended.
    public var events: [HistoryEvent] { lock.withLock { collected } }
}
