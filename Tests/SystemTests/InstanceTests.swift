// Several daemons on a machine by the templates, each with sockets, configuration and state of its own.

import Foundation
import Harness
import Testing

extension ServiceTests {
    @Suite(.timeLimit(.minutes(1))) struct InstanceTests {
        @Test func anInstanceHasSocketsConfigurationAndStateOfItsOwn() throws {
            try Machine.write("[Limits]\nMaxConnections=7\n", to: "/etc/jobqd/second.conf")
            try Machine.systemctl("start", "jobqd@second.service")
            defer {
                _ = try? Machine.systemctl(
                    "stop", "jobqd@second.socket", "jobqd-admin@second.socket", "jobqd@second.service")
            }
            let socket = "/run/jobqd/second/jobqd.sock"
            try Machine.serving(on: socket)
            let second = try LineClient(socket)
            try second.enqueue("instances", ["payload": 1])
            #expect(try second.stats("instances")["depth"]["queued"] == 1)
            let unknown = try LineClient(Machine.socket).refused("stats", ["queue": "instances"])
            #expect(unknown["code"] == "not_found", "\(unknown)")

            #expect(try LineClient("/run/jobqd/second/admin.sock").request(["op": "ping"])["ok"] == true)
            #expect(try Machine.run("stat", "-c", "%U:%G %a", socket) == "root:jobqd 660\n")
            #expect(try Machine.run("stat", "-c", "%U %a", "/var/lib/jobqd-second") == "jobqd 700\n")
            let command = try Machine.run("ps", "-o", "args=", "-p", "\(Machine.pid(of: "jobqd@second.service"))")
            #expect(command.contains("--config -/etc/jobqd/second.conf"))
        }

        @Test func anInstanceWithoutAFileStopsAloneAndStartsWhenSomebodyConnects() throws {
            try Machine.systemctl("start", "jobqd@third.socket")
            defer { _ = try? Machine.systemctl("stop", "jobqd@third.socket", "jobqd@third.service") }
            #expect(try Machine.property("ActiveState", of: "jobqd@third.service") == "inactive")
            try Machine.serving(on: "/run/jobqd/third/jobqd.sock")
            let first = try Machine.pid()
            try Machine.systemctl("stop", "jobqd@third.socket", "jobqd-admin@third.socket", "jobqd@third.service")
            #expect(!Machine.exists("/run/jobqd/third/jobqd.sock"))
            #expect(try Machine.pid() == first)
        }
    }
}
