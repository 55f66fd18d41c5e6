// `publish`, `bind`, `unbind`, `topics`: a topic's name, and a job without a queue.

import Testing
import Wire

@Suite struct FanOutDecodingTests {
    private func publish(_ members: String) throws -> PublishBody {
        guard case .publish(let body) = try decode(#"{"op":"publish","topic":"orders""# + members + "}").operation
        else {
            throw UnexpectedlyAccepted()
        }
        return body
    }

    @Test func aPublishIsAJobWithoutAQueue() throws {
        let plain = try publish("")
        #expect(plain.topic == "orders")
        #expect(plain.item.queue == "" && plain.item.payload == "null".bytes && plain.item.jobID == nil)
        let full = try publish(
            """
            ,"payload":{"x" : 1.10},"type":"t","job_id":"o:1","priority":-7,"front":true,"run_at":5,"max_attempts":9,
            "backoff":{"kind":"linear"},"lease_ms":100,"keep_ms":0,"meta":{},"unique":{"key":"k"},"expires_in_ms":9
            """
        ).item
        #expect(full.payload == "{\"x\" : 1.10}".bytes && full.type == "t" && full.jobID == "o:1")
        #expect(full.priority == -7 && full.front && full.runAt == 5 && full.maxAttempts == 9)
        #expect(full.backoff?.kind == "linear" && full.leaseMs == 100 && full.keepMs == 0 && full.meta == "{}".bytes)
        #expect(full.unique?.key == "k" && full.expiresInMs == 9)
    }

    @Test func aPublishHasNeitherQueueNorJobs() throws {
        for member in ["queue", "jobs", "queues"] {
            let error = try refusal("{\"op\":\"publish\",\"topic\":\"t\",\"\(member)\":\"q\"}").error
            #expect(error.code == .badRequest && error.field == member)
            #expect(error.message.hasPrefix("unknown member \"\(member)\""))
        }
    }

    @Test func theJobOfAPublishKeepsItsRules() throws {
        try expectBadRequest(
            #"{"op":"publish","topic":"t","delay_ms":1,"run_at":1}"#, field: "run_at",
            "run_at must not stand beside delay_ms")
        try expectBadRequest(#"{"op":"publish","topic":"t","unique":{}}"#, field: "unique.key", "unique.key is missing")
        try expectBadRequest(#"{"op":"publish"}"#, field: "topic", "topic is missing")
    }

    @Test func aBindingIsATopicAndAQueue() throws {
        guard case .bind(topic: "t", queue: "q") = try decode(#"{"op":"bind","topic":"t","queue":"q"}"#).operation,
            case .unbind(topic: "t", queue: "q") = try decode(#"{"op":"unbind","queue":"q","topic":"t"}"#).operation,
            case .topics = try decode(#"{"op":"topics"}"#).operation
        else { throw UnexpectedlyAccepted() }
        for op in ["bind", "unbind"] {
            try expectBadRequest("{\"op\":\"\(op)\",\"queue\":\"q\"}", field: "topic", "topic is missing")
            try expectBadRequest("{\"op\":\"\(op)\",\"topic\":\"t\"}", field: "queue", "queue is missing")
            try expectBadRequest(
                "{\"op\":\"\(op)\",\"topic\":\"t\",\"queue\":\"q\",\"job\":\"q/1\"}", field: "job",
                #"unknown member "job""#)
        }
    }

    @Test(arguments: ["publish", "bind", "unbind"])
    func aTopicHasARule(op: String) throws {
        let rest = op == "publish" ? "" : #","queue":"q""#
        for name in ["a", "A9_.-", String(repeating: "t", count: 64)] {
            #expect(throws: Never.self) { try decode("{\"op\":\"\(op)\",\"topic\":\"\(name)\"\(rest)}") }
        }
        for value in [
            #""""#, #"".a""#, #""-a""#, #""a b""#, #""a/b""#, #""a:b""#, #""a*""#, #""\u00e9""#, "5", "[]",
            "\"\(String(repeating: "t", count: 65))\"",
        ] {
            try expectBadRequest(
                "{\"op\":\"\(op)\",\"topic\":\(value)\(rest)}", field: "topic",
                "topic must be a topic's name: 1 to 64 of A-Z a-z 0-9 _ . - and no . or - at the beginning")
        }
    }
}
