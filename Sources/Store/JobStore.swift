// What a store does for the broker: the transitions of a job's life, each atomic for one queue.
//
// Two implementations: `RedisStore` (Lua scripts, the real one) and `MemoryStore` (the reference model of the tests
// and `--store memory`). Calls only gather; `flush()` at the end of a turn of the loop sends what was gathered, one
// script call per queue and operation. A completion is called exactly once, never from inside the call that took it.
// What a store does not know: connections, waiting claims, sessions. That is the broker's.

public import Wire

/// Why a store could not do what it was asked; the job is as it was, or, after a lost connection, may have changed.
public enum StoreFailure: Error, Equatable, Sendable {
    /// Redis cannot be reached, is loading, read-only, or did not answer in time. The text is for the log and the reply.
    case unavailable(String)
    /// Redis refuses writes (`-OOM`, `-MISCONF`).
    case full(String)
    /// A bug, ours or of the data; the text goes to the log only.
    case `internal`(String)
}

/// The result of a store call, delivered at the end of a later turn.
public typealias Completion<Value> = (Result<Value, StoreFailure>) -> Void

/// Milliseconds since the Unix epoch by the Redis server's clock.
public typealias ServerTime = Int64

/// The rules of a job's life, behind which Redis or a model stands. See the head of this file for the call contract.
///
/// All calls of one queue that were gathered in one turn go out together, in this order: token operations, enqueues,
/// sweeps and requeues, then claims: a claim sees what was enqueued in the same turn. While earlier calls of a queue are
/// under way the next ones gather.
public protocol JobStore: AnyObject {
    /// One atomic step for all jobs of the call (≤ 1000), outcomes in the same order.
    func enqueue(_ jobs: [NewJob], queue: String, then: @escaping Completion<[Enqueued]>)
    /// Does not wait. While the store is away `patient` claims find nothing (`onWake(nil)` follows when it is back);
    /// others wait for it and end in `unavailable` after the request timeout.
    func claim(_ request: ClaimRequest, queue: String, patient: Bool, then: @escaping Completion<Claimed>)
    func complete(_ requests: [CompleteRequest], queue: String, then: @escaping Completion<[TokenOutcome]>)
    func fail(_ requests: [FailRequest], queue: String, then: @escaping Completion<[TokenOutcome]>)
    func extend(_ requests: [ExtendRequest], queue: String, then: @escaping Completion<[ExtendOutcome]>)
    func release(_ requests: [ReleaseRequest], queue: String, then: @escaping Completion<[TokenOutcome]>)
    /// Ends the attempts of a worker that is gone: as an expired lease, with reason `worker_gone`. Patient: it is
    /// kept and sent when the store is back.
    func workerGone(_ claims: [Claim], queue: String, then: @escaping Completion<[TokenOutcome]>)
    /// Promotes what is due and reclaims expired leases; ≤ 100 jobs of each a step. A call that is carried out
    /// after `reclaimingUntil` leaves leases as they are; nil: any call does.
    func sweep(queue: String, reclaimingUntil: ServerTime?, then: @escaping Completion<Swept>)
    /// Which of these queues have something due within two seconds, or something to claim; ≤ 100 queues. Expired leases are
    /// due if they may be reclaimed until that time.
    func look(at queues: [String], reclaimingUntil: ServerTime?, then: @escaping Completion<[QueueLook]>)
    /// Tells that this daemon is connected, and learns what all daemons must know: see `BeatReply`. Not while the store is
    /// away: fails at once then.
    func beat(_ beat: Beat, then: @escaping Completion<BeatReply>)

