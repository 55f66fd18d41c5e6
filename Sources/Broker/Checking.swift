// The handler of `check`: walks through the store's own check, step after step, in the order that `CheckWalk` says.

import Logging
import Store
import Wire

extension Broker {
    /// `check {queue, repair}` →
    /// `{healthy, checked, violations: [{queue, invariant[, job], message, repaired}, …], violations_total, repaired}`
    func check(queue: String?, repair: Bool, _ ticket: Ticket) {
        if let queue { return check(CheckWalk(queues: [queue], repair: repair, named: queue), ticket) }
        store.queues { [self] result in
            guard let names = unwrap(result, ticket) else { return }
            check(CheckWalk(queues: names, repair: repair, named: nil), ticket)
        }
    }

    /// One bounded step, and the next when it is answered. Ends when nobody waits for the answer any more.
    private func check(_ walk: CheckWalk, _ ticket: Ticket) {
        guard ticket.session.isOpen else { return }
        switch walk.next {
        case .look(let queue, let part): look(queue, part, walk, ticket)
        case .page(let cursor):
            store.keyPage(queue: walk.named, cursor: cursor) { [self] result in
                guard let page = unwrap(result, ticket) else { return }
                walk.took(page)
                check(walk, ticket)
            }
        case .end:
            ticket.note(
                walk.total == 0
                    ? "\(walk.checked) entries and records checked, no violation"
                    : "\(walk.total.of("violation")), \(walk.repaired) repaired",
                ["violations": "\(walk.total)", "repaired": "\(walk.repaired)"], level: walk.total > 0 ? .warning : nil)
            ticket.reply { $0.checked(walk) }
        }
    }

    private func look(_ queue: String, _ part: CheckPart, _ walk: CheckWalk, _ ticket: Ticket) {
        store.check(queue: queue, repair: walk.repair, part: part) { [self] result in
            guard let found = unwrap(result, ticket) else { return }
            if found == nil, walk.named != nil, case .indexes = part { return refuseUnknown(queue, ticket) }
            if let step = found, step.violations.contains(where: \.isRepaired) {
                // What was put back may be due, or wait for a worker.
                sweeper.sweep(queue)
                waiting.wake(queue, atLeast: 1)
            }
            walk.took(found, of: queue)
            check(walk, ticket)
        }
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
