// The handler of `configure`: a queue's defaults and limits, which live in the store so that every host agrees.

import Logging
import Store
import Wire

extension Broker {
    /// `configure {queue, create, max_attempts, …}` → `{queue, policy: {…}}`; without any setting it only shows.
    func configure(_ body: ConfigureBody, _ ticket: Ticket) {
        let change = PolicyChange(body)
        guard change != PolicyChange() || body.create else { return showPolicy(body.queue, ticket) }
        // For the log only: what another administrator changes in between is told as changed here.
        store.policy(queue: body.queue) { [self] result in
            guard let before = unwrap(result, ticket) else { return }
            store.configure(change, queue: body.queue, creating: body.create) { [self] result in
                guard let found = unwrap(result, ticket) else { return }
                guard let policy = found else { return refuseUnknown(body.queue, ticket) }
                sweeper.noteQueue(body.queue)
                // A smaller limit ends what is beyond it.
                sweeper.sweep(body.queue)
                let changes = (before ?? QueuePolicy()).changes(to: policy)
                if before == nil { ticket.note("created") }
                ticket.note(changes.isEmpty ? "nothing changed" : changes, ["changes": .string(changes)])
                ticket.reply { $0.policy(policy, queue: body.queue) }
            }
        }
    }

    private func showPolicy(_ queue: String, _ ticket: Ticket) {
        store.policy(queue: queue) { [self] result in
            guard let found = unwrap(result, ticket) else { return }
            guard let policy = found else { return refuseUnknown(queue, ticket) }
            ticket.reply { $0.policy(policy, queue: queue) }
        }
    }
}

extension PolicyChange {
    init(_ body: ConfigureBody) {
        self.init()
        maxAttempts = body.maxAttempts
        leaseMs = body.leaseMs
        backoff = body.backoff.map(Backoff.init)
        keepMs = body.keepMs
        keepCount = body.keepCount
        deadKeepMs = body.deadKeepMs
        deadKeepCount = body.deadKeepCount
        maxLen = body.maxLen
        order = body.order
        agingMs = body.agingMs
    }
}

extension QueuePolicy {
    /// `max_attempts 3 → 5, max_len none → 100`; empty when they are equal.
    fileprivate func changes(to after: QueuePolicy) -> String {
        zip(settings, after.settings).filter { $0.text != $1.text }.map { "\($0.name) \($0.text) → \($1.text)" }
            .joined(separator: ", ")
    }

    private var settings: [(name: StaticString, text: String)] {
        func text(_ limit: (some BinaryInteger)?) -> String { limit.map { "\($0)" } ?? "none" }
        return [
            ("max_attempts", "\(maxAttempts)"), ("lease_ms", "\(leaseMs)"),
            ("backoff", "\(backoff.kind.rawValue):\(backoff.baseMs):\(backoff.maxMs):\(backoff.jitter)"),
            ("keep_ms", "\(keepMs)"), ("keep_count", "\(keepCount)"), ("dead_keep_ms", text(deadKeepMs)),
            ("dead_keep_count", text(deadKeepCount)), ("max_len", text(maxLen)), ("order", order.rawValue),
            ("aging_ms", text(agingMs)),
        ]
    }
}

extension JSONWriter {
    /// The policy as it holds; null stands for "no limit".
    fileprivate mutating func policy(_ policy: QueuePolicy, queue: String) {
        member("queue", queue)
        key("policy")
        beginObject()
        member("max_attempts", policy.maxAttempts)
        member("lease_ms", policy.leaseMs)
        key("backoff")
        backoff(policy.backoff)
        member("keep_ms", policy.keepMs)
        member("keep_count", policy.keepCount)
        limit("dead_keep_ms", policy.deadKeepMs)
        limit("dead_keep_count", policy.deadKeepCount.map { Int64($0) })
        limit("max_len", policy.maxLen.map { Int64($0) })
        member("order", policy.order.rawValue)
        limit("aging_ms", policy.agingMs)
        endObject()
    }

    private mutating func limit(_ name: StaticString, _ value: Int64?) {
        key(name)
        if let value { integer(value) } else { null() }
    }

    private mutating func backoff(_ backoff: Backoff) {
        beginObject()
        member("kind", backoff.kind.rawValue)
        member("base_ms", backoff.baseMs)
        member("max_ms", backoff.maxMs)
        key("jitter")
        double(backoff.jitter)
        endObject()
    }
}
