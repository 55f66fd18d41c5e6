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
        #expect(plain.status == 0 && plain.output == "jobqd is there\n")
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
        #expect(try jobqctl("list", "email", "--state", "dead").output == "no dead jobs\n")
    }

    @Test func payloadComesFromStandardInputAndMayHaveLineBreaks() throws {
        #expect(try jobqctl("enqueue", "q", "-", "--id", "a", input: "{\n  \"a\": [1,\r\n 2]\n}\n").status == 0)
        #expect(try json(jobqctl("show", "q/a", "--json"))["job"]["payload"] == ["a": [1, 2]])
    }

    @Test func repeatedEnqueueSaysSoAndChangesNothing() throws {
        _ = try jobqctl("enqueue", "q", "1", "--id", "a")
        let second = try jobqctl("enqueue", "q", "2", "--id", "a")
        #expect(second.status == 0 && second.output == "q/a\n")
        #expect(second.errors == "jobqctl: it was there already, queued\n")
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
}
