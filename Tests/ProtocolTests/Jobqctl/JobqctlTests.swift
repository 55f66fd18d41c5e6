// jobqctl against a daemon: each subcommand for people and as JSON, and its exit status.

import Harness
import Testing

@Suite(.timeLimit(.minutes(2))) struct JobqctlTests {
    private let daemon: Daemon

    init() throws { daemon = try Daemon(.memory) }

    private func jobqctl(_ arguments: String..., input: String = "") throws -> Program {
        try Program.run(
            BuiltProducts.path("jobqctl", variable: "JOBQCTL_BINARY"), arguments,
            environment: ["JOBQD_SOCKET": daemon.socketPath, "TZ": "UTC"], input: input)
    }

    private func json(_ program: Program) throws -> JSON {
        #expect(program.output.split(separator: "\n").count == 1)
        return try JSON(parsing: program.output.utf8)
    }

    @Test func pingSaysThatItIsThere() throws {
        let plain = try jobqctl("ping")
        #expect(plain.status == 0 && plain.output.hasPrefix("jobqd answers (") && plain.output.hasSuffix(" ms)\n"))
        let stored = try jobqctl("ping", "--store", "--json")
        #expect(stored.status == 0)
        #expect(try json(stored)["at"].int != nil)
    }

    @Test func enqueuedJobCanBeShownAndListed() throws {
        let enqueued = try jobqctl(
            "enqueue", "email", #"{"to":1.10}"#, "--id", "a", "--type", "welcome", "--priority", "-5", "--max-attempts",
            "7",
            "--meta", #"{"trace":"x"}"#)
        #expect(enqueued.status == 0 && enqueued.output == "email/a\n")

        let shown = try jobqctl("show", "email/a")
        #expect(shown.status == 0)
        #expect(shown.output.contains("payload       {\"to\":1.10}\n"))
        #expect(shown.output.contains("priority      -5\n"))
        let record = try json(jobqctl("show", "email/a", "--json"))["job"]
        #expect(record["type"] == "welcome" && record["max_attempts"] == 7 && record["meta"]["trace"] == "x")

        let listed = try jobqctl("list", "email")
        #expect(listed.output.contains("\nemail/a  welcome        -5       0/7  "))
        #expect(try json(jobqctl("list", "email", "--json"))["jobs"].array.count == 1)
        #expect(
            try jobqctl("list", "email", "--state", "dead").output
                == "no dead jobs in email; there are 1 queued\n")
    }

    @Test func payloadComesFromStandardInputAndMayHaveLineBreaks() throws {
        #expect(try jobqctl("enqueue", "q", "-", "--id", "a", input: "{\n  \"a\": [1,\r\n 2]\n}\n").status == 0)
        #expect(try json(jobqctl("show", "q/a", "--json"))["job"]["payload"] == ["a": [1, 2]])
    }

    @Test func repeatedEnqueueSaysSoAndChangesNothing() throws {
        _ = try jobqctl("enqueue", "q", "1", "--id", "a")
        let second = try jobqctl("enqueue", "q", "2", "--id", "a")
        #expect(second.status == 0 && second.output == "q/a\n")
        #expect(second.errors == "jobqctl: already exists (queued); nothing changed\n")
        #expect(try json(jobqctl("show", "q/a", "--json"))["job"]["payload"] == 1)
    }

    @Test func payloadThatIsNoJSONIsStatus65AndNotSent() throws {
        let result = try jobqctl("enqueue", "q", "{oops")
        #expect(result.status == 65)
        #expect(result.errors.hasPrefix("jobqctl: the payload is not JSON: "))
        #expect(try json(jobqctl("status", "--json"))["queues"].array.isEmpty)
    }

    @Test func unknownJobIsStatus1() throws {
        let plain = try jobqctl("show", "q/none")
        #expect(plain.status == 1 && plain.output.isEmpty && plain.errors.contains("not_found"))
        let raw = try jobqctl("show", "q/none", "--json")
        #expect(raw.status == 1)
        #expect(try json(raw)["error"]["code"] == "not_found")
    }

    @Test func statusShowsTheDaemonAndItsQueues() throws {
        #expect(try jobqctl("status").output.hasSuffix("\nno queues yet\n"))
        _ = try jobqctl("enqueue", "email")
        let status = try jobqctl("status")
        #expect(status.status == 0)
        #expect(status.output.contains("\nstore ready  memory\n"))
        #expect(status.output.contains("\nemail       1          0         0           0          0     0  "))
        let raw = try json(jobqctl("status", "--json"))
        #expect(raw["info"]["protocol"] == 1 && raw["queues"][0]["depth"]["queued"] == 1)
    }

    @Test func deadJobIsRequeuedByNameOrByFilter() throws {
        let client = try daemon.connect()
        for id in ["a", "b", "c"] {
            _ = try client.enqueue("q", ["job_id": .init(id), "max_attempts": 1])
            _ = try client.fail(client.claimOne("q"))
        }
        #expect(try jobqctl("requeue", "q/a").output == "q/a is queued again\n")
        let again = try jobqctl("requeue", "q/a")
        #expect(again.status == 1 && again.errors.contains("wrong_state"))
        #expect(try jobqctl("requeue", "--queue", "q", "--dry-run").output == "2 jobs would be queued again\n")
        #expect(try jobqctl("requeue", "--queue", "q", "--state", "dead").output == "2 jobs queued again\n")
        #expect(try client.stats("q")["depth"]["queued"] == 3)
    }

    @Test func callPassesRequestsAndRepliesThroughAsTheyAre() throws {
        let one = try jobqctl("call", #"{"op":"ping","id":"x"}"#)
        #expect(one.status == 0 && one.output.hasPrefix(#"{"id":"x","ok":true,"at":"#))
        let two = try jobqctl("call", "-", input: "{\"op\":\"ping\"}\n\n{\"op\":\"nonsense\"}\n{\"op\":\"ping\"}")
        #expect(two.status == 64 && two.output.split(separator: "\n").count == 3)
        #expect(try jobqctl("call", "nonsense").status == 65)
        let waited = try jobqctl("call", #"{"op":"claim","queue":"q","wait_ms":50}"#)
        #expect(waited.status == 0 && waited.output == "{\"ok\":true,\"jobs\":[]}\n")
    }

    @Test func aPayloadComesFromAPipeWithoutADash() throws {
        let tool = AdminTool.path
        let shell = { (line: String) in
            try Program.run("sh", ["-c", line], environment: ["J": tool, "JOBQD_SOCKET": daemon.socketPath])
        }
        #expect(try shell(#"echo '{"a":1}' | "$J" enqueue q --id a"#).status == 0)
        #expect(try shell(#"echo 5 | "$J" enqueue q 7 --id b; "$J" enqueue q --id c </dev/null"#).status == 0)
        let payload = { (id: String) in try json(jobqctl("show", "q/\(id)", "--json"))["job"]["payload"] }
        #expect(try payload("a") == ["a": 1] && payload("b") == 7 && payload("c").isNull)
        #expect(try shell(#""$J" enqueue q --file /"#).status == 74)
    }

    @Test func waitReturnsWhenTheJobHasEndedAndSaysHow() throws {
        let client = try daemon.connect()
        let job = try client.enqueue("q", ["job_id": "a", "max_attempts": 1])
        let waiting = try ServerProcess(
            AdminTool.path, ["wait", job, "--socket", daemon.socketPath],
            log: daemon.directory.file("wait.log"))
        #expect(try jobqctl("wait", job, "--for", "100ms").status == 75)
        try client.complete(client.claimOne("q"))
        #expect(try waiting.waitForEnd() == .exited(0))
        #expect(waiting.log == "q/a is completed\n")
        _ = try client.enqueue("q", ["job_id": "b", "max_attempts": 1])
        _ = try client.fail(client.claimOne("q"))
        let dead = try jobqctl("wait", "q/b")
        #expect(dead.status == 1 && dead.output == "q/b is dead\n")
        #expect(try json(jobqctl("wait", "q/a", "--json"))["job"]["state"] == "completed")
        #expect(try jobqctl("wait", "q/none").status == 1)
    }

    @Test func aPauseDoesNotEndInThePast() throws {
        _ = try jobqctl("enqueue", "q")
        let result = try jobqctl("queue", "pause", "q", "--until", "2020-01-01")
        #expect(result.status == 64 && result.errors.hasPrefix("jobqctl: --until is in the past: 2020-01-01"))
    }

    @Test func optionsBeforeTheCommandAreThoseBehindIt() throws {
        #expect(try json(jobqctl("--json", "ping"))["ok"] == true)
        #expect(try jobqctl("--socket", "/nonexistent", "ping").status == 69)
    }

    @Test func textsOfOthersCannotHideOrTurnAnything() throws {
        let client = try daemon.connect()
        let evil = "\u{9B}31m\u{7F}\u{202E}\u{2066}"
        _ = try client.enqueue("q", ["job_id": "a", "payload": JSON(evil), "type": "t\u{202E}"])
        for words in [
            ["show", "q/a"], ["show", "q/a", "--json"], ["list", "q"], ["list", "q", "--json"],
            ["claim", "q", "--lease", "100ms"],
            ["call", #"{"op":"get","job":"q/a"}"#],
        ] {
            let result = try Program.run(AdminTool.path, words + ["--socket", daemon.socketPath])
            let bad = result.output.unicodeScalars.filter {
                (0x7F...0x9F).contains($0.value) || (0x202A...0x202E).contains($0.value)
                    || (0x2066...0x2069).contains($0.value)
            }
            #expect(result.status == 0 && bad.isEmpty, "\(words)")
        }
        #expect(try json(jobqctl("show", "q/a", "--json"))["job"]["payload"].string == evil)
    }

    @Test func tablesFitTheTerminal() throws {
        let client = try daemon.connect()
        let name = String(repeating: "long-queue-name-", count: 3)
        let wide = String(repeating: "日本", count: 20)
        _ = try client.enqueue(name, ["type": JSON(wide)])
        try client.bury("q", [JSON(wide + wide)], ["type": JSON(wide)])
        for words in [
            ["status"], ["queue", "list"], ["list", name], ["dead", "list"], ["queue", "show", name], ["stats"],
        ] {
            let terminal = try PseudoTerminal(
                AdminTool.path, words + ["--socket", daemon.socketPath], environment: ["NO_COLOR": "1"], columns: 80)
            #expect(try terminal.waitForEnd() == .exited(0))
            for line in terminal.output.split(separator: "\r\n") {
                let width = line.unicodeScalars.reduce(0) { $0 + ($1.value >= 0x3000 && $1.value < 0xA000 ? 2 : 1) }
                #expect(width <= 80, "\(words): \(line)")
            }
        }
    }
}
