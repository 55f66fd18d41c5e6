// Judges the events of one queue that a subscriber got, with `since` over all its connections: none comes twice, the
// order is that of the seqs, and every end of a job was told, once.

/// What a subscriber got, and what became of the jobs.
public struct EventChecker {
    /// One line of a subscription.
    public struct Event: Sendable, Equatable {
        public var kind: String
        public var job: String
        public var seq: String
        public init(kind: String, job: String, seq: String) {
            self.kind = kind
            self.job = job
            self.seq = seq
        }
    }

    /// One thing that must not be.
    public struct Violation: Equatable, Sendable, CustomStringConvertible {
        public enum Kind: String, Sendable {
            case noSeq, seqTwice, outOfOrder, missed, toldTwice, invented
        }
        public var kind: Kind
        public var what: String
        public var description: String { "\(kind): \(what)" }
    }

    /// The kinds that are checked against the final states: the ends of jobs that are not requeued.
    public static let ends: Set<String> = ["completed", "dead", "cancelled", "expired"]

    /// - Parameters:
    ///   - events: in the order they came.
    ///   - states: final states by name, of the queue's jobs.
    public static func violations(in events: [Event], states: [String: String]) -> [Violation] {
        var violations: [Violation] = []
        var last: Place?
        var seen: Set<Place> = []
        for event in events {
            guard let place = Place(event.seq) else {
                violations.append(Violation(kind: .noSeq, what: "\(event)"))
                continue
            }
            if !seen.insert(place).inserted {
                violations.append(Violation(kind: .seqTwice, what: "\(event)"))
            } else if let last, place < last {
                violations.append(Violation(kind: .outOfOrder, what: "\(event) after \(last)"))
            }
            last = max(last ?? place, place)
        }
        let told = Dictionary(grouping: events.filter { ends.contains($0.kind) }, by: \.job)
        for (job, state) in states.sorted(by: { $0.key < $1.key }) where ends.contains(state) {
            let kinds = (told[job] ?? []).map(\.kind)
            if !kinds.contains(state) {
                violations.append(Violation(kind: .missed, what: "\(job) is \(state); told was \(kinds)"))
            } else if kinds.count > 1 {
                violations.append(Violation(kind: .toldTwice, what: "\(job): \(kinds)"))
            }
        }
        for (job, events) in told.sorted(by: { $0.key < $1.key }) where !ends.contains(states[job] ?? "") {
            violations.append(
                Violation(kind: .invented, what: "\(events) of \(job), which is \(states[job] ?? "nowhere")"))
        }
        return violations
    }

    /// A seq as numbers.
    private struct Place: Hashable, Comparable {
        var milliseconds: UInt64
        var number: UInt64

        init?(_ seq: String) {
            let parts = seq.split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count == 2, let milliseconds = UInt64(parts[0]), let number = UInt64(parts[1]) else {
                return nil
            }
            self.milliseconds = milliseconds
            self.number = number
        }

        static func < (a: Place, b: Place) -> Bool {
            a.milliseconds != b.milliseconds ? a.milliseconds < b.milliseconds : a.number < b.number
        }
    }
}
