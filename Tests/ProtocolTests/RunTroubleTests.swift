// `jobqctl run` where something does not fit or does not move: reports longer than a line, reports that are refused, a
// standard error that nobody reads, groups that take their time to end, bytes that are no text.

import Foundation
import Harness
import Testing

@Suite(.timeLimit(.minutes(2))) struct RunTroubleTests {
    private let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    private func arguments(_ daemon: Daemon, _ options: [String], _ script: String) -> [String] {
        ["run", "--socket", daemon.socketPath, "-q", "q"] + options + ["--", "sh", "-c", script]
    }

    private func run(_ daemon: Daemon, _ options: String..., script: String) throws -> Program {
        try Program.run(AdminTool.path, arguments(daemon, options, script))
    }

    private func start(_ daemon: Daemon, _ options: String..., script: String) throws -> ServerProcess {
        try ServerProcess(AdminTool.path, arguments(daemon, options, script), log: folder.file("log-\(UUID())"))
    }

    // MARK: Reports that do not fit

    @Test(arguments: [
        ("1M", "head -c 200000 /dev/zero"), ("1K", "head -c 900 /dev/zero | tr '\\0' '\\001'"),
        ("8K", "printf '[\"'; head -c 9000 /dev/zero | tr '\\0' x; printf '\"]'"),
    ])
    func aResultLongerThanALineFailsTheJobForGood(lineBytes: String, script: String) throws {
        let daemon = try Daemon(.memory, arguments: ["--line-bytes", lineBytes])
        let client = try daemon.connect()
        let job = try client.enqueue("q")
        let result = try run(daemon, "--once", "--result", script: script)
        #expect(result.status == 0)
        let record = try client.record(job)
        #expect(record["state"] == "dead" && record["attempts"] == 1)
        #expect(record["error"].string?.hasPrefix("the output is longer than ") == true, "\(record["error"])")
        #expect(result.errors.contains("the output is longer than"))
    }

    @Test(arguments: [("8K", 20_000), ("1K", 20_000), ("1K", 300)])
    func aComplaintLongerThanALineIsCut(lineBytes: String, count: Int) throws {
        let daemon = try Daemon(.memory, arguments: ["--line-bytes", lineBytes])
        let client = try daemon.connect()
        let job = try client.enqueue("q")
        let result = try run(daemon, "--once", script: "head -c \(count) /dev/zero >&2; echo end >&2; exit 1")
        #expect(result.status == 0)
        let record = try client.record(job)
        #expect(record["state"] == "retrying")
        let error = try #require(record["error"].string)
        #expect(error.hasPrefix("exit status 1: \0") && error.hasSuffix("\0end"))
    }

    @Test func theReasonOfACancelIsCutWithItsJobsError() throws {
        let daemon = try Daemon(.memory, arguments: ["--line-bytes", "1K"])
        let client = try daemon.connect()
        let job = try client.enqueue("q")
        let running = try start(daemon, "--once", script: "echo > \(folder.file("begun")); exec sleep 600")
        try eventually(within: 15) { folder.read("begun") == "\n" }
        try client.call("cancel", ["job": JSON(job), "reason": JSON(String(repeating: "\"", count: 128))])
        #expect(try running.waitForEnd() == .exited(0))
        #expect(try client.state(job) == "cancelled")
    }

    @Test func aResultThatIsRefusedIsAFailureThatSaysSo() throws {
        let daemon = try Daemon(.memory)
        let client = try daemon.connect()
        let job = try client.enqueue("q")
        // Deeper than a reply of the daemon can carry it, though JSON in itself.
        let depth = 127
        let nested = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        let result = try run(daemon, "--once", "--result", script: "printf '%s' '\(nested)'")
        #expect(result.status == 0)
        let record = try client.record(job)
        #expect(record["state"] == "dead" || record["result"].array.count == 1)
        if record["state"] == "dead" { #expect(record["error"].string?.hasPrefix("the result was refused") == true) }
    }

    @Test func aSignalEndsOneWhoseReportHasNoAnswer() throws {
        let daemon = try Daemon(.memory)
        let client = try daemon.connect()
        try client.enqueue("q")
        let running = try start(
            daemon, "--timeout", "500ms",
            script: "echo > \(folder.file("begun")); while [ ! -e \(folder.file("go")) ]; do sleep 0.01; done")
        try eventually(within: 15) { folder.read("begun") == "\n" }
        daemon.process.send(signal: SIGSTOP)
        defer { daemon.process.send(signal: SIGCONT) }
        try folder.write("", to: "go")
        running.send(signal: SIGTERM)
        #expect(try running.waitForEnd() == .exited(75))
    }

    @Test func aFullRedisIsWaitedFor() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let client = try daemon.connect()
        let job = try client.enqueue("q")
        let running = try start(
            daemon, "--once",
            script: "echo > \(folder.file("begun")); while [ ! -e \(folder.file("go")) ]; do sleep 0.01; done")
        try eventually(within: 15) { folder.read("begun") == "\n" }
        // A server that takes no writes at all from here on, but answers.
        try redis.command("CONFIG", "SET", "maxmemory", "1")
        try folder.write("", to: "go")
        try eventually(within: 10, "the report is on hold or done: \(running.log)") {
            try running.log.contains("waiting") || client.state(job) == "completed"
        }
        try redis.command("CONFIG", "SET", "maxmemory", "0")
        #expect(try running.waitForEnd() == .exited(0))
        let record = try client.record(job)
        #expect(record["state"] == "completed" && record["attempts"] == 1)
    }

    // MARK: Standard error and what is left behind

    @Test func aStandardErrorThatNobodyReadsCostsNoLease() throws {
        let daemon = try Daemon(.memory)
        let client = try daemon.connect()
        let job = try client.enqueue("q", ["lease_ms": 600])
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        let script = "head -c 1000000 /dev/zero | tr '\\0' x >&2; sleep 2; exit 0"
        // The shell has the pipe as its standard error; nobody reads it before the job is done.
        let fd = ends[1]
        let command = "exec \"$@\" 2>&3"
        let running = try ServerProcess(
            "sh",
            ["-c", command.replacing("2>&3", with: "2>&0 <&1"), "sh", AdminTool.path]
                + arguments(daemon, ["--once"], script), standardInput: fd)
        #expect(try running.waitForEnd(within: 20) == .exited(0))
        let record = try client.record(job)
        #expect(record["state"] == "completed" && record["attempts"] == 1)
    }

    @Test func whatWasDroppedIsCountedOnceThereIsRoomAgain() throws {
        let daemon = try Daemon(.memory)
        let client = try daemon.connect()
        let jobs = try client.enqueueMany("q", 2)
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        let script =
            "head -c 1000000 /dev/zero | tr '\\0' x >&2; while [ ! -e \(folder.file("go")) ]; do sleep 0.01; done"
        let running = try ServerProcess(
            "sh", ["-c", "exec \"$@\" 2>&0 <&1", "sh", AdminTool.path] + arguments(daemon, ["--count", "2"], script),
            standardInput: ends[1])
        close(ends[1])
        try eventually(within: 10) { try client.state(jobs[0]) == "processing" }
        try folder.write("", to: "go")
        try eventually(within: 20) { try client.state(jobs[1]) == "completed" }
        let handle = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
        let text = String(decoding: handle.readDataToEndOfFile(), as: UTF8.self)
        #expect(try running.waitForEnd() == .exited(0))
        #expect(text.contains("bytes of output dropped here"))
    }

    @Test func whatACommandLeavesBehindCanSpeakAsLongAsTheWorkerLives() throws {
        let daemon = try Daemon(.memory)
        let client = try daemon.connect()
        let job = try client.enqueue("q")
        let alive = folder.file("alive")
        let running = try start(
            daemon,
            script:
                "(while [ ! -e \(folder.file("go")) ]; do sleep 0.01; done; echo late >&2; echo yes > \(alive)) & exit 0"
        )
        try eventually(within: 15) { try client.state(job) == "completed" }
        try folder.write("", to: "go")
        try eventually(within: 10, "it is alive: \(running.log)") { folder.read("alive") == "yes\n" }
        try eventually { running.log.contains("late") }
        running.send(signal: SIGTERM)
        #expect(try running.waitForEnd() == .exited(0))
    }

    // MARK: Ends of groups

    /// The worker below the shell cleans up, though the shell dies of SIGTERM at once.
    @Test func theWholeGroupHasTheTimeToCleanUp() throws {
        let daemon = try Daemon(.memory)
        let client = try daemon.connect()
        let job = try client.enqueue("q")
        let inner = try folder.write(
            """
            trap 'while [ ! -e \(folder.file("go")) ]; do sleep 0.01; done; echo clean > \(folder.file("clean")); exit' TERM
            echo > \(folder.file("begun"))
            while :; do sleep 0.05; done
            """, to: "inner")
        let running = try start(daemon, "--once", "--kill-after", "50s", script: "sh \(inner); echo no")
        try eventually(within: 15) { folder.read("begun") == "\n" }
        try client.call("cancel", ["job": JSON(job)])
        // The shell is dead; its group is not.
        try eventually(within: 10, "the shell is dead") { try !childIsRunning(of: running.pid) }
        #expect(try client.state(job) == "processing")
        try folder.write("", to: "go")
        #expect(try running.waitForEnd(within: 20) == .exited(0))
        #expect(folder.read("clean") == "clean\n")
        #expect(try client.state(job) == "cancelled")
    }

    @Test func whoeverStaysInTheGroupIsKilledWhenTheTimeIsOver() throws {
        let daemon = try Daemon(.memory)
        let client = try daemon.connect()
        let job = try client.enqueue("q")
        let inner = try folder.write(
            "trap '' TERM; echo $$ > \(folder.file("pid")); while :; do sleep 0.05; done", to: "inner")
        let running = try start(daemon, "--once", "--kill-after", "700ms", script: "sh \(inner); echo no")
        let pid = try eventualValue(within: 15) { Int32(folder.read("pid").trimmingCharacters(in: .newlines)) }
        try client.call("cancel", ["job": JSON(job)])
        #expect(try running.waitForEnd() == .exited(0))
        try eventually { Foundation.kill(pid, 0) != 0 }
    }

    /// Whether a process has a child that is not dead.
    private func childIsRunning(of parent: Int32) throws -> Bool {
        let result = try Program.run("ps", ["-o", "stat=", "--ppid", String(parent)])
        return result.output.split(separator: "\n").contains { !$0.hasPrefix("Z") }
    }

    // MARK: Bytes

    /// Runs a line of sh with jobqctl as `$J`; what it writes is of any bytes.
    private func shell(_ daemon: Daemon, _ line: String) throws -> Program {
        try Program.run(
            "bash", ["-c", line],
            environment: ["J": AdminTool.path, "JOBQD_SOCKET": daemon.socketPath, "T": folder.path])
    }

    @Test(arguments: [
        #""$J" enqueue q "$(printf '"caf\351"')""#, #"printf '"caf\351"' | "$J" enqueue q -"#,
        #"printf '"caf\351"' > "$T/f"; "$J" enqueue q --file "$T/f""#, #"printf '"caf\351"' | "$J" enqueue q --ndjson"#,
        #""$J" call "$(printf '{"op":"enqueue","queue":"q","payload":"\377"}')""#,
        #""$J" enqueue q 1 --meta "$(printf '{"a":"\377"}')""#, #""$J" enqueue q 1 --type "$(printf '\300\200')""#,
    ])
    func whatIsNotUTF8IsRefusedAndNotStored(line: String) throws {
        let daemon = try Daemon(.memory)
        let result = try shell(daemon, line)
        #expect(result.status == 65 && result.errors.contains("UTF-8"), "\(result.errors)")
        #expect(try daemon.connect().call("queues")["queues"].array.isEmpty)
    }

    @Test func theCommandGetsItsArgumentsAndEnvironmentByteForByte() throws {
        let daemon = try Daemon(.memory)
        try daemon.connect().enqueue("q")
        let script = #"printf %s "$1" | od -An -tx1; printf %s "$DIR" | od -An -tx1; cat "$2""#
        let result = try shell(
            daemon,
            #"f="$T/$(printf 'caf\351')"; echo hello > "$f"; export DIR=$(printf 'x\351\377y'); "$J" run -q q --once -- sh -c '"#
                + script + #"' sh "$(printf 'a\200b')" "$f""#)
        #expect(result.status == 0)
        #expect(result.output == " 61 80 62\n 78 e9 ff 79\nhello\n")
    }
}
