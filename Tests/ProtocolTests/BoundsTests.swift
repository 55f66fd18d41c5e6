// Every member's bounds at the wire: the first and the last value that is taken, and the ones beyond, which are
// `bad_request` with the member in `field`. Nothing is clamped. The tables below are written from the protocol, not
// from the daemon's own table, so that a slip there shows.

import Harness
import Testing

/// Values of one member: JSON texts.
struct Bounds: Sendable, CustomTestStringConvertible {
    var member: String
    var taken: [String]
    var refused: [String]
    /// The rest of the request, without braces.
    var rest = ""
    var testDescription: String { member }

    init(_ member: String, taken: [String], refused: [String], rest: String = "") {
        self.member = member
        self.taken = taken
        self.refused = refused
        self.rest = rest
    }

    /// A whole number from `first` to `last`.
    static func integer(_ member: String, _ first: Int, _ last: Int, rest: String = "") -> Bounds {
        Bounds(
            member, taken: ["\(first)", "\(last)"],
            refused: [
                "\(first - 1)", "\(last + 1)", "\(first).0", "\(last)e0", "\"\(first)\"", "true", "[\(first)]", "{}",
                "9223372036854775808", "-9223372036854775809", "123456789012345678901234567890",
            ], rest: rest)
    }

    static func boolean(_ member: String, rest: String = "") -> Bounds {
        Bounds(member, taken: ["true", "false"], refused: ["0", "1", "\"true\"", "[]"], rest: rest)
    }
}

/// A JSON string of `count` bytes.
private func text(_ count: Int, _ character: String = "a") -> String {
    "\"" + String(repeating: character, count: count) + "\""
}

