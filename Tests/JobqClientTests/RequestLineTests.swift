// Requests that may have to be sent twice: what stands in the second line, and which jobs get an id for that.

import Testing
import Wire

@testable import JobqClient

@Suite struct RequestLineTests {
    private func text(_ line: RequestLine, waitedMs: Int64 = 0) -> String {
        String(decoding: line.line(id: 7, waitedMs: waitedMs), as: UTF8.self)
    }

    @Test func theSecondLineWaitsForTheRestOfTheTimeOnly() {
        let claim = RequestLine("claim") {
            $0.member("queue", "q")
            $0.member("wait_ms", 30_000)
        }
        #expect(text(claim) == #"{"op":"claim","id":7,"queue":"q","wait_ms":30000}"# + "\n")
        #expect(text(claim, waitedMs: 12_000) == #"{"op":"claim","id":7,"queue":"q","wait_ms":18000}"# + "\n")
        #expect(text(claim, waitedMs: 99_000) == #"{"op":"claim","id":7,"queue":"q","wait_ms":0}"# + "\n")
    }

    @Test func theClaimBehindACompletionIsShortenedToo() {
        let complete = RequestLine("complete") {
            $0.member("job", "q/a")
            $0.key("next")
            $0.beginObject()
            $0.member("wait_ms", 100)
            $0.endObject()
        }
        #expect(
            text(complete, waitedMs: 40) == #"{"op":"complete","id":7,"job":"q/a","next":{"wait_ms":60}}"# + "\n")
    }

    @Test func payloadsStayAsTheyAreButForLineBreaksBetweenTokens() throws {
        let payload = try JSONDocument("{\"a\":1.10,\n \"b\":\"\\n\"}")
        let line = RequestLine("enqueue") {
            $0.member("queue", "q")
            $0.member("payload", raw: payload.raw)
            $0.member("job_id", "x")
        }
        let expected = #"{"op":"enqueue","id":7,"queue":"q","payload":{"a":1.10,  "b":"\n"},"job_id":"x"}"# + "\n"
        #expect(text(line) == expected)
    }

    @Test func aJobWithoutAnIdGetsOneThatStaysTheSame() {
        let line = RequestLine("enqueue") { $0.member("queue", "q") }
        #expect(line.madeIDs.count == 1 && line.madeIDs[0].utf8.count == 26)
        #expect(text(line).contains(#""job_id":"\#(line.madeIDs[0])""#))
        #expect(text(line) == text(line, waitedMs: 5))
        #expect(RequestLine("publish") { $0.member("topic", "t") }.madeIDs.count == 1)
    }

    @Test func ofManyJobsOnlyThoseWithoutAnIdGetOne() {
        let line = RequestLine("enqueue") {
            $0.key("jobs")
            $0.beginArray()
            for id in [nil, "mine", nil] as [String?] {
                $0.beginObject()
                $0.member("queue", "q")
                if let id { $0.member("job_id", id) }
                $0.endObject()
            }
            $0.endArray()
        }
        #expect(Set(line.madeIDs).count == 2)
        #expect(line["jobs"]?.array?.map { $0["job_id"]?.string } == [line.madeIDs[0], "mine", line.madeIDs[1]])
    }

    @Test func ourOwnJobIsNoDuplicateOfItself() throws {
        let line = RequestLine("enqueue") { $0.member("queue", "q") }
        let own = try JSONDocument(#"{"ok":true,"job":"q/\#(line.madeIDs[0])","state":"queued","duplicate":true}"#)
        #expect(line.withoutOwnDuplicates(own)["duplicate"] == nil)
        #expect(line.withoutOwnDuplicates(own)["state"]?.string == "queued")
        let other = try JSONDocument(#"{"ok":true,"job":"q/holder-of-the-key","state":"queued","duplicate":true}"#)
        #expect(line.withoutOwnDuplicates(other)["duplicate"]?.bool == true)
    }

    @Test(arguments: [
        ("complete", true), ("extend", true), ("claim", true), ("stats", true), ("subscribe", false),
        ("cancel_wait", false), ("purge", false), ("requeue", false),
    ])
    func whatWouldDoSomethingElseTheSecondTimeIsNotRepeated(operation: String, isRepeated: Bool) {
        #expect(RequestLine(operation) { $0.member("queue", "q") }.mayBeRepeated == isRepeated)
    }

    @Test func requeueOfOneJobIsRepeated() {
        #expect(RequestLine("requeue") { $0.member("job", "q/a") }.mayBeRepeated)
    }
}
