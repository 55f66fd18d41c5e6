// The handler of `reclaim`: the sweep, when an administrator wants it.

import Store
import Wire

extension Broker {
    /// `reclaim {queue}` → `{reclaimed, promoted, expired}`: the sweep of one queue or all, now.
    func reclaim(queue: String?, _ ticket: Ticket) {
        if let queue {
            return store.statistics(queue: queue) { [self] result in
                guard let found = unwrap(result, ticket) else { return }
                guard found != nil else { return refuseUnknown(queue, ticket) }
                sweepAll([queue], ticket)
            }
        }
        store.queues { [self] result in
            guard let names = unwrap(result, ticket) else { return }
            sweepAll(names, ticket)
        }
    }

    private func sweepAll(_ names: [String], _ ticket: Ticket) {
        let gather = Gather<Swept>(count: names.count) { [self] result in
            guard let swept = unwrap(result, ticket) else { return }
            let reclaimed = swept.reduce(0) { $0 + $1.reclaimed }
            let promoted = swept.reduce(0) { $0 + $1.promoted }
            let expired = swept.reduce(0) { $0 + $1.expired }
            ticket.note("\(reclaimed) reclaimed, \(promoted) promoted, \(expired) expired")
            ticket.reply { writer in
                writer.member("reclaimed", reclaimed)
                writer.member("promoted", promoted)
                writer.member("expired", expired)
            }
        }
        if names.isEmpty { gather.take(.success([]), at: []) }
        for (index, name) in names.enumerated() {
            sweeper.sweep(name) { gather.take($0.map { [$0] }, at: [index]) }
        }
    }
}
