// Handlers that tell queues in numbers: queues, stats.

import Store
import Wire

extension Broker {
    /// `queues {}` → `{queues: [{queue, depth, totals, latency_ms, paused[, paused_until]}, …]}`
    func queues(_ ticket: Ticket) {
        statisticsOfAll { [self] result in
            guard let all = unwrap(result, ticket) else { return }
            ticket.reply { writer in
                writer.key("queues")
                writer.beginArray()
                for (queue, statistics) in all {
                    writer.beginObject()
                    writer.member("queue", queue)
                    writer.depth(statistics.depth)
                    writer.totals(statistics.totals)
                    writer.member("latency_ms", statistics.latencyMs)
                    writer.member("paused", statistics.paused)
                    if let until = statistics.pausedUntil { writer.member("paused_until", until) }
                    writer.endObject()
                }
                writer.endArray()
            }
        }
    }

    /// `stats {queue}` → `{totals, depth}` of one queue, or the sums of all.
    func stats(queue: String?, _ ticket: Ticket) {
        guard let queue else {
            return statisticsOfAll { [self] result in
                guard let all = unwrap(result, ticket) else { return }
                let sum = all.reduce(into: QueueStatistics()) { $0.add($1.statistics) }
                ticket.reply { $0.statistics(sum) }
            }
        }
        store.statistics(queue: queue) { [self] result in
            guard let found = unwrap(result, ticket) else { return }
            guard let statistics = found else { return ticket.refuse(Self.noSuchQueue(queue)) }
            ticket.reply { $0.statistics(statistics) }
        }
    }

    /// The statistics of all queues, in the order of their names. A queue that vanished meanwhile is left out.
    func statisticsOfAll(then: @escaping (Result<[(queue: String, statistics: QueueStatistics)], StoreFailure>) -> Void)
    {
        store.queues { [self] result in
            let names: [String]
            switch result {
            case .success(let found): names = found
            case .failure(let failure): return then(.failure(failure))
            }
            let gather = Gather<QueueStatistics?>(count: names.count) { result in
                then(result.map { all in zip(names, all).compactMap { name, found in found.map { (name, $0) } } })
            }
            if names.isEmpty { gather.take(.success([]), at: []) }
            for (index, name) in names.enumerated() {
                store.statistics(queue: name) { gather.take($0.map { [$0] }, at: [index]) }
            }
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
