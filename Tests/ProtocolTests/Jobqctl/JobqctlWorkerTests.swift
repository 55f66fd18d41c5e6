// jobqctl claim, complete, fail, extend and release, as a worker in shell uses them.

import Harness
import Testing

@Suite(.timeLimit(.minutes(2))) struct JobqctlWorkerTests {
    private let daemon: Daemon
    private let jobqctl: AdminTool
    private let client: LineClient

    init() throws {
        daemon = try Daemon(.memory)
        jobqctl = AdminTool(daemon: daemon)
        client = try daemon.connect()
    }

    /// The parts of the one line that claim prints.
    private func claim() throws -> [String] {
        let result = try jobqctl("claim", "other", "q")
        #expect(result.status == 0)
        return result.output.dropLast().split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
    }

    @Test func claimedJobIsALineOfNameTokenAttemptAndPayload() throws {
        _ = try client.enqueue("q", ["job_id": "a", "payload": ["n": 1]])
        let parts = try claim()
        #expect(parts.count == 4 && parts[0] == "q/a" && parts[2] == "1" && parts[3] == #"{"n":1}"#)
        #expect(try jobqctl("complete", parts[0], parts[1], "--result", "[1.10]").output == "q/a is completed\n")
        #expect(try client.record("q/a")["result"].description == "[1.1]")
    }

    @Test func nothingToClaimIsStatus1AfterTheWait() throws {
        let seconds = try elapsed {
            let result = try jobqctl("claim", "q", "--wait", "200ms")
            #expect(result.status == 1 && result.output.isEmpty && result.errors.isEmpty)
        }
        #expect(seconds >= 0.2)
        _ = try client.enqueueMany("q", 3)
        #expect(
            try jobqctl.json("claim", "q", "--max", "5", "--lease", "5s")["jobs"].array.map { $0["lease_ms"] }
                == [5_000, 5_000, 5_000])
    }

    @Test func jobAndTokenComeFromTheEnvironmentOfARunner() throws {
        _ = try client.enqueue("q", ["job_id": "a"])
        let parts = try claim()
        let environment = ["JOBQ_JOB": parts[0], "JOBQ_TOKEN": parts[1]]
        let extended = try jobqctl(
            "extend", "--progress", "50", "--checkpoint", #"{"row":7}"#, "--log", "half done", "--lease", "1min",
            environment: environment)
        #expect(extended.status == 0 && extended.output.hasPrefix("q/a is held until "))
        let shown = try jobqctl("show", "q/a").output
        #expect(
            shown.contains("\nprogress ") && shown.contains("\nlog\n  half done\n") && shown.contains(#"{"row":7}"#))
        _ = try client.call("cancel", ["job": "q/a"])
        #expect(
            try jobqctl("extend", environment: environment).output.contains("\nits cancellation was requested\n"))
        #expect(try jobqctl("extend").status == 64)
        #expect(try jobqctl("extend", "q/a").status == 64)
    }

    @Test func failedJobIsRetriedOrBuried() throws {
        _ = try client.enqueue("q", ["job_id": "a"])
        var parts = try claim()
        let failed = try jobqctl(
            "fail", parts[0], parts[1], "--error", "-", "--retry-in", "0", input: "line 1\nline 2\n")
        #expect(failed.status == 0 && failed.output.hasPrefix("q/a is retried at "))
        #expect(try client.record("q/a")["error"] == "line 1\nline 2")
        parts = try eventualValue { try client.state("q/a") == "queued" ? claim() : nil }
        #expect(try jobqctl("fail", parts[0], parts[1], "--no-retry").output == "q/a is dead\n")
        #expect(try jobqctl("fail", parts[0], parts[1], "--no-retry", "--retry-in", "1s").status == 64)
    }

    @Test func endOfALongErrorIsKept() throws {
        _ = try client.enqueue("q", ["job_id": "a"])
        let parts = try claim()
        let noise = String(repeating: "\u{1}noise\n", count: 10_000)
        #expect(try jobqctl("fail", parts[0], parts[1], "--error", "-", input: noise + "the reason\n").status == 0)
        #expect(try client.record("q/a")["error"].string?.hasSuffix("the reason") == true)
    }

    @Test func releasedJobIsBackAndItsTokenWorthless() throws {
        _ = try client.enqueue("q", ["job_id": "a"])
        let parts = try claim()
        #expect(try jobqctl("release", parts[0], parts[1]).output == "q/a is queued again\n")
        let lost = try jobqctl("complete", parts[0], parts[1])
        #expect(lost.status == 1 && lost.errors.contains("lease_lost"))
        #expect(try jobqctl("complete", parts[0], parts[1], "--result", "{").status == 65)
    }
}
