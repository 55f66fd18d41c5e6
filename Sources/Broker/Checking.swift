// The handler of `check`: walks through the store's own check, queue after queue, step after step, and adds up.

import Store
import Wire

extension Broker {
    /// `check {queue, repair}` →
    /// `{healthy, checked, violations: [{queue, invariant[, job], message, repaired}, …], violations_total, repaired}`
    func check(queue: String?, repair: Bool, _ ticket: Ticket) {
        if let queue { return check(CheckWalk(queues: [queue], repair: repair, isNamed: true), ticket) }
        store.queues { [self] result in
            guard let names = unwrap(result, ticket) else { return }
            check(CheckWalk(queues: names, repair: repair, isNamed: false), ticket)
        }
    }

    /// One bounded step, and the next when it is answered. Ends when nobody waits for the answer any more.
    private func check(_ walk: CheckWalk, _ ticket: Ticket) {
        guard ticket.session.isOpen else { return }
        guard let queue = walk.queue else { return ticket.reply { $0.checked(walk) } }
        store.check(queue: queue, repair: walk.repair, cursor: walk.cursor) { [self] result in
            guard let found = unwrap(result, ticket) else { return }
            guard found != nil || !walk.isNamed else { return ticket.refuse(Self.noSuchQueue(queue)) }
            if let step = found, step.violations.contains(where: \.isRepaired) {
                // What was put back may be due, or wait for a worker.
                sweeper.sweep(queue)
                waiting.wake(queue, atLeast: 1)
            }
            var walk = walk
            walk.add(found)
            check(walk, ticket)
        }
    }
}

/// How far a check came, and what it found.
private struct CheckWalk {
    let repair: Bool
    /// The request names the queue: that there is none is an answer.
    let isNamed: Bool
    private var queues: ArraySlice<String>
    private(set) var cursor: String?
    private(set) var checked = 0
    private(set) var violations: [(queue: String, violation: StoreViolation)] = []
    private(set) var total = 0
    private(set) var repaired = 0

    /// How many of them the reply tells one by one.
    private static let shown = 100

    init(queues: [String], repair: Bool, isNamed: Bool) {
        self.queues = queues[...]
        self.repair = repair
        self.isNamed = isNamed
    }

    /// The queue of the next step; nil at the end.
    var queue: String? { queues.first }

    /// Takes in a step of that queue; nil: it vanished meanwhile.
    mutating func add(_ step: CheckStep?) {
        guard let queue else { return }
        if let step {
            checked += step.checked
            total += step.violations.count
            repaired += step.violations.count { $0.isRepaired }
            for violation in step.violations.prefix(Self.shown - violations.count) {
                violations.append((queue, violation))
            }
        }
        cursor = step?.cursor
        if cursor == nil { queues.removeFirst() }
    }
}

extension JSONWriter {
    fileprivate mutating func checked(_ walk: CheckWalk) {
        member("healthy", walk.total == walk.repaired)
        member("checked", walk.checked)
        key("violations")
        beginArray()
        for (queue, violation) in walk.violations {
            beginObject()
            member("queue", queue)
            member("invariant", violation.invariant)
            if let job = violation.job { member("job", "\(queue)/\(job)") }
            member("message", violation.what)
            member("repaired", violation.isRepaired)
            endObject()
        }
        endArray()
        member("violations_total", walk.total)
        member("repaired", walk.repaired)
    }
}
