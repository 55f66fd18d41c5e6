// A daemon that nobody can reach: how it comes about, that it is said, and that one restart of the service mends it.

import Foundation
import Harness
import Testing

extension ServiceTests {
    @Suite(.timeLimit(.minutes(3))) struct RepairTests {
        private func spoil() throws {
            try Machine.write("[Limits]\nMaxConnectoins=5\n", to: "\(Machine.settings)/test.conf")
            #expect(try Machine.attempt("systemctl", ["restart", "jobqd.service"]).status != 0)
        }

        private func mend() throws {
            unlink("\(Machine.settings)/test.conf")
            try Machine.systemctl("restart", "jobqd.service")
        }

        /// Everybody is served, now and a while later, and systemd sees all units up.
        private func expectServed(_ workers: ConnectingWorkers) throws {
            try Machine.serving()
            try Machine.serving(on: Machine.adminSocket)
            let answered = workers.answered
            try eventually(within: 20, "the workers' claims") { workers.answered > answered + 40 }
            for unit in ["jobqd.service", "jobqd.socket", "jobqd-admin.socket"] {
                #expect(try Machine.property("ActiveState", of: unit) == "active", "\(unit)")
            }
            try eventually(within: 10, "the status") { try Machine.property("StatusText").hasPrefix("Serving") }
        }

        /// The sockets have failed, or fail in the moment of the repair, while workers connect.
        @Test(arguments: 0..<6) func aHurriedRepairServesEverybody(hurry: Int) throws {
            let workers = ConnectingWorkers()
            defer { withExtendedLifetime(workers) {} }
            try spoil()
            let patience = hurry < 3 ? 30 : Double(hurry) * 0.1
            let isOver = Deadline(after: patience)
            try eventually(within: 40, "the end of the tries") {
                try Machine.property("ActiveState", of: "jobqd.socket") == "failed" || isOver.hasPassed
            }
            try mend()
            try expectServed(workers)
        }

        @Test func aDaemonWithoutASocketForClientsSaysSoAndIsStartedAgainWithOne() throws {
            try Machine.systemctl("stop", "--job-mode=ignore-dependencies", "jobqd.service")
            try Machine.systemctl("start", "jobqd-admin.socket")
            try Machine.systemctl("start", "--job-mode=ignore-dependencies", "jobqd.service")
            try eventually(within: 20, "the socket") { Machine.exists(Machine.socket) }
            try Machine.serving()
            #expect(try Machine.journal().contains("has handed over no socket for clients"))
            #expect(try Machine.property("NRestarts") == "1")
            try expectServed(ConnectingWorkers())
        }

        @Test(arguments: ["removed", "replaced", "stopped"])
        func lostSocketsAreNoticedAndOneRestartMendsThem(how: String) throws {
            let client = try LineClient(Machine.socket)
            #expect(try client.request(["op": "ping"])["ok"] == true)
            switch how {
            case "removed": unlink(Machine.socket)
            case "stopped": try Machine.systemctl("stop", "--job-mode=ignore-dependencies", "jobqd.socket")
            default:
                unlink(Machine.socket)
                let script =
                    "import socket,sys; s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(64)"
                    + "\nimport os,time; os.chmod(sys.argv[1], 0o777); time.sleep(30)"
                try Machine.run(
                    "systemd-run", "--quiet", "--collect", "--unit=usurper", "/usr/bin/python3", "-c", script,
                    Machine.socket)
            }
            defer { _ = try? Machine.attempt("systemctl", ["stop", "usurper.service"]) }
            let reason = how == "replaced" ? "leads to another socket" : "does not exist"
            try eventually(within: 10, "the status") {
                try Machine.property("StatusText").hasPrefix("Unreachable, \(Machine.socket) \(reason)")
            }
            #expect(try Machine.journal().contains("nobody can connect (client): \(Machine.socket) \(reason)"))
            #expect(try client.request(["op": "ping"])["ok"] == true, "who is connected is served")
            try Machine.systemctl("restart", "jobqd.service")
            try expectServed(ConnectingWorkers())
        }

        @Test func aStopOfAnUnreachableDaemonIsAStop() throws {
            unlink(Machine.socket)
            try eventually(within: 10, "the status") {
                try Machine.property("StatusText").hasPrefix("Unreachable")
            }
            try Machine.systemctl("stop", "jobqd.service")
            #expect(try Machine.property("Result") == "success")
            for unit in ["jobqd.service", "jobqd.socket", "jobqd-admin.socket"] {
                #expect(try Machine.property("ActiveState", of: unit) == "inactive", "\(unit)")
            }
        }
    }
}
