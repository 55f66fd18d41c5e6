// The events of a subscription over as many connections as it takes, each once.

import Glibc
import JobqClient
import Wire

/// Follows events through restarts of the daemon.
final class EventTail {
    private let link: JobqLink
    private let globs: [String]
    private let kinds: [EventKind]
    /// What the first subscription begins behind; nil: with what happens from now on.
    private let from: EventID?
    /// What later ones begin behind.
    private let floor: EventID
    private var hasSubscribed = false
    /// The last event of each queue that was handed out.
    private var last: [String: EventID] = [:]
    private var events: [JSONDocument] = []
    private var problem: (any Error)?

    /// - Parameter startedAt: the daemon's time at the start.
    init(path: String, from: EventID?, startedAt: Int64, globs: [String], kinds: [EventKind]) {
        link = JobqLink(path: path)
        self.from = from
        floor = from ?? EventStart.before(startedAt)
        self.globs = globs
        self.kinds = kinds
        link.onEvent = { [unowned self] in take($0) }
        link.onChange = { [unowned self] in changed($0) }
    }

    /// What came since the last call, waiting for it; nothing when the time is over (nil: no limit) or a connection was lost.
    func next(withinMs limit: Int64?) throws -> [JSONDocument] {
        let limit = limit.map { Int32(clamping: $0) } ?? -1
        let due = link.pollTimeout
        var entry = link.pollEntry
        poll(&entry, 1, limit < 0 ? due : due < 0 ? limit : min(limit, due))
        link.process(entry.revents)
        if let problem { throw problem }
        defer { events = [] }
        return events
    }

    private func changed(_ lost: ConnectionError?) {
        if let lost { return Terminal.complain("\(lost); waiting for it to come back") }
        let since = hasSubscribed ? floor : from
        link.request("subscribe") { writer in
            writer.names("queues", globs)
            writer.names("events", kinds.map(\.rawValue))
            if let since { writer.member("since", since.description) }
        } then: { [unowned self] answer in
            switch answer {
            case .success: hasSubscribed = true
            // With the connection; the next one subscribes again.
            case .failure(is ConnectionError): break
            case .failure(let error): problem = error
            }
        }
    }

    private func take(_ event: JSONDocument) {
        if let queue = event["queue"]?.string, let seq = event["seq"]?.string.flatMap({ EventID($0) }) {
            if let last = last[queue], seq <= last { return }
            last[queue] = seq
        }
        events.append(event)
    }
}

extension JSONWriter {
    /// An array of strings, left out when it is empty.
    fileprivate mutating func names(_ name: StaticString, _ values: [String]) {
        if values.isEmpty { return }
        key(name)
        beginArray()
        for value in values { string(value) }
        endArray()
    }
}
