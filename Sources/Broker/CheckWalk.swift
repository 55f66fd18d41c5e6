// How far a `check` came, and what it found: the order of its steps, without doing any.
//
// First the indexes of one queue after the other, then one walk through all keys of the server, whichever queues they
// belong to, then the totals of each queue. Keys are gathered by queue until some hundred of one are there, or ten
// thousand in all: so many queues with a job each cost one step each, and not one for every page.

import Store

/// The state of one check.
final class CheckWalk {
    /// What is to be done next.
    enum Step: Equatable {
        case look(queue: String, CheckPart)
        case page(cursor: String?)
        case end
    }

    private enum Stage {
        case indexes(ArraySlice<String>, cursor: String?)
        case keys(cursor: String?, isLast: Bool)
        case totals(ArraySlice<String>)
    }

    let repair: Bool
    /// The queue that the request names: that there is none is an answer. nil: all.
    let named: String?
    private let names: [String]
    /// Only these are looked at: other keys are nobody's, or of a queue that came later.
    private let known: Set<String>
    private var stage: Stage
    private var gathered: [String: [String]] = [:]
    private var gatheredCount = 0
    /// Of gathered keys: steps that are due.
    private var due: [(queue: String, keys: [String])] = []

    private(set) var checked = 0
    private(set) var violations: [(queue: String, violation: StoreViolation)] = []
    private(set) var total = 0
    private(set) var repaired = 0

    /// How many violations the reply tells one by one.
    private static let shown = 100
    private static let mostGathered = 10_000

    init(queues: [String], repair: Bool, named: String?) {
        self.repair = repair
        self.named = named
        names = queues
        known = Set(queues)
        stage = .indexes(queues[...], cursor: nil)
    }

    var next: Step {
        advance()
        switch stage {
        case .indexes(let queues, let cursor):
            guard let queue = queues.first else { return .end }
            return .look(queue: queue, .indexes(cursor: cursor))
        case .keys(let cursor, _):
            if let (queue, keys) = due.last { return .look(queue: queue, .keys(keys)) }
            return .page(cursor: cursor)
        case .totals(let queues): return queues.first.map { .look(queue: $0, .totals) } ?? .end
        }
    }

    /// Enters the stage in which there is something to do. No queue, no keys.
    private func advance() {
        if case .indexes(let queues, _) = stage, queues.isEmpty {
            stage = .keys(cursor: nil, isLast: names.isEmpty)
        }
        if case .keys(_, isLast: true) = stage, due.isEmpty { stage = .totals(names[...]) }
    }

    /// Takes in what the step found that was next; nil: the queue vanished meanwhile.
    func took(_ step: CheckStep?, of queue: String) {
        if let step { count(step, of: queue) }
        switch stage {
        case .indexes(let queues, _):
            let cursor = step?.cursor
            stage = .indexes(cursor == nil ? queues.dropFirst() : queues, cursor: cursor)
        case .keys: due.removeLast()
        case .totals(let queues): stage = .totals(queues.dropFirst())
        }
    }

    /// Takes in a page of keys.
    func took(_ page: KeyPage) {
        // A walk may show a key twice.
        for key in Set(page.keys) where known.contains(key.queue) {
            gathered[key.queue, default: []].append(key.end)
            gatheredCount += 1
            if gathered[key.queue]!.count == CheckPart.mostKeys { release(key.queue) }
        }
        if page.cursor == nil || gatheredCount >= Self.mostGathered {
            for queue in Array(gathered.keys) { release(queue) }
        }
        stage = .keys(cursor: page.cursor, isLast: page.cursor == nil)
    }

    private func release(_ queue: String) {
        guard let keys = gathered.removeValue(forKey: queue) else { return }
        gatheredCount -= keys.count
        due.append((queue, keys))
    }

    private func count(_ step: CheckStep, of queue: String) {
        checked += step.checked
        total += step.violations.count
        repaired += step.violations.count { $0.isRepaired }
        for violation in step.violations.prefix(Self.shown - violations.count) { violations.append((queue, violation)) }
    }
}
