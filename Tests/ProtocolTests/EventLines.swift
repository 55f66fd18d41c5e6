// What the tests of events share: a connection that only subscribes, and its lines.

import Harness
import Testing

extension LineClient {
    /// Subscribes; after it returns, what happens is told.
    func subscribe(_ queues: String..., events: [String] = [], since: String? = nil) throws {
        var members: JSON = ["queues": JSON(queues.map { JSON($0) })]
        if !events.isEmpty { members["events"] = JSON(events.map { JSON($0) }) }
        if let since { members["since"] = JSON(since) }
        #expect(try call("subscribe", members).object.keys.sorted() == ["ok"])
    }

    /// The next event; throws when the next line is none.
    func event(within seconds: Double = 10) throws -> JSON {
        let line = try receive(within: seconds)
        guard line["event"].string != nil else { throw HarnessError("no event: \(line)") }
        return line
    }

    /// The next events.
    func events(_ count: Int, within seconds: Double = 10) throws -> [JSON] {
        try (0..<count).map { _ in try event(within: seconds) }
    }
}

extension JSON {
    /// `dead email/1`: an event in short.
    var told: String { "\(self["event"].string ?? "?") \(self["job"].string ?? "?")" }
    /// An event's place in its queue's log, to be compared.
    var place: [Int] { (self["seq"].string ?? "").split(separator: "-").compactMap { Int($0) } }
}

/// Whether the events of each queue come in their order and none twice.
func areInOrder(_ events: [JSON]) -> Bool {
    var last: [String: [Int]] = [:]
    for event in events {
        let queue = event["queue"].string ?? ""
        let place = event.place
        guard place.count == 2, last[queue].map({ $0.lexicographicallyPrecedes(place) }) ?? true else { return false }
        last[queue] = place
    }
    return true
}
