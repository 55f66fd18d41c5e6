// The members every request has, `op` and `id`: what is echoed and how, and that nothing unknown or doubled gets
// through. Mostly against the memory store, since no store takes part. The order of replies is in the suite on
// pipelining.

import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct EnvelopeTests {
    @Test(arguments: [
        "7", "-1", "0", "9223372036854775807", "-9223372036854775808", "\"a\"", "\"\"", "\"\\u00e4\\n\\\"\"", "\"7\"",
    ])
    func theIDIsEchoedAsItWasSent(_ id: String) throws {
        let client = try Backend.memory.connect()
        for request in [
            "{\"op\":\"ping\",\"id\":\(id)}", "{\"id\":\(id),\"op\":\"nonsense\"}", "{\"id\":\(id),\"op\":\"get\"}",
        ] {
            try client.sendRaw(request + "\n")
            let line = try client.readLine()
            #expect(line.hasPrefix("{\"id\":\(id),\"ok\":"), "\(line)")
        }
    }

    @Test func anIDOf128BytesIsTakenAndALongerOneRefused() throws {
        let client = try Backend.memory.connect()
        let longest = String(repeating: "i", count: 128)
        #expect(try client.request(["op": "ping", "id": JSON(longest)])["id"] == JSON(longest))
        let refusal = try client.request(["op": "ping", "id": JSON(longest + "i")])
        #expect(refusal["error"]["code"] == "bad_request")
        #expect(refusal["error"]["field"] == "id")
        #expect(!refusal.has("id"))
    }

    @Test(arguments: ["1.5", "true", "[]", "{}", "1e3", "9223372036854775808"])
    func anIDOfAnotherTypeIsRefused(_ id: String) throws {
        let client = try Backend.memory.connect()
        let refusal = try client.request(text: "{\"op\":\"ping\",\"id\":\(id)}")
        #expect(refusal["error"]["code"] == "bad_request")
        #expect(refusal["error"]["field"] == "id")
    }

    @Test func aReplyToARequestWithoutAnIDHasNone() throws {
        let client = try Backend.memory.connect()
        #expect(try !client.request(["op": "ping"]).has("id"))
        #expect(try !client.request(["op": "ping"]).has("event"))
    }

    @Test(arguments: ["fetch", "", "PING", "ping ", "cancelwait", "reserve"])
    func anOperationThatDoesNotExistIsUnknownOp(_ op: String) throws {
        let client = try Backend.memory.connect()
        let reply = try client.request(["op": JSON(op), "id": 3])
        #expect(reply["error"]["code"] == "unknown_op")
        #expect(reply["error"]["retryable"] == false)
        #expect(reply["id"] == 3)
    }

    @Test(arguments: ["{}", "{\"id\":1}", "{\"op\":7}", "{\"op\":null}", "{\"op\":[\"ping\"]}"])
    func aMissingOrMistypedOpIsABadRequest(_ line: String) throws {
        let error = try Backend.memory.connect().request(text: line)["error"]
        #expect(error["code"] == "bad_request")
        #expect(error["field"] == "op")
    }

    @Test(arguments: [
        ("{\"op\":\"ping\",\"wait_ms\":1}", "wait_ms"), ("{\"op\":\"info\",\"verbose\":true}", "verbose"),
        ("{\"op\":\"enqueue\",\"queue\":\"q\",\"unique\":{\"key\":\"k\",\"for\":1}}", "unique.for"),
        ("{\"op\":\"publish\",\"topic\":\"t\",\"queue\":\"q\"}", "queue"),
        ("{\"op\":\"enqueue\",\"queue\":\"q\",\"Payload\":5}", "Payload"),
        ("{\"op\":\"claim\",\"queue\":\"q\",\"lease\":5}", "lease"), ("{\"op\":\"queues\",\"queue\":\"q\"}", "queue"),
        ("{\"op\":\"get\",\"job\":\"q/1\",\"token\":\"1-a\"}", "token"),
    ])
    func anUnknownMemberIsABadRequestThatNamesIt(_ line: String, _ field: String) throws {
        let error = try Backend.memory.connect().request(text: line)["error"]
        #expect(error["code"] == "bad_request")
        #expect(error["field"] == JSON(field))
    }

    @Test(arguments: [
        ("{\"op\":\"ping\",\"op\":\"ping\"}", "op"), ("{\"op\":\"ping\",\"id\":1,\"id\":1}", "id"),
        ("{\"op\":\"enqueue\",\"queue\":\"q\",\"payload\":1,\"payload\":2}", "payload"),
        ("{\"op\":\"enqueue\",\"queue\":\"q\",\"qu\\u0065ue\":\"r\"}", "queue"),
    ])
    func aMemberThatStandsTwiceIsABadRequestThatNamesIt(_ line: String, _ field: String) throws {
        let error = try Backend.memory.connect().request(text: line)["error"]
        #expect(error["code"] == "bad_request")
        #expect(error["field"] == JSON(field))
    }

    @Test func namesAndValuesMayBeWrittenWithEscapes() throws {
        let client = try Backend.memory.connect()
        #expect(try client.request(text: "{\"\\u006fp\":\"p\\u0069ng\",\"id\":1}")["ok"] == true)
    }

    @Test(arguments: Backend.allCases)
    func aRefusedRequestChangesNothing(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        for line in [
            "{\"op\":\"enqueue\",\"queue\":\"\(queue)\",\"payload\":1,\"surprise\":1}",
            "{\"op\":\"enqueue\",\"queue\":\"\(queue)\",\"payload\":1,\"priority\":101}",
            "{\"op\":\"enqueue\",\"jobs\":[{\"queue\":\"\(queue)\"},{\"queue\":\"\(queue)\",\"max_attempts\":0}]}",
            "{\"op\":\"pause\",\"queue\":\"\(queue)\",\"until\":\"soon\"}",
        ] {
            #expect(try client.request(text: line)["error"]["code"] == "bad_request")
        }
        #expect(try client.refused("stats", ["queue": JSON(queue)])["code"] == "not_found")
    }

    @Test func anExplicitNullIsTheSameAsAnAbsentMember() throws {
        let client = try Backend.memory.connect()
        let reply = try client.call(
            "enqueue", ["queue": JSON(freshQueue()), "priority": nil, "type": nil, "meta": nil, "delay_ms": nil])
        #expect(reply["state"] == "queued")
    }
}
