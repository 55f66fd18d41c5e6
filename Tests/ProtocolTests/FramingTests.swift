// Lines in, lines out: what is a request, what is refused, how long a line may be, and
// that the connection always goes on after a bad one. Broken JSON is tried by a few
// examples of each kind; the parser's own tests go deeper.

import Foundation
import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct FramingTests {
    @Test(
        arguments: [
            "", "x", "{", "}", "[]", "[{\"op\":\"ping\"}]", "\"ping\"", "7", "null", "{\"op\":\"ping\"}x",
            "{\"op\":\"ping\"}{}",
            "{\"op\":\"ping\",}", "{'op':'ping'}", "{\"op\":ping}", "{\"op\":\"ping\",\"id\":01}",
            "{\"op\":\"ping\",\"id\":+1}",
            "{\"op\":\"pi\\xng\"}", "{\"op\":\"ping\",\"id\":\"a\tb\"}",
            "{\"op\" \"ping\"}",
            "{\"op\":\"ping\",\"id\":NaN}", "{op:\"ping\"}", "{\"op\":\"ping\" // no\n",
        ].dropFirst().map { $0 })
    func whatIsNotOneJSONObjectIsBadJSONAndTheConnectionGoesOn(_ line: String) throws {
        let client = try Backend.memory.connect()
        let reply = try client.request(text: line)
        #expect(reply["ok"] == false)
        #expect(reply["error"]["code"] == "bad_json")
        #expect(reply["error"]["retryable"] == false)
        #expect(!(reply["error"]["message"].string ?? "").isEmpty)
        #expect(!reply.has("id"))
        #expect(try client.call("ping")["ok"] == true)
    }

    @Test func aLineThatIsNotUTF8IsBadJSON() throws {
        let client = try Backend.memory.connect()
        for bytes: [UInt8] in [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]] {
            try client.sendRaw(Array("{\"op\":\"ping\",\"id\":\"".utf8) + bytes + Array("\"}\n".utf8))
            #expect(try client.receive()["error"]["code"] == "bad_json")
        }
    }

    @Test func jsonNestedDeeperThan128IsBadJSON() throws {
        let client = try Backend.memory.connect()
        let queue = freshQueue()
        func line(depth: Int) -> String {
            let brackets = depth - 1
            return "{\"op\":\"enqueue\",\"queue\":\"\(queue)\",\"payload\":"
                + String(repeating: "[", count: brackets) + String(repeating: "]", count: brackets) + "}"
        }
        #expect(try client.request(text: line(depth: 126))["ok"] == true)
        #expect(try client.request(text: line(depth: 127))["error"]["field"] == "payload")
        #expect(try client.request(text: line(depth: 128))["error"]["code"] == "bad_request")
        #expect(try client.request(text: line(depth: 129))["error"]["code"] == "bad_json")
        #expect(try client.request(text: line(depth: 100_000))["error"]["code"] == "bad_json")
    }

    @Test func blankLinesAreIgnoredAndACarriageReturnIsTolerated() throws {
        let client = try Backend.memory.connect()
        try client.sendRaw("\n\r\n\n{\"op\":\"ping\",\"id\":1}\r\n\n{\"op\":\"ping\",\"id\":2}\n\r\n")
        #expect(try client.receive()["id"] == 1)
        #expect(try client.receive()["id"] == 2)
        #expect(try client.staysSilent(for: 0.05))
    }

    @Test func repliesAreOneJSONObjectALineEndedByOneNewline() throws {
        let client = try Backend.memory.connect()
        let queue = freshQueue()
        try client.enqueue(queue, ["payload": "line\nbreak\u{2028}and\r"])
        let line = try #require(
            try {
                try client.sendRaw("{\"op\":\"claim\",\"queue\":\"\(queue)\"}\n")
                return try client.readLineBytes()
            }())
        #expect(!line.contains(13) && !line.contains(10))
        #expect(try JSON(parsing: line)["jobs"][0]["payload"] == "line\nbreak\u{2028}and\r")
    }

    @Test func aRequestWrittenByteByByteIsAnswered() throws {
        let client = try Backend.redis.connect()
        let queue = freshQueue()
        for byte in "{\"op\":\"enqueue\",\"id\":\"slow\",\"queue\":\"\(queue)\",\"payload\":{\"ä\":\"€𝄞\"}}\r\n".utf8 {
            try client.sendRaw([byte])
        }
        let reply = try client.receive()
        #expect(reply["id"] == "slow")
        #expect(reply["state"] == "queued")
        #expect(try client.claimOne(queue)["payload"] == ["ä": "€𝄞"])
    }

    @Test func manyRequestsInOneWriteAreAllAnswered() throws {
        let client = try Backend.memory.connect()
        try client.sendRaw((0..<1000).map { "{\"op\":\"ping\",\"id\":\($0)}\n" }.joined())
        var seen = Set<Int>()
        for _ in 0..<1000 { seen.insert(try client.receive()["id"].int ?? -1) }
        #expect(seen == Set(0..<1000))
    }

    @Test(arguments: ["\n", "\r\n"])
    func aLineOfExactlyOneMebibyteIsTakenAndOneByteMoreIsTooLong(_ ending: String) throws {
        let client = try Backend.redis.connect()
        let queue = freshQueue()
        let head = "{\"op\":\"enqueue\",\"queue\":\"\(queue)\",\"payload\":\""
        func line(_ length: Int) -> String {
            head + String(repeating: "x", count: length - head.utf8.count - 2) + "\"}" + ending
        }
        try client.sendRaw(line(1 << 20))
        #expect(try client.receive()["state"] == "queued")
        try client.sendRaw(line(1 << 20 + 1) + "{\"op\":\"ping\",\"id\":5}\n")
        let refusal = try client.receive()
        #expect(refusal["error"]["code"] == "line_too_long")
        #expect(refusal["error"]["retryable"] == false)
        #expect(!refusal.has("id"))
        #expect(try client.receive()["id"] == 5)
        #expect(try client.stats(queue)["totals"]["enqueued"] == 1)
        #expect(try client.claimOne(queue)["payload"].string?.utf8.count == (1 << 20) - head.utf8.count - 2)
    }

    @Test func aLineThatIsTooLongIsAnsweredUnderTheIDAtItsFrontAndBarsNothing() throws {
        let client = try Backend.redis.connect()
        let queue = freshQueue()
        let padding = String(repeating: "x", count: 2 << 20)
        // A claim that waits is open under an id; the refusals behind it are told apart and come at once.
        try client.sendRaw("{\"op\":\"claim\",\"id\":\"waits\",\"queue\":\"\(queue)\",\"wait_ms\":60000}\n")
        try client.sendRaw(
            "{\"op\":\"enqueue\",\"id\":\"lo\\\"ng\",\"queue\":\"\(queue)\",\"payload\":\"\(padding)\"}\n")
        let long = try client.receive()
        #expect(long["id"] == "lo\"ng" && long["error"]["code"] == "line_too_long")
        try client.sendRaw("{\"id\":8,\"op\":\"enqueue\",\"queue\":\"\(queue)\",\"payload\":[}\n")
        let broken = try client.receive()
        #expect(broken["id"] == 8 && broken["error"]["code"] == "bad_json")
        try client.sendRaw("{\"op\":\"enqueue\",\"id\":9,\"queue\":\"\(queue)\"}\n")
        let answers = [try client.receive()["id"], try client.receive()["id"]]
        #expect(answers.contains(9) && answers.contains("waits"))
    }

    @Test func anEndlessLineIsRefusedOnceAndNotBuffered() throws {
        let daemon = try Daemon(.memory)
        let client = try daemon.connect()
        try client.call("ping")
        let before = try residentBytes(daemon.pid)
        let block = [UInt8](repeating: UInt8(ascii: "["), count: 1 << 20)
        for _ in 0..<64 { try client.sendRaw(block) }
        #expect(try client.receive()["error"]["code"] == "line_too_long")
        #expect(try residentBytes(daemon.pid) - before < 8 << 20)
        try client.sendRaw("\n{\"op\":\"ping\",\"id\":1}\n")
        #expect(try client.receive()["id"] == 1)
    }

    @Test func theLineLimitIsAnOptionAndHelloTellsIt() throws {
        let daemon = try Daemon(.memory, arguments: ["--line-bytes", "4096", "--in-flight", "8"])
        let client = try daemon.connect()
        #expect(try client.call("hello")["limits"]["line_bytes"] == 4096)
        #expect(try client.call("hello")["limits"]["in_flight"] == 8)
        let padding = String(repeating: " ", count: 4096 - "{\"op\":\"ping\"}".utf8.count)
        #expect(try client.request(text: "{\"op\":\"ping\"\(padding)}")["ok"] == true)
        #expect(try client.request(text: "{\"op\":\"ping\"\(padding) }")["error"]["code"] == "line_too_long")
    }

    private func residentBytes(_ pid: Int32) throws -> Int {
        let fields = try String(contentsOfFile: "/proc/\(pid)/statm", encoding: .utf8).split(separator: " ")
        return (Int(fields[1]) ?? 0) * 4096
    }
}
