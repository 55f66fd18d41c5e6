// The id of lines that are no requests: too long, or not JSON. It is the one at the front, or none; never another.

import FuzzBodies
import Testing
import Wire

@Suite struct RequestHeadTests {
    private func id(_ line: String) throws -> String? {
        let error = try refusal(line)
        #expect(error.error.code == .badJSON)
        return error.id.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test(arguments: [
        (#"{"op":"enqueue","id":7,"queue":"a","payload":}"#, "7"),
        (#"{"id":7,"op":"enqueue","queue":"a","payload":}"#, "7"),
        (#"{"op":"ping","id":-12}x"#, "-12"),
        (#"  { "op" : "ping" ,"id" : "a b" , nonsense"#, #""a b""#),
        (#"{"op":"ping","id":"\u0041\n\"}"}{}"#, #""\u0041\n\"}""#),
        (#"{"\u006fp":"ping","i\u0064":5,}"#, "5"),
        (#"{"op":{"a":[1]},"id":5,}"#, "5"),
        (#"{"op":"ping","id":"cut"#, nil),
        (#"{"op":"ping","id":"whole""#, #""whole""#),
        (#"{"op":"ping","id":12"#, nil),
        (#"{"op":"ping","id":12 "#, "12"),
        (#"{"op":"ping","id":12x"#, nil),
        (#"{"op":"ping","id":"a"b","x":1}"#, nil),
        (#"{"op":"ping","id":1.5,}"#, nil),
        (#"{"op":"ping","id":null,}"#, nil),
        (#"{"op":"ping","id":[1],}"#, nil),
        (#"{"op":"ping","id":9223372036854775808,}"#, nil),
        (#"{"op":"ping","id":"\ud800",}"#, nil),
        (#"{"op":"ping","id":1,"id":2,}"#, nil),
        (#"{"op":"ping","queue":"a","id":1,}"#, nil),
        (#"{"queue":"a","id":1,}"#, nil),
        (#"{"op":"ping"}{"id":1}"#, nil),
        (#"[{"op":"ping","id":1},]"#, nil),
        (#"{"op":"ping" "id":1}"#, nil),
    ])
    func theIDAtTheFrontIsEchoed(line: String, id expected: String?) throws {
        #expect(try id(line) == expected)
        try line.bytes.withUnsafeBytes { try RequestBody.check($0) }
    }

    @Test func bytesThatAreNotUTF8AndDepthBeyondTheLimitDoNotHideTheID() throws {
        let bad = #"{"op":"enqueue","id":3,"payload":""#.bytes + [0xFF] + "\"}".bytes
        let error = #expect(throws: RequestError.self) { try decode(bad) }
        #expect(error?.id == "3".bytes && error?.error.code == .badJSON)
        let deep = #"{"op":"enqueue","id":3,"payload":"# + String(repeating: "[", count: 129)
        #expect(try id(deep) == "3")
    }

    @Test func onlyTheFirstKibibyteCounts() throws {
        func line(_ padding: Int) -> String {
            #"{"op":"ping",\#(String(repeating: " ", count: padding))"id":77,}"#
        }
        let before = #"{"op":"ping","id":77,"#.utf8.count
        #expect(try id(line(1_024 - before)) == "77")
        #expect(try id(line(1_025 - before)) == nil)
        #expect(try id(line(1_026 - before)) == nil)
        let long = String(repeating: "x", count: 2_000)
        #expect(try id(#"{"op":"ping","id":1,"queue":"\#(long)",}"#) == "1")
        #expect(try id(#"{"op":"\#(long)","id":1,}"#) == nil)
    }

    @Test func everyCutOfALineGivesItsIDOrNone() throws {
        for line in [#"{"op":"enqueue","id":123456,"queue":"a"}"#, #"{"id":"a\u00e9\"b","op":"ping"}"#] {
            let whole = try decode(line).id
            for end in 1..<line.utf8.count {
                let cut = String(decoding: line.bytes[..<end], as: UTF8.self)
                let error = try refusal(cut)
                #expect(error.id == nil || error.id == whole, "\(cut)")
            }
        }
    }

    @Test func randomLinesAgreeWithTheReference() throws {
        var random = SeededGenerator(seed: 11)
        let pieces = [
            "{", "}", ",", ":", "\"op\"", "\"id\"", "1", "23", " ", "\"a\"", "\"", "\\", "[", "]", "null", "-",
            "\"i\\u0064\"",
        ]
        for _ in 0..<20_000 {
            var line = Bool.random(using: &random) ? "{\"op\":\"ping\",\"id\":" : "{\"id\":"
            for _ in 0..<Int.random(in: 0...12, using: &random) { line += pieces.randomElement(using: &random)! }
            try line.bytes.withUnsafeBytes { try RequestBody.check($0) }
        }
    }
}
