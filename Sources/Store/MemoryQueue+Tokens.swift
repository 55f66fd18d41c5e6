// The operations of a worker on the job it holds: complete, fail, extend, held, release, and the end of a worker.
//
// All begin with the same check of the tokens, of the whole batch before anything changes. A repeated call (same token,
// same operation), also within a batch, gets the answer of the first one and changes nothing; any other stale token
// gets `leaseLost` with the state that the job was in. The completed history is trimmed once, at the end.

import DequeModule
import Wire

extension MemoryQueue {
    /// What a token is worth.
    private enum Check {
        case valid(MemoryRecord)
        /// The attempt has ended by this very operation.
        case repeated(MemoryRecord)
        case lost(JobState)
        case notFound
    }

    private func check(_ claim: Claim, outcome: String?) -> Check {
        guard let record = records[claim.id] else { return .notFound }
        guard let token = record.token, token == claim.token else { return .lost(record.state) }
        if record.state == .processing { return .valid(record) }
        guard let outcome, record.outcome == outcome else { return .lost(record.state) }
        return .repeated(record)
    }

    /// Does `end` to the first of each valid claim, gives the answers of all.
    private func endAttempts<Request>(
        _ requests: [Request], _ claim: (Request) -> Claim, outcome: String, now: ServerTime,
        end: (MemoryRecord, Request) -> Void, answer: (MemoryRecord) -> TokenOutcome
    ) -> [TokenOutcome] {
        step(now) {
            let checks = requests.map { check(claim($0), outcome: outcome) }
            return zip(requests, checks).map { request, check in
                switch check {
                case .notFound: return .notFound
                case .lost(let state): return .leaseLost(state)
                case .repeated(let record): return answer(record)
                case .valid(let record):
                    if record.state == .processing { end(record, request) }
                    return answer(record)
                }
            }
        }
    }

    /// An attempt of a job whose cancellation was asked for has ended: the job ends with it. False: nobody asked.
    private func endIfCancelled(_ record: MemoryRecord, now: ServerTime) -> Bool {
        guard let reason = record.cancel else { return false }
        finish(record, .cancelled, reason: reason, now: now)
        return true
    }

    private func endLease(_ record: MemoryRecord) {
        processing.remove(record.id, score: record.placeScore)
    }

    // MARK: complete

    func complete(_ requests: [CompleteRequest], now: ServerTime) -> [TokenOutcome] {
        endAttempts(
            requests, \.claim, outcome: "completed", now: now,
            end: { complete($0, result: $1.result, now: now) }, answer: { _ in .done(.completed, runAt: nil) })
    }

    private func complete(_ record: MemoryRecord, result: [UInt8]?, now: ServerTime) {
        endLease(record)
        totals.completed += 1
        tell(.completed, record)
        free(record)
        record.cancel = nil
        let keep = record.keepMs ?? policy.keepMs ?? 3_600_000
        record.state = .completed
        record.outcome = "completed"
        guard keep > 0 else {
            records[record.id] = nil
            return
        }
        record.finishedAt = now
        record.result = result
        record.keptUntil = now + keep
        expiring.insert(record.id, score: now + keep)
        completed.prepend(record.id)
        grown.insert(.completed)
    }

    /// Entries beyond `keep_count` leave the history, the oldest first and at most 500 a step, and their records with them.
    func trimCompleted() {
        for _ in 0..<min(max(completed.count - (policy.keepCount ?? 100_000), 0), Self.stepLimit) {
            guard let id = completed.popLast() else { return }
            // The id may have been used again since then.
            guard let record = records[id], record.state == .completed else { continue }
            if let end = record.keptUntil { expiring.remove(id, score: end) }
            records[id] = nil
        }
    }

    // MARK: fail

    /// `random`: for each request 0 ≤ r < 1.
    func fail(_ requests: [FailRequest], random: () -> Double, now: ServerTime) -> [TokenOutcome] {
        let chances = requests.map { _ in random() }
        return endAttempts(
            Array(zip(requests, chances)), \.0.claim, outcome: "failed", now: now,
            end: { fail($0, $1.0, random: $1.1, now: now) }, answer: failed)
    }

    private func failed(_ record: MemoryRecord) -> TokenOutcome {
        switch record.state {
        case .dead, .cancelled: .done(record.state, runAt: nil)
        default: .done(.retrying, runAt: record.runAt)
        }
    }

