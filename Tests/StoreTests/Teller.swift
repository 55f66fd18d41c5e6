// Events without jobs: a script of the tests' own that notes them with tell.lua and makes them known as all scripts do.

import Harness
import Wire

@testable import Store

extension RedisServer {
    /// Logs and announces lines of `kind id attempt[ run_at[ reason]]`, by one script call; the id of their entry.
    @discardableResult
    func tell(_ lines: [String], queue: String = "email", prefix: String = "jobq") throws -> EventID {
        let preludes =
            "local database = ''\n"
            + String(decoding: PackageResources.common_lua + PackageResources.tell_lua, as: UTF8.self)
        let reply = try command(
            ["EVAL", preludes + Self.body, "1", "\(prefix):{\(queue)}:", queue] + lines)
        guard let seq = reply.string.flatMap({ EventID($0) }) else { throw HarnessError("told nothing: \(reply)") }
        return seq
    }

    @discardableResult
    func tell(_ lines: String..., queue: String = "email") throws -> EventID { try tell(lines, queue: queue) }

    private static let body = """

        for k = 2, #ARGV do
            local kind, id, attempt, rest = string.match(ARGV[k], '^(%S+) (%S+) (%S+)(.*)$')
            tell(kind, id, attempt, rest)
        end
        publish()
        return call('XREVRANGE', base .. 'events', '+', '-', 'COUNT', 1)[1][1]
        """
}

extension StoreFixture {
    /// A page of the queue's log.
    func eventPage(after: EventID = .zero, limit: Int = 100, queue: String = "email") throws -> EventPage {
        try wait { $0.events(queue: queue, after: after, limit: limit, then: $1) }
    }

    /// The whole log, page by page.
    func allEvents(after: EventID = .zero, limit: Int = 100, queue: String = "email") throws -> [JobEvent] {
        var events: [JobEvent] = []
        while true {
            let page = try eventPage(after: events.last?.seq ?? after, limit: limit, queue: queue)
            events += page.events
            if page.isLast { return events }
            if page.events.isEmpty { throw HarnessError("a page without events that is not the last") }
        }
    }
}
