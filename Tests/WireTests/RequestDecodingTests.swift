// Each operation's members arrive where they belong, defaults are the protocol's, and members that exclude each other do.

import Testing
import Wire

@Suite struct RequestDecodingTests {
    private func enqueue(_ members: String) throws -> EnqueueItem {
        guard case .enqueue(let body) = try decode(#"{"op":"enqueue","queue":"q""# + members + "}").operation,
            !body.isMany, body.jobs.count == 1
        else { throw UnexpectedlyAccepted() }
        return body.jobs[0]
    }

    // MARK: hello, ping and the like

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
            case .resume(queue: "a") = try decode(#"{"op":"resume","queue":"a"}"#).operation,
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

    // MARK: enqueue

    @Test func enqueueHasItsDefaults() throws {
        let job = try enqueue("")
        #expect(job.queue == "q")
        #expect(job.payload == "null".bytes)
        #expect(job.type == "")
        #expect(job.priority == 0)
        #expect(!job.front)
        #expect(job.jobID == nil && job.delayMs == nil && job.runAt == nil && job.maxAttempts == nil)
        #expect(job.backoff == nil && job.leaseMs == nil && job.keepMs == nil && job.meta == nil)
    }

    @Test func enqueueTakesEverything() throws {
        let job = try enqueue(
            """
            ,"payload":{"x" : 1.10},"type":"t","job_id":"x.:-_9","priority":-7,"front":true,"delay_ms":5,
            "max_attempts":9,"backoff":{"kind":"fixed","base_ms":1,"max_ms":2,"jitter":0},"lease_ms":100,"keep_ms":0,
            "meta":{"a":[1]}
            """)
        #expect(job.payload == "{\"x\" : 1.10}".bytes)
        #expect(job.type == "t")
        #expect(job.jobID == "x.:-_9")
        #expect(job.priority == -7)
        #expect(job.front)
        #expect(job.delayMs == 5)
        #expect(job.maxAttempts == 9)
        #expect(job.backoff?.kind == "fixed")
        #expect(job.backoff?.baseMs == 1)
        #expect(job.backoff?.maxMs == 2)
        #expect(job.backoff?.jitter == 0)
        #expect(job.leaseMs == 100)
        #expect(job.keepMs == 0)
        #expect(job.meta == "{\"a\":[1]}".bytes)
        #expect(try enqueue(",\"run_at\":5").runAt == 5)
    }

    @Test(arguments: [
        "1.10", "12345678901234567890", "{\"b\":1,\"a\":2,\"b\":3}", "\"\\u00e9\\/\"", "[ 1 ,\t2 ]", "null", "true",
        "\"\\ud800\"", "\"\u{1F600}\"", "-0", "1E400", "{\"op\":\"x\",\"id\":[]}",
    ])
    func payloadsPassByteForByte(payload: String) throws {
        #expect(try enqueue(",\"payload\":\(payload)").payload == payload.bytes)
        #expect(try enqueue(",\"payload\": \(payload) ,\"type\":\"t\"").payload == payload.bytes)
    }

    @Test func jobIDsKeepTheirRule() throws {
        let longest = String(repeating: "x", count: 64)
        for id in ["a", ".", longest] { #expect(try enqueue(",\"job_id\":\"\(id)\"").jobID == id) }
        for id in ["", "a b", "a/b", "\u{E9}", "\\u0000", longest + "x"] {
            try expectBadRequest(
                "{\"op\":\"enqueue\",\"queue\":\"q\",\"job_id\":\"\(id)\"}", field: "job_id",
                "job_id must be an id: 1 to 64 of A-Z a-z 0-9 _ . : -")
        }
    }

    @Test func delayAndRunAtExcludeEachOther() throws {
        try expectBadRequest(
            #"{"op":"enqueue","queue":"q","delay_ms":1,"run_at":1}"#, field: "run_at",
            "run_at must not stand beside delay_ms")
    }

    @Test func metaIsAnObjectOfAtMost4096Bytes() throws {
        func meta(_ size: Int) -> String { "{\"k\":\"\(String(repeating: "x", count: size - 8))\"}" }
        #expect(try enqueue(",\"meta\":\(meta(4096))").meta?.count == 4096)
        for value in [meta(4097), "[]", "\"x\"", "5"] {
            try expectBadRequest(
                "{\"op\":\"enqueue\",\"queue\":\"q\",\"meta\":\(value)}", field: "meta",
                "meta must be an object of at most 4096 bytes")
        }
    }

    @Test func backoffHasItsDefaults() throws {
        let backoff = try #require(try enqueue(#","backoff":{}"#).backoff)
        #expect(backoff.kind == "exponential")
        #expect(backoff.baseMs == 1000)
        #expect(backoff.maxMs == 3_600_000)
        #expect(backoff.jitter == 0.5)
        let other = try #require(try enqueue(#","backoff":{"kind":"linear","base_ms":null}"#).backoff)
        #expect(other.kind == "linear")
        #expect(other.baseMs == 1000)
    }

    @Test(arguments: [
        ("5", "backoff", "backoff must be an object"),
        (#"{"kind":"odd"}"#, "backoff.kind", #"backoff.kind must be one of "exponential", "linear", "fixed""#),
        (#"{"base_ms":-1}"#, "backoff.base_ms", "backoff.base_ms must be an integer from 0 to 86400000"),
        (#"{"base_ms":86400001}"#, "backoff.base_ms", "backoff.base_ms must be an integer from 0 to 86400000"),
        (#"{"max_ms":-1}"#, "backoff.max_ms", "backoff.max_ms must be an integer from 0 to 31536000000"),
        (#"{"max_ms":31536000001}"#, "backoff.max_ms", "backoff.max_ms must be an integer from 0 to 31536000000"),
        (#"{"jitter":-0.1}"#, "backoff.jitter", "backoff.jitter must be a number from 0 to 1"),
        (#"{"jitter":1.0000001}"#, "backoff.jitter", "backoff.jitter must be a number from 0 to 1"),
        (#"{"jitter":1e400}"#, "backoff.jitter", "backoff.jitter must be a number from 0 to 1"),
        (#"{"jitter":"0"}"#, "backoff.jitter", "backoff.jitter must be a number from 0 to 1"),
        (#"{"jitter":0,"jitter":0}"#, "backoff.jitter", "backoff.jitter is there twice"),
        (#"{"base":5}"#, "backoff.base", #"unknown member "backoff.base"; did you mean "base_ms"?"#),
        (#"{"queue":"q"}"#, "backoff.queue", #"unknown member "backoff.queue""#),
    ])
    func aBadBackoffIsNamed(value: String, field: String, message: String) throws {
        try expectBadRequest("{\"op\":\"enqueue\",\"queue\":\"q\",\"backoff\":\(value)}", field: field, message)
    }

    @Test func theEndsOfTheBackoffAreAccepted() throws {
        let high = try #require(
            try enqueue(#","backoff":{"base_ms":86400000,"max_ms":31536000000,"jitter":1}"#).backoff)
        #expect(high.baseMs == 86_400_000 && high.maxMs == 31_536_000_000 && high.jitter == 1)
        let low = try #require(try enqueue(#","backoff":{"base_ms":0,"max_ms":0,"jitter":0.25e0}"#).backoff)
        #expect(low.baseMs == 0 && low.maxMs == 0 && low.jitter == 0.25)
    }

    // MARK: claim

    private func claim(_ members: String) throws -> ClaimBody {
        guard case .claim(let body) = try decode(#"{"op":"claim","# + members + "}").operation else {
            throw UnexpectedlyAccepted()
        }
        return body
    }

    @Test func claimHasItsDefaults() throws {
        let body = try claim(#""queue":"a""#)
        #expect(body.queues == ["a"])
        #expect(body.waitMs == 0)
        #expect(body.max == 1)
        #expect(body.leaseMs == nil)
    }

    @Test func claimTakesEverything() throws {
        let body = try claim(#""queues":["b","a","\u0063"],"wait_ms":9,"max":100,"lease_ms":100,"strategy":"strict""#)
        #expect(body.queues == ["b", "a", "c"])
        #expect(body.waitMs == 9)
        #expect(body.max == 100)
        #expect(body.leaseMs == 100)
    }

    @Test func oneToSixtyFourQueuesThatDiffer() throws {
        func names(_ count: Int) -> String { (0..<count).map { "\"q\($0)\"" }.joined(separator: ",") }
        #expect(try claim("\"queues\":[\(names(64))]").queues.count == 64)
        for value in ["[]", "[\(names(65))]", #"["a","a"]"#, #"["a",5]"#, #"["a",null]"#, #"["-a"]"#, #""a""#, "{}"] {
            try expectBadRequest(
                "{\"op\":\"claim\",\"queues\":\(value)}", field: "queues",
                "queues must be an array of 1 to 64 different queue names")
        }
    }

    @Test func queueOrQueuesButNotBoth() throws {
        try expectBadRequest(#"{"op":"claim"}"#, field: "queues", "queues is missing (or queue)")
        try expectBadRequest(
            #"{"op":"claim","queue":"a","queues":["b"]}"#, field: "queues", "queues must not stand beside queue")
    }

    @Test func onlyTheStrictStrategyIsThere() throws {
        try expectBadRequest(
            #"{"op":"claim","queue":"a","strategy":"weighted"}"#, field: "strategy", #"strategy must be "strict""#)
    }

    // MARK: complete, fail, extend, release

    @Test func completeTakesEverything() throws {
        let line = #"{"op":"complete","job":"a/1","token":"7-x","result":{"r" : 1},"next":{"queue":"a","wait_ms":5}}"#
        guard case .complete(let body) = try decode(line).operation else { throw UnexpectedlyAccepted() }
        #expect(!body.isMany)
        #expect(body.items.count == 1)
        #expect(body.items[0].job == JobName(queue: "a", id: "1"))
        #expect(body.items[0].token == "7-x")
        #expect(body.items[0].result == "{\"r\" : 1}".bytes)
        #expect(body.next?.queues == ["a"])
        #expect(body.next?.waitMs == 5)
        #expect(body.next?.max == 1)
    }

    @Test func jsonNullIsAResultAndAProgress() throws {
        guard
            case .complete(let complete) = try decode(
                #"{"op":"complete","job":"a/1","token":"t","result":null}"#
            ).operation,
            case .extend(let extend) = try decode(
                #"{"op":"extend","job":"a/1","token":"t","progress":null}"#
            ).operation,
            case .extend(let without) = try decode(#"{"op":"extend","job":"a/1","token":"t"}"#).operation
        else { throw UnexpectedlyAccepted() }
        #expect(complete.items[0].result == "null".bytes)
        #expect(extend.items[0].progress == "null".bytes)
        #expect(without.items[0].progress == nil)
        #expect(without.items[0].leaseMs == nil)
    }

    @Test func failHasItsDefaultsAndTakesEverything() throws {
        guard case .fail(let plain) = try decode(#"{"op":"fail","job":"a/1","token":"t"}"#).operation,
            case .fail(let full) = try decode(
                #"{"op":"fail","job":"a/1","token":"t","error":"x","retry":false,"retry_in_ms":9,"next":{"queues":["a"]}}"#
            ).operation
        else { throw UnexpectedlyAccepted() }
        #expect(plain.items[0].retry)
        #expect(plain.items[0].error == nil && plain.items[0].retryInMs == nil && plain.next == nil)
        #expect(!full.items[0].retry)
        #expect(full.items[0].error == "\"x\"".bytes)
        #expect(full.items[0].retryInMs == 9)
        #expect(full.next?.queues == ["a"])
    }

    @Test(arguments: [
        "\"\"", "\"a\\nb\\u0000\"", "{}", #"{"type":"E","message":"m\n","trace":"at x\n\tat y"}"#, #"{"message":"m"}"#,
        "\"" + String(repeating: "x", count: 16_382) + "\"",
    ])
    func aGoodErrorIsKeptAsItIs(error: String) throws {
        guard
            case .fail(let body) = try decode(#"{"op":"fail","job":"a/1","token":"t","error":"# + error + "}").operation
        else { throw UnexpectedlyAccepted() }
        #expect(body.items[0].error == error.bytes)
    }

    @Test(arguments: [
        ("5", "error", ""), ("[]", "error", ""), ("true", "error", ""),
        ("\"" + String(repeating: "x", count: 16_383) + "\"", "error", ""),
        (#"{"message":5}"#, "error.message", "error.message must be a string"),
        (#"{"code":"x"}"#, "error.code", #"unknown member "error.code""#),
        (#"{"type":"a","type":"b"}"#, "error.type", "error.type is there twice"),
    ])
    func aBadErrorIsNamed(error: String, field: String, message: String) throws {
        let whole = #"error must be a string, or an object of "type", "message" and "trace", of at most 16384 bytes"#
        try expectBadRequest(
            #"{"op":"fail","job":"a/1","token":"t","error":"# + error + "}", field: field,
            message.isEmpty ? whole : message)
    }

    @Test func extendAndReleaseTakeEverything() throws {
        guard
            case .extend(let extend) = try decode(
                #"{"op":"extend","job":"a/1","token":"t","lease_ms":100,"progress":[0.5]}"#
            ).operation,
            case .release(let release) = try decode(
                #"{"op":"release","job":"a/1","token":"t","delay_ms":7}"#
            ).operation
        else { throw UnexpectedlyAccepted() }
        #expect(extend.items[0].leaseMs == 100)
        #expect(extend.items[0].progress == "[0.5]".bytes)
        #expect(release.items[0].delayMs == 7)
    }

    @Test(arguments: [
        ("5", "next", "next must be an object"), ("{}", "next.queues", "next.queues is missing (or queue)"),
        (#"{"queue":"a","max":0}"#, "next.max", "next.max must be an integer from 1 to 100"),
        (#"{"queue":"a","maxx":1}"#, "next.maxx", #"unknown member "next.maxx"; did you mean "max"?"#),
        (#"{"queue":"a","op":"claim"}"#, "next.op", #"unknown member "next.op""#),
    ])
    func aBadNextIsNamed(next: String, field: String, message: String) throws {
        for op in ["complete", "fail"] {
            try expectBadRequest(
                #"{"op":""# + op + #"","job":"a/1","token":"t","next":"# + next + "}", field: field, message)
        }
    }

    @Test func tokenAndJobAreRequired() throws {
        for op in ["complete", "fail", "extend", "release"] {
            try expectBadRequest("{\"op\":\"\(op)\",\"token\":\"t\"}", field: "job", "job is missing")
            try expectBadRequest("{\"op\":\"\(op)\",\"job\":\"a/1\"}", field: "token", "token is missing")
        }
    }

    // MARK: list and requeue

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
