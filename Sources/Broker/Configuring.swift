// The handler of `configure`: a queue's defaults and limits, which live in the store so that every host agrees.

import Store
import Wire

extension Broker {
    /// `configure {queue, max_attempts, …}` → `{queue, policy: {…}}`; without any setting it only shows.
    func configure(_ body: ConfigureBody, _ ticket: Ticket) {
        let change = PolicyChange(body)
        guard change != PolicyChange() else { return showPolicy(body.queue, ticket) }
        sweeper.noteQueue(body.queue)
        store.configure(change, queue: body.queue) { [self] result in
            guard let policy = unwrap(result, ticket) else { return }
            ticket.reply { $0.policy(policy, queue: body.queue) }
        }
    }

    private func showPolicy(_ queue: String, _ ticket: Ticket) {
        store.policy(queue: queue) { [self] result in
            guard let found = unwrap(result, ticket) else { return }
            guard let policy = found else { return ticket.refuse(Self.noSuchQueue(queue)) }
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
