// The writer: commas, escapes, numbers, and the shapes of replies; what is written is read back the same.

import FuzzBodies
import Testing
import Wire

@Suite struct JSONWriterTests {
    private func written(_ body: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        body(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test func commasStandBetweenAndNowhereElse() {
        let text = written { writer in
            writer.beginObject()
            writer.member("a", 1)
            writer.key("b")
            writer.beginArray()
            writer.integer(1)
            writer.beginArray()
            writer.endArray()
            writer.beginObject()
            writer.endObject()
            writer.null()
            writer.endArray()
            writer.member("c", true)
            writer.member("d", "x")
            writer.member("e", Int64(-5))
            writer.member("f", raw: "{\"z\" : 1.10}".bytes)
            writer.endObject()
        }
        #expect(text == #"{"a":1,"b":[1,[],{},null],"c":true,"d":"x","e":-5,"f":{"z" : 1.10}}"#)
    }

    @Test func eachLineBeginsAnew() {
        let text = written { writer in
            for number in 1...2 {
                writer.beginObject()
                writer.member("n", number)
                writer.endObject()
                writer.endLine()
            }
        }
        #expect(text == "{\"n\":1}\n{\"n\":2}\n")
    }

    @Test func onlyWhatMustBeEscapedIs() {
        let text = written { $0.string("\"\\/\u{8}\u{C}\n\r\t\u{0}\u{1F}\u{7F}\u{E9}\u{2028}\u{1F600}") }
        #expect(text == "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\u{7F}\u{E9}\u{2028}\u{1F600}\"")
    }

    @Test func everyControlCharacterComesBack() throws {
        for value in UInt8.min...0x7F {
            let original = "a" + String(Unicode.Scalar(value)) + "b"
            #expect(try JSONDocument(written { $0.string(original) }).string == original)
        }
    }

    @Test(arguments: [0, 1, 9, 10, -1, -10, 1_000_000_007, Int64.max, Int64.min, Int64.max - 1])
    func integersAreExact(number: Int64) {
        #expect(written { $0.integer(number) } == "\(number)")
    }

    @Test func removingKeepsTheWriterUsable() {
        var writer = JSONWriter()
        writer.beginArray()
        writer.integer(1)
        writer.removeAll()
        writer.string("x" as StaticString)
        #expect(writer.bytes == "\"x\"".bytes)
        writer.removeAll(keepingAtMost: 0)
        #expect(writer.bytes.isEmpty)
    }

    @Test func repliesEchoTheID() {
        let text = written { writer in
            writer.beginReply(id: "\"a\\u0000\"".bytes)
            writer.member("job", "q/1")
            writer.endReply()
            writer.beginReply(id: nil)
            writer.endReply()
        }
        #expect(text == "{\"id\":\"a\\u0000\",\"ok\":true,\"job\":\"q/1\"}\n{\"ok\":true}\n")
    }

    @Test func anErrorHasOnlyWhatIsKnown() {
        #expect(
            written { $0.errorReply(id: nil, WireError(.badJSON, "no")) }
                == #"{"ok":false,"error":{"code":"bad_json","message":"no","retryable":false}}"# + "\n")
        let full = WireError(
            .storeFull, "full", field: "f", index: 3, state: .dead, retryAfterMs: 50, supported: [1, 2], ref: "r")
        #expect(
            written { $0.errorReply(id: "7".bytes, full) } == #"{"id":7,"ok":false,"error":{"code":"store_full","#
                + #""message":"full","retryable":true,"field":"f","index":3,"state":"dead","retry_after_ms":50,"#
                + #""supported":[1,2],"ref":"r"}}"# + "\n")
    }

    @Test func theProtocolsCodesAndWhichAreRetryable() {
        let retryable = ErrorCode.allCases.filter { $0.isRetryable }.map { $0.rawValue }
        #expect(retryable == ["queue_full", "store_unavailable", "store_full", "draining"])
        #expect(ErrorCode.allCases.count == 15)
    }

    @Test func randomTreesComeBackTheSame() throws {
        var random = SeededGenerator(seed: 13)
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 1...300, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            try bytes.withUnsafeBytes { try RoundTripBody.check($0) }
        }
    }
}
