// The event log in Redis: reading it page by page, and asking that nothing be left out of it.

import Redis
public import Wire

extension RedisStore {
    /// Events that are enough for one page, whatever is asked for.
    private static let eventsBound = 1000

    public func events(queue: String, after: EventID, limit: Int, then: @escaping Completion<EventPage>) {
        var arguments = CommandBuffer()
        arguments.append(queue)
        arguments.append("\(after)")
        arguments.append(integer: Int64(min(max(limit, 1), Self.eventsBound)))
        let completed: Completion<LogEntries> = { [self] result in
            switch result {
            case .failure(let failure): then(.failure(failure))
            case .success(let entries):
                if entries.hasMalformed { complain("the event log", queue) }
                let page = EventPage(events: entries.events.filter { $0.seq > after }, isLast: entries.isLast)
                // A page without events could not be followed by another one.
                guard page.events.isEmpty, !page.isLast, let last = entries.last else { return then(.success(page)) }
                events(queue: queue, after: last, limit: limit, then: then)
            }
        }
        read(StoreScripts.events, arguments, queue, then: completed) { LogEntries($0) }
    }

    public func logAll(queue: String, forMs: Int64, then: @escaping Completion<Void>) {
        var arguments = CommandBuffer()
        arguments.append(queue)
        arguments.append(integer: forMs)
        read(StoreScripts.logAll, arguments, queue, then: then) { $0.count == 1 ? () : nil }
    }
}

/// What the events script found.
private struct LogEntries {
    var isLast: Bool
    var events: [JobEvent] = []
    /// The id of the last entry.
    var last: EventID?
    /// There were entries that hold no events of ours.
    var hasMalformed = false

    init?(_ reply: ReplyView) {
        guard reply.count >= 2, reply.count.isMultiple(of: 2) else { return nil }
        isLast = reply[1].integer == 1
        for index in stride(from: 2, to: reply.count, by: 2) {
            guard let seq = EventText.seq(reply[index].bytes[...]) else { return nil }
            last = seq
            if let found = EventText.events(reply[index + 1].bytes[...], seq: seq) {
                events += found
            } else {
                hasMalformed = true
            }
        }
    }
}
