// jobqctl queue, job and topic, and what an operator asks of the daemon.

import Harness
import Testing

@Suite(.timeLimit(.minutes(2))) struct JobqctlQueueTests {
    private let daemon: Daemon
    private let jobqctl: AdminTool
    private let client: LineClient

    init() throws {
        daemon = try Daemon(.memory)
        jobqctl = AdminTool(daemon: daemon)
        client = try daemon.connect()
    }

    // MARK: Queues

    @Test func queuesAreListedInNumbersOrByName() throws {
        for queue in ["email", "images"] { _ = try client.enqueue(queue) }
        #expect(try jobqctl("queue", "list", "--names").output == "email\nimages\n")
        #expect(try jobqctl("queue", "list").output.contains("\nimages       1  "))
        #expect(try jobqctl.json("queue", "list")["queues"].array.count == 2)
    }

    @Test func columnsOfCancelledAndExpiredJobsAppearWhenThereAreSome() throws {
        let job = try client.enqueue("email")
        #expect(try !jobqctl("queue", "list").output.contains("CANCELLED"))
        #expect(try jobqctl("job", "cancel", job, "--reason", "closed").output == "\(job) is cancelled\n")
        let table = try jobqctl("status").output
        #expect(table.contains("DEAD  CANCELLED  OLDEST\n") && !table.contains("EXPIRED"))
    }

    @Test func rulesOfAQueueAreSetTakenBackAndShown() throws {
        let set = try jobqctl(
            "queue", "configure", "email", "lease=45s", "max-attempts=7", "backoff=fixed:2s", "--create")
        #expect(set.status == 0 && set.output.contains("\nlease_ms         45 s\n"))
        #expect(set.output.contains("\nbackoff          fixed, first 2 s, longest 1 h, jitter 0.5\n"))
        let policy = try jobqctl.json("queue", "configure", "email", "lease_ms=default")["policy"]
        #expect(policy["lease_ms"] == 30_000 && policy["max_attempts"] == 7)
        let shown = try jobqctl("queue", "show", "email")
        #expect(shown.output.contains("\nmax_attempts     7\n") && shown.output.contains("  enqueued "))
        #expect(try jobqctl.json("queue", "show", "email")["policy"]["max_attempts"] == 7)
    }

    @Test(arguments: [["nonsense=1"], ["lease=x"], ["lease"], ["lease=1s", "lease_ms=5"], ["max_attempts=0"]])
    func wrongRulesAreStatus64AndChangeNothing(rules: [String]) throws {
        _ = try client.enqueue("email")
        let result = try Program.run(
            AdminTool.path, ["queue", "configure", "email"] + rules, environment: ["JOBQD_SOCKET": daemon.socketPath])
        #expect(result.status == 64)
        #expect(try client.call("configure", ["queue": "email"])["policy"]["max_attempts"] == 3)
    }

    @Test func anUnknownQueueIsNamedWithTheNearestOneAndCreatedOnlyWhenAsked() throws {
        try client.enqueue("email")
        let refused = try jobqctl("queue", "pause", "emial")
        #expect(refused.status == 1 && refused.errors.contains("no such queue: emial; did you mean \"email\"?"))
        #expect(try jobqctl("queue", "pause", "sms", "--create").status == 0)
        #expect(try jobqctl("queue", "configure", "fax", "max_len=5", "--create").status == 0)
        #expect(try jobqctl("queue", "list", "--names").output == "email\nfax\nsms\n")
    }

    @Test func aQueueIsRemovedAfterAQuestionAndWithItsJobsOnlyWhenAsked() throws {
        try client.enqueue("email")
        #expect(try jobqctl("queue", "remove", "email").status == 64)
        let refused = try jobqctl("queue", "remove", "email", "--yes")
        #expect(refused.status == 1 && refused.errors.contains("1 queued"))
        let removed = try jobqctl("queue", "remove", "email", "--jobs", "--yes")
        #expect(removed.status == 0 && removed.output == "email removed, with 1 job record\n")
        #expect(try jobqctl("queue", "list", "--names").output == "")
        #expect(try jobqctl("queue", "remove", "email", "--yes").status == 1)
    }

    @Test func pausedQueueSaysSoAndHowToGoOn() throws {
        _ = try client.enqueue("email")
        #expect(try jobqctl("queue", "pause", "email").output == "email is paused\n")
        #expect(
            try jobqctl("status").output.contains(
                "\nemail: jobs wait since it is paused; go on with: jobqctl queue resume"))
        #expect(try client.claim("email").isEmpty)
        #expect(try jobqctl("queue", "resume", "email").output == "email resumed\n")
        #expect(try client.claim("email").count == 1)
        #expect(try jobqctl("queue", "pause", "email", "--for", "1h").output.hasPrefix("email is paused until 2"))
        let until = try jobqctl.json("queue", "pause", "email", "--until", "2999-01-01T00:00:00Z")["until"]
        #expect(until == 32_472_144_000_000)
        #expect(try jobqctl("queue", "resume", "none").status == 1)
        #expect(try jobqctl("queue", "pause", "email", "--for", "1h", "--until", "2999-01-01").status == 64)
    }

    @Test func queueIsPurgedByState() throws {
        _ = try client.enqueueMany("email", 3)
        #expect(try jobqctl("queue", "purge", "email", "--state", "queued").status == 64)
        #expect(try jobqctl("queue", "purge", "email", "--state", "processing", "--yes").status == 64)
        #expect(
            try jobqctl("queue", "purge", "email", "--state", "queued", "--older-than", "1h", "--yes").output
                == "0 queued jobs of email purged\n")
        #expect(
            try jobqctl("queue", "purge", "email", "--state", "queued", "--yes").output
                == "3 queued jobs of email purged\n")
        #expect(try client.depth("email", "queued") == 0)
        #expect(try jobqctl("queue", "purge", "none", "--state", "queued", "--yes").status == 1)
    }

    // MARK: Jobs

    @Test func onlyWhatWaitsForItsTimeIsPromoted() throws {
        _ = try client.enqueue("email", ["job_id": "later", "delay_ms": 3_600_000])
        #expect(try jobqctl("job", "promote", "email/later").output == "email/later is queued\n")
        let again = try jobqctl("job", "promote", "email/later")
        #expect(
            again.status == 1 && again.errors == "jobqctl: email/later is not scheduled or retrying (it is queued)\n")
        try client.bury("other", ["x"])
        #expect(try jobqctl("job", "promote", "other/1").status == 1)
        #expect(try client.state("other/1") == "dead")
    }

    @Test func deletedJobsAreGoneAndTheOthersTold() throws {
        let jobs = try client.enqueueMany("email", 2)
        #expect(try jobqctl("job", "delete", jobs[0]).status == 64)
        let result = try jobqctl("job", "delete", jobs[0], "email/none", jobs[1], "--yes")
        #expect(result.status == 1 && result.output.split(separator: "\n").count == 2)
        #expect(result.errors.contains("email/none"))
        #expect(try client.depth("email", "queued") == 0)
    }

    @Test func commandsOfJobsAreAlsoFoundBelowJob() throws {
        let job = try client.enqueue("email", ["job_id": "a"])
        #expect(try jobqctl("job", "show", job).output == jobqctl("show", job).output)
        #expect(try jobqctl("job", "list", "email").output == jobqctl("list", "email").output)
        #expect(try jobqctl("job", "requeue", job).status == 1)
    }

    // MARK: Topics

    @Test func publishedJobGoesToEveryBoundQueue() throws {
        #expect(try jobqctl("topic", "publish", "orders", "1").status == 1)
        for queue in ["billing", "stock"] { #expect(try jobqctl("topic", "bind", "orders", queue).status == 0) }
        #expect(try jobqctl("topic", "list").output == "TOPIC   QUEUES\norders  billing stock\n")
        let published = try jobqctl("topic", "publish", "orders", #"{"n":1.10}"#, "--job-id", "a", "--type", "t")
        #expect(published.status == 0 && published.output == "billing/a\nstock/a\n")
        #expect(try client.record("stock/a")["type"] == "t")
        #expect(try jobqctl("topic", "unbind", "orders", "stock").status == 0)
        #expect(try jobqctl("topic", "unbind", "orders", "stock").status == 1)
        #expect(try jobqctl.json("topic", "publish", "orders", "-", input: "2\n")["jobs"].array.count == 1)
    }

    @Test func queueWithoutRoomForAPublishedJobIsStatus75() throws {
        _ = try client.call("configure", ["create": true, "queue": "billing", "max_len": 1])
        _ = try client.enqueue("billing")
        for queue in ["billing", "stock"] { _ = try client.call("bind", ["topic": "orders", "queue": .init(queue)]) }
        let result = try jobqctl("topic", "publish", "orders")
        #expect(result.status == 75 && result.output.hasPrefix("stock/") && result.errors.contains("queue_full"))
    }

    // MARK: The daemon

    @Test func workersAreListedToldToFinishAndToGoOn() throws {
        #expect(try jobqctl("workers").output == "no workers\n")
        _ = try client.call("hello", ["worker": "mailer-1"])
        _ = try client.enqueue("email", ["job_id": "a"])
        _ = try client.claimOne("email")
        let table = try jobqctl("workers", "--jobs").output
        #expect(table.contains("\nmailer-1  ") && table.hasSuffix("\n  email/a\n"))
        #expect(try jobqctl("quiet", "mailer-*").output == "1 worker told to finish\n")
        #expect(try jobqctl("workers").output.contains("  quiet\n"))
        #expect(try jobqctl("quiet", "--undo").output == "1 worker may claim again\n")
        #expect(try jobqctl.json("workers")["workers"][0]["quiet"] == false)
        #expect(try jobqctl("quiet", "nobody").status == 1)
    }

    @Test func drainWaitsUntilNoJobIsHeld() throws {
        _ = try client.call("hello", ["worker": "mailer-1"])
        _ = try client.enqueue("email")
        let job = try client.claimOne("email")
        #expect(try jobqctl("drain").status == 64)
        let early = try jobqctl("drain", "--yes", "--wait-for", "100ms")
        #expect(early.status == 1 && early.output == "jobqd takes no new work; workers hold 1 job\n")
        let terminal = try jobqctl.atTerminal("drain", "--wait")
        try terminal.read(until: "[y/N] ")
        try terminal.send("yes\n")
        try terminal.read(until: "0/1")
        #expect(terminal.process.isRunning)
        _ = try client.complete(job)
        try terminal.read(until: "workers hold 0 jobs")
        #expect(try terminal.waitForEnd() == .exited(0))
        #expect(try jobqctl("status").output.contains("draining"))
    }

    @Test func healthyStoreIsSaidToBe() throws {
        _ = try client.enqueueMany("email", 3)
        let result = try jobqctl("check")
        #expect(result.status == 0 && result.output == "6 entries checked, 0 violations: healthy\n")
        #expect(try jobqctl("check", "email", "--repair").status == 64)
        #expect(try jobqctl.json("check", "email", "--repair", "--yes")["healthy"] == true)
        #expect(try jobqctl("check", "none").status == 1)
    }

    @Test func statsGoOnWithALineEachInterval() throws {
        _ = try client.enqueueMany("email", 3)
        #expect(try jobqctl("stats").output.contains("  enqueued               3\n"))
        let lines = try jobqctl("stats", "email", "--interval", "100ms", "--count", "3").output.split(separator: "\n")
        #expect(lines.count == 4 && lines[0].hasSuffix("recl/s"))
        #expect(lines[1].split(separator: " ").map(String.init)[0..<6] == ["3", "0", "0", "0", "0", "3"])
        #expect(lines[2].split(separator: " ")[5] == "0")
        #expect(try jobqctl("stats", "--count", "3").status == 64)
        #expect(try jobqctl("stats", "none").status == 1)
    }

    @Test func versionsOfBothSidesAreShown() throws {
        let own = try jobqctl("--version").output
        #expect(try jobqctl("version").output == "jobqctl \(own)jobqd   \(own)")
        #expect(try jobqctl.json("version")["jobqd"].string.map { "\($0)\n" } == own)
        #expect(try jobqctl("info").output.contains("\nREDIS\n") && jobqctl("info").output.contains("\n  state "))
    }

    @Test func coloursAreForTerminalsAndNotWithNoColor() throws {
        try client.bury("email", ["x"])
        let plain = try jobqctl.atTerminal("status")
        try plain.read(until: "dead list email")
        #expect(try plain.waitForEnd() == .exited(0) && !plain.output.contains("\u{1B}"))
        let colourful = try PseudoTerminal(
            AdminTool.path, ["status"], environment: ["JOBQD_SOCKET": daemon.socketPath, "NO_COLOR": ""])
        try colourful.read(until: "\u{1B}[31m1\u{1B}[0m")
        #expect(try colourful.waitForEnd() == .exited(0))
    }

    @Test func outputThatNobodyReadsEndsQuietly() throws {
        _ = try client.enqueueMany("email", 500)
        // Signals ignored by whoever starts it, as some programs do.
        let result = try Program.run(
            "sh", ["-c", "trap '' PIPE; \"$0\" list email --limit 500 | head -n 1", AdminTool.path],
            environment: ["JOBQD_SOCKET": daemon.socketPath])
        #expect(result.status == 0 && result.errors.isEmpty && result.output.hasPrefix("JOB "))
    }
}
