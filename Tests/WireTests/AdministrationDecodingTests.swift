// `hello`, `get`, and the operations of administration: members, defaults, and what excludes each other.

import Testing
import Wire

@Suite struct AdministrationDecodingTests {
    @Test func helloHasItsDefaults() throws {
        guard case .hello(let hello) = try decode(#"{"op":"hello"}"#).operation else { throw UnexpectedlyAccepted() }
        #expect(hello.protocolVersion == 1)
        #expect(hello.worker == nil)
        #expect(!hello.push)
        #expect(hello.onDisconnect == .release)
        #expect(hello.graceMs == 5000)
        #expect(hello.session == nil)
    }

    @Test func helloTakesEverything() throws {
        let line = """
            {"op":"hello","protocol":9,"worker":"m\\u00e9-3","push":true,"on_disconnect":"keep","grace_ms":0,"session":"s"}
            """
        guard case .hello(let hello) = try decode(line).operation else { throw UnexpectedlyAccepted() }
        #expect(hello.protocolVersion == 9)
        #expect(hello.worker == "m\u{E9}-3")
        #expect(hello.push)
        #expect(hello.onDisconnect == .keep)
        #expect(hello.graceMs == 0)
        #expect(hello.session == "s")
    }

    @Test func anyProtocolVersionIsLeftToTheBroker() throws {
        for version in ["0", "-1", "2", "9223372036854775807"] {
            #expect(try decode(#"{"op":"hello","protocol":"# + version + "}").operation.name == .hello)
        }
        try expectBadRequest(#"{"op":"hello","protocol":"1"}"#, field: "protocol", "protocol must be an integer")
        try expectBadRequest(
            #"{"op":"hello","protocol":9223372036854775808}"#, field: "protocol", "protocol must be an integer")
    }

    @Test func operationsOfOneQueueOrAll() throws {
        guard case .stats(queue: nil) = try decode(#"{"op":"stats"}"#).operation,
            case .stats(queue: "a") = try decode(#"{"op":"stats","queue":"a"}"#).operation,
            case .reclaim(queue: nil) = try decode(#"{"op":"reclaim"}"#).operation,
            case .reclaim(queue: "a") = try decode(#"{"op":"reclaim","queue":"a"}"#).operation,
            case .resume(.queue("a")) = try decode(#"{"op":"resume","queue":"a"}"#).operation,
            case .pause(queue: "a", until: nil) = try decode(#"{"op":"pause","queue":"a"}"#).operation,
            case .pause(queue: "a", until: 5) = try decode(#"{"op":"pause","queue":"a","until":5}"#).operation
        else { throw UnexpectedlyAccepted() }
    }

    @Test func getTakesAJob() throws {
        guard case .get(let job) = try decode(#"{"op":"get","job":"a/b:1"}"#).operation else {
            throw UnexpectedlyAccepted()
        }
        #expect(job == JobName(queue: "a", id: "b:1"))
        #expect(job.description == "a/b:1")
        #expect(JobName("a/b:1") == job)
        #expect(JobName("a") == nil)
    }

    @Test func listHasItsDefaultsAndTakesEverything() throws {
        guard case .list(let plain) = try decode(#"{"op":"list","queue":"a","state":"queued"}"#).operation,
            case .list(let full) = try decode(
                #"{"op":"list","queue":"a","state":"expired","limit":500,"cursor":"c","type":""}"#
            ).operation
        else { throw UnexpectedlyAccepted() }
        #expect(plain.queue == "a" && plain.state == .queued && plain.limit == 50)
        #expect(plain.cursor == nil && plain.type == nil)
        #expect(full.state == .expired && full.limit == 500 && full.cursor == "c" && full.type == "")
    }

    @Test func requeueTakesAJobOrAFilter() throws {
        guard case .requeue(.job(let job)) = try decode(#"{"op":"requeue","job":"a/1"}"#).operation,
            case .requeue(let plain) = try decode(#"{"op":"requeue","queue":"a","state":"dead"}"#).operation,
            case .requeue(let full) = try decode(
                #"{"op":"requeue","queue":"a","state":"retrying","type":"t","limit":1,"dry_run":true}"#
            ).operation
        else { throw UnexpectedlyAccepted() }
        #expect(job == JobName(queue: "a", id: "1"))
        #expect(plain == .filter(queue: "a", state: .dead, type: nil, limit: 500, dryRun: false))
        #expect(full == .filter(queue: "a", state: .retrying, type: "t", limit: 1, dryRun: true))
    }

    @Test(arguments: [
        (#""job":"a/1","queue":"a""#, "queue", "queue must not stand beside job"),
        (#""job":"a/1","dry_run":false"#, "dry_run", "dry_run must not stand beside job"),
        (#""limit":5"#, "job", "job is missing (or queue and state)"),
        (#""queue":"a""#, "state", "state is missing"),
        (
            #""queue":"a","state":"queued""#, "state",
            #"state must be one of "scheduled", "retrying", "dead", "cancelled""#
        ),
    ])
    func aRequeueOfNeitherOrBothIsRefused(members: String, field: String, message: String) throws {
        try expectBadRequest(#"{"op":"requeue","# + members + "}", field: field, message)
    }
}
