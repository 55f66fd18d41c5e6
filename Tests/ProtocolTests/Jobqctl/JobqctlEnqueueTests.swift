// jobqctl enqueue: all options of a job, and many jobs from lines.

import Foundation
import Harness
import Testing

@Suite(.timeLimit(.minutes(2))) struct JobqctlEnqueueTests {
    private let daemon: Daemon
    private let jobqctl: AdminTool
    private let client: LineClient
    private let directory: TemporaryDirectory

    init() throws {
        daemon = try Daemon(.memory)
        jobqctl = AdminTool(daemon: daemon)
        client = try daemon.connect()
        directory = try TemporaryDirectory()
    }

    @Test func everyOptionOfAJobArrives() throws {
        let enqueued = try jobqctl(
            "enqueue", "email", #"{"a":1.10}"#, "--job-id", "a", "--type", "t", "--priority", "-7", "--front",
            "--delay",
            "1h", "--expires-in", "2h", "--max-attempts", "9", "--backoff", "fixed:5s", "--lease", "45s", "--keep",
            "7d",
            "--unique-key", "k", "--unique-until", "claimed", "--unique-ttl", "1d", "--meta", #"{"m":true}"#)
        #expect(enqueued.status == 0 && enqueued.output == "email/a\n")
        let record = try client.record("email/a")
        #expect(record["state"] == "scheduled" && record["priority"] == -7 && record["max_attempts"] == 9)
        #expect(record["unique"] == "k" && record["meta"]["m"] == true && record["type"] == "t")
        #expect(isLater(record["run_at"], than: record["enqueued_at"], by: 3_600_000))
        #expect(isLater(record["expires_at"], than: record["enqueued_at"], by: 7_200_000))
        #expect(try jobqctl("job", "promote", "email/a").status == 0)
        let claimed = try client.claimOne("email")
        #expect(claimed["lease_ms"] == 45_000)
        // The key is free again: it was held until the claim.
        #expect(try !jobqctl.json("enqueue", "email", "--unique-key", "k").has("duplicate"))
        let second = try jobqctl("enqueue", "email", "--unique-key", "k")
        #expect(second.status == 0 && second.errors == "jobqctl: already exists (queued); nothing changed\n")
    }

    @Test func timeToRunIsWrittenAsPeopleDo() throws {
        _ = try jobqctl("enqueue", "q", "--job-id", "a", "--run-at", "2999-01-01T00:00:00Z")
        #expect(try client.record("q/a")["run_at"] == 32_472_144_000_000)
        #expect(try jobqctl("enqueue", "q", "--run-at", "tomorrow").status == 64)
        #expect(try jobqctl("enqueue", "q", "--run-at", "2999-01-01", "--delay", "1s").status == 64)
    }

    @Test func payloadComesFromAFile() throws {
        let file = try directory.write("{\n \"n\": 1 }\n", to: "payload.json")
        #expect(try jobqctl("enqueue", "q", "--file", file, "--job-id", "a").status == 0)
        #expect(try client.record("q/a")["payload"] == ["n": 1])
        let missing = try jobqctl("enqueue", "q", "--file", "/nonexistent")
        #expect(missing.status == 66 && missing.errors == "jobqctl: /nonexistent: No such file or directory\n")
        #expect(try jobqctl("enqueue", "q", "1", "--file", file).status == 64)
    }

    // MARK: Many

    @Test func everyLineBecomesAJobInItsOrder() throws {
        let lines = (1...2_300).map { "{\"n\":\($0)}\n" }.joined(separator: "\n")
        let result = try jobqctl("enqueue", "q", "--ndjson", "--type", "t", input: lines)
        #expect(result.status == 0 && result.output == "2300 jobs enqueued\n" && result.errors.isEmpty)
        let first = try client.claim("q", ["max": 100])
        #expect(first.compactMap { $0["payload"]["n"].int } == Array(1...100) && first[0]["type"] == "t")
        #expect(try client.depth("q", "queued") == 2_200)
    }

    @Test func bigLinesGoInAsManyRequestsAsTheyNeed() throws {
        let text = String(repeating: "x", count: 400_000)
        let result = try jobqctl("enqueue", "q", "--ndjson", input: (1...5).map { _ in "\"\(text)\"\n" }.joined())
        #expect(result.status == 0 && result.output == "5 jobs enqueued\n")
        #expect(try client.depth("q", "queued") == 5)
        let huge = try jobqctl("enqueue", "q", "--ndjson", input: "1\n\"\(text)\(text)\(text)\"\n")
        #expect(
            huge.status == 65 && huge.output == "1 job enqueued\n"
                && huge.errors.contains("line 2: is too long: at most 1048576 bytes"))
    }

    /// What is added to each line, its id first of all, is counted too, however many lines fit into a request.
    @Test(arguments: [(1_000, 3_000), (5_000, 500), (20, 2_500)])
    func linesOfAnySizeFitWithTheirIds(bytes: Int, count: Int) throws {
        let line = "\"\(String(repeating: "x", count: bytes))\"\n"
        let input = String(repeating: line, count: count)
        let result = try jobqctl("enqueue", "q", "--ndjson", "--type", "some", input: input)
        #expect(result.status == 0 && result.output == "\(count) jobs enqueued\n", "\(result.errors)")
        let whole = try jobqctl(
            "enqueue", "q", "--jobs", input: String(repeating: "{\"payload\":\(line.dropLast())}\n", count: count))
        #expect(whole.status == 0, "\(whole.errors)")
        #expect(try client.depth("q", "queued") == 2 * count)
    }

    @Test func batchesFollowTheLimitOfTheDaemon() throws {
        let daemon = try Daemon(.memory, arguments: ["--line-bytes", "1K"])
        let lines = (1...200).map { "\"\(String(repeating: "x", count: $0 * 4))\"\n" }.joined()
        let result = try AdminTool(daemon: daemon)("enqueue", "q", "--ndjson", input: lines)
        #expect(result.status == 0 && result.output == "200 jobs enqueued\n", "\(result.errors)")
    }

    @Test func linesBeforeAWrongOneAreInAndSkipGoesOnBehindThem() throws {
        let file = try directory.write("1\n2\n{oops\n4\n", to: "lines")
        let result = try jobqctl("enqueue", "q", "--ndjson", "--file", file)
        #expect(result.status == 65 && result.output == "2 jobs enqueued\n")
        #expect(result.errors.hasPrefix("jobqctl: line 3: is not JSON: "))
        #expect(result.errors.hasSuffix("; go on with --skip 2\n"))
        _ = try directory.write("1\n2\n3\n4\n", to: "lines")
        #expect(try jobqctl("enqueue", "q", "--ndjson", "--file", file, "--skip", "2").output == "2 jobs enqueued\n")
        #expect(try client.claim("q", ["max": 10]).compactMap { $0["payload"].int } == [1, 2, 3, 4])
    }

    @Test func wholeJobsHaveTheirOwnQueuesAndOptions() throws {
        let lines = """
            {"queue":"a","payload":1,"job_id":"x","priority":5}

            {"payload":2,"job_id":"y"}
            {"payload":2,"job_id":"y"}
            """
        let result = try jobqctl("enqueue", "q", "--jobs", input: lines)
        #expect(result.status == 0 && result.output == "3 jobs enqueued, 1 of them existed already\n")
        #expect(try client.record("a/x")["priority"] == 5 && client.state("q/y") == "queued")
    }

    @Test func jobThatTheDaemonRefusesIsNamedByItsLine() throws {
        let lines = "{\"queue\":\"a\"}\n{\"queue\":\"a\"}\n{\"queue\":\"a\",\"priority\":1000}\n{\"queue\":\"a\"}\n"
        let result = try jobqctl("enqueue", "--jobs", input: lines)
        #expect(result.status == 65 && result.output == "2 jobs enqueued\n")
        #expect(result.errors.hasPrefix("jobqctl: line 3: priority must be ") && result.errors.hasSuffix("--skip 2\n"))
        let none = try jobqctl("enqueue", "--jobs", input: "{\"payload\":1}\n")
        #expect(none.status == 65 && none.output == "0 jobs enqueued\n" && none.errors.contains("line 1: "))
        #expect(try jobqctl("enqueue", "--jobs", input: "7\n").errors.contains("line 1: is not a JSON object"))
    }

    @Test func fullQueueEndsItWithTheStatusOfNotNow() throws {
        _ = try client.call("configure", ["create": true, "queue": "q", "max_len": 3])
        let result = try jobqctl("enqueue", "q", "--ndjson", input: (1...10).map { "\($0)\n" }.joined())
        #expect(result.status == 75 && result.output == "3 jobs enqueued\n")
        #expect(result.errors.contains("line 4: ") && result.errors.contains("queue_full"))
        #expect(result.errors.contains("go on with --skip 3"))
    }

    @Test func linesOfOtherQueuesBehindAFullOneAreTold() throws {
        _ = try client.call("configure", ["create": true, "queue": "q", "max_len": 1])
        let lines = ["q", "q", "r", "q", "r"].map { "{\"queue\":\"\($0)\"}\n" }
        let result = try jobqctl("enqueue", "--jobs", input: lines.joined())
        #expect(result.status == 75 && result.output == "3 jobs enqueued\n")
        #expect(result.errors.contains("line 2: "))
        #expect(result.errors.contains("2 lines behind it went in, which --skip 1 would enqueue again"))
        #expect(try client.depth("r", "queued") == 2)
    }

    @Test(arguments: [
        ["q", "--ndjson", "--jobs"], ["q", "5", "--ndjson"], ["q", "--skip", "1"], ["q", "--ndjson", "--job-id", "a"],
        ["--jobs", "--type", "t"], ["--ndjson"], [], ["q", "--unique-ttl", "1s"], ["q", "--delay", "x"],
    ])
    func optionsThatDoNotGoTogetherAreStatus64(arguments: [String]) throws {
        let result = try Program.run(
            AdminTool.path, ["enqueue"] + arguments, environment: ["JOBQD_SOCKET": daemon.socketPath])
        #expect(result.status == 64)
    }

    @Test func linesOfASlowInputAreNotHeldBack() throws {
        let terminal = try jobqctl.atTerminal("enqueue", "q", "--ndjson")
        for count in 1...2 {
            try terminal.send("\(count)\n")
            try eventually("line \(count) is a job") { (try? client.depth("q", "queued")) == count }
        }
        #expect(terminal.process.isRunning)
        try terminal.send("\u{4}")
        try terminal.read(until: "2 jobs enqueued")
        #expect(try terminal.waitForEnd() == .exited(0))
    }

    @Test func interruptedInputSaysWhereToGoOn() throws {
        let terminal = try jobqctl.atTerminal("enqueue", "q", "--ndjson")
        try terminal.send("1\n2\n")
        try eventually("both lines are jobs") { (try? client.depth("q", "queued")) == 2 }
        try terminal.send("\u{3}")
        try terminal.read(until: "2 jobs enqueued")
        try terminal.read(until: "interrupted after line 2; go on with --skip 2")
        #expect(try terminal.waitForEnd() == .exited(130))
    }

    @Test func halfALineIsNoJobWhenInputIsInterrupted() throws {
        let input = Pipe()
        let process = try ServerProcess(
            AdminTool.path, ["enqueue", "q", "--ndjson"], environment: ["JOBQD_SOCKET": daemon.socketPath],
            standardInput: input.fileHandleForReading.fileDescriptor)
        input.fileHandleForWriting.write(Data("1\n23".utf8))
        try eventually("the whole line is a job") { (try? client.depth("q", "queued")) == 1 }
        process.send(signal: SIGINT)
        #expect(try process.waitForEnd() == .exited(130))
        #expect(try client.depth("q", "queued") == 1)
    }

    @Test func progressOfAFileIsDrawnOnATerminal() throws {
        let file = try directory.write((1...20_000).map { "\($0)\n" }.joined(), to: "lines")
        let terminal = try jobqctl.atTerminal("enqueue", "q", "--ndjson", "--file", file)
        try terminal.read(until: "\renqueueing  [")
        try terminal.read(until: " %  ")
        try terminal.read(until: "\r\u{1B}[K20000 jobs enqueued", within: 30)
        #expect(try terminal.waitForEnd() == .exited(0))
    }
}
