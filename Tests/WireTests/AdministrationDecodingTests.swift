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
            case .pause(queue: "a", until: nil, create: false) = try decode(#"{"op":"pause","queue":"a"}"#).operation,
            case .pause(queue: "a", until: 5, create: true) = try decode(
                #"{"op":"pause","queue":"a","until":5,"create":true}"#
            ).operation
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

    // MARK: Removing, workers, checking

    @Test func deleteTakesAJob() throws {
        guard case .delete(let job) = try decode(#"{"op":"delete","job":"a/1"}"#).operation else {
            throw UnexpectedlyAccepted()
        }
        #expect(job == JobName(queue: "a", id: "1"))
        try expectBadRequest(#"{"op":"delete"}"#, field: "job", "job is missing")
        try expectBadRequest(
            #"{"op":"delete","job":"a/1","queue":"a"}"#, field: "queue", #"unknown member "queue""#)
    }

    @Test func purgeHasItsDefaultsAndTakesEverything() throws {
        guard case .purge(let plain) = try decode(#"{"op":"purge","queue":"a","state":"dead"}"#).operation,
            case .purge(let full) = try decode(
                #"{"op":"purge","queue":"a","state":"queued","type":"","older_than_ms":0,"limit":1,"dry_run":true}"#
            ).operation
        else { throw UnexpectedlyAccepted() }
        #expect(plain.queue == "a" && plain.state == .dead && plain.type == nil && plain.olderThanMs == nil)
        #expect(plain.limit == 500 && !plain.dryRun)
        #expect(full.state == .queued && full.type == "" && full.olderThanMs == 0 && full.limit == 1 && full.dryRun)
    }

    @Test func whatIsBeingProcessedCannotBePurged() throws {
        for state in JobState.allCases where state != .processing {
            #expect(throws: Never.self) {
                try decode("{\"op\":\"purge\",\"queue\":\"a\",\"state\":\"\(state.rawValue)\"}")
            }
        }
        for state in ["processing", "done", "", "DEAD"] {
            try expectBadRequest(
                "{\"op\":\"purge\",\"queue\":\"a\",\"state\":\"\(state)\"}", field: "state",
                #"state must be one of "queued", "scheduled", "retrying", "completed", "dead", "cancelled", "expired""#)
        }
        try expectBadRequest(#"{"op":"purge","queue":"a"}"#, field: "state", "state is missing")
        try expectBadRequest(#"{"op":"purge","state":"dead"}"#, field: "queue", "queue is missing")
        try expectBadRequest(
            #"{"op":"purge","job":"a/1","queue":"a","state":"dead"}"#, field: "job", #"unknown member "job""#)
    }

    @Test func workersAreNamedByPatterns() throws {
        guard case .quiet(worker: nil) = try decode(#"{"op":"quiet"}"#).operation,
            case .quiet(worker: Glob("mailer-*")) = try decode(#"{"op":"quiet","worker":"mailer-*"}"#).operation,
            case .resume(.worker(Glob("m?"))) = try decode(#"{"op":"resume","worker":"m?"}"#).operation,
            case .workers = try decode(#"{"op":"workers"}"#).operation,
            case .drain = try decode(#"{"op":"drain"}"#).operation,
            case .reload = try decode(#"{"op":"reload"}"#).operation
        else { throw UnexpectedlyAccepted() }
        let message = "worker must be a pattern: 1 to 64 of A-Z a-z 0-9 _ . - * ?"
        for op in ["quiet", "resume"] {
            for value in [#""""#, #""a b""#, #""[ab]""#, #""\u00e9""#, "5", "\"\(String(repeating: "w", count: 65))\""]
            {
                try expectBadRequest("{\"op\":\"\(op)\",\"worker\":\(value)}", field: "worker", message)
            }
        }
    }

    @Test func aResumeIsForAQueueOrForWorkers() throws {
        try expectBadRequest(#"{"op":"resume"}"#, field: "queue", "queue is missing (or worker)")
        try expectBadRequest(
            #"{"op":"resume","queue":"a","worker":"*"}"#, field: "worker", "worker must not stand beside queue")
        guard case .resume(.queue("a")) = try decode(#"{"op":"resume","queue":"a","worker":null}"#).operation else {
            throw UnexpectedlyAccepted()
        }
    }

    @Test func checkLooksAtOneQueueOrAllAndRepairsWhenAsked() throws {
        guard case .check(queue: nil, repair: false) = try decode(#"{"op":"check"}"#).operation,
            case .check(queue: "a", repair: true) = try decode(#"{"op":"check","queue":"a","repair":true}"#).operation
        else { throw UnexpectedlyAccepted() }
        try expectBadRequest(#"{"op":"check","repair":1}"#, field: "repair", "repair must be true or false")
    }

    @Test func aQueueIsRemovedWithItsJobsOnlyWhenAsked() throws {
        guard case .removeQueue(queue: "a", jobs: false) = try decode(#"{"op":"remove_queue","queue":"a"}"#).operation,
            case .removeQueue(queue: "a", jobs: true) = try decode(
                #"{"op":"remove_queue","queue":"a","jobs":true}"#
            ).operation
        else { throw UnexpectedlyAccepted() }
        try expectBadRequest(#"{"op":"remove_queue"}"#, field: "queue", "queue is missing")
        try expectBadRequest(
            #"{"op":"remove_queue","queue":"a","jobs":[]}"#, field: "jobs", "jobs must be true or false")
    }
}
