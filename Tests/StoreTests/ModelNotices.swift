// What the scripts publish, against what the model would: heard over a subscription of the test's own.

import Harness
import Logging
import Reactor
import Redis

@testable import Store

final class ModelNotices {
    private let link: SubscriptionLink
    /// By queue, one text a notice, in order of arrival; the two channels of a queue apart.
    private var heard: [String: [String]] = [:]
    private var expected: [String: [String]] = [:]
    /// Notices of the model's that need not have been published: jobs that were handed over to a claim of the same turn
    /// never stood in `queued`, as far as Redis is concerned.
    private var optional: [String: Int] = [:]
    private static let end = "end of the notices so far"
    private var isAtEnd = false

    init(_ fixture: StoreFixture, queues: [String]) throws {
        link = SubscriptionLink(
            loop: fixture.loop,
            configuration: RedisConfiguration(address: try RedisAddress.parse(fixture.server.url)),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        var confirmed = 0
        link.onSubscribed = { _ in confirmed += 1 }
        link.onMessage = { [unowned self] channel, payload in
            guard channel != Self.end else {
                isAtEnd = true
                return
            }
            let text = String(decoding: payload, as: UTF8.self)
            heard[channel, default: []] += text.split(separator: "\n").map(String.init)
        }
        for queue in queues {
            link.subscribe("jobq:{\(queue)}:queued")
            link.subscribe("jobq:{\(queue)}:cancel")
        }
        link.subscribe(Self.end)
        link.start()
        try fixture.drive { confirmed == queues.count * 2 + 1 }
    }

    /// A turn with enqueues and claims of one queue added so many `queued` notices.
    func noteOptional(_ count: Int, queue: String) { optional["jobq:{\(queue)}:queued", default: 0] += count }

    /// Waits for all notices, compares, and forgets both.
    func compare(with model: MemoryModel, fixture: StoreFixture, fail: (String) -> ModelMismatch) throws {
        // Behind everything that was published before.
        isAtEnd = false
        try fixture.server.command("PUBLISH", Self.end, "")
        try fixture.drive(within: 5) { isAtEnd }
        defer {
            heard = [:]
            expected = [:]
            optional = [:]
        }
        for channel in Set(heard.keys).union(expected.keys) {
            let (redis, model) = (heard[channel] ?? [], expected[channel] ?? [])
            let missing = model.count - redis.count
            // All notices of a `queued` channel read alike.
            if missing >= 0, missing <= optional[channel] ?? 0, redis == Array(model.prefix(redis.count)) { continue }
            throw fail(
                "\(channel)\n   redis: \(redis.joined(separator: ", "))\n   model: \(model.joined(separator: ", "))")
        }
    }

    /// What the model would publish.
    func expect(_ notice: MemoryNotice, queue: String) {
        switch notice {
        case .queued: expected["jobq:{\(queue)}:queued", default: []].append("-a")
        case .cancel(let id, let reason): expected["jobq:{\(queue)}:cancel", default: []].append("\(id) \(reason)")
        }
    }

    /// How often the model would wake the other hosts up to now.
    func expectedWakeUps(_ queue: String) -> Int { expected["jobq:{\(queue)}:queued"]?.count ?? 0 }
}
