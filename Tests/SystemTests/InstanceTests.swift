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
                _ = try? Machine.systemctl("stop", "jobqd@second.service")
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
            defer { _ = try? Machine.systemctl("stop", "jobqd@third.service") }
            #expect(try Machine.property("ActiveState", of: "jobqd@third.service") == "inactive")
            try Machine.serving(on: "/run/jobqd/third/jobqd.sock")
            let first = try Machine.pid()
            try Machine.systemctl("stop", "jobqd@third.service")
            #expect(!Machine.exists("/run/jobqd/third/jobqd.sock"))
            #expect(try Machine.pid() == first)
        }

        @Test func anInstanceHasAPasswordAndAMetricsAddressOfItsOwn() throws {
            let redis = try RedisServer(password: "of the eighth", arguments: ["--port", "6397"])
            defer { redis.kill() }
            try Machine.write("of the eighth", to: "/etc/credstore/jobqd-eighth.redis-password", mode: 0o600)
            try Machine.write("of somebody else", to: "/etc/credstore/jobqd.redis-password", mode: 0o600)
            try Machine.write(
                "[Redis]\nUrl=redis://127.0.0.1:6397\nKeyPrefix=eighth\n[Metrics]\nListen=127.0.0.1:9188\n",
                to: "/etc/jobqd/eighth.conf")
            defer {
                unlink("/etc/credstore/jobqd-eighth.redis-password")
                unlink("/etc/credstore/jobqd.redis-password")
                _ = try? Machine.systemctl("stop", "jobqd@eighth.service")
            }
            try Machine.systemctl("start", "jobqd@eighth.service")
            try Machine.serving(on: "/run/jobqd/eighth/jobqd.sock")
            let script = #"exec 3<>/dev/tcp/127.0.0.1/9188; printf 'GET /healthz HTTP/1.0\r\n\r\n' >&3; cat <&3"#
            let health = try Machine.run("bash", "-c", script, within: 10)
            #expect(health.hasPrefix("HTTP/1.1 200 "), "\(health)")
        }
    }
}
