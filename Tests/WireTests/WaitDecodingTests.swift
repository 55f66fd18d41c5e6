// `wait`, `cancel` and `cancel_wait`: members, defaults, ranges.

import Testing
import Wire

@Suite struct WaitDecodingTests {
    @Test func waitHasADefaultAndTakesATime() throws {
        guard case .wait(let plain) = try decode(#"{"op":"wait","job":"a/1"}"#).operation,
            case .wait(let full) = try decode(#"{"op":"wait","job":"a/1","wait_ms":0}"#).operation
        else { throw UnexpectedlyAccepted() }
        #expect(plain.job == JobName(queue: "a", id: "1") && plain.waitMs == 30_000)
        #expect(full.waitMs == 0)
    }

    @Test func cancelTakesAJobAndAReason() throws {
        guard case .cancel(let plain) = try decode(#"{"op":"cancel","job":"a/1"}"#).operation,
            case .cancel(let full) = try decode(#"{"op":"cancel","job":"a/1","reason":"no l\u00f6nger"}"#).operation
        else { throw UnexpectedlyAccepted() }
        #expect(plain.job == JobName(queue: "a", id: "1") && plain.reason == nil)
        #expect(full.reason == "no l\u{F6}nger")
    }

    @Test(arguments: [#""reason":"""#, #""reason":"a\nb""#, #""reason":"\u0085""#, #""reason":7"#])
    func aReasonIsOneLineOfText(member: String) throws {
        try expectBadRequest(
            #"{"op":"cancel","job":"a/1","# + member + "}", field: "reason",
            "reason must be a string of 1 to 256 bytes without control characters")
    }

    @Test(arguments: [
        "7", "-7", "0", "9223372036854775807", "-9223372036854775808", #""a""#, #""""#, #""\u00e9""#, #""7""#,
        "\"" + String(repeating: "i", count: 128) + "\"",
    ])
    func theTargetOfACancelWaitIsKeptAsItWasSent(id: String) throws {
        guard case .cancelWait(let target) = try decode(#"{"op":"cancel_wait","id":1,"target":"# + id + "}").operation
        else { throw UnexpectedlyAccepted() }
        #expect(target == id.bytes)
    }

    @Test(arguments: [
        "7.0", "1e3", "9223372036854775808", "true", "[]", "{}", "\"" + String(repeating: "i", count: 129) + "\"",
    ])
    func aTargetIsWhatAnIDMayBe(id: String) throws {
        try expectBadRequest(
            #"{"op":"cancel_wait","target":"# + id + "}", field: "target",
            "target must be the id of a request: a string of at most 128 bytes or a 64-bit integer")
    }

    @Test func aTargetIsNeeded() throws {
        try expectBadRequest(#"{"op":"cancel_wait"}"#, field: "target", "target is missing")
        try expectBadRequest(#"{"op":"cancel_wait","target":null}"#, field: "target", "target is missing")
        try expectBadRequest(#"{"op":"cancel_wait","target":1,"target":1}"#, field: "target", "target is there twice")
    }
}
