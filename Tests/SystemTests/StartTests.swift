// How the service starts and stops: ready means that it serves, and a Redis that is away holds up neither.

import Foundation
import Harness
import Testing

extension ServiceTests {
    @Suite(.timeLimit(.minutes(1))) struct StartTests {
        @Test func aStartReturnsWhenTheDaemonAnswers() throws {
            try Machine.systemctl("stop", "jobqd.service")
            #expect(!Machine.exists(Machine.socket) && !Machine.exists(Machine.adminSocket))
            try Machine.systemctl("start", "jobqd.service")
            for socket in [Machine.socket, Machine.adminSocket] {
                #expect(try LineClient(socket).request(["op": "ping"], within: 1)["ok"] == true)
            }
            #expect(try Machine.property("ActiveState") == "active")
            #expect(try Machine.property("StatusText").hasPrefix("Serving"))
        }

        @Test func aConnectionStartsTheDaemonWhenOnlyItsSocketIsThere() throws {
            try Machine.systemctl("stop", "jobqd.service")
            try Machine.systemctl("start", "jobqd.socket")
            #expect(try Machine.property("ActiveState") == "inactive")
            #expect(try LineClient(Machine.socket).request(["op": "ping"], within: 20)["ok"] == true)
            try eventually(within: 20, "the start") { try Machine.property("ActiveState") == "active" }
        }

        @Test func itIsReadyWhileRedisIsAwayAndSaysSo() throws {
            try Machine.restart(settings: "[Redis]\nUrl=unix:///run/nobody.sock")
            let client = try LineClient(Machine.socket)
            #expect(try client.request(["op": "ping"])["ok"] == true)
            try eventually { try Machine.property("StatusText").contains("away") }
        }

        @Test func itStopsWithinFiveSecondsWhileRedisIsAway() throws {
            try Machine.restart(settings: "[Redis]\nUrl=unix:///run/nobody.sock")
            let waiting = try LineClient(Machine.socket)
            try waiting.startWaiting("away", store: false)
            let asking = try LineClient(Machine.socket)
            try asking.send(["op": "enqueue", "queue": "away", "payload": 1])
            let seconds = try elapsed { try Machine.systemctl("stop", "jobqd.service") }
            #expect(seconds <= 5)
            #expect(try Machine.property("Result") == "success")
        }

        @Test func itStopsWithinFiveSecondsWhileRedisHangs() throws {
            let redis = try RedisServer(password: "open sesame", arguments: ["--port", "6399"])
            try Machine.write("open sesame", to: "/etc/credstore/jobqd.redis-password", mode: 0o600)
            defer { unlink("/etc/credstore/jobqd.redis-password") }
            try Machine.restart(settings: "[Redis]\nUrl=redis://127.0.0.1:6399")
            try Machine.serving()
            let client = try LineClient(Machine.socket)
            redis.suspend()
            defer { redis.resume() }
            try client.send(["op": "enqueue", "queue": "away", "payload": 1])
            let seconds = try elapsed { try Machine.systemctl("stop", "jobqd.service") }
            #expect(seconds <= 5)
            #expect(try Machine.property("Result") == "success")
        }

        @Test(arguments: [("[Limits]\nMaxConnectoins=5", "78"), ("[Redis]\nUrl=ftp://x", "78")])
        func aWrongConfigurationIsNotTriedAgain(settings: String, status: String) throws {
            try Machine.write(settings + "\n", to: "\(Machine.settings)/test.conf")
            #expect(try Machine.attempt("systemctl", ["restart", "jobqd.service"]).status != 0)
            #expect(try Machine.property("ActiveState") == "failed")
            #expect(try Machine.property("ExecMainStatus") == status)
            #expect(try Machine.property("NRestarts") == "0")
        }

        @Test func whoConnectsToADaemonThatCannotStartIsRefusedInTheEndAndServedOnceItIsMended() throws {
            try Machine.write("[Limits]\nMaxConnectoins=5\n", to: "\(Machine.settings)/test.conf")
            _ = try Machine.attempt("systemctl", ["restart", "jobqd.service"])
            let waiting = try LineClient(Machine.socket)
            // Each try to start leaves it waiting, until there were too many.
            try eventually(within: 30, "the end of the tries") {
                try Machine.property("ActiveState", of: "jobqd.socket") == "failed"
            }
            #expect(try waiting.readLineBytes(within: 5) == nil)
            #expect(throws: HarnessError.self) { try LineClient(Machine.socket) }
            unlink("\(Machine.settings)/test.conf")
            try Machine.systemctl("restart", "jobqd.service")
            try Machine.serving()
            try Machine.serving(on: Machine.adminSocket)
        }

        @Test func noMoreRightsThanItsOwnAreNeededForTheRedisOfItsOwn() throws {
            let client = try LineClient(Machine.socket)
            try client.enqueueMany("rewritten", 50)
            let redis = ["-s", "/var/lib/jobqd/redis.sock"]
            _ = try Machine.attempt("redis-cli", redis + ["bgrewriteaof"])
            try eventually(within: 10, "the rewrite of the file") {
                let information = try Machine.attempt("redis-cli", redis + ["info", "persistence"]).output
                return information.contains("aof_rewrite_in_progress:0")
                    && information.contains("aof_last_bgrewrite_status:ok") && information.contains("aof_rewrites:1")
            }
            try Machine.systemctl("restart", "jobqd.service")
            try Machine.serving()
            #expect(try LineClient(Machine.socket).stats("rewritten")["depth"]["queued"] == 50)
        }
    }
}
