// The client's own JSON comes back byte for byte: payload, meta, result,
// progress and error are looked at as raw text, never through a parser, on both
// stores and in both directions (claim and get).

import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct FidelityTests {
    static let values = [
        "1.10", "12345678901234567890", "-0", "-0.0", "1E400", "1e-400", "0.1000000000000000055511151231257827",
        "{\"b\":1,\"a\":2,\"b\":3}", "{ \"spaced\" :\t[ 1 , 2 ] }", "[ ]", "{ }", "\"\"",
        "\"\\u0041\\/\\ud834\\udd1e\"",
        "\"ü€𝄞\u{7f}\"", "\"\\u0000\"", "true", "false", "null", "[[[[[]]]]]", "\"{\\\"op\\\":\\\"ping\\\"}\"",
        "{\"\":{\"\":\"\"}}", "\"%s %n $1 {} '\"", "\"\u{2028}\u{feff}\"",
    ]

    @Test(arguments: values) func aPayloadPassesThroughByteForByte(_ payload: String) throws {
        for backend in Backend.allCases {
            let client = try backend.connect()
            let queue = freshQueue()
            let job = try #require(
                try client.request(
                    text: "{\"op\":\"enqueue\",\"queue\":\"\(queue)\",\"payload\":\(payload),\"type\":\"t\"}")["job"]
                    .string)
            #expect(try raw(client, "{\"op\":\"get\",\"job\":\"\(job)\"}").contains("\"payload\":\(payload)"))
            let claim = try raw(client, "{\"op\":\"claim\",\"queue\":\"\(queue)\"}")
            #expect(claim.contains("\"payload\":\(payload)"), "\(claim)")
        }
    }

    @Test(arguments: values) func resultAndProgressPassThroughByteForByte(_ value: String) throws {
        for backend in Backend.allCases {
            let client = try backend.connect()
            let queue = freshQueue()
            let job = try client.enqueue(queue)
            let token = try #require(try client.claimOne(queue)["token"].string)
            let proof = "\"job\":\"\(job)\",\"token\":\"\(token)\""
            #expect(try client.request(text: "{\"op\":\"extend\",\(proof),\"progress\":\(value)}")["ok"] == true)
            #expect(try raw(client, "{\"op\":\"get\",\"job\":\"\(job)\"}").contains("\"progress\":\(value)"))
            #expect(try client.request(text: "{\"op\":\"complete\",\(proof),\"result\":\(value)}")["ok"] == true)
            let record = try raw(client, "{\"op\":\"get\",\"job\":\"\(job)\"}")
            #expect(record.contains("\"result\":\(value)"), "\(record)")
        }
    }

    @Test(arguments: ["\"plain \\u0041\"", "{ \"type\":\"E\" , \"message\":\"\\/\" }", "{\"trace\":\"a\\nb\"}"])
    func anErrorPassesThroughByteForByte(_ value: String) throws {
        for backend in Backend.allCases {
            let client = try backend.connect()
            let queue = freshQueue()
            let job = try client.enqueue(queue)
            let token = try #require(try client.claimOne(queue)["token"].string)
            let line = "{\"op\":\"fail\",\"job\":\"\(job)\",\"token\":\"\(token)\",\"retry\":false,\"error\":\(value)}"
            #expect(try client.request(text: line)["state"] == "dead")
            let record = try raw(client, "{\"op\":\"get\",\"job\":\"\(job)\"}")
            // Once as the job's last error, once in the attempt's history.
            #expect(
                record.split(separator: "\"error\":\(value)", omittingEmptySubsequences: false).count == 3, "\(record)")
        }
    }

    @Test func metaPassesThroughByteForByte() throws {
        for backend in Backend.allCases {
            let client = try backend.connect()
            let queue = freshQueue()
            let meta = "{ \"traceparent\":\"00-\\u0061\",\"n\":1.0,\"n\":2 }"
            let job = try #require(
                try client.request(text: "{\"op\":\"enqueue\",\"queue\":\"\(queue)\",\"meta\":\(meta)}")["job"].string)
            #expect(try raw(client, "{\"op\":\"get\",\"job\":\"\(job)\"}").contains("\"meta\":\(meta)"))
            #expect(try raw(client, "{\"op\":\"claim\",\"queue\":\"\(queue)\"}").contains("\"meta\":\(meta)"))
        }
    }

    @Test func typesAndWorkerNamesWithQuotesAreEscapedAndControlCharactersAreRefused() throws {
        for backend in Backend.allCases {
            let client = try backend.connect()
            let queue = freshQueue()
            let text: JSON = "a\"b\\c/ü€𝄞|*{}%s"
            try client.call("hello", ["worker": text])
            let job = try client.enqueue(queue, ["type": text])
            #expect(try client.claimOne(queue)["type"] == text)
            #expect(try client.record(job)["type"] == text)
            #expect(try client.record(job)["worker"] == text)
            for control: JSON in ["a\nb", "\u{1}", "\u{0}"] {
                #expect(try client.refused("enqueue", ["queue": JSON(queue), "type": control])["field"] == "type")
            }
        }
    }

    @Test func halfASurrogatePairIsRefusedInAPayloadAndInAName() throws {
        // RFC 8259, section 8.2: the grammar allows it, but strict parsers refuse every reply that has one.
        let client = try Backend.redis.connect()
        let queue = freshQueue()
        let line = "{\"op\":\"enqueue\",\"queue\":\"\(queue)\",\"payload\":\"\\ud800\"}"
        let refusal = try client.request(text: line)["error"]
        #expect(refusal["code"] == "bad_json")
        #expect(refusal["message"].string?.contains("surrogate pair") == true)
        let typed = "{\"op\":\"enqueue\",\"queue\":\"\(queue)\",\"type\":\"\\ud800\"}"
        #expect(try client.request(text: typed)["error"]["code"] == "bad_json")
    }

    private func raw(_ client: LineClient, _ line: String) throws -> String {
        try client.sendRaw(line + "\n")
        return try client.readLine()
    }
}
