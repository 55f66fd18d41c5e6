// What administrators ask of the store in Redis: cancel, delete, purge, the policy, a check of the
// invariants, and whether claims still stand.

import Reactor
import Redis
import Wire

extension RedisStore {
    // MARK: Single jobs

    public func cancel(_ id: String, reason: String?, queue: String, then: @escaping Completion<CancelOutcome>) {
        let batcher = batcher(queue)
        let batch = join(batcher, batcher.cancels, [id].count) { then($0.flatMap { $0[0] }) }
        batch.arguments.append(id)
        batch.arguments.append(reason ?? "")
    }

    public func delete(_ id: String, queue: String, then: @escaping Completion<DeleteOutcome>) {
        let batcher = batcher(queue)
        let batch = join(batcher, batcher.deletes, [id].count) { then($0.flatMap { $0[0] }) }
        batch.arguments.append(id)
    }

    // MARK: Queues

    public func purge(
        queue: String, filter: JobFilter, limit: Int, dryRun: Bool, cursor: String?,
        then: @escaping Completion<BulkStep?>
    ) {
        var arguments = CommandBuffer()
        arguments.append(queue)
        arguments.append(filter.state.rawValue)
        arguments.append(filter.type ?? "")
        arguments.append(optional: filter.olderThanMs)
        arguments.append(integer: Int64(limit))
        arguments.append(dryRun ? "dry" : "run" as StaticString)
        arguments.append(cursor ?? "")
        single(
            StoreScripts.purge, arguments, queue,
            read: { $0.count == 1 ? .some(nil) : BulkStep($0).map { .some($0) } }, then: then)
    }

    public func configure(_ change: PolicyChange, queue: String, then: @escaping Completion<QueuePolicy>) {
        var arguments = CommandBuffer()
        arguments.append(queue)
        arguments.append(change)
        single(StoreScripts.configure, arguments, queue, createsQueue: true, read: { QueuePolicy($0) }, then: then)
    }

    public func policy(queue: String, then: @escaping Completion<QueuePolicy?>) {
        var arguments = CommandBuffer()
        arguments.append(queue)
        read(StoreScripts.policy, arguments, queue, then: then) { reply in
            reply.count == 1 ? .some(nil) : QueuePolicy(reply).map { .some($0) }
        }
    }

    public func check(queue: String, repair: Bool, cursor: String?, then: @escaping Completion<CheckStep?>) {
        var arguments = CommandBuffer()
        arguments.append(queue)
        arguments.append(origin(in: queue))
        arguments.append(repair ? "repair" : "report" as StaticString)
        arguments.append(cursor ?? "")
        single(
            StoreScripts.check, arguments, queue,
            read: { $0.count == 1 ? .some(nil) : CheckStep($0).map { .some($0) } }, then: then)
    }

    // MARK: Claims

    public func held(_ claims: [Claim], queue: String, then: @escaping Completion<[HeldOutcome]>) {
        cut(claims, then: then) { claims, then in
            var arguments = CommandBuffer()
            arguments.append(queue)
            for claim in claims { arguments.append(claim) }
            read(StoreScripts.held, arguments, queue, then: then) { reply in
                let outcomes = (1..<max(reply.count, 1)).compactMap { HeldOutcome(reply[$0]) }
                return outcomes.count == claims.count ? outcomes : nil
            }
        }
    }
}