    /// nil: no such job.
    func get(_ id: String, queue: String, then: @escaping Completion<JobRecord?>)
    /// nil: no such queue. `limit` 1…500; `cursor` from an earlier page. A page may be shorter than `limit`.
    func list(
        queue: String, state: JobState, type: String?, limit: Int, cursor: String?, then: @escaping Completion<JobPage?>
    )
    func requeue(_ id: String, queue: String, then: @escaping Completion<RequeueOutcome>)
    /// nil: no such queue. Looks at ≤ 500 jobs a step and requeues (or with `dryRun` counts) at most `limit`.
    func requeue(
        queue: String, state: JobState, type: String?, limit: Int, dryRun: Bool, cursor: String?,
        then: @escaping Completion<BulkStep?>)
    /// A waiting job ends now, one in a worker's hands is flagged: it ends as cancelled however its attempt ends, unless
    /// it is completed. `reason` without control characters; nil: none.
    func cancel(_ id: String, reason: String?, queue: String, then: @escaping Completion<CancelOutcome>)
    /// Removes the record of a job that is not in a worker's hands.
    func delete(_ id: String, queue: String, then: @escaping Completion<DeleteOutcome>)
    /// nil: no such queue. Looks at ≤ 500 jobs a step and removes (or with `dryRun` counts) at most `limit`. Not for
    /// `processing`.
    func purge(
        queue: String, filter: JobFilter, limit: Int, dryRun: Bool, cursor: String?,
        then: @escaping Completion<BulkStep?>)
    /// Changes the policy and returns it as it then holds. A queue that is new is made, or (not `creating`) the answer is nil.
    func configure(_ change: PolicyChange, queue: String, creating: Bool, then: @escaping Completion<QueuePolicy?>)
    /// nil: no such queue.
    func policy(queue: String, then: @escaping Completion<QueuePolicy?>)
    /// What the claims are worth now; changes nothing.
    func held(_ claims: [Claim], queue: String, then: @escaping Completion<[HeldOutcome]>)
    /// One bounded step of the check of a queue's invariants; nil: no such queue. First all of `indexes`, then `keys` (those
    /// that pages of `keyPage` name), then `totals`.
    func check(queue: String, repair: Bool, part: CheckPart, then: @escaping Completion<CheckStep?>)
    /// Some keys of records and unique keys, of one queue or of all: nil is the first cursor and the last. One walk goes
    /// through everything that the server has, whosever it is.
    func keyPage(queue: String?, cursor: String?, then: @escaping Completion<KeyPage>)
    /// `until` nil: without end. Answers with the pause before; nil: no such queue, and it was not to be made.
    func pause(queue: String, until: ServerTime?, creating: Bool, then: @escaping Completion<QueuePause?>)
    /// Answers with the pause that ended; nil: no such queue.
    func resume(queue: String, then: @escaping Completion<QueuePause?>)
    /// One step of removing a queue, at most 500 jobs; nil: no such queue. The last step also takes its name and its
    /// bindings. Until then it is a queue with fewer jobs, which may get new ones.
    func removeQueue(_ queue: String, withJobs: Bool, then: @escaping Completion<RemovalStep?>)
    /// nil: no such queue.
    func statistics(queue: String, then: @escaping Completion<QueueStatistics?>)
    /// Some hundred names of queues, in no order; nil is the first cursor and the last.
    func queuePage(cursor: String?, then: @escaping Completion<QueuePage>)
    /// The names of all queues, sorted.
    func queues(then: @escaping Completion<[String]>)
    /// How many there are.
    func queueCount(then: @escaping Completion<Int>)
    /// One round trip; the server's time.
    func ping(then: @escaping Completion<ServerTime>)

    // MARK: Topics

    /// False: the queue was bound to the topic before.
    func bind(topic: String, queue: String, then: @escaping Completion<Bool>)
    /// False: it was not bound.
    func unbind(topic: String, queue: String, then: @escaping Completion<Bool>)
    /// The queues bound to a topic, sorted.
    func bindings(of topic: String, then: @escaping Completion<[String]>)
    /// All topics that are bound to a queue, sorted.
    func topics(then: @escaping Completion<[TopicBinding]>)

    // MARK: Events

    /// A page of the event log, behind `after`; some events more than `limit` may come, as they were logged together.
    func events(queue: String, after: EventID, limit: Int, then: @escaping Completion<EventPage>)
    /// Asks that claims and enqueues of the queue be logged and announced too, for the next `forMs`; the other events
    /// always are.
    func logAll(queue: String, forMs: Int64, then: @escaping Completion<Void>)
    /// Begins and ends listening to the events of all queues that match. Calls are counted, not globs; each `listen` is
    /// followed by an `onListening`.
    func listen(to glob: Glob)
    func unlisten(to glob: Glob)
    /// Events that were announced, of one queue, in their order. Those of one queue may come twice when globs overlap.
    var onEvents: ((_ queue: String, _ events: [JobEvent]) -> Void)? { get set }
    /// The subscription to this glob holds from now on (again): what happened before may have been missed.
    var onListening: ((_ glob: Glob) -> Void)? { get set }
    /// Begins and ends listening for requests to cancel jobs of a queue that are in workers' hands.
    func watchCancels(queue: String)
    func unwatchCancels(queue: String)
    /// Somebody, on whichever host, asked to cancel a job that is in a worker's hands. Empty reason: none was given.
    var onCancelRequest: ((_ queue: String, _ id: String, _ reason: String) -> Void)? { get set }
    /// `watchCancels` holds from now on (again): requests before may have been missed, see `held`.
    var onWatchingCancels: ((_ queue: String) -> Void)? { get set }

    // MARK: The store itself

    /// Sends what was gathered. Called by the loop at the end of each turn.
    func flush()
    /// Calls, gathered ones counted once, that it has not answered.
    var load: Int { get }
    /// It has half as much to do: what the daemon does for many, or in the background, leaves the rest to others.
    var isHalfBusy: Bool { get }
    /// It is there, and has enough to do: further calls would only wait in it.
    var isBusy: Bool { get }
    /// How the store is, from memory, at once.
    var status: StoreStatus { get }
    /// Jobs became claimable in a queue by somebody else's doing (another host), or may have (the link to Redis is
    /// back: nil, all queues).
    var onWake: ((_ queue: String?) -> Void)? { get set }
    /// The store became ready or was lost; for the status line.
    var onStatusChange: (() -> Void)? { get set }
    /// Begins and ends listening for other hosts' wake-ups of a queue. After `watch` returns, one `onWake` follows as
    /// soon as the subscription holds, so nothing falls between.
    func watch(queue: String)
    func unwatch(queue: String)
    /// No new calls come: pending ones are answered (at the latest as `unavailable` after `withinMs`), then `then`.
    func close(withinMs: Int64, then: @escaping () -> Void)
}
