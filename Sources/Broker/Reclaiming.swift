// The handler of `reclaim`: the sweep, when an administrator wants it.

import Store
import Wire

extension Broker {
    /// `reclaim {queue}` → `{reclaimed, promoted, expired}`: the sweep of one queue or all, now.
    func reclaim(queue: String?, _ ticket: Ticket) {
        if let queue {
            return store.statistics(queue: queue) { [self] result in
                guard let found = unwrap(result, ticket) else { return }
                guard found != nil else { return ticket.refuse(Self.noSuchQueue(queue)) }
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
            ticket.reply { writer in
                writer.member("reclaimed", swept.reduce(0) { $0 + $1.reclaimed })
                writer.member("promoted", swept.reduce(0) { $0 + $1.promoted })
                writer.member("expired", swept.reduce(0) { $0 + $1.expired })
            }
        }
        if names.isEmpty { gather.take(.success([]), at: []) }
        for (index, name) in names.enumerated() {
            sweeper.sweep(name) { gather.take($0.map { [$0] }, at: [index]) }
        }
    }
}
