// jobqctl events, and what of jobqctl outlives the daemon: a follower and a producer, through a restart on the same Redis.

import Harness
import Testing

@Suite(.timeLimit(.minutes(2))) struct JobqctlEventsTests {
    private let server: RedisServer
    private let daemon: Daemon
    private let jobqctl: AdminTool

    init() throws {
        server = try RedisServer()
        daemon = try Daemon(.redis(server))
        jobqctl = AdminTool(daemon: daemon)
    }

    /// Behind a terminal, where each line is written at once; returns when it follows.
    private func follow(_ arguments: String...) throws -> PseudoTerminal {
        let terminal = try PseudoTerminal(
            AdminTool.path, ["events"] + arguments,
            environment: ["JOBQD_SOCKET": daemon.socketPath, "NO_COLOR": "1"], columns: 200)
        try eventually("a subscription") { try daemon.connect().call("info")["subscriptions"] == 1 }
        return terminal
    }

    @Test func eventsAreLinesAsTheyHappen() throws {
        let terminal = try follow("email", "--kind", "completed", "--kind", "dead", "--count", "2")
        let client = try daemon.connect()
        _ = try client.enqueue("other", ["job_id": "a"])
        _ = try client.complete(client.claimOne("other"))
        _ = try client.enqueueMany("email", 2, ["max_attempts": 1])
        let (first, second) = (try client.claimOne("email"), try client.claimOne("email"))
        _ = try client.complete(first)
        _ = try client.fail(second)
        try terminal.read(until: "  completed  \(first["job"].string ?? "")")
        try terminal.read(until: "  dead       \(second["job"].string ?? "")  attempt 1  reason failed")
        #expect(try terminal.waitForEnd() == .exited(0) && !terminal.output.contains("other/a"))
    }

    @Test func aConnectionSubscribesOnce() throws {
        let terminal = try follow()
        let client = try daemon.connect()
        let asked = try MetricSamples(of: client)["jobqd_requests_total{op=\"subscribe\"}"]
        #expect(asked == 1)
        try terminal.send("\u{3}")
        _ = try terminal.waitForEnd()
    }

    @Test func pastIsReadFromTheLogUntilItIsQuiet() throws {
        let client = try daemon.connect()
        for queue in ["email", "images"] { _ = try client.enqueue(queue, ["job_id": "a"]) }
        _ = try client.call("delete", ["job": "email/a"])
        let read = { (arguments: String...) in
            let result = try Program.run(
                AdminTool.path, ["events", "--idle", "300ms", "--json"] + arguments,
                environment: ["JOBQD_SOCKET": daemon.socketPath])
            #expect(result.status == 0 && result.errors.isEmpty)
            return try result.output.split(separator: "\n").map { try JSON(parsing: $0.utf8) }
        }
        let deleted = try read("--since", "1h", "--kind", "deleted")
        #expect(deleted.map { $0["job"] } == ["email/a"])
        #expect(try read("--since", deleted[0]["seq"].string ?? "", "--kind", "deleted").isEmpty)
        #expect(try read("images", "--since", "2999-01-01").isEmpty)
        #expect(try read().isEmpty)
    }

    @Test func eventsGoOnThroughARestartWithEachOnce() throws {
        let terminal = try follow("--kind", "dead")
        let die = { (job: String) in
            let client = try daemon.connect()
            _ = try client.enqueue("q", ["job_id": JSON(job), "max_attempts": 1])
            _ = try client.fail(client.claimOne("q"))
        }
        try die("a")
        try terminal.read(until: "q/a ")
        try daemon.terminate()
        try terminal.read(until: "jobqd closed the connection; waiting for it to come back")
        try daemon.start()
        // Most likely before it is back: then the log has it.
        try die("b")
        try terminal.read(until: "q/b ")
        try die("c")
        try terminal.read(until: "q/c ")
        try terminal.send("\u{3}")
        try terminal.waitForEnd()
        for job in ["q/a ", "q/b ", "q/c "] { #expect(terminal.output.split(separator: job).count == 2, "\(job)") }
    }

    @Test func wrongRequestsEndIt() throws {
        #expect(try jobqctl("events", "--kind", "nonsense").status == 64)
        #expect(try jobqctl("events", "a/b").status == 64)
        #expect(try jobqctl("events", "--since", "soon").status == 64)
        let missing = try Program.run(AdminTool.path, ["events"], environment: ["JOBQD_SOCKET": "/nonexistent"])
        #expect(missing.status == 69)
    }

    @Test func linesGoInThroughARestartEachOnce() throws {
        let terminal = try jobqctl.atTerminal("enqueue", "q", "--ndjson")
        try terminal.send("1\n")
        try eventually("the first job") { (try? daemon.connect().depth("q", "queued")) == 1 }
        try daemon.terminate()
        try terminal.send("2\n3\n")
        try daemon.start()
        try eventually("all jobs") { (try? daemon.connect().depth("q", "queued")) == 3 }
        try terminal.send("\u{4}")
        try terminal.read(until: "3 jobs enqueued")
        #expect(try terminal.waitForEnd() == .exited(0))
    }

    @Test func storeThatIsAwayIsSaidAndIsStatus1() throws {
        server.kill()
        try eventually("the store is away") { try jobqctl.json("status")["info"]["redis"]["state"] != "ready" }
        let status = try jobqctl("status")
        #expect(status.status == 1 && status.output.contains("\nstore ") && !status.output.contains("QUEUE"))
        #expect(try jobqctl("stats", "--timeout", "20s").status == 75)
    }
}
