// systemctl reload: it returns when the new configuration holds, and fails when that is wrong, and then nothing changes.

import Foundation
import Harness
import Testing

extension ServiceTests {
    @Suite(.timeLimit(.minutes(1))) struct ReloadTests {
        @Test func aReloadReturnsWhenTheNewConfigurationHolds() throws {
            let member = try Machine.user("member", member: true)
            let enqueue = ["jobqctl", "enqueue", "reloaded", "1"]
            #expect(try Machine.run(as: member, enqueue).status == 0)
            let pid = try Machine.pid()
            try Machine.write("[Access]\nDeny=user=member op=enqueue\n", to: "\(Machine.settings)/test.conf")
            try Machine.systemctl("reload", "jobqd.service")
            let refused = try Machine.run(as: member, enqueue)
            #expect(refused.status == 77, "\(refused)")
            #expect(try Machine.pid() == pid)
            #expect(try Machine.property("ActiveState") == "active")
        }

        @Test func aReloadOfAWrongConfigurationFailsSaysWhereAndChangesNothing() throws {
            let pid = try Machine.pid()
            try Machine.write("[Limits]\nMaxConnectoins=1\n", to: "\(Machine.settings)/test.conf")
            let result = try Machine.attempt("systemctl", ["reload", "jobqd.service"])
            #expect(result.status != 0)
            #expect(try Machine.property("ActiveState") == "active")
            #expect(try Machine.pid() == pid)
            #expect(try LineClient(Machine.socket).request(["op": "ping"])["ok"] == true)
            let journal = try Machine.journal()
            #expect(journal.contains("test.conf:2") && journal.contains("MaxConnections"), "\(journal)")
        }

        @Test func aHangUpSignalReloadsToo() throws {
            let before = try Machine.run("journalctl", "--unit", "jobqd.service", "--quiet", "--output", "json")
            kill(try Machine.pid(), SIGHUP)
            try eventually(within: 10, "the message of the reload") {
                let now = try Machine.run("journalctl", "--unit", "jobqd.service", "--quiet", "--output", "json")
                return now.dropFirst(before.count).contains("configuration")
            }
            #expect(try Machine.property("ActiveState") == "active")
        }

        @Test func anInstanceIsReloadedByItsOwnSocket() throws {
            try Machine.write("", to: "/etc/jobqd/fourth.conf")
            try Machine.systemctl("start", "jobqd@fourth.service")
            defer {
                _ = try? Machine.systemctl(
                    "stop", "jobqd@fourth.service")
            }
            try Machine.systemctl("reload", "jobqd@fourth.service")
            try Machine.write("[Limits]\nMaxConnectoins=1\n", to: "/etc/jobqd/fourth.conf")
            #expect(try Machine.attempt("systemctl", ["reload", "jobqd@fourth.service"]).status != 0)
            try Machine.systemctl("reload", "jobqd.service")
        }
    }
}
