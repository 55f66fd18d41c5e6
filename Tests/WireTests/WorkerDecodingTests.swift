// The worker's operations: `claim`, `complete`, `fail`, `extend`, `release`, and `next`.

import Testing
import Wire

@Suite struct WorkerDecodingTests {
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
                "queues must be an array of 1 to 64 different queue names or patterns (with * or ?)")
        }
    }

    @Test func queueOrQueuesButNotBoth() throws {
        try expectBadRequest(#"{"op":"claim"}"#, field: "queues", "queues is missing (or queue)")
        try expectBadRequest(
            #"{"op":"claim","queue":"a","queues":["b"]}"#, field: "queues", "queues must not stand beside queue")
    }

    @Test func thereAreTwoStrategies() throws {
        try expectBadRequest(
            #"{"op":"claim","queue":"a","strategy":"random"}"#, field: "strategy",
            #"strategy must be one of "strict", "weighted""#)
    }

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
}