    private func fail(_ record: MemoryRecord, _ request: FailRequest, random: Double, now: ServerTime) {
        endLease(record)
        totals.failed += 1
        if let error = request.error { record.error = error }
        record.endAttempt("failed", at: now, error: request.error)
        if endIfCancelled(record, now: now) { return }
        guard request.retry, record.attempts < record.maxAttempts else {
            return bury(record, reason: "failed", now: now)
        }
        totals.retried += 1
        let backoff = record.backoff ?? policy.backoff ?? Backoff()
        let delay = request.retryInMs ?? backoff.delayMs(afterAttempt: record.attempts, random: random)
        schedule(record, .retrying, at: delay > 0 ? DueTime.after(delay, from: now) : now)
        tell(.retrying, record, runAt: record.runAt)
    }

    // MARK: extend

    func extend(_ requests: [ExtendRequest], now: ServerTime) -> [ExtendOutcome] {
        step(now) {
            requests.map { request in
                switch check(request.claim, outcome: nil) {
                case .notFound: return .notFound
                case .lost(let state): return .leaseLost(state)
                case .valid(let record), .repeated(let record):
                    extend(record, request, now: now)
                    return .extended(leaseUntil: record.placeScore, cancelRequested: record.cancel != nil)
                }
            }
        }
    }

    private func extend(_ record: MemoryRecord, _ request: ExtendRequest, now: ServerTime) {
        endLease(record)
        record.placeScore = DueTime.after(request.leaseMs ?? record.lease ?? lease(of: record), from: now)
        processing.insert(record.id, score: record.placeScore)
        if let progress = request.progress { record.progress = progress }
        if let line = request.log { record.write(log: line) }
        if let checkpoint = request.checkpoint {
            record.checkpoint = checkpoint
            policy.tracked = true
        }
    }

    // MARK: held

    /// What claims are worth; changes nothing.
    func held(_ claims: [Claim], now: ServerTime) -> [HeldOutcome] {
        dropExpired(now)
        return claims.map { claim in
            switch check(claim, outcome: nil) {
            case .notFound: .notFound
            case .lost(let state): .lost(state)
            case .valid(let record), .repeated(let record):
                .held(leaseUntil: record.placeScore, cancelReason: record.cancel)
            }
        }
    }

    // MARK: release

    func release(_ requests: [ReleaseRequest], now: ServerTime) -> [TokenOutcome] {
        let wasEmpty = queued.isEmpty
        let outcomes = endAttempts(
            requests, \.claim, outcome: "released", now: now,
            end: { release($0, delayMs: $1.delayMs ?? 0, now: now) }, answer: released)
        noteArrivals(wasEmpty: wasEmpty)
        return outcomes
    }

    private func released(_ record: MemoryRecord) -> TokenOutcome {
        if record.state == .cancelled { return .done(.cancelled, runAt: nil) }
        return record.runAt.map { .done(.scheduled, runAt: $0) } ?? .done(.queued, runAt: nil)
    }

    /// The attempt is not counted, but stands in the history under the number it had.
    private func release(_ record: MemoryRecord, delayMs: Int64, now: ServerTime) {
        endLease(record)
        totals.released += 1
        record.endAttempt("released", at: now)
        let isCancelled = endIfCancelled(record, now: now)
        if !isCancelled { tell(.released, record, runAt: delayMs > 0 ? DueTime.after(delayMs, from: now) : nil) }
        record.attempts -= 1
        if isCancelled { return }
        if record.attempts == 0, let end = record.expiresAt { expiry.insert(record.id, score: end) }
        if delayMs > 0 {
            schedule(record, .scheduled, at: DueTime.after(delayMs, from: now))
        } else {
            record.runAt = nil
            makeQueued(record)
        }
    }

    // MARK: The worker is gone, or its lease

    func workerGone(_ claims: [Claim], now: ServerTime) -> [TokenOutcome] {
        let wasEmpty = queued.isEmpty
        let outcomes = endAttempts(
            claims, \.self, outcome: "worker_gone", now: now,
            end: { record, _ in reclaim(record, reason: "worker_gone", now: now) },
            answer: { .done($0.state, runAt: nil) })
        noteArrivals(wasEmpty: wasEmpty)
        return outcomes
    }

    /// The attempt ends without an answer of its worker: back to the old place, or dead when it was the last, or cancelled.
    func reclaim(_ record: MemoryRecord, reason: String, now: ServerTime) {
        endLease(record)
        totals.reclaimed += 1
        record.endAttempt(reason, at: now)
        if endIfCancelled(record, now: now) { return }
        if record.attempts >= record.maxAttempts {
            bury(record, reason: reason, now: now)
        } else {
            makeQueued(record)
            tell(.reclaimed, record, reason: reason)
        }
    }
}
