// `checkpoint` and `log` of `extend`: the client's bytes, within their bounds.

import Testing
import Wire

@Suite struct CheckpointDecodingTests {
    private func line(_ members: String) -> String { #"{"op":"extend","job":"a/1","token":"t","# + members + "}" }

    private func extend(_ members: String) throws -> ExtendItem {
        guard case .extend(let body) = try decode(line(members)).operation else { throw UnexpectedlyAccepted() }
        return body.items[0]
    }

    @Test func aPlainExtendLeavesBoth() throws {
        let item = try extend(#""lease_ms":100"#)
        #expect(item.checkpoint == nil && item.log == nil)
        #expect(try extend(#""log":null"#).log == nil)
    }

    @Test(arguments: ["null", "{\"row\" : 1.10, \"row\":2}", "[ ]", "12345678901234567890", "false"])
    func aCheckpointPassesByteForByte(value: String) throws {
        #expect(try extend("\"checkpoint\": \(value) ,\"progress\":1").checkpoint == value.bytes)
    }

    @Test func aCheckpointHasAtMost64KiB() throws {
        let most = "\"" + String(repeating: "c", count: 65_534) + "\""
        #expect(try extend("\"checkpoint\":\(most)").checkpoint?.count == 65_536)
        for value in ["\"" + String(repeating: "c", count: 65_535) + "\"", "[\(most)]"] {
            try expectBadRequest(
                line("\"checkpoint\":\(value)"), field: "checkpoint",
                "checkpoint must be a JSON value of at most 65536 bytes")
        }
    }

    @Test(arguments: [#""""#, #""row 5""#, #""a\tb\u0000\u00e9 \"q\" \/""#, "\"\u{1F600}\""])
    func aLogLineIsKeptWithItsQuotes(value: String) throws {
        #expect(try extend("\"log\": \(value) ").log == value.bytes)
    }

    @Test func aLogLineHasAtMost4096BytesOfText() throws {
        let most = String(repeating: "l", count: 4_096)
        #expect(try extend("\"log\":\"\(most)\"").log?.count == 4_098)
        #expect(try extend("\"log\":\"\(String(repeating: "\\u006c", count: 4_096))\"").log != nil)
        let message = "log must be a string of at most 4096 bytes without line breaks"
        for value in [
            "\"l\(most)\"", "\"\(String(repeating: "\\u00e9", count: 2_049))\"",
            "\"\(String(repeating: "\\u006c", count: 4_097))\"",
            #""a\nb""#, #""a\rb""#, #""\u000a""#, #""\u000D""#, "5", "{}", #"["a"]"#, "true",
        ] {
            try expectBadRequest(line("\"log\":\(value)"), field: "log", message)
        }
    }

    @Test func manyItemsHaveTheirOwn() throws {
        let item = #"{"job":"a/1","token":"t","checkpoint":[1],"log":"x"}"#
        guard case .extend(let body) = try decode("{\"op\":\"extend\",\"jobs\":[\(item),\(item)]}").operation else {
            throw UnexpectedlyAccepted()
        }
        #expect(body.items.allSatisfy { $0.checkpoint == "[1]".bytes && $0.log == "\"x\"".bytes })
        try expectBadRequest(
            "{\"op\":\"extend\",\"jobs\":[\(item),{\"job\":\"a/1\",\"token\":\"t\",\"log\":\"\\n\"}]}", field: "log",
            "log must be a string of at most 4096 bytes without line breaks", index: 1)
        try expectBadRequest(
            "{\"op\":\"extend\",\"jobs\":[\(item)],\"checkpoint\":1}", field: "checkpoint",
            "checkpoint must not stand beside jobs")
    }

    @Test(arguments: ["complete", "fail", "release"])
    func onlyExtendHasThem(op: String) throws {
        for member in ["checkpoint", "log"] {
            let error = try refusal("{\"op\":\"\(op)\",\"job\":\"a/1\",\"token\":\"t\",\"\(member)\":\"x\"}").error
            #expect(error.code == .badRequest && error.field == member)
        }
    }
}
