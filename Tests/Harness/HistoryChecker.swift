// Judges a recorded history of calls and the state found at the end: nothing acknowledged is lost, nothing completes
// twice, tokens grow, attempts stay in bounds, order of arrival is kept, the counters agree with what clients saw.
//
// "Before" means in real time: the answer of one call was read before the other one was sent. Calls that overlap may
// have taken effect in any order. Each check is at most O(n log n). What it leaves out: the state of keys, which
// `InvariantChecker` looks at.

/// A history and the state at its end.
public struct HistoryChecker {
    /// What is known of a job at the end.
    public struct Final: Sendable {
        /// State by name `queue/id`, of all records that are there.
        public var states: [String: String]
        /// Counters by queue.
        public var counters: [String: [String: Int]]
        public init(states: [String: String], counters: [String: [String: Int]] = [:]) {
            self.states = states
            self.counters = counters
        }

        /// From the keys of a server.
        public init(_ keys: Keyspace, prefix: String = "jobq") {
            self.init(states: [:])
            for queue in keys.queues(prefix: prefix) {
                let base = "\(prefix):{\(queue)}:"
                counters[queue] = keys.hash("\(base)counters").mapValues { Int($0) ?? 0 }
                for key in keys.values.keys where key.hasPrefix("\(base)job:") {
                    states["\(queue)/\(key.dropFirst("\(base)job:".count))"] = keys.hash(key)["state"]
                }
            }
        }
    }

    /// One thing that must not be.
    public struct Violation: Equatable, Sendable, CustomStringConvertible {
        public enum Kind: String, Sendable {
            case lost, invented, unfinished, completedTwice, claimedAfterCompletion, tokenReused, tokenShrank
            case tooManyAttempts, attemptRepeated, outOfOrder, countersDisagree
        }
        public var kind: Kind
        public var what: String
        public var description: String { "\(kind): \(what)" }
    }

    private let events: [HistoryEvent]
    private let final: Final
    private var violations: [Violation] = []

    private init(_ events: [HistoryEvent], _ final: Final) {
        self.events = events
        self.final = final
    }

    /// - Parameters:
    ///   - drained: the clients worked until nothing was left: every acknowledged job must have ended.
    ///   - inOrder: check the order of claims. Only where no claim can have been given back unseen (a claim whose
    ///     answer got lost with its connection returns the job without costing an attempt).
    public static func violations(
        in events: [HistoryEvent], final: Final, drained: Bool = false, inOrder: Bool = false
    ) -> [Violation] {
        var checker = HistoryChecker(events, final)
        checker.checkNothingLost(drained: drained)
        checker.checkCompletions()
        checker.checkTokens()
        checker.checkAttempts()
        if inOrder { checker.checkOrder() }
        checker.checkCounters()
        return checker.violations
    }

    private mutating func report(_ kind: Violation.Kind, _ what: String) {
        violations.append(Violation(kind: kind, what: what))
    }

    // MARK: Nothing is lost, nothing comes from nowhere

    private mutating func checkNothingLost(drained: Bool) {
        var acknowledged: Set<String> = []
        var possible: Set<String> = []
        var mayBeCompleted: Set<String> = []
        for event in events where event.outcome != .refused {
            switch event.call {
            case .enqueue(let job, _, _):
                possible.insert(job)
                if event.outcome == .acknowledged { acknowledged.insert(job) }
            case .complete(let job, _): mayBeCompleted.insert(job)
            default: break
            }
        }
        for job in acknowledged.sorted() where !mayBeCompleted.contains(job) {
            guard let state = final.states[job] else {
                report(.lost, "\(job) was acknowledged and is neither completed nor there")
                continue
            }
            if drained, state != "dead" { report(.unfinished, "\(job) is \(state) though all work was done") }
        }
        for job in final.states.keys.sorted() where !possible.contains(job) {
            report(.invented, "\(job) is there and nobody has enqueued it")
        }
        for event in events where !possible.contains(event.job) {
            if case .claim = event.call { report(.invented, "\(event.job) was claimed and nobody has enqueued it") }
        }
    }

    // MARK: Completed once

    private mutating func checkCompletions() {
        var first: [String: (token: String, ended: UInt64)] = [:]
        for event in events where event.outcome == .acknowledged {
            guard case .complete(let job, let token) = event.call else { continue }
            guard let earlier = first[job] else {
                first[job] = (token, event.ended)
                continue
            }
            if earlier.token != token { report(.completedTwice, "\(job) with \(earlier.token) and \(token)") }
            first[job] = (earlier.token, min(earlier.ended, event.ended))
        }
        for event in events {
            guard case .claim(let job, let token, _, _) = event.call, let completion = first[job] else { continue }
            if event.began > completion.ended {
                report(.claimedAfterCompletion, "\(job) with \(token) after its completion with \(completion.token)")
            }
        }
    }

    // MARK: Tokens

    /// The number in front of the dash.
    private static func number(_ token: String) -> Int64 { Int64(token.prefix { $0 != "-" }) ?? 0 }

    private struct SeenClaim {
        var job: String
        var number: Int64
        var attempt: Int
        var event: HistoryEvent
    }

    private var claims: [SeenClaim] {
        events.compactMap { event in
            guard case .claim(let job, let token, let attempt, _) = event.call else { return nil }
            return SeenClaim(job: job, number: Self.number(token), attempt: attempt, event: event)
        }
    }

    private mutating func checkTokens() {
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

    private mutating func checkAttempts() {
        for event in events {
            guard case .claim(let job, let token, let attempt, let maximum) = event.call else { continue }
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
    private mutating func checkOrder() {
        struct Arrival {
            var job: String
            var claimed: Int64
            var event: HistoryEvent
        }
        var first: [String: SeenClaim] = [:]
        for claim in claims where claim.number < first[claim.job]?.number ?? .max { first[claim.job] = claim }
        var lanes: [String: [Arrival]] = [:]
        for event in events where event.outcome == .acknowledged {
            guard case .enqueue(let job, let priority, true) = event.call, let claim = first[job], claim.attempt == 1
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

    // MARK: Counters

    /// What clients know for certain is a lower bound of each counter, with what they do not know an upper one.
    private mutating func checkCounters() {
        for (queue, counters) in final.counters.sorted(by: { $0.key < $1.key }) {
            var certain: [String: Set<String>] = [:]
            var possible: [String: Set<String>] = [:]
            for event in events where event.queue == queue && event.outcome != .refused {
                let (counter, identity): (String, String) =
                    switch event.call {
                    case .enqueue(let job, _, _): ("enqueued", job)
                    case .claim(_, let token, _, _): ("claimed", token)
                    case .complete(let job, _): ("completed", job)
                    case .fail(_, let token): ("failed", token)
                    case .release(_, let token): ("released", token)
                    case .requeue: ("", "")
                    }
                possible[counter, default: []].insert(identity)
                if event.outcome == .acknowledged { certain[counter, default: []].insert(identity) }
            }
            for counter in ["enqueued", "claimed", "completed", "failed", "released"] {
                let value = counters[counter] ?? 0
                let (least, most) = (certain[counter]?.count ?? 0, possible[counter]?.count ?? 0)
                // A daemon also claims and gives back for connections that were gone before the answer.
                let unbounded = ["claimed", "released"].contains(counter)
                if value < least || (value > most && !unbounded) {
                    report(.countersDisagree, "\(queue): \(counter) is \(value), clients saw \(least)…\(most)")
                }
            }
        }
    }
}
