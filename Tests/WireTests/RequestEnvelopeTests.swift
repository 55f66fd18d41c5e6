// What holds for every request: one JSON object, a good id, a known op, no member twice and none that is unknown.

import Testing
import Wire

@Suite struct RequestEnvelopeTests {
    // MARK: The line

    @Test(arguments: [
        "", "{", "x", "{\"op\":\"ping\"} {}", "{\"op\":\"ping\",}", "{\"op\":\"\u{1}\"}",
    ])
    func whatIsNoJSONIsBadJSONWithoutAnID(line: String) throws {
        let error = try refusal(line)
        #expect(error.error.code == .badJSON)
        #expect(error.error.message.hasPrefix("not one valid JSON object: "))
        #expect(error.error.field == nil)
        #expect(error.id == nil)
    }

    @Test(arguments: ["[]", "1", "\"ping\"", "null", "true", "[{\"op\":\"ping\"}]"])
    func jsonThatIsNoObjectIsBadJSON(line: String) throws {
        #expect(try refusal(line).error.code == .badJSON)
    }

    @Test func theMessageTellsReasonAndPlace() throws {
        #expect(
            try refusal("{\"op\":\"ping\" \"id\":1}").error.message
                == "not one valid JSON object: a comma or a closing bracket is expected (byte 13)")
    }

    @Test func whitespaceAroundEverythingIsAllowed() throws {
        let request = try decode(" \t\r\n{ \"op\" : \"ping\" , \"id\" : 7 , \"store\" : true } \r")
        #expect(request.id == "7".bytes)
        guard case .ping(store: true) = request.operation else { throw UnexpectedlyAccepted() }
    }

    @Test func theOpMayStandAnywhere() throws {
        #expect(try decode("{\"id\":1,\"queue\":\"a\",\"op\":\"resume\"}").operation.name == .resume)
    }

    @Test func namesMayBeSpeltWithEscapes() throws {
        let request = try decode(#"{"\u006fp":"p\u0069ng","\u0069d":5}"#)
        #expect(request.operation.name == .ping)
        #expect(request.id == "5".bytes)
    }

    @Test func depthCountsFromTheEnvelope() throws {
        func line(_ depth: Int) -> String {
            "{\"op\":\"ping\",\"store\":" + String(repeating: "[", count: depth)
                + String(repeating: "]", count: depth) + "}"
        }
        #expect(try refusal(line(127)).error.code == .badRequest)
        #expect(try refusal(line(128)).error.code == .badJSON)
    }

    // MARK: id

    @Test(arguments: [
        "7", "-1", "0", "-0", "9223372036854775807", "\"\"", "\"a\"", "\"\\u0000\"", "\"\u{1F600}\"",
        "\"" + String(repeating: "x", count: 128) + "\"", "\"" + String(repeating: "\\u00e9", count: 64) + "\"",
    ])
    func anIDIsEchoedAsItWasSent(id: String) throws {
        #expect(try decode("{\"op\":\"ping\",\"id\":\(id)}").id == id.bytes)
        #expect(try refusal("{\"op\":\"nothing\",\"id\":\(id)}").id == id.bytes)
    }

    @Test func noIDAndANullIDAreTheSame() throws {
        #expect(try decode("{\"op\":\"ping\"}").id == nil)
        #expect(try decode("{\"op\":\"ping\",\"id\":null}").id == nil)
    }

    @Test(arguments: [
        "true", "false", "1.0", "1e5", "[]", "{}", "9223372036854775808", "-9223372036854775809",
        "\"" + String(repeating: "x", count: 129) + "\"", "\"" + String(repeating: "\u{E9}", count: 65) + "\"",
        "\"" + String(repeating: "\\u00e9", count: 65) + "\"",
    ])
    func aBadIDIsRefusedAndNotEchoed(id: String) throws {
        let error = try refusal("{\"op\":\"ping\",\"id\":\(id)}")
        #expect(error.id == nil)
        #expect(
            error.error
                == WireError(
                    .badRequest, "id must be a string of at most 128 bytes or a 64-bit integer", field: "id"))
    }

    @Test func anIDTwiceIsRefusedAndNotEchoed() throws {
        let error = try refusal("{\"op\":\"ping\",\"id\":1,\"id\":1}")
        #expect(error.id == nil)
        #expect(error.error == WireError(.badRequest, "id is there twice", field: "id"))
    }

    // MARK: op

    @Test func aMissingOpIsNamed() throws {
        try expectBadRequest("{}", field: "op", "op is missing")
        try expectBadRequest("{\"op\":null}", field: "op", "op is missing")
        try expectBadRequest("{\"op\":5}", field: "op", "op must be a string")
        try expectBadRequest("{\"op\":\"ping\",\"op\":\"ping\"}", field: "op", "op is there twice")
    }

    @Test(arguments: [
        ("enqeue", "; did you mean \"enqueue\"?"), ("Claim", "; did you mean \"claim\"?"), ("xyz", ""), ("", ""),
        ("completed", "; did you mean \"complete\"?"), (String(repeating: "x", count: 500), ""),
    ])
    func anUnknownOpGetsAHintWhenItIsNear(op: String, hint: String) throws {
        let error = try refusal("{\"op\":\"\(op)\",\"id\":3}")
        let shown = op.count > 40 ? String(op.prefix(40)) + "..." : op
        #expect(error.error == WireError(.unknownOp, "unknown op \"\(shown)\"\(hint)", field: "op"))
        #expect(error.id == "3".bytes)
    }

    // MARK: Members

    @Test func aMemberTwiceIsRefused() throws {
        try expectBadRequest(#"{"op":"resume","queue":"a","queue":"a"}"#, field: "queue", "queue is there twice")
        try expectBadRequest(
            #"{"op":"resume","queue":"a","qu\u0065ue":"a"}"#, field: "queue", "queue is there twice")
    }

    @Test func anUnknownMemberIsNamedWithAHint() throws {
        try expectBadRequest(
            #"{"op":"enqueue","queu":"a"}"#, field: "queu", #"unknown member "queu"; did you mean "queue"?"#)
        try expectBadRequest(
            #"{"op":"enqueue","queue":"a","prioritty":1}"#, field: "prioritty",
            #"unknown member "prioritty"; did you mean "priority"?"#)
        try expectBadRequest(#"{"op":"info","anything":1}"#, field: "anything", #"unknown member "anything""#)
        try expectBadRequest(#"{"op":"ping","queue":"a"}"#, field: "queue", #"unknown member "queue""#)
    }

    @Test func anUnknownMemberIsQuotedSafely() throws {
        let name = #"\u0000\n\"\\\u001b[31m\u00e9"#
        let quoted = #"\u{0}\u{a}\"\\\u{1b}[31m\u{e9}"#
        try expectBadRequest(
            "{\"op\":\"ping\",\"\(name)\":1}", field: quoted, "unknown member \"\(quoted)\"")
        let long = String(repeating: "y", count: 10_000)
        let shown = String(repeating: "y", count: 40) + "..."
        try expectBadRequest("{\"op\":\"ping\",\"\(long)\":1}", field: shown, "unknown member \"\(shown)\"")
    }

    @Test func manyUnknownMembersAreRefusedByTheFirst() throws {
        let members = (0..<5000).map { "\"m\($0)\":1" }.joined(separator: ",")
        try expectBadRequest("{\(members),\"op\":\"ping\"}", field: "m0", #"unknown member "m0""#)
    }

    @Test func nothingIsAcceptedBehindAGoodOp() throws {
        for op in OperationName.allCases {
            let error = try refusal("{\"op\":\"\(op.text)\",\"surely_unknown\":1}").error
            #expect(error.field == "surely_unknown")
        }
    }
}
