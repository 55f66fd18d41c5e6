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

    public func configure(
        _ change: PolicyChange, queue: String, creating: Bool, then: @escaping Completion<QueuePolicy?>
    ) {
        var arguments = CommandBuffer()
        arguments.append(queue)
        arguments.append(creating ? "create" : "" as StaticString)
        arguments.append(change)
        single(
            StoreScripts.configure, arguments, queue, createsQueue: creating,
            read: { $0.count == 1 ? .some(nil) : QueuePolicy($0).map { .some($0) } }, then: then)
    }

    public func policy(queue: String, then: @escaping Completion<QueuePolicy?>) {
        var arguments = CommandBuffer()
        arguments.append(queue)
        read(StoreScripts.policy, arguments, queue, then: then) { reply in
            reply.count == 1 ? .some(nil) : QueuePolicy(reply).map { .some($0) }
        }
    }

    public func check(queue: String, repair: Bool, part: CheckPart, then: @escaping Completion<CheckStep?>) {
        var arguments = CommandBuffer()
        arguments.append(queue)
        arguments.append(origin(in: queue))
        arguments.append(repair ? "repair" : "report" as StaticString)
        switch part {
        case .indexes(let cursor): arguments.append(cursor ?? "")
        case .keys(let keys):
            arguments.append("keys " as StaticString)
            for key in keys { arguments.append(key) }
        case .totals: arguments.append("totals " as StaticString)
        }
        single(
            StoreScripts.check, arguments, queue,
            read: { $0.count == 1 ? .some(nil) : CheckStep($0).map { .some($0) } }, then: then)
    }

    public func keyPage(queue: String?, cursor: String?, then: @escaping Completion<KeyPage>) {
        var command = CommandBuffer("SCAN")
        command.append(cursor ?? "0")
        command.append("MATCH" as StaticString)
        // A queue's name has nothing that a pattern understands otherwise; the prefix may.
        let prefix = configuration.keyPrefix.reduce(into: "") { $0 += ("*?[]\\".contains($1) ? "\\" : "") + String($1) }
        command.append("\(prefix):{\(queue ?? "*")}:*")
        command.append("COUNT" as StaticString)
        command.append(integer: 1_000)
        send(
            Read(arguments: command, deadline: deadline) { [self] result in
                then(
                    result.flatMap { reply in
                        guard reply.count == 2, let cursor = reply[0].text else {
                            return .failure(.internal("SCAN gave a reply of another shape"))
                        }
                        let keys = (0..<reply[1].count).compactMap { key(reply[1][$0].string) }
                        return .success(KeyPage(keys: keys, cursor: cursor == "0" ? nil : cursor))
                    })
            })
    }

    /// The queue and the end of a record's or a unique key's key; nil for all others.
    private func key(_ text: String) -> KeyPage.Key? {
        let head = "\(configuration.keyPrefix):{"
        guard text.hasPrefix(head), let brace = text.dropFirst(head.count).firstIndex(of: "}") else { return nil }
        let rest = text[brace...]
        guard rest.hasPrefix("}:job:") || rest.hasPrefix("}:unique:") else { return nil }
        return KeyPage.Key(queue: String(text[..<brace].dropFirst(head.count)), end: String(rest.dropFirst(2)))
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
