// Handlers that tell queues in numbers: queues, stats.

import Store
import Wire

extension Broker {
    /// `queues {}` → `{queues: [{queue, depth, totals, latency_ms, paused[, paused_until]}, …]}`
    func queues(_ ticket: Ticket) {
        walk.ask { [self] result in
            guard let numbers = unwrap(result, ticket) else { return }
            numbers.json { ticket.reply("queues", long: $0) }
        }
    }

    /// `stats {queue}` → `{totals, depth}` of one queue, or the sums of all.
    func stats(queue: String?, _ ticket: Ticket) {
        guard let queue else {
            return walk.ask { [self] result in
                guard let numbers = unwrap(result, ticket) else { return }
                ticket.reply { $0.statistics(numbers.sum) }
            }
        }
        store.statistics(queue: queue) { [self] result in
            guard let found = unwrap(result, ticket) else { return }
            guard let statistics = found else { return refuseUnknown(queue, ticket) }
            ticket.reply { $0.statistics(statistics) }
        }
    }
}

extension QueueStatistics {
    /// Adds another queue's numbers.
    mutating func add(_ other: QueueStatistics) {
        depth.queued += other.depth.queued
        depth.scheduled += other.depth.scheduled
        depth.retrying += other.depth.retrying
        depth.processing += other.depth.processing
        depth.completed += other.depth.completed
        depth.dead += other.depth.dead
        depth.cancelled += other.depth.cancelled
        depth.expired += other.depth.expired
        totals.enqueued += other.totals.enqueued
        totals.claimed += other.totals.claimed
        totals.completed += other.totals.completed
        totals.failed += other.totals.failed
        totals.retried += other.totals.retried
        totals.dead += other.totals.dead
        totals.reclaimed += other.totals.reclaimed
        totals.released += other.totals.released
        totals.expired += other.totals.expired
        totals.cancelled += other.totals.cancelled
        totals.deleted += other.totals.deleted
        totals.requeued += other.totals.requeued
    }
}

extension JSONWriter {
    /// The reply of `stats`.
    fileprivate mutating func statistics(_ statistics: QueueStatistics) {
        totals(statistics.totals)
        depth(statistics.depth)
    }
}
