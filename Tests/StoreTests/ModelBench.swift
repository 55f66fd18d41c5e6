// A queue of the reference model with a clock one can turn, for the model's own tests: short forms of the calls on one
// job, explicit times, no loop and no Redis.

import Wire

@testable import Store

/// A queue with a clock one can turn.
final class ModelBench {
    let queue: MemoryQueue
    var now: ServerTime = 1_000_000
    var notices: [MemoryNotice] = []
    /// What was logged, as lines of the log.
    var events: [String] { queue.events.entries.joined().map(\.line) }

    init() {
        queue = MemoryQueue("q")
        queue.onNotice = { [unowned self] in notices.append($0) }
    }

    @discardableResult
    func enqueue(_ jobs: NewJob...) -> [Enqueued] { queue.enqueue(jobs, now: now) }

    func enqueue(_ ids: String...) { _ = queue.enqueue(ids.map { NewJob(id: $0, payload: [110]) }, now: now) }

    func claim(_ max: Int = 1, leaseMs: Int64? = nil, worker: String = "w") -> [ClaimedJob] {
        let request = ClaimRequest(max: max, leaseMs: leaseMs, worker: worker)
        return queue.claim([request], nonce: "00000000000000aa", nowUs: now * 1000)[0].jobs
    }

    /// Enqueues (if new) and claims one job.
    func claimed(_ job: NewJob) -> Claim {
        enqueue(job)
        let found = claim()[0]
        return Claim(id: found.id, token: found.token)
    }

    func complete(_ claim: Claim) -> TokenOutcome {
        queue.complete([CompleteRequest(claim: claim, result: [49])], now: now)[0]
    }

    func fail(_ claim: Claim, retry: Bool = true, inMs: Int64? = nil, random: Double = 0) -> TokenOutcome {
        let request = FailRequest(claim: claim, error: Array("\"e\"".utf8), retry: retry, retryInMs: inMs)
        return queue.fail([request], random: { random }, now: now)[0]
    }

    func release(_ claim: Claim, delayMs: Int64? = nil) -> TokenOutcome {
        queue.release([ReleaseRequest(claim: claim, delayMs: delayMs)], now: now)[0]
    }

    func record(_ id: String) -> JobRecord? { queue.get(id, now: now) }
    func state(_ id: String) -> JobState? { record(id)?.state }
    func sweep(reclaiming: Bool = true) -> Swept { queue.sweep(reclaiming: reclaiming, now: now) }
}

func modelJob(
    _ id: String, priority: Int = 0, front: Bool = false, start: NewJob.Start = .now, maxAttempts: Int? = nil,
    backoff: Backoff? = nil, keepMs: Int64? = nil
) -> NewJob {
    NewJob(
        id: id, payload: Array("{}".utf8), priority: priority, front: front, start: start, maxAttempts: maxAttempts,
        backoff: backoff, keepMs: keepMs)
}

extension JobEvent {
    /// As it stands in the log in Redis.
    var line: String {
        let rest =
            (runAt != nil || reason != nil ? " \(runAt.map { "\($0)" } ?? "-")" : "") + (reason.map { " \($0)" } ?? "")
        return "\(kind.rawValue) \(id) \(attempt)\(rest)"
    }
}
