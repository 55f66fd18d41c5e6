// How jobs come into a queue of the model and go out to workers.
//
// An enqueued job is a duplicate when its id is taken, or when another job holds its unique key; else it may find the
// queue full. A claim takes the best job, which with aging may be one of a lower priority that has waited long; a job
// whose time to start has passed expires when a claim meets it.

import Wire

extension MemoryQueue {
    /// Jobs which one batch of claims looks at.
    private static let claimBound = 400

    // MARK: In

    func enqueue(_ jobs: [NewJob], now: ServerTime) -> [Enqueued] {
        step(now) {
            let wasEmpty = queued.isEmpty
            let outcomes = jobs.map { enqueue($0, now: now) }
            noteArrivals(wasEmpty: wasEmpty)
            return outcomes
        }
    }

    private func enqueue(_ job: NewJob, now: ServerTime) -> Enqueued {
        if let first = records[job.id] { return Enqueued(state: first.state, duplicate: true) }
        if let key = job.unique?.key, let holder = holder(of: key, now: now) {
            return Enqueued(state: holder.state, duplicate: true, holder: holder.id)
        }
        if let most = policy.maxLen, queued.count + scheduled.count + retrying.count >= most { return .refused }
        let record = MemoryRecord(
            job, state: .queued, maxAttempts: job.maxAttempts ?? policy.maxAttempts ?? 3, now: now)
        records[job.id] = record
        // Whoever waits for new queues learns of this one.
        if totals.enqueued == 0 { policy.listened = max(policy.listened ?? 0, now + 1_000) }
        totals.enqueued += 1
        track(record, now: now)
        takeNewSequence(record, front: job.front)
        let runAt = job.start.time(now)
        if let runAt {
            schedule(record, .scheduled, at: runAt)
        } else {
            queued.insert(record.id, score: record.score)
        }
        tellIfListened(.enqueued, record, runAt: runAt, now: now)
        return Enqueued(state: record.state, duplicate: false, runAt: runAt)
    }

    private func track(_ record: MemoryRecord, now: ServerTime) {
        if let unique = record.unique { hold(unique.key, for: record, until: unique.ttlMs.map { now + $0 }) }
        if let end = record.expiresAt { expiry.insert(record.id, score: end) }
        if record.unique != nil || record.expiresAt != nil { policy.tracked = true }
    }

    // MARK: Out

    /// The claims of one batch, filled in order. `nowUs`: microseconds since the epoch. `nonce`: of the whole batch.
    func claim(_ requests: [ClaimRequest], nonce: String, nowUs: Int64) -> [Claimed] {
        let now = nowUs / 1000
        return step(now) {
            if policy.isPaused(at: now) { return requests.map { _ in Claimed(jobs: [], paused: true) } }
            var looked = 0
            let taken = requests.map { take($0.max, now: now, looked: &looked) }
            return zip(requests, taken).map { request, taken in
                Claimed(
                    jobs: taken.records.map { record in
                        token = max(token + 1, nowUs)
                        return claim(record, request, token: "\(token)-\(nonce)", now: now)
                    }, isCut: taken.isCut)
            }
        }
    }

    /// Up to `wanted` jobs, out of `queued`, as many as an answer takes; those that expired on the way end.
    private func take(_ wanted: Int, now: ServerTime, looked: inout Int) -> (records: [MemoryRecord], isCut: Bool) {
        var found: [MemoryRecord] = []
        var bytes = 0
        while found.count < wanted, looked < Self.claimBound, let entry = popBest(now: now) {
            guard let record = records[entry.id] else {
                looked += 1
                continue
            }
            if record.attempts == 0, let end = record.expiresAt, end <= now {
                finish(record, .expired, now: now)
            } else {
                let size = ClaimedJob.answerBytes(
                    payload: record.payload, meta: record.meta, checkpoint: record.checkpoint)
                if !found.isEmpty, bytes + size > ClaimRequest.maximumBytes {
                    queued.insert(entry.id, score: entry.score)
                    return (found, true)
                }
                bytes += size
                found.append(record)
            }
            looked += 1
        }
        return (found, false)
    }

    private func popBest(now: ServerTime) -> ScoredSet.Entry? {
        guard let agingMs = policy.agingMs else { return queued.popFirst() }
        var best: ScoredSet.Entry?
        var highest = Int64.min
        for head in heads() {
            guard let record = records[head.id] else { continue }
            let waited = now - max(record.enqueuedAt, record.runAt ?? 0)
            // Rounded down, also when the clock went back.
            let aged = Int64(record.priority) + (waited - (waited < 0 ? agingMs - 1 : 0)) / agingMs
            if aged > highest { (best, highest) = (head, aged) }
        }
        if let best { queued.remove(best.id, score: best.score) }
        return best
    }

    /// The first job of each priority, the highest priority first.
    private func heads() -> [ScoredSet.Entry] {
        var heads: [ScoredSet.Entry] = []
        var position = queued.first
        while let entry = position {
            heads.append(entry)
            position = queued.first(atLeast: Self.centre(entry.score) + Self.priorityStep / 2)
        }
        return heads
    }

    /// The score between the jobs put in front and the others, of a score's priority.
    static func centre(_ score: Int64) -> Int64 { (score + priorityStep / 2) & -priorityStep }

    private func claim(_ record: MemoryRecord, _ request: ClaimRequest, token: String, now: ServerTime) -> ClaimedJob {
        if let end = record.expiresAt { expiry.remove(record.id, score: end) }
        if record.unique?.until == .claimed { free(record) }
        let readyAt = readyAt(record)
        record.attempts += 1
        record.worker = request.worker
        record.claimedAt = now
        record.outcome = nil
        let lease = request.leaseMs ?? lease(of: record)
        // A plain first claim leaves it to the job and the queue, as they are when it is extended.
        record.lease = request.leaseMs == nil && record.token == nil ? nil : lease
        record.token = token
        record.state = .processing
        record.placeScore = DueTime.after(lease, from: now)
        processing.insert(record.id, score: record.placeScore)
        totals.claimed += 1
        tellIfListened(.claimed, record, now: now)
        return ClaimedJob(
            id: record.id, type: record.type, payload: record.payload, meta: record.meta, attempt: record.attempts,
            maxAttempts: record.maxAttempts, token: token, leaseMs: lease, leaseUntil: record.placeScore,
            enqueuedAt: record.enqueuedAt, readyAt: readyAt, checkpoint: record.checkpoint)
    }

    /// Since when a job could have been claimed; nil: it came back from a worker without a time of its own.
    private func readyAt(_ record: MemoryRecord) -> ServerTime? {
        let ready = record.runAt ?? record.enqueuedAt
        if let claimedAt = record.claimedAt, claimedAt >= ready { return nil }
        return ready
    }

    /// The lease of a claim that does not ask for one.
    func lease(of record: MemoryRecord) -> Int64 { record.leaseMs ?? policy.leaseMs ?? 30_000 }
}

extension NewJob.Start {
    /// When a job that is enqueued now may start; nil: at once.
    fileprivate func time(_ now: ServerTime) -> ServerTime? {
        switch self {
        case .now: nil
        case .delay(let delay): delay > 0 ? DueTime.after(delay, from: now) : nil
        case .at(let time): time > now ? time : nil
        }
    }
}
