// What is kept may be nested as deep as every reply with it can still be read, and has no lone surrogates.

import Testing
import Wire

@Suite struct StoredDepthTests {
    private static func nested(_ depth: Int) -> String {
        String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }

    private static func object(_ depth: Int) -> String { "{\"a\":\(nested(depth - 1))}" }

    /// A line with `value` in the place of a kept member, and the field that a refusal names.
    private static let places: [(line: @Sendable (String) -> String, field: String)] = [
        ({ "{\"op\":\"enqueue\",\"queue\":\"a\",\"payload\":\($0)}" }, "payload"),
        ({ "{\"op\":\"publish\",\"topic\":\"a\",\"payload\":\($0)}" }, "payload"),
        ({ "{\"op\":\"enqueue\",\"queue\":\"a\",\"meta\":\($0)}" }, "meta"),
        ({ "{\"op\":\"complete\",\"job\":\"a/1\",\"token\":\"t\",\"result\":\($0)}" }, "result"),
        ({ "{\"op\":\"extend\",\"job\":\"a/1\",\"token\":\"t\",\"progress\":\($0)}" }, "progress"),
        ({ "{\"op\":\"extend\",\"job\":\"a/1\",\"token\":\"t\",\"checkpoint\":\($0)}" }, "checkpoint"),
    ]

    @Test(arguments: 0..<6)
    func whatIsKeptMayBeNested125Deep(place: Int) throws {
        let (line, field) = Self.places[place]
        #expect(throws: Never.self) { try decode(line(Self.object(125))) }
        for depth in [126, 127] {
            let error = try refusal(line(Self.object(depth))).error
            #expect(error.code == .badRequest && error.field == field)
            #expect(error.message.hasPrefix("\(field) must be nested at most 125 deep"))
        }
    }

    @Test func oneDeepValueSpoilsNoOtherMember() throws {
        let line = "{\"op\":\"enqueue\",\"queue\":\"a\",\"meta\":\(Self.object(3)),\"payload\":\(Self.nested(126))}"
        #expect(try refusal(line).error.field == "payload")
    }

    @Test func anItemOfABatchIsNamedByItsIndex() throws {
        func line(_ depth: Int) -> String {
            "{\"op\":\"enqueue\",\"jobs\":[{\"queue\":\"a\",\"payload\":1},{\"queue\":\"a\",\"payload\":\(Self.nested(depth))}]}"
        }
        #expect(throws: Never.self) { try decode(line(125)) }
        #expect(try refusal(line(126)).error.code == .badJSON)  // 129 with what is around it
    }

    @Test(arguments: [
        #"\ud800"#, #"\udc00"#, #"\uDFFF"#, #"\udbff\ud800"#, #"\udc00\ud800"#, #"\ud800x"#, #"\ud800\n"#,
        #"\ud83d\ud83d\ude00"#,
        #"\ud83d\ude00\ude00"#, #"\ud800\u00"#, #"\uD800\uE000"#,
    ])
    func loneSurrogatesAreRefusedWhereverTheyStand(escape: String) throws {
        for line in [
            #"{"op":"enqueue","queue":"a","payload":"\#(escape)"}"#,
            #"{"op":"enqueue","queue":"a","payload":{"\#(escape)":1}}"#,
            #"{"op":"enqueue","queue":"a","payload":[[{"a":["x\#(escape)"]}]]}"#,
            #"{"op":"enqueue","jobs":[{"queue":"a"},{"queue":"a","payload":"\#(escape)"}]}"#,
            #"{"op":"fail","job":"a/1","token":"t","error":{"message":"\#(escape)"}}"#,
            #"{"op":"enqueue","queue":"a","meta":{"k":"\#(escape)"}}"#,
            #"{"\#(escape)":1,"op":"ping"}"#,
        ] {
            let error = try refusal(line).error
            #expect(error.code == .badJSON, "\(line)")
            if !escape.hasSuffix("00\\u00") { #expect(error.message.contains("surrogate"), "\(error.message)") }
            #expect(error.message.contains("(byte "))
        }
    }

    @Test(arguments: [#"\ud83d\ude00"#, #"\uD800\uDC00"#, #"\udbff\udfff"#, #"\\ud800"#, #"\ud7ff\ue000"#, "\u{1F600}"])
    func pairsAndOtherEscapesPassAsTheyAre(escape: String) throws {
        let request = try decode(#"{"op":"enqueue","queue":"a","payload":"\#(escape)"}"#)
        guard case .enqueue(let body) = request.operation else { throw UnexpectedlyAccepted() }
        #expect(body.jobs[0].payload == "\"\(escape)\"".bytes)
    }

    @Test func anAnswerWithALoneSurrogateIsStillRead() throws {
        #expect(try JSONDocument(#"{"payload":"\ud800"}"#)["payload"]?.string == "\u{FFFD}")
    }
}
