// What the scripts publish, against what the model would: heard over a subscription of the test's own. Events also stand in
// the log of their queue: the same entries, and pages of them as the store reads them.

import Harness
import Logging
import Reactor
import Redis
import Wire

@testable import Store

final class ModelNotices {
    /// A message on the channel of events, or an entry of the log: the same.
    private struct Entry: Equatable {
        var id: String
        var text: String
    }
    private let link: SubscriptionLink
    /// By channel, one text a notice, in order of arrival.
    private var heard: [String: [String]] = [:]
    private var expected: [String: [String]] = [:]
    /// By queue.
    private var heardEntries: [String: [Entry]] = [:]
    private var expectedEvents: [String: [JobEvent]] = [:]
    /// The last entry that was compared, by queue.
    private var compared: [String: EventID] = [:]
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
            hear(channel, String(decoding: payload, as: UTF8.self))
        }
        for queue in queues {
            for kind in ["queued", "cancel", "events"] { link.subscribe("jobq:{\(queue)}:\(kind)") }
        }
        link.subscribe(Self.end)
        link.start()
        try fixture.drive { confirmed == queues.count * 3 + 1 }
    }

    private func hear(_ channel: String, _ text: String) {
        guard channel.hasSuffix(":events"), let queue = channel.split(separator: "{").last?.split(separator: "}").first
        else { return heard[channel, default: []].append(text) }
        let parts = text.split(separator: "\n", maxSplits: 1)
        heardEntries[String(queue), default: []].append(
            Entry(id: String(parts.first ?? ""), text: String(parts.last ?? "")))
    }

    // MARK: What the model would publish

    func expect(_ notice: MemoryNotice, queue: String) {
        switch notice {
        case .queued: expected["jobq:{\(queue)}:queued", default: []].append("-a")
        case .cancel(let id, let reason): expected["jobq:{\(queue)}:cancel", default: []].append("\(id) \(reason)")
        }
    }

    func expect(_ events: [JobEvent], queue: String) { expectedEvents[queue, default: []] += events }

    /// How often the model would wake the other hosts up to now.
    func expectedWakeUps(_ queue: String) -> Int { expected["jobq:{\(queue)}:queued"]?.count ?? 0 }

    /// A turn with enqueues and claims of one queue added so many `queued` notices.
    func noteOptional(_ count: Int, queue: String) { optional["jobq:{\(queue)}:queued", default: 0] += count }

    // MARK: Comparing

    /// Waits for all notices, compares, and forgets both. `limit`: of a page of events.
    func compare(fixture: StoreFixture, limit: Int, fail: (String) -> ModelMismatch) throws {
        // Behind everything that was published before.
        isAtEnd = false
        try fixture.server.command("PUBLISH", Self.end, "")
        try fixture.drive(within: 5) { isAtEnd }
        defer {
            heard = [:]
            expected = [:]
            heardEntries = [:]
            expectedEvents = [:]
            optional = [:]
        }
        for channel in Set(heard.keys).union(expected.keys) {
            let (redis, model) = (heard[channel] ?? [], expected[channel] ?? [])
            let missing = model.count - redis.count
            // All notices of a `queued` channel read alike.
            if missing >= 0, missing <= optional[channel] ?? 0, redis == Array(model.prefix(redis.count)) { continue }
            throw fail(Self.difference(channel, redis, model))
        }
        for queue in Set(heardEntries.keys).union(expectedEvents.keys) {
            try compareEvents(queue, fixture: fixture, limit: limit, fail: fail)
        }
    }

    private func compareEvents(
        _ queue: String, fixture: StoreFixture, limit: Int, fail: (String) -> ModelMismatch
    ) throws {
        let start = compared[queue] ?? .zero
        let key = "jobq:{\(queue)}:events"
        let logged = try fixture.server.command("XRANGE", key, "(\(start)", "+").array.map { entry in
            Entry(id: entry.array[0].string ?? "", text: entry.array[1].dictionary["events"] ?? "")
        }
        let published = heardEntries[queue] ?? []
        if logged != published {
            throw fail(
                Self.difference("\(key), logged and published", logged.map { "\($0)" }, published.map { "\($0)" }))
        }
        let events = logged.flatMap(Self.events)
        let model = expectedEvents[queue] ?? []
        if events.map(Self.line) != model.map(Self.line) {
            throw fail(Self.difference(key, events.map(Self.line), model.map(Self.line)))
        }
        try comparePages(queue, after: start, events, fixture: fixture, limit: limit, fail: fail)
        if let last = events.last { compared[queue] = last.seq }
    }

    private func comparePages(
        _ queue: String, after start: EventID, _ events: [JobEvent], fixture: StoreFixture, limit: Int,
        fail: (String) -> ModelMismatch
    ) throws {
        var read: [JobEvent] = []
        var isLast = false
        while !isLast {
            let page: EventPage = try fixture.wait { store, then in
                store.events(queue: queue, after: read.last?.seq ?? start, limit: limit, then: then)
            }
            isLast = page.isLast
            if page.events.isEmpty, !isLast { throw fail("an empty page of events of \(queue)") }
            read += page.events
        }
        if read != events {
            throw fail(Self.difference("pages of events of \(queue)", events.map { "\($0)" }, read.map { "\($0)" }))
        }
        for (event, next) in zip(events, events.dropFirst()) where event.seq >= next.seq {
            throw fail("the seq \(next.seq) of \(queue) is not behind \(event.seq)")
        }
    }

    private static func difference(_ what: String, _ redis: [String], _ model: [String]) -> String {
        "\(what)\n   redis: \(redis.joined(separator: ", "))\n   model: \(model.joined(separator: ", "))"
    }

    /// When it happened, and what.
    private static func line(_ event: JobEvent) -> String { "\(event.seq.milliseconds) \(event.line)" }

    /// The events of an entry, read by the test's own rules: the last one has the entry's id for its seq.
    private static func events(_ entry: Entry) -> [JobEvent] {
        let lines = entry.text.split(separator: "\n")
        let last = EventID(entry.id) ?? .zero
        return lines.enumerated().map { index, line in
            let words = line.split(separator: " ", maxSplits: 4)
            let seq = EventID(
                milliseconds: last.milliseconds, number: last.number - UInt64(lines.count - 1 - index))
            return JobEvent(
                kind: EventKind(rawValue: String(words[0])) ?? .deleted, id: String(words[1]), seq: seq,
                attempt: Int(words[2]) ?? -1, runAt: words.count > 3 ? Int64(words[3]) : nil,
                reason: words.count > 4 ? String(words[4]) : nil)
        }
    }
}