@Suite(.stage, .timeLimit(.minutes(1))) struct BoundsTests {
    private static let queueNames = Bounds(
        "queue", taken: ["\"a\"", "\"_\"", "\"9.x-y_Z\"", text(64)],
        refused: [
            "\"\"", text(65), "\".a\"", "\"-a\"", "\"a/b\"", "\"a b\"", "\"ä\"", "\"a{b}\"", "\"a\\u0000\"", "7", "[]",
        ])

    @Test(arguments: [
        queueNames,
        Bounds(
            "job_id", taken: ["\"a\"", "\"A-b_c.d:9\"", text(64)],
            refused: ["\"\"", text(65), "\"a b\"", "\"a/b\"", "\"ä\"", "\"a\\n\"", "7"]),
        Bounds("type", taken: ["\"\"", text(128), text(64, "ä")], refused: [text(129), text(65, "ä"), "7", "{}"]),
        .integer("priority", -100, 100), .boolean("front"), .integer("delay_ms", 0, 315_360_000_000),
        .integer("run_at", 0, 253_402_300_799_999), .integer("max_attempts", 1, 1000),
        .integer("lease_ms", 100, 86_400_000), .integer("keep_ms", 0, 31_536_000_000),
        Bounds(
            "meta", taken: ["{}", "{\"k\":\(text(4096 - 8))}"],
            refused: ["{\"k\":\(text(4097 - 8))}", "[]", "\"m\"", "1", "true"]),
        Bounds(
            "payload",
            taken: ["null", "0", "-0.5e-7", "\"\"", "[]", "{}", "true", "[[{}]]", "123456789012345678901234567890"],
            refused: []),
    ])
    func membersOfEnqueue(_ bounds: Bounds) throws {
        let queue = bounds.member == "queue" ? "" : "\"queue\":\"\(freshQueue())\","
        try check(bounds) { "{\"op\":\"enqueue\",\(queue)\"\(bounds.member)\":\($0)}" }
    }

    @Test(arguments: [
        Bounds(
            "kind", taken: ["\"exponential\"", "\"linear\"", "\"fixed\""],
            refused: ["\"\"", "\"cubic\"", "1", "\"Fixed\""]),
        .integer("base_ms", 0, 86_400_000), .integer("max_ms", 0, 31_536_000_000),
        Bounds(
            "jitter", taken: ["0", "1", "0.5", "5e-1", "0.0", "1.0"], refused: ["-0.1", "1.1", "\"0\"", "true", "2"]),
        Bounds("steps", taken: [], refused: ["1"]),
    ])
    func membersOfBackoff(_ bounds: Bounds) throws {
        let client = try Backend.memory.connect()
        func line(_ value: String) -> String {
            "{\"op\":\"enqueue\",\"queue\":\"\(freshQueue())\",\"backoff\":{\"\(bounds.member)\":\(value)}}"
        }
        for value in bounds.taken { #expect(try client.request(text: line(value))["ok"] == true, "\(value)") }
        for value in bounds.refused {
            let error = try client.request(text: line(value))["error"]
            #expect(error["code"] == "bad_request", "\(value)")
            #expect(error["field"].string?.hasPrefix("backoff") == true, "\(error)")
        }
    }

    @Test(arguments: [
        queueNames, .integer("max", 1, 100), .integer("lease_ms", 100, 86_400_000),
        Bounds("wait_ms", taken: ["0", "1"], refused: ["-1", "600001", "1.0", "\"1\"", "true"]),
        Bounds("strategy", taken: ["\"strict\"", "\"weighted\""], refused: ["\"random\"", "1"]),
    ])
    func membersOfClaim(_ bounds: Bounds) throws {
        let queue = bounds.member == "queue" ? "" : "\"queue\":\"\(freshQueue())\","
        try check(bounds) { "{\"op\":\"claim\",\(queue)\"\(bounds.member)\":\($0)}" }
    }

    @Test func aClaimMayWaitTenMinutes() throws {
        let client = try Backend.memory.connect()
        let queue = freshQueue()
        try client.enqueue(queue)
        #expect(try client.claim(queue, ["wait_ms": 600_000]).count == 1)
    }

    @Test func aClaimTakesOneTo64DistinctQueues() throws {
        let client = try Backend.memory.connect()
        let names = (0..<65).map { JSON("many-\($0)") }
        #expect(try client.call("claim", ["queues": JSON(Array(names[..<64]))])["jobs"] == [])
        for queues: JSON in [JSON(names), [], ["a", "a"], ["a", "b/c"], ["a", 7], "a", [""]] {
            let error = try client.refused("claim", ["queues": queues])
            #expect(error["code"] == "bad_request", "\(queues)")
            #expect(error["field"].string?.hasPrefix("queues") == true, "\(error)")
        }
        #expect(try client.refused("claim", ["queues": ["a"], "queue": "b"])["code"] == "bad_request")
        #expect(try client.refused("claim")["code"] == "bad_request")
    }

    private static let jobNames = Bounds(
        "job", taken: [],
        refused: [
            "\"\"", "\"a\"", "\"/a\"", "\"a/\"", "\"a/b/c\"", "\"a b/c\"", "\"a/b c\"", "7",
            "\"a/\(text(65).dropFirst())",
        ])
    private static let tokens = Bounds(
        "token", taken: [], refused: ["\"\"", text(65), "7", "[]"], rest: "\"job\":\"a/b\",")

    @Test(arguments: ["complete", "fail", "extend", "release"])
    func jobAndTokenOfATokenOperation(_ op: String) throws {
        try check(Self.jobNames) { "{\"op\":\"\(op)\",\"token\":\"1-a\",\"job\":\($0)}" }
        try check(Self.tokens) { "{\"op\":\"\(op)\",\"job\":\"a/b\",\"token\":\($0)}" }
        let client = try Backend.memory.connect()
        #expect(try client.refused(op, ["job": "a/b"])["field"] == "token")
        #expect(try client.refused(op, ["token": "1-a"])["field"] == "job")
        #expect(
            try client.refused(op, ["job": "a/b", "token": JSON(String(repeating: "t", count: 64))])["code"]
                == "not_found")
    }

    @Test(arguments: ["get", "requeue"]) func jobOfGetAndRequeue(_ op: String) throws {
        try check(Self.jobNames) { "{\"op\":\"\(op)\",\"job\":\($0)}" }
        #expect(try Backend.memory.connect().refused(op, ["job": "a/b"])["code"] == "not_found")
    }

    @Test(arguments: [
        ("fail", Bounds.integer("retry_in_ms", 0, 315_360_000_000)), ("fail", .boolean("retry")),
        (
            "fail",
            Bounds(
                "error", taken: ["\"\"", text(16384 - 2), "{}", "{\"type\":\"E\",\"message\":\"m\",\"trace\":\"t\"}"],
                refused: [text(16385 - 2), "7", "[]", "true", "{\"type\":1}", "{\"reason\":\"x\"}"])
        ),
        ("extend", .integer("lease_ms", 100, 86_400_000)), ("release", .integer("delay_ms", 0, 315_360_000_000)),
    ])
    func membersOfTokenOperations(_ op: String, _ bounds: Bounds) throws {
        let client = try Backend.memory.connect()
        for value in bounds.taken {
            let queue = freshQueue()
            try client.enqueue(queue)
            let job = try client.claimOne(queue)
            let proof = "\"job\":\(job["job"]),\"token\":\(job["token"])"
            let reply = try client.request(text: "{\"op\":\"\(op)\",\(proof),\"\(bounds.member)\":\(value)}")
            #expect(reply["ok"] == true, "\(value.prefix(40)): \(reply)")
        }
        for value in bounds.refused {
            let line = "{\"op\":\"\(op)\",\"job\":\"a/b\",\"token\":\"1-a\",\"\(bounds.member)\":\(value)}"
            try expectRefusal(client.request(text: line), bounds.member, value)
        }
    }

    @Test(arguments: [
        ("list", Bounds.integer("limit", 1, 500, rest: "\"state\":\"dead\",")),
        ("list", Bounds("cursor", taken: [], refused: [text(257), "7"], rest: "\"state\":\"dead\",")),
        ("list", Bounds("type", taken: [text(128)], refused: [text(129), "7"], rest: "\"state\":\"dead\",")),
        (
            "list",
            Bounds(
                "state",
                taken: ["queued", "scheduled", "retrying", "processing", "completed", "dead", "cancelled", "expired"]
                    .map { "\"\($0)\"" },
                refused: ["\"lost\"", "\"\"", "7", "\"Dead\""])
        ),
        (
            "requeue",
            Bounds(
                "state", taken: ["\"scheduled\"", "\"retrying\"", "\"dead\"", "\"cancelled\""],
                refused: ["\"queued\"", "\"processing\"", "\"completed\"", "\"expired\"", "\"\"", "7"])
        ),
        ("requeue", Bounds.integer("limit", 1, 500, rest: "\"state\":\"dead\",")),
        ("requeue", Bounds.boolean("dry_run", rest: "\"state\":\"dead\",")),
        ("pause", Bounds.integer("until", 0, 253_402_300_799_999)),
    ])
    func membersOfAdministration(_ op: String, _ bounds: Bounds) throws {
        let client = try Backend.memory.connect()
        let queue = freshQueue()
        try client.enqueue(queue)
        func line(_ value: String) -> String {
            "{\"op\":\"\(op)\",\"queue\":\"\(queue)\",\(bounds.rest)\"\(bounds.member)\":\(value)}"
        }
        for value in bounds.taken {
            let reply = try client.request(text: line(value))
            #expect(reply["ok"] == true, "\(value): \(reply)")
        }
        for value in bounds.refused { try expectRefusal(client.request(text: line(value)), bounds.member, value) }
    }

    @Test(arguments: [
        Bounds("worker", taken: [text(128), "\"mailer-3\""], refused: [text(129), "\"a\\nb\"", "\"\\u0007\"", "7"]),
        .boolean("push"), .integer("grace_ms", 0, 600_000),
        Bounds("on_disconnect", taken: ["\"release\"", "\"keep\""], refused: ["\"drop\"", "true", "\"\""]),
        Bounds("session", taken: [], refused: ["7", "[]"]),
    ])
    func membersOfHello(_ bounds: Bounds) throws {
        try check(bounds) { "{\"op\":\"hello\",\"\(bounds.member)\":\($0)}" }
    }

    @Test func delayAndRunAtExcludeEachOther() throws {
        let error = try Backend.memory.connect().refused(
            "enqueue", ["queue": JSON(freshQueue()), "delay_ms": 1, "run_at": 1])
        #expect(error["code"] == "bad_request")
    }

    @Test func requeueTakesAJobOrAFilterNotBothAndNotNeither() throws {
        let client = try Backend.memory.connect()
        #expect(try client.refused("requeue", ["job": "a/b", "queue": "a", "state": "dead"])["code"] == "bad_request")
        #expect(try client.refused("requeue", ["queue": "a"])["field"] == "state")
        #expect(try client.refused("requeue")["code"] == "bad_request")
    }

    /// Each value on a connection of its own, since what is taken may change the connection.
    private func check(_ bounds: Bounds, line: (String) -> String) throws {
        for value in bounds.taken {
            let reply = try Backend.memory.connect().request(text: line(value))
            #expect(reply["ok"] == true, "\(value): \(reply)")
        }
        let client = try Backend.memory.connect()
        for value in bounds.refused { try expectRefusal(client.request(text: line(value)), bounds.member, value) }
    }

    private func expectRefusal(_ reply: JSON, _ member: String, _ value: String) throws {
        #expect(reply["error"]["code"] == "bad_request", "\(value.prefix(60)): \(reply)")
        // A member of a member is named with its path.
        let field = reply["error"]["field"].string ?? ""
        #expect(field == member || field.hasPrefix(member + "."), "\(value.prefix(60)): \(reply)")
    }
}
