// Who gets in, and who may do what, as seen by users of the machine; and what the daemon finds out about its peers from
// inside its sandbox.

import Foundation
import Harness
import Testing

extension ServiceTests {
    @Suite(.timeLimit(.minutes(1))) struct RightsTests {
        @Test func aMemberOfTheGroupEnqueuesAndWorks() throws {
            let member = try Machine.user("member", member: true)
            let result = try Machine.run(as: member, ["jobqctl", "enqueue", "members", #"{"to":1}"#])
            #expect(result.status == 0, "\(result.errors)")
            let script = """
                import json, socket
                s = socket.socket(socket.AF_UNIX)
                s.connect("\(Machine.socket)")
                f = s.makefile("rw")
                def ask(**r):
                    f.write(json.dumps(r) + "\\n"); f.flush()
                    return json.loads(f.readline())
                job = ask(op="claim", queue="members", wait_ms=5000)["jobs"][0]
                print(ask(op="complete", job=job["job"], token=job["token"])["ok"])
                """
            let work = try Machine.run(as: member, ["/usr/bin/python3", "-c", script])
            #expect(work.output == "True\n", "\(work.errors)")
        }

        @Test func whoIsNotInTheGroupIsRefused() throws {
            let stranger = try Machine.user("stranger", member: false)
            let result = try Machine.run(as: stranger, ["jobqctl", "enqueue", "strangers", "1"])
            #expect(result.status == 77 && result.errors.contains("Permission denied"), "\(result)")
        }

        @Test func theAdministratorsSocketIsClosedToMembers() throws {
            let member = try Machine.user("member", member: true)
            let result = try Machine.run(as: member, ["jobqctl", "ping", "--socket", Machine.adminSocket])
            #expect(result.status == 77, "\(result)")
            #expect(try Machine.run("jobqctl", "ping", "--socket", Machine.adminSocket) != "")
        }

        @Test func theUnitOfAWorkerIsKnown() throws {
            let member = try Machine.user("member", member: true)
            let script = """
                import socket, sys
                s = socket.socket(socket.AF_UNIX)
                s.connect("\(Machine.socket)")
                s.sendall(b'{"op":"hello","worker":"of-a-unit"}\\n')
                while s.recv(1000): pass
                """
            try Machine.run(
                "systemd-run", "--quiet", "--collect", "--unit=mailer", "--uid=\(member)", "/usr/bin/python3", "-c",
                script)
            defer { _ = try? Machine.systemctl("stop", "mailer.service") }
            let client = try LineClient(Machine.adminSocket)
            let worker = try eventualValue(within: 10, "the worker") {
                try client.call("workers")["workers"].array.first { $0["worker"] == "of-a-unit" }
            }
            #expect(worker["unit"] == "mailer.service", "\(worker)")
            #expect(try worker["uid"].int.map(String.init) == Machine.run("id", "-u", member).dropLast().description)
        }
    }
}
