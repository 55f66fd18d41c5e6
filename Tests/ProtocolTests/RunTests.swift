// `jobqctl run`: what a command is given, what its end means for the job, and how all of it ends: by cancelling, by signals,
// by the death of jobqctl, and not by a restart of the daemon.

import Foundation
import Harness
import Testing

@Suite(.timeLimit(.minutes(1))) struct RunTests {
    private let redis: RedisServer
    private let daemon: Daemon
    private let client: LineClient
    private let folder: TemporaryDirectory

    init() throws {
        redis = try RedisServer()
        daemon = try Daemon(.redis(redis))
        client = try daemon.connect()
        folder = try TemporaryDirectory()
    }

    private static let jobqctl = BuiltProducts.path("jobqctl", variable: "JOBQCTL_BINARY")

    private func arguments(_ options: [String], _ script: String) -> [String] {
        ["run", "--socket", daemon.socketPath, "-q", "q"] + options + ["--", "sh", "-c", script]
    }

    /// Runs until it ends by itself.
    private func run(_ options: String..., script: String) throws -> Program {
        try Program.run(Self.jobqctl, arguments(options, script))
    }

    /// Starts it; its messages are in the process's log.
    private func start(_ options: String..., script: String) throws -> ServerProcess {
        try ServerProcess(Self.jobqctl, arguments(options, script), log: folder.file("log-\(UUID())"))
    }

    /// Waits for a line that a script writes to a file of the folder.
    @discardableResult
    private func line(_ file: String) throws -> String {
        try eventualValue(within: 15, "a line in \(file)") {
            let text = folder.read(file)
            return text.hasSuffix("\n") ? String(text.dropLast()) : nil
        }
    }

    @Test func theCommandGetsThePayloadAndWhatElseThereIsToKnow() throws {
        let job = try client.enqueue(
            "q", ["payload": ["a": [1, "é"]], "type": "t", "max_attempts": 7, "meta": ["trace": "x"]])
        let result = try run(
            "--once", "--name", "w", "--result",
            script: #"cat; printf '["%s"]' "$JOBQ_JOB" >&2; [ "$JOBQ_META" ] && echo >&2; env | grep ^JOBQ >&2"#)
        #expect(result.status == 0)
        let variables = Set(result.errors.split(separator: "\n").map(String.init))
        let expected = [
            "[\"\(job)\"]", "JOBQ_JOB=\(job)", "JOBQ_QUEUE=q", "JOBQ_TYPE=t", "JOBQ_ATTEMPT=1", "JOBQ_MAX_ATTEMPTS=7",
            #"JOBQ_META={"trace":"x"}"#, "JOBQD_SOCKET=\(daemon.socketPath)",
        ]
        for line in expected { #expect(variables.contains(line), "\(line) in \(result.errors)") }
        #expect(variables.contains { $0.hasPrefix("JOBQ_TOKEN=") })
        let record = try client.record(job)
        #expect(record["state"] == "completed" && record["worker"] == "w")
        #expect(record["result"] == ["a": [1, "é"]])
    }

    @Test(arguments: [([String](), "\"a b\"\n"), (["--raw-strings"], "a b")])
    func aStringIsPassedAsJSONOrAsItsText(options: [String], input: String) throws {
        try client.enqueue("q", ["payload": "a b"])
        let result = try Program.run(Self.jobqctl, arguments(["--once"] + options, "cat"))
        #expect(result.output == input)
    }

    @Test func outputThatIsNoJSONIsAStringAndNoneIsNoResult() throws {
        let jobs = try client.enqueueMany("q", 2)
        let result = try run("--count", "2", "--result", script: "[ $(cat) = 0 ] && printf 'two\\nlines\\n' || true")
        #expect(result.status == 0)
        #expect(try client.record(jobs[0])["result"] == "two\nlines")
        #expect(try client.record(jobs[1])["result"].isNull)
    }

    @Test(arguments: [
        ("exit 1", "retrying", "exit status 1: so"), ("exit 75", "retrying", "exit status 75: so"),
        ("exit 65", "dead", "exit status 65: so"), ("kill -9 $$", "retrying", "ended by signal 9: so"),
    ])
    func theExitStatusDecides(end: String, state: String, error: String) throws {
        let job = try client.enqueue("q")
        let result = try run("--once", script: "echo so >&2; \(end)")
        #expect(result.status == 0)
        let record = try client.record(job)
        #expect(record["state"].string == state)
        #expect(record["error"].string == error)
        #expect(result.errors.hasPrefix("so\n"))
    }

    @Test func otherStatusesCanBeMadeFinal() throws {
        let job = try client.enqueue("q")
        _ = try run("--once", "--dead-status", "2,3", script: "exit 3")
        #expect(try client.state(job) == "dead")
    }

    @Test func aLongComplaintIsCutToItsEnd() throws {
        let job = try client.enqueue("q")
        _ = try run("--once", script: "seq 100000 >&2; exit 1")
        let error = try #require(try client.record(job)["error"].string)
        #expect(error.hasPrefix("exit status 1: ") && error.hasSuffix("\n99999\n100000"))
        #expect(error.utf8.count > 8_000 && error.utf8.count <= 16_384)
    }

    @Test func aCommandThatCannotBeRunCostsNoAttempt() throws {
        let job = try client.enqueue("q")
        let result = try Program.run(
            Self.jobqctl, ["run", "--socket", daemon.socketPath, "-q", "q", "--", "/nonexistent/command"])
        #expect(result.status == 78)
        #expect(result.errors == "jobqctl: /nonexistent/command: No such file or directory\n")
        #expect(try client.record(job)["attempts"] == 0)
    }

    @Test func withoutDescriptorsForACommandItEndsWithNotNow() throws {
        let job = try client.enqueue("q")
        let result = try Program.run(
            "prlimit", ["--nofile=8:8", Self.jobqctl, "run", "--socket", daemon.socketPath, "-q", "q", "--", "true"])
        #expect(result.status == 75 && result.errors == "jobqctl: true: Too many open files\n")
        #expect(try client.record(job)["attempts"] == 0)
    }

    @Test func withoutADaemonItEndsWithStatus69() throws {
        let result = try Program.run(
            Self.jobqctl, ["run", "--socket", folder.file("nobody"), "-q", "q", "--", "true"])
        #expect(result.status == 69 && result.errors.contains("cannot reach jobqd"))
    }

    @Test func idleExitLeavesWhenTheQueueIsEmptyAndRunsSeveralAtOnce() throws {
        let jobs = try client.enqueueMany("q", 6)
        // Each waits until another one runs beside it.
        let script = """
            touch \(folder.file("r"))$JOBQ_TOKEN; while [ $(ls \(folder.path)/r* | wc -l) -lt 2 ]; do sleep 0.01; done
            """
        let result = try run("-j", "3", "--idle-exit", script: script)
        #expect(result.status == 0)
        for job in jobs { #expect(try client.state(job) == "completed") }
    }

    @Test func theLeaseIsRenewedWhileTheCommandRuns() throws {
        let job = try client.enqueue("q", ["lease_ms": 400])
        _ = try run("--once", script: "sleep 1.5")
        let record = try client.record(job)
        #expect(record["state"] == "completed" && record["attempts"] == 1)
    }

    @Test func aCancelledJobsWholeGroupIsEnded() throws {
        let job = try client.enqueue("q")
        let running = try start(
            "--once", "--kill-after", "300ms",
            script: "trap '' TERM; sleep 600 & echo $! > \(folder.file("pid")); wait; sleep 600")
        let child = try #require(Int32(try line("pid")))
        try client.call("cancel", ["job": JSON(job), "reason": "enough"])
        #expect(try running.waitForEnd() == .exited(0))
        let record = try client.record(job)
        #expect(record["state"] == "cancelled")
        #expect(record["history"][0]["error"].string == "cancelled (enough): ended by signal 9")
        try eventually("the grandchild gone") { Foundation.kill(child, 0) != 0 }
    }

    @Test func whatLostItsLeaseIsEndedAndNotReported() throws {
        let job = try client.enqueue("q", ["lease_ms": 600])
        let running = try start("--once", script: "echo $JOBQ_TOKEN > \(folder.file("token")); sleep 600")
        try client.call("release", ["job": JSON(job), "token": JSON(try line("token")), "delay_ms": 600_000])
        // The next renewal, at a third of the lease, is refused.
        #expect(try running.waitForEnd() == .exited(0))
        #expect(running.log.contains("\(job): the lease was lost; ended by signal 15"))
        #expect(try client.state(job) == "scheduled")
    }

    @Test(arguments: [SIGTERM, SIGINT]) func aSignalLetsWhatRunsFinishAndClaimsNoMore(_ signal: Int32) throws {
        let jobs = try client.enqueueMany("q", 2)
        let running = try start(
            script: "echo > \(folder.file("begun")); while [ ! -e \(folder.file("go")) ]; do sleep 0.01; done")
        try line("begun")
        running.send(signal: signal)
        #expect(running.isRunning)
        _ = try folder.write("", to: "go")
        #expect(try running.waitForEnd() == .exited(0))
        #expect(try client.state(jobs[0]) == "completed")
        #expect(try client.state(jobs[1]) == "queued")
    }

    @Test func anIdleOneEndsAtOnce() throws {
        let running = try start(script: "true")
        try eventually { try client.call("info")["waiting_claims"] == 1 }
        running.send(signal: SIGTERM)
        #expect(try running.waitForEnd() == .exited(0))
    }

    @Test func aSecondSignalEndsTheCommandAndGivesTheJobBack() throws {
        let job = try client.enqueue("q")
        let running = try start(script: "echo $$ > \(folder.file("pid")); sleep 600")
        let child = try #require(Int32(try line("pid")))
        // Two of one kind could be delivered as one.
        running.send(signal: SIGTERM)
        running.send(signal: SIGINT)
        #expect(try running.waitForEnd() == .exited(0))
        #expect(Foundation.kill(child, 0) != 0)
        let record = try client.record(job)
        #expect(record["state"] == "queued" && record["attempts"] == 0)
    }

    @Test func whenJobqctlIsKilledTheCommandDiesAndTheJobIsBackAtOnce() throws {
        let job = try client.enqueue("q", ["lease_ms": 600_000])
        let running = try start(script: "echo $$ > \(folder.file("pid")); exec sleep 600")
        let child = try #require(Int32(try line("pid")))
        let seconds = try elapsed { () throws in
            running.kill()
            #expect(try client.claimOne("q")["attempt"] == 2)
        }
        #expect(seconds < 1)
        #expect(try client.record(job)["history"][0]["outcome"] == "worker_gone")
        try eventually("the command gone") { Foundation.kill(child, 0) != 0 }
    }

    @Test func aRestartOfTheDaemonDoesNotDisturbWhatRuns() throws {
        let job = try client.enqueue("q", ["lease_ms": 5_000])
        let running = try start(
            script: "echo > \(folder.file("begun")); while [ ! -e \(folder.file("go")) ]; do sleep 0.01; done")
        try line("begun")
        try daemon.restart()
        let observer = try daemon.connect()
        try eventually(within: 10, "its job in its hands again: \(running.log)") {
            try observer.call("workers")["workers"][0]["jobs"].array == [JSON(job)]
        }
        _ = try folder.write("", to: "go")
        try eventually { try observer.state(job) == "completed" }
        let next = try observer.enqueue("q")
        try eventually { try observer.state(next) == "completed" }
        #expect(try observer.record(job)["attempts"] == 1)
        running.send(signal: SIGTERM)
        #expect(try running.waitForEnd() == .exited(0))
    }

    @Test func aCommandThatEndsWhileTheDaemonIsAwayIsReportedLater() throws {
        let job = try client.enqueue("q")
        let running = try start(
            "--once",
            script: """
                echo > \(folder.file("begun")); while [ ! -e \(folder.file("go")) ]; do sleep 0.01; done
                echo > \(folder.file("over"))
                """)
        try line("begun")
        daemon.kill()
        _ = try folder.write("", to: "go")
        try line("over")
        try daemon.start()
        #expect(try running.waitForEnd() == .exited(0))
        #expect(try daemon.connect().state(job) == "completed")
        #expect(running.log.contains("waiting for it"))
    }

    @Test func everyJobIsDoneOverManyRestartsOfTheDaemon() throws {
        let jobs = try client.enqueueMany("q", 60, ["lease_ms": 2_000])
        let running = try (0..<2).map { _ in
            try start("-j", "2", script: "cat >> \(folder.file("done")); sleep 0.03")
        }
        // Who finds no daemon at the start gives up.
        try eventually("both are connected") { try client.call("workers")["workers"].array.count == 2 }
        for round in 0..<3 {
            let seen = folder.read("done").count
            try eventually("more jobs done") { folder.read("done").count > seen }
            if round == 1 { _ = try daemon.terminate() } else { daemon.kill() }
            try daemon.start()
        }
        let observer = try daemon.connect()
        // What was claimed when the daemon died before it could say so comes back with its lease.
        try eventually(within: 30, "all done") {
            try observer.stats("q")["depth"]["completed"].int == jobs.count
        }
        #expect(Set(folder.read("done").split(separator: "\n")).count == jobs.count)
        for one in running { one.send(signal: SIGTERM) }
        for one in running { #expect(try one.waitForEnd() == .exited(0), "\(one.log)") }
    }

    @Test func jsonTellsWhatTheDaemonAnsweredToEachReport() throws {
        let job = try client.enqueue("q")
        let result = try run("--once", "--json", script: "exit 65")
        let line = try JSON(parsing: result.output.utf8)
        #expect(line["job"].string == job)
        #expect(line["reply"]["ok"] == true && line["reply"]["state"] == "dead")
    }

    @Test func aQuietWorkerClaimsNothingUntilItMayAgain() throws {
        let running = try start("--name", "shy", script: "true")
        try eventually { try client.call("info")["waiting_claims"] == 1 }
        try client.call("quiet", ["worker": "shy"])
        let job = try client.enqueue("q")
        #expect(try client.claimOne("q", ["wait_ms": 0])["job"].string == job)
        try client.call("resume", ["worker": "shy"])
        let second = try client.enqueue("q")
        try eventually { try client.state(second) == "completed" }
        running.kill()
    }
}
