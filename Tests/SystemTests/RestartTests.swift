// What a restart of the daemon, wanted or not, means for its clients: nobody is refused, no job is lost or done twice, and
// who holds a job goes on with its token.

import Foundation
import Harness
import Testing

extension ServiceTests {
    @Suite(.timeLimit(.minutes(3))) struct RestartTests {
        @Test func restartsUnderLoadRefuseNobodyAndLoseOrDoubleNoJob() throws {
            let traffic = Traffic(queue: "restarts", producers: 3, workers: 4)
            for round in 0...12 {
                if round > 0 { try Machine.systemctl("restart", "jobqd.service") }
                let before = traffic.seen.done.count
                try eventually(within: 30, "work after restart \(round): \(traffic.seen.problems)") {
                    traffic.seen.done.count >= before + 50 || !traffic.seen.problems.isEmpty
                }
            }
            try traffic.finish(within: 60)
            let seen = traffic.seen
            #expect(seen.problems == [] && seen.refusals == [])
            #expect(seen.lostLinks >= 12, "each restart cuts links, so \(seen.lostLinks) are too few")
            #expect(seen.done.filter { $0.value != 1 } == [:])
            #expect(Set(seen.done.keys) == seen.accepted)
            let totals = try LineClient(Machine.socket).stats("restarts")["totals"]
            #expect(totals["completed"].int == seen.accepted.count && totals["enqueued"].int == seen.accepted.count)
            #expect(totals["reclaimed"] == 0, "\(totals)")
        }

        @Test func aWorkerKeepsItsTokenThroughARestart() throws {
            let client = try LineClient(Machine.socket)
            try client.enqueue("kept", ["payload": 1])
            let job = try client.claimOne("kept", ["lease_ms": 60_000])
            try Machine.systemctl("restart", "jobqd.service")
            try Machine.serving()
            let again = try LineClient(Machine.socket)
            try again.extend(job)
            try again.complete(job)
            #expect(try again.record(job["job"].string!)["attempts"] == 1)
        }

        @Test func aDaemonThatHangsIsStartedAgainByTheWatchdogAndNoJobIsLost() throws {
            try Machine.restart(service: "WatchdogSec=2s")
            try Machine.serving()
            let client = try LineClient(Machine.socket)
            try client.enqueueMany("hung", 20)
            let job = try client.claimOne("hung", ["lease_ms": 120_000])
            let pid = try Machine.pid()
            kill(pid, SIGSTOP)
            try eventually(within: 30, "another daemon") {
                let now = Int32(try Machine.property("MainPID")) ?? 0
                return now > 0 && now != pid
            }
            try Machine.serving()
            #expect(try Machine.run("journalctl", "--unit", "jobqd.service").contains("Watchdog timeout"))
            #expect(try Machine.property("NRestarts") == "1")
            let again = try LineClient(Machine.socket)
            try again.complete(job)
            let depth = try again.stats("hung")["depth"]
            #expect(depth["queued"] == 19 && depth["completed"] == 1, "\(depth)")
        }

        @Test func aKilledDaemonIsBackWithTheJobs() throws {
            let client = try LineClient(Machine.socket)
            try client.enqueueMany("killed", 20)
            let pid = try Machine.pid()
            kill(pid, SIGKILL)
            // Connects are taken meanwhile and answered later.
            let waiting = try LineClient(Machine.socket)
            #expect(try waiting.request(["op": "ping"], within: 20)["ok"] == true)
            try Machine.serving()
            #expect(try Machine.pid() != pid)
            #expect(try LineClient(Machine.socket).stats("killed")["depth"]["queued"] == 20)
        }
    }
}
