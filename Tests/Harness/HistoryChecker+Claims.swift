// What must hold of claims: tokens are new and grow, attempts are counted, jobs are claimed in the order they came.

extension HistoryChecker {
    // MARK: Tokens

    /// The number in front of the dash.
    static func number(_ token: String) -> Int64 { Int64(token.prefix { $0 != "-" }) ?? 0 }

    private struct SeenClaim {
        var job: String
        var number: Int64
        var attempt: Int
        var event: HistoryEvent
    }

    private var claims: [SeenClaim] {
        events.compactMap { event in
            guard case .claim(let job, let token, let attempt, _, _) = event.call else { return nil }
            return SeenClaim(job: job, number: Self.number(token), attempt: attempt, event: event)
        }
    }

    mutating func checkTokens() {
        for (queue, claims) in Dictionary(grouping: claims, by: \.event.queue).sorted(by: { $0.key < $1.key }) {
            var seen: Set<Int64> = []
            for claim in claims where !seen.insert(claim.number).inserted {
                report(.tokenReused, "\(queue): \(claim.number), the second time for \(claim.job)")
            }
            let ended = claims.sorted { $0.event.ended < $1.event.ended }
            var next = 0
            var highest = SeenClaim?.none
            for claim in claims.sorted(by: { $0.event.began < $1.event.began }) {
                while next < ended.count, ended[next].event.ended < claim.event.began {
                    if ended[next].number > highest?.number ?? .min { highest = ended[next] }
                    next += 1
                }
                if let highest, highest.number > claim.number {
                    report(
                        .tokenShrank,
                        "\(queue): \(claim.number) of \(claim.job) after \(highest.number) of \(highest.job)")
                }
            }
        }
    }

    // MARK: Attempts

    mutating func checkAttempts() {
        for event in events {
            guard case .claim(let job, let token, let attempt, let maximum, _) = event.call else { continue }
            if attempt < 1 || attempt > maximum {
                report(.tooManyAttempts, "\(job) with \(token): attempt \(attempt) of \(maximum)")
            }
        }
        // A release or a requeue, also one that may have happened, lets the count go back.
        let goingBack = Set(
            events.filter { event in
                switch event.call {
                case .release, .requeue: event.outcome != .refused
                default: false
                }
            }.map(\.job))
        for (job, claims) in Dictionary(grouping: claims, by: \.job).sorted(by: { $0.key < $1.key }) {
            guard !goingBack.contains(job) else { continue }
            let ordered = claims.sorted { $0.number < $1.number }
            for (earlier, later) in zip(ordered, ordered.dropFirst()) where later.attempt <= earlier.attempt {
                report(.attemptRepeated, "\(job): attempt \(later.attempt) after attempt \(earlier.attempt)")
            }
        }
    }

    // MARK: Order

    /// Of two ordered jobs of one priority, the one enqueued before the other is first claimed before it.
    mutating func checkOrder() {
        struct Arrival {
            var job: String
            var claimed: Int64
            var event: HistoryEvent
        }
        var first: [String: SeenClaim] = [:]
        for claim in claims where claim.number < first[claim.job]?.number ?? .max { first[claim.job] = claim }
        var lanes: [String: [Arrival]] = [:]
        for event in events where event.outcome == .acknowledged {
            guard case .enqueue(let job, let priority, true, _) = event.call, let claim = first[job], claim.attempt == 1
            else { continue }
            lanes["\(event.queue) at \(priority)", default: []].append(
                Arrival(job: job, claimed: claim.number, event: event))
        }
        for (lane, arrivals) in lanes.sorted(by: { $0.key < $1.key }) {
            let ended = arrivals.sorted { $0.event.ended < $1.event.ended }
            var next = 0
            var latest = Arrival?.none
            for arrival in arrivals.sorted(by: { $0.event.began < $1.event.began }) {
                while next < ended.count, ended[next].event.ended < arrival.event.began {
                    if ended[next].claimed > latest?.claimed ?? .min { latest = ended[next] }
                    next += 1
                }
                if let latest, latest.claimed > arrival.claimed {
                    report(.outOfOrder, "\(lane): \(latest.job) came first, \(arrival.job) was claimed first")
                }
            }
        }
    }
}
