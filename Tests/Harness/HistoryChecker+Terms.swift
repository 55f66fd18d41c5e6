// What must hold of the terms of jobs and of their ends: cancelled jobs stay so, a key has one holder and is free after
// it, jobs that expired are not started, checkpoints reach the next attempt, waits are answered with what is true.

extension HistoryChecker {
    // MARK: Cancels

    mutating func checkCancels() {
        var first: [String: HistoryEvent] = [:]
        for event in events where event.outcome == .acknowledged {
            guard case .cancel(let job, let ended) = event.call, lives[job]?.wasRequeued == false else { continue }
            if event.ended < first[job]?.ended ?? .max { first[job] = event }
            let state = final.states[job]
            if ended, state != "cancelled" {
                report(.cancelUndone, "\(job) was cancelled and is \(state ?? "gone")")
            } else if state == "dead" {
                report(.cancelUndone, "\(job) was to be cancelled and is dead")
            }
        }
        for event in events {
            guard case .claim(let job, let token, _, _, _) = event.call, let cancel = first[job] else { continue }
            if event.began > cancel.ended { report(.claimedAfterCancel, "\(job) with \(token)") }
        }
    }

    // MARK: Unique keys

    /// Between a holder's acknowledged enqueue and its end no other job with the key is new. Keys that are free with the
    /// first claim are left out here: a claim whose answer was lost frees them too.
    mutating func checkKeys() {
        var holders: [String: [(job: String, life: JobLife)]] = [:]
        for (job, life) in lives where life.isAcknowledged && !life.wasRequeued && !life.terms.untilClaimed {
            guard let key = life.terms.key else { continue }
            holders["\(job.prefix { $0 != "/" }) \(key)", default: []].append((job, life))
        }
        for (key, jobs) in holders.sorted(by: { $0.key < $1.key }) {
            let ended = jobs.sorted { $0.life.ended < $1.life.ended }
            var next = 0
            var last: (job: String, life: JobLife)?
            for later in jobs.sorted(by: { $0.life.began < $1.life.began }) {
                while next < ended.count, ended[next].life.ended < later.life.began {
                    if ended[next].life.endsFrom >= last?.life.endsFrom ?? 0 { last = ended[next] }
                    next += 1
                }
                if let last, last.life.endsFrom > later.life.ended {
                    report(.keyTwice, "\(key): \(later.job) was new while \(last.job) had it")
                }
            }
        }
        checkDuplicates()
    }

    /// The holder that an enqueue was told of may still have had the key.
    private mutating func checkDuplicates() {
        for event in events where event.outcome == .acknowledged {
            guard case .duplicate(let job, let holder, let key) = event.call else { continue }
            guard let life = lives[holder], life.terms.key == key, life.began < event.ended else {
                report(.invented, "\(job) is a duplicate of \(holder), which has never had the key \(key)")
                continue
            }
            if life.wasRequeued { continue }
            let freed = life.terms.untilClaimed ? min(life.claimedBy ?? .max, life.endedBy ?? .max) : life.endedBy
            if let freed, freed < event.began {
                report(.keyNotFreed, "\(job) is a duplicate of \(holder), which had no claim on \(key) any more")
            }
        }
    }

    // MARK: Expiry

    /// A first attempt begins before its time is over, by the server's clock alone.
    mutating func checkExpiry() {
        for event in events {
            guard case .claim(let job, let token, 1, _, let sight) = event.call, let terms = lives[job]?.terms,
                let expiresInMs = terms.expiresInMs, let enqueuedAt = sight.enqueuedAt, let claimedAt = sight.claimedAt
            else { continue }
            // Both stamps are cut to ms; the expiry is counted from the time rounded up.
            if claimedAt > enqueuedAt + expiresInMs {
                report(
                    .claimedTooLate, "\(job) with \(token), \(claimedAt - enqueuedAt - expiresInMs) ms after its expiry"
                )
            }
        }
    }

    // MARK: Checkpoints

    /// A claim sees the last acknowledged checkpoint, or one that may have been stored instead of it or after it.
    mutating func checkCheckpoints() {
        struct Stored {
            var value: String
            var isCertain: Bool
        }
        var stored: [String: [Int64: [Stored]]] = [:]
        for event in events where event.outcome != .refused {
            guard case .checkpoint(let job, let token, let value) = event.call else { continue }
            stored[job, default: [:]][Self.number(token), default: []].append(
                Stored(value: value, isCertain: event.outcome == .acknowledged))
        }
        for event in events {
            guard case .claim(let job, let token, _, _, let sight) = event.call, let earlier = stored[job] else {
                continue
            }
            var possible: Set<String> = []
            var isCertain = false
            for (_, values) in earlier.filter({ $0.key < Self.number(token) }).sorted(by: { $0.key > $1.key }) {
                // One that was not answered may arrive late, also behind one that was; but never behind the next claim.
                possible.formUnion(values.filter { !$0.isCertain }.map(\.value))
                if let last = values.last(where: \.isCertain) {
                    possible.insert(last.value)
                    isCertain = true
                    break
                }
            }
            let isRight = sight.checkpoint.map(possible.contains) ?? !isCertain
            if !isRight {
                report(
                    .checkpointLost,
                    "\(job) with \(token) saw \(sight.checkpoint ?? "none" as String), not one of \(possible.sorted())")
            }
        }
    }

    // MARK: Waits

    /// How long after the end of its job a wait may be answered: for what goes wrong in between; less than a wait lasts
    /// that nobody woke.
    private static let patience: UInt64 = 8_000_000_000

    mutating func checkWaits() {
        for event in events where event.outcome == .acknowledged {
            guard case .wait(let job, let state) = event.call, let life = lives[job], !life.wasRequeued else {
                continue
            }
            if let last = final.states[job], last != state {
                report(.waitedWrong, "\(job) was \(state) to who waited, and is \(last)")
            }
            if let end = life.endedBy, event.ended > max(end, event.began) + Self.patience {
                let late = (event.ended - max(end, event.began)) / 1_000_000
                report(.waitedTooLong, "\(job): answered \(late) ms after its end")
            }
        }
    }
}
