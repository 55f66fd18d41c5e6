// Stopping: one name stops the daemon and what would start it again, also while workers connect; a restart stops neither.

import Foundation
import Harness
import Testing

extension ServiceTests {
    @Suite(.timeLimit(.minutes(2))) struct StopTests {
        private static let units = ["jobqd.service", "jobqd.socket", "jobqd-admin.socket"]

        private func expectInactive(_ units: [String]) throws {
            for unit in units { #expect(try Machine.property("ActiveState", of: unit) == "inactive", "\(unit)") }
        }

        @Test func aStopIsNotUndoneByWorkersThatConnect() throws {
            let workers = ConnectingWorkers()
            defer { withExtendedLifetime(workers) {} }
            try eventually(within: 20, "the workers' claims") { workers.answered > 20 }
            try Machine.systemctl("stop", "jobqd.service")
            try expectInactive(Self.units)
            #expect(!Machine.exists(Machine.socket) && !Machine.exists(Machine.adminSocket))
            let began = try Machine.property("ExecMainStartTimestampMonotonic")
            // Long enough for each worker to knock a hundred times.
            let knocks = Deadline(after: 1.5)
            try eventually { knocks.hasPassed }
            try expectInactive(Self.units)
            #expect(try Machine.property("ExecMainStartTimestampMonotonic") == began)
            #expect(try Machine.property("Result") == "success")
            try Machine.systemctl("start", "jobqd.service")
            let answered = workers.answered
            try eventually(within: 20, "the workers' claims") { workers.answered > answered + 20 }
        }

        @Test func theTargetStopsTheDaemonAndAllInstances() throws {
            try Machine.systemctl("start", "jobqd@sixth.service", "jobqd@seventh.socket")
            let instances = [
                "jobqd@sixth.service", "jobqd@sixth.socket", "jobqd-admin@sixth.socket", "jobqd@seventh.socket",
            ]
            let workers = ConnectingWorkers("/run/jobqd/sixth/jobqd.sock", count: 4)
            defer { withExtendedLifetime(workers) {} }
            try eventually(within: 20, "the workers' claims") { workers.answered > 10 }
            try Machine.systemctl("stop", "jobqd.target")
            try expectInactive(Self.units + instances)
        }

        @Test func anInstanceIsStoppedByOneNameAndTheOthersStay() throws {
            try Machine.systemctl("start", "jobqd@sixth.service")
            let workers = ConnectingWorkers("/run/jobqd/sixth/jobqd.sock", count: 4)
            defer { withExtendedLifetime(workers) {} }
            try eventually(within: 20, "the workers' claims") { workers.answered > 10 }
            let pid = try Machine.pid()
            try Machine.systemctl("stop", "jobqd@sixth.service")
            try expectInactive(["jobqd@sixth.service", "jobqd@sixth.socket", "jobqd-admin@sixth.socket"])
            #expect(try Machine.pid() == pid)
        }

        @Test func theMetricsSocketIsStoppedToo() throws {
            defer { _ = try? Machine.systemctl("disable", "--now", "jobqd-metrics.socket") }
            try Machine.systemctl("enable", "jobqd-metrics.socket")
            try Machine.systemctl("restart", "jobqd.service")
            #expect(try Machine.property("ActiveState", of: "jobqd-metrics.socket") == "active")
            try Machine.systemctl("stop", "jobqd.service")
            try expectInactive(Self.units + ["jobqd-metrics.socket"])
        }

        @Test func aRestartAndACrashLeaveTheSocketsOpen() throws {
            let opened = try Machine.property("ActiveEnterTimestampMonotonic", of: "jobqd.socket")
            try Machine.systemctl("restart", "jobqd.service")
            kill(try Machine.pid(), SIGKILL)
            try Machine.serving()
            #expect(try Machine.property("ActiveEnterTimestampMonotonic", of: "jobqd.socket") == opened)
        }
    }
}
