// Judges a recorded history of calls and the state found at the end: nothing acknowledged is lost, nothing completes
// twice, tokens grow, attempts stay in bounds, order of arrival is kept, keys have one holder, cancelled and expired jobs
// stay away, the counters agree with what clients saw.
//
// "Before" means in real time: the answer of one call was read before the other one was sent. Calls that overlap may
// have taken effect in any order. Each check is at most O(n log n). What it leaves out: the state of keys, which
// `InvariantChecker` looks at, and events, which `EventChecker` does. What concerns claims, and what concerns the terms
// and ends of jobs, is in files of its own.

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
            case unexplainedEnd, cancelUndone, claimedAfterCancel, keyTwice, keyNotFreed, claimedTooLate
            case checkpointLost, waitedWrong, waitedTooLong
        }
        public var kind: Kind
        public var what: String
        public var description: String { "\(kind): \(what)" }
    }

    let events: [HistoryEvent]
    let final: Final
    /// By name, of all jobs that may have been enqueued.
    let lives: [String: JobLife]
    private var violations: [Violation] = []

    private init(_ events: [HistoryEvent], _ final: Final) {
        self.events = events
        self.final = final
        lives = JobLife.lives(in: events, final: final)
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
        checker.checkCancels()
        checker.checkKeys()
        checker.checkExpiry()
        checker.checkCheckpoints()
        checker.checkWaits()
        checker.checkCounters()
        return checker.violations
    }

    /// What must hold of tokens even when Redis lost writes that it had acknowledged.
    public static func tokenViolations(in events: [HistoryEvent]) -> [Violation] {
        var checker = HistoryChecker(events, Final(states: [:]))
        checker.checkTokens()
        return checker.violations
    }

    mutating func report(_ kind: Violation.Kind, _ what: String) {
        violations.append(Violation(kind: kind, what: what))
    }

    // MARK: Nothing is lost, nothing comes from nowhere

    private mutating func checkNothingLost(drained: Bool) {
        for (job, life) in lives.sorted(by: { $0.key < $1.key }) where life.isAcknowledged && !life.mayBeCompleted {
            guard let state = final.states[job] else {
                report(.lost, "\(job) was acknowledged and is neither completed nor there")
                continue
            }
            if drained, !["dead", "cancelled", "expired"].contains(state) {
                report(.unfinished, "\(job) is \(state) though all work was done")
            }
        }
        for (job, state) in final.states.sorted(by: { $0.key < $1.key }) {
            guard let life = lives[job] else {
                report(.invented, "\(job) is there and nobody has enqueued it")
                continue
            }
            let isExplained =
                switch state {
                case "completed": life.mayBeCompleted
                case "cancelled": life.mayBeCancelled
                case "expired": life.terms.expiresInMs != nil
                default: true
                }
            if !isExplained { report(.unexplainedEnd, "\(job) is \(state) and nobody made it so") }
        }
        for event in events where lives[event.job] == nil {
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
            guard case .claim(let job, let token, _, _, _) = event.call, let completion = first[job] else { continue }
            if event.began > completion.ended {
                report(.claimedAfterCompletion, "\(job) with \(token) after its completion with \(completion.token)")
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
                    case .enqueue(let job, _, _, _): ("enqueued", job)
                    case .claim(_, let token, _, _, _): ("claimed", token)
                    case .complete(let job, _): ("completed", job)
                    case .fail(_, let token): ("failed", token)
                    case .release(_, let token): ("released", token)
                    case .cancel(let job, _): ("cancelled", job)
                    case .requeue, .duplicate, .checkpoint, .wait: ("", "")
                    }
                possible[counter, default: []].insert(identity)
                if case .enqueue(let job, _, _, let terms) = event.call, terms.expiresInMs != nil {
                    possible["expired", default: []].insert(job)
                }
                if case .cancel(_, ended: false) = event.call { continue }
                if event.outcome == .acknowledged { certain[counter, default: []].insert(identity) }
            }
            for counter in ["enqueued", "claimed", "completed", "failed", "released", "cancelled", "expired"] {
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
