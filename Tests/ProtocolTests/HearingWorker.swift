// A worker that hears: its connection said hello with `push`, so between the replies there may be events. Replies and
// events are told apart here, and events are kept until a test asks for them.

import Foundation
import Harness

/// A worker whose connection gets its own events.
final class HearingWorker {
    let client: LineClient
    let name: String
    private(set) var session: JSON = .null
    private var events: [JSON] = []

    /// Connects and says hello; `hello` has more members for it, or others.
    init(_ daemon: Daemon, _ name: String = freshQueue("worker"), _ hello: JSON = [:]) throws {
        client = try daemon.connect()
        self.name = name
        try self.hello(hello)
    }

    /// Says hello (again); a member that is null is left out.
    func hello(_ more: JSON = [:]) throws {
        var members: JSON = ["worker": JSON(name), "push": true, "grace_ms": 60_000]
        for (member, value) in more.object { members[member] = value }
        session = try call("hello", .object(members.object.filter { !$0.value.isNull }))["session"]
    }

    /// Asks one operation and returns its reply, which must be `ok`.
    @discardableResult
    func call(_ op: String, _ members: JSON = [:]) throws -> JSON {
        var request = members
        request["op"] = JSON(op)
        try client.send(request)
        let reply = try reply()
        guard reply["ok"] == true else { throw HarnessError("\(op) \(members) → \(reply)") }
        return reply
    }

    /// The next reply; events before it are kept.
    func reply(within seconds: Double = 10) throws -> JSON {
        let deadline = Deadline(after: seconds)
        while true {
            let line = try client.receive(within: Double(deadline.pollTimeout) / 1000)
            if line["event"].isNull { return line }
            events.append(line)
        }
    }

    /// The next event. A reply instead is an error.
    func event(within seconds: Double = 10) throws -> JSON {
        if !events.isEmpty { return events.removeFirst() }
        let line = try client.receive(within: seconds)
        guard !line["event"].isNull else { throw HarnessError("a reply instead of an event: \(line)") }
        return line
    }

    /// True when no event is there and none comes for so long.
    func hearsNothing(for seconds: Double) throws -> Bool {
        if events.isEmpty, try client.staysSilent(for: seconds) { return true }
        return false
    }

    /// The one job of a claim.
    func claimOne(_ queue: String, _ members: JSON = [:]) throws -> JSON {
        var members = members
        members["queue"] = JSON(queue)
        if members["wait_ms"].isNull { members["wait_ms"] = 5_000 }
        let reply = try call("claim", members)
        guard reply["jobs"].array.count == 1 else { throw HarnessError("instead of one job: \(reply)") }
        return reply["jobs"][0]
    }
}

/// What an event says of a claimed job.
func event(_ name: String, _ claimed: JSON, _ more: JSON = [:]) -> JSON {
    var event: JSON = ["event": JSON(name), "job": claimed["job"], "token": claimed["token"]]
    for (member, value) in more.object { event[member] = value }
    return event
}
