// `enqueue` of one job: members, defaults, ranges, and a payload that nobody touches.

import Testing
import Wire

@Suite struct EnqueueDecodingTests {
    private func enqueue(_ members: String) throws -> EnqueueItem {
        guard case .enqueue(let body) = try decode(#"{"op":"enqueue","queue":"q""# + members + "}").operation,
            !body.isMany, body.jobs.count == 1
        else { throw UnexpectedlyAccepted() }
        return body.jobs[0]
    }

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
        "\"\u{1F600}\"", "-0", "1E400", "{\"op\":\"x\",\"id\":[]}",
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
}
