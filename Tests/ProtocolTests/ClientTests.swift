// JobqClient: its typed calls against a daemon; and what it says of a peer that does not answer properly, for which a
// fake stands in, since a daemon cannot be made to do that.

import Foundation
import Glibc
import Harness
import JobqClient
import Testing
import Wire

@Suite(.timeLimit(.minutes(1))) struct ClientTests {
    private let daemon: Daemon
    private let jobq: JobqConnection

    init() throws {
        daemon = try Daemon(.memory)
        jobq = try JobqConnection(path: daemon.socketPath, timeoutMs: 10_000)
    }

    @Test func jobGoesThroughItsWholeLife() throws {
        try jobq.hello(worker: "tester")
        #expect(try jobq.ping(store: true) > 1_600_000_000_000)
        var job = JobToEnqueue(queue: "q", payload: try JSONDocument(#"{"a":1.10}"#), type: "t", jobID: "x")
        job.priority = 3
        job.maxAttempts = 5
        job.backoff = try JSONDocument(#"{"kind":"fixed","base_ms":10,"jitter":0}"#)
        let enqueued = try jobq.enqueue(job)
        #expect(enqueued.job == "q/x" && enqueued.state == .queued && !enqueued.isDuplicate)
        #expect(try jobq.enqueue(job).isDuplicate)

        let first = try #require(try jobq.claim(ClaimOptions(["other", "q"])).first)
        #expect(first.job == "q/x" && first.queue == "q" && first.type == "t" && first.attempt == 1)
        #expect(first.payload.description == #"{"a":1.10}"# && first.maxAttempts == 5 && first.leaseMs == 30_000)
        #expect(try jobq.extend(first, leaseMs: 60_000, progress: .object(["at": "half"])) > first.leaseUntil)
        #expect(try jobq.get("q/x")["progress"]?.description == #"{"at":"half"}"#)
        try jobq.release(first)
        let second = try #require(try jobq.claim(ClaimOptions(["q"])).first)
        #expect(second.attempt == 1)
        let retried = try jobq.fail(second, error: "no luck", next: ClaimOptions(["q"], waitMs: 5000))
        let third = try #require(retried.first)
        #expect(third.attempt == 2)
        #expect(try jobq.complete(third, result: .object(["by": "\"me\""]), next: ClaimOptions(["q"])).isEmpty)
        let record = try jobq.get("q/x")
        #expect(record["state"]?.string == "completed" && record["result"]?["by"]?.string == "\"me\"")
    }

    @Test func batchIsEnqueuedInOrder() throws {
        let jobs = (0..<20).map { JobToEnqueue(queue: "q", jobID: "job-\($0)") }
        let results = try jobq.enqueue(jobs).map { try $0.get().job }
        #expect(results == (0..<20).map { "q/job-\($0)" })
        #expect(try jobq.claim(ClaimOptions(["q"], max: 100)).map(\.job) == results)
    }

    @Test func refusalIsAProtocolErrorAndTheConnectionGoesOn() throws {
        let error = try #require(throws: ProtocolError.self) { try jobq.get("q/none") }
        #expect(error.errorCode == .notFound && !error.isRetryable)
        let wrong = try #require(throws: ProtocolError.self) {
            try jobq.enqueue([JobToEnqueue(queue: "q"), JobToEnqueue(queue: "not a name")])
        }
        #expect(wrong.errorCode == .badRequest && wrong.index == 1 && wrong.field?.contains("queue") == true)
        try jobq.enqueue(JobToEnqueue(queue: "q"))
        let job = try #require(try jobq.claim(ClaimOptions(["q"])).first)
        try jobq.complete(job)
        try jobq.enqueue(JobToEnqueue(queue: "q", jobID: "again"))
        let stale = try #require(throws: ProtocolError.self) { try jobq.release(job) }
        #expect(stale.errorCode == .leaseLost && stale.state == .completed)
    }

    @Test func killedDaemonIsAClosedConnection() throws {
        daemon.kill()
        #expect(throws: ConnectionError.closed) { try jobq.ping() }
        #expect(throws: ConnectionError.closed) { try jobq.ping() }
        #expect(throws: ConnectionError.connect(path: daemon.socketPath, code: ECONNREFUSED)) {
            try JobqConnection(path: daemon.socketPath)
        }
    }

    @Test func waitingClaimOutlivesTheTimeoutOfOtherRequests() throws {
        jobq.timeoutMs = 200
        #expect(try jobq.claim(ClaimOptions(["q"], waitMs: 600)).isEmpty)
    }
}

@Suite(.timeLimit(.minutes(1))) struct ClientWithoutAnswerTests {
    /// Answers the first line of the first connection with `reply`, then keeps the connection open.
    private func fake(_ reply: String) throws -> TemporaryDirectory {
        let folder = try TemporaryDirectory()
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let bound = withUnixAddress(folder.file("s")) { bind(listener, $0, $1) }
        guard bound == 0, listen(listener, 1) == 0 else { throw HarnessError("no listener") }
        Thread.detachNewThread {
            let peer = accept(listener, nil, nil)
            var buffer = [UInt8](repeating: 0, count: 4096)
            _ = read(peer, &buffer, buffer.count)
            _ = write(peer, reply, reply.utf8.count)
            _ = read(peer, &buffer, buffer.count)  // until the client has gone
            close(peer)
            close(listener)
        }
        return folder
    }

    @Test func silenceEndsAtTheDeadlineAndClosesTheConnection() throws {
        let folder = try fake("")
        let jobq = try JobqConnection(path: folder.file("s"), timeoutMs: 100)
        #expect(throws: ConnectionError.timedOut) { try jobq.ping() }
        #expect(throws: ConnectionError.closed) { try jobq.ping() }
    }

    @Test(arguments: ["HTTP/1.1 400 Bad Request\n", "[]\n", "{\"ok\":false}\n", "{\"ok\":true}\n"])
    func whatIsNoReplyIsNotTakenForOne(reply: String) throws {
        let folder = try fake(reply)
        let jobq = try JobqConnection(path: folder.file("s"), timeoutMs: 5000)
        let error = try #require(throws: ConnectionError.self) { try jobq.ping() }
        guard case .notAReply = error else {
            Issue.record("\(error)")
            return
        }
    }

    @Test func eventsBetweenRepliesAreKeptApart() throws {
        let folder = try fake("{\"event\":\"cancel\",\"job\":\"q/a\"}\n{\"ok\":true,\"at\":5}\n")
        let jobq = try JobqConnection(path: folder.file("s"), timeoutMs: 5000)
        #expect(try jobq.ping() == 5)
        #expect(jobq.takeEvents().map { $0["event"]?.string } == ["cancel"])
        #expect(jobq.takeEvents().isEmpty)
    }
}

@Suite(.timeLimit(.minutes(1))) struct ReplyWithoutIDTests {
    private static let hello = #"{"id":0,"ok":true,"session":"s"}"# + "\n"
    private static let ping = #"{"id":1,"ok":true,"at":1}"# + "\n"
    private static let refusal =
        #"{"ok":false,"error":{"code":"line_too_long","message":"no","retryable":false}}"# + "\n"

    @Test func itIsTheAnswerToTheOneRequestThatIsOpen() throws {
        let peer = try ScriptedPeer([Self.hello, Self.ping, Self.refusal])
        let jobq = try ReconnectingConnection(path: peer.path)
        let error = try #require(throws: ProtocolError.self) {
            try jobq.enqueue(JobToEnqueue(queue: "q"))
        }
        #expect(error.errorCode == .lineTooLong)
    }

    @Test func itIsNotTheAnswerToAClaimThatWaits() throws {
        let other = #"{"ok":false,"error":{"code":"bad_json","message":"no","retryable":false}}"# + "\n"
        for refusal in [Self.refusal, other] {
            // The claim gets no answer: an empty line is none.
            let peer = try ScriptedPeer([Self.hello, Self.ping, "\n", refusal])
            let jobq = try ReconnectingConnection(path: peer.path)
            let claimed = DispatchSemaphore(value: 0)
            Thread.detachNewThread {
                _ = try? jobq.claim(ClaimOptions(["q"], waitMs: 60_000))
                claimed.signal()
            }
            try eventually { peer.heard == 3 }
            let job = JobToEnqueue(queue: "q", payload: try JSONDocument("\"\(String(repeating: "x", count: 999))\""))
            #expect(throws: ProtocolError.self) { try jobq.enqueue(job) }
            #expect(claimed.wait(timeout: .now()) == .timedOut)
            jobq.close()
            #expect(claimed.wait(timeout: .now() + 10) == .success)
        }
    }

    @Test func whatIsLongerThanTheDaemonTakesIsNotSent() throws {
        let daemon = try Daemon(.memory, arguments: ["--line-bytes", "1K"])
        let jobq = try ReconnectingConnection(path: daemon.socketPath)
        let long = JobToEnqueue(queue: "q", payload: try JSONDocument("\"\(String(repeating: "x", count: 2_000))\""))
        let error = try #require(throws: ProtocolError.self) { try jobq.enqueue(long) }
        #expect(error.errorCode == .lineTooLong && error.message.contains("takes up to 1024"))
        _ = try jobq.enqueue(JobToEnqueue(queue: "q"))
    }
}
