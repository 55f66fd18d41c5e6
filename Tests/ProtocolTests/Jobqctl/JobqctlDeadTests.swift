// jobqctl dead: what is listed, shown, replayed and purged, and that nothing is done that was not meant.

import Harness
import Testing

@Suite(.timeLimit(.minutes(2))) struct JobqctlDeadTests {
    private let daemon: Daemon
    private let jobqctl: AdminTool
    private let client: LineClient

    init() throws {
        daemon = try Daemon(.memory)
        jobqctl = AdminTool(daemon: daemon)
        client = try daemon.connect()
    }

    private let errors: [JSON] = [
        "disk full", ["type": "IOError", "message": "timeout of peer a", "trace": "main.py:3\n  at once"],
        ["type": "IOError", "message": "timeout of peer b"],
    ]

    @Test func deadLettersAreListedWithWhyTheyDied() throws {
        #expect(try jobqctl("dead", "list").output == "no dead letters\n")
        try client.bury("email", errors, ["type": "welcome"])
        try client.bury("other", ["oops"])
        let all = try jobqctl("dead", "list")
        #expect(all.status == 0)
        #expect(all.output.contains("\nemail/2  welcome       1/1  "))
        #expect(all.output.contains("  failed  IOError: timeout of peer a\n"))
        #expect(all.output.contains("\nother/1 "))
        let one = try jobqctl.json("dead", "list", "other")
        #expect(one["jobs"].array.count == 1 && one["jobs"][0]["error"] == "oops")
        #expect(try jobqctl("dead", "list", "email", "--limit", "2").output.hasSuffix("more of email: see --limit\n"))
    }

    @Test func filtersSelectByTypeReasonErrorAndAge() throws {
        try client.bury("email", errors, ["type": "welcome"])
        let found = { (arguments: String...) in
            let result = try Program.run(
                AdminTool.path, ["dead", "list", "email", "--json"] + arguments,
                environment: ["JOBQD_SOCKET": daemon.socketPath])
            return try JSON(parsing: result.output.utf8)["jobs"].array.compactMap { $0["job"].string }.sorted()
        }
        #expect(try found("--error", "TIMEOUT") == ["email/2", "email/3"])
        #expect(try found("--error", "*peer ?") == ["email/2", "email/3"])
        #expect(try found("--error", "timeout*") == [])
        #expect(try found("--error", "full", "--type", "welcome", "--reason", "failed") == ["email/1"])
        #expect(try found("--reason", "worker_gone") == [])
        #expect(try found("--type", "x") == [])
        #expect(try found("--older-than", "1h") == [])
        #expect(try found("--older-than", "0").count == 3)
    }

    @Test func deadLetterIsShownWithItsTrace() throws {
        try client.bury("email", errors)
        let shown = try jobqctl("dead", "show", "email/2")
        #expect(shown.status == 0 && shown.output.contains("\ntrace\n  main.py:3\n    at once\n"))
        #expect(shown.output.contains("\nreason        failed\n"))
        _ = try client.enqueue("email", ["job_id": "lives"])
        let alive = try jobqctl("dead", "show", "email/lives")
        #expect(alive.status == 1 && alive.errors == "jobqctl: email/lives is no dead letter: it is queued\n")
        #expect(try jobqctl("dead", "show", "email/none").status == 1)
    }

    // MARK: Replay

    @Test func allOfAQueueAreReplayedInTheDaemonsSteps() throws {
        let jobs = try client.enqueueMany("email", 700, ["max_attempts": 1])
        for _ in 0..<7 {
            for job in try client.claim("email", ["max": 100]) { _ = try client.fail(job) }
        }
        #expect(jobs.count == 700)
        #expect(
            try jobqctl("dead", "replay", "email", "--dry-run").output
                == "700 dead letters of email would be replayed\n")
        let result = try jobqctl("dead", "replay", "email", "--yes")
        #expect(result.status == 0 && result.output == "700 dead letters of email replayed\n" && result.errors.isEmpty)
        #expect(try client.depth("email", "queued") == 700)
    }

    @Test func replayByErrorTakesOnlyThose() throws {
        try client.bury("email", errors)
        #expect(
            try jobqctl("dead", "replay", "email", "--error", "peer a", "--dry-run").output.hasPrefix("1 dead letter "))
        #expect(try jobqctl("dead", "replay", "email", "--error", "peer", "--limit", "1", "--yes").status == 0)
        #expect(try client.depth("email", "dead") == 2)
        #expect(
            try jobqctl("dead", "replay", "email", "--error", "peer", "--yes").output
                == "1 dead letter of email replayed\n")
        #expect(try client.state("email/1") == "dead")
    }

    @Test func limitHoldsWhateverTheFilter() throws {
        try client.bury("email", Array(repeating: "x", count: 5), ["type": "t"])
        #expect(try jobqctl("dead", "replay", "email", "--limit", "2", "--yes").status == 0)
        #expect(try client.depth("email", "dead") == 3)
        #expect(try jobqctl("dead", "purge", "email", "--type", "t", "--limit", "2", "--yes").status == 0)
        #expect(try client.depth("email", "dead") == 1)
    }

    @Test func rateIsKept() throws {
        try client.bury("email", Array(repeating: "x", count: 5))
        let seconds = try elapsed {
            let result = try jobqctl("dead", "replay", "email", "--rate", "10", "--yes")
            #expect(result.output == "5 dead letters of email replayed\n")
        }
        // One at a time, and a tenth of a second after each but the last.
        #expect(seconds >= 0.4)
    }

    @Test func namedJobsAreReplayedAndOthersTold() throws {
        try client.bury("email", errors)
        _ = try client.enqueue("email", ["job_id": "lives"])
        let result = try jobqctl("dead", "replay", "email/1", "email/lives", "email/3")
        #expect(result.status == 1 && result.output == "email/1 replayed\nemail/3 replayed\n")
        #expect(result.errors == "jobqctl: email/lives is no dead letter: it is queued\n")
        #expect(try client.depth("email", "dead") == 1)
        // That it cannot be known is no "no".
        #expect(try jobqctl("dead", "replay", "not a queue/1").status == 64)
        #expect(try jobqctl("dead", "replay", "email/1", "email").status == 64)
        #expect(try jobqctl("dead", "replay", "email/1", "--error", "x").status == 64)
    }

    @Test func everyStepIsALineOfJSON() throws {
        try client.bury("email", errors, ["type": "t"])
        #expect(try jobqctl.json("dead", "replay", "email", "--yes")["requeued"] == 3)
        #expect(try jobqctl.json("dead", "replay", "email", "--yes")["requeued"] == 0)
        #expect(try jobqctl.json("dead", "purge", "email", "--dry-run")["purged"] == 0)
        #expect(try jobqctl.json("dead", "purge", "email", "--type", "x", "--dry-run")["dry_run"] == true)
    }

    // MARK: Asking

    @Test func whereNobodyCanBeAskedNothingIsDoneWithoutYes() throws {
        try client.bury("email", errors)
        for arguments in [["dead", "purge", "email"], ["dead", "replay", "email"], ["dead", "purge", "email/1"]] {
            let result = try Program.run(
                AdminTool.path, arguments, environment: ["JOBQD_SOCKET": daemon.socketPath])
            #expect(result.status == 64 && result.errors.contains("--yes"))
        }
        #expect(try client.depth("email", "dead") == 3)
    }

    @Test func onATerminalThePersonDecides() throws {
        try client.bury("email", errors)
        let hesitating = try jobqctl.atTerminal("dead", "purge", "email")
        try hesitating.read(until: "Purge 3 dead letters of email? [y/N] ")
        try hesitating.send("\n")
        #expect(try hesitating.waitForEnd() == .exited(1))
        #expect(hesitating.output.contains("nothing was done"))
        #expect(try client.depth("email", "dead") == 3)

        let sure = try jobqctl.atTerminal("dead", "purge", "email", "--error", "peer")
        try sure.read(until: "Purge 2 dead letters of email? [y/N] ")
        try sure.send("y\n")
        try sure.read(until: "2 dead letters of email purged")
        #expect(try sure.waitForEnd() == .exited(0))
        #expect(try client.depth("email", "dead") == 1)
    }

    @Test func progressIsDrawnOnATerminalAndGoneAtTheEnd() throws {
        try client.bury("email", Array(repeating: "x", count: 12))
        let terminal = try jobqctl.atTerminal("dead", "replay", "email", "--rate", "20", "--yes", columns: 60)
        try terminal.read(until: "\rreplaying email  [----")
        try terminal.read(until: "/12")
        try terminal.read(until: "\r\u{1B}[K12 dead letters of email replayed")
        #expect(try terminal.waitForEnd() == .exited(0))
        for line in terminal.output.split(separator: "\r").filter({ $0.contains("/12") }) {
            #expect(line.replacing("\u{1B}[K", with: "").count < 60)
        }
    }

    @Test func interruptedWorkSaysHowFarItCame() throws {
        try client.bury("email", Array(repeating: "x", count: 12))
        let terminal = try jobqctl.atTerminal("dead", "replay", "email", "--rate", "1", "--yes")
        try terminal.read(until: "1/12")
        try terminal.send("\u{3}")
        try terminal.read(until: "of email replayed")
        #expect(try terminal.waitForEnd() == .exited(130))
        let queued = try client.depth("email", "queued") ?? 0
        #expect((1...11).contains(queued) && terminal.output.contains("\(queued) dead letter"))
    }
}
