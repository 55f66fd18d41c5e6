// What an operator meets on a bad day: no redis-server, a state directory that is not the daemon's or cannot be written, a
// disk that is full. Each time what `systemctl`, the journal, the exit status and `jobqctl` say, and that it goes on when
// the cause is mended.

import Foundation
import Harness
import Testing

extension ServiceTests {
    @Suite(.timeLimit(.minutes(3))) struct BadDayTests {
        private static let state = "/var/lib/jobqd"

        /// Files that are laid over the state directory, of `size`, until the test is over.
        private func withDisk(_ size: String, _ body: () throws -> Void) throws {
            try Machine.systemctl("stop", "jobqd.service")
            try Machine.run("mount", "-t", "tmpfs", "-o", "size=\(size),mode=700", "jobqd-test", Self.state)
            defer {
                _ = try? Machine.systemctl("stop", "jobqd.service")
                _ = try? Machine.run("umount", "--lazy", Self.state)
            }
            try Machine.run("chown", "jobqd:jobqd", Self.state)
            try body()
        }

        /// The start fails, with the reason in the journal, and is not tried again without end. Nothing says "ready".
        private func expectNoStart(_ status: String, because reason: String) throws {
            let since = try Machine.run("date", "+%F %T.%6N")
            #expect(try Machine.attempt("systemctl", ["start", "jobqd.service"], within: 90).status != 0)
            #expect(try Machine.property("ExecMainStatus") == status)
            let journal = try Machine.run(
                "journalctl", "--unit", "jobqd.service", "--since", since.trimmingCharacters(in: .newlines))
            #expect(journal.contains("cannot start Redis") && journal.contains(reason), "\(journal)")
            #expect(!journal.contains("jobqd: ready") && !journal.contains("Started jobqd.service"), "\(journal)")
            #expect(try Machine.property("NRestarts") == "0")
            #expect(try Machine.property("ActiveState") == "failed")
            let shown = try Machine.attempt("systemctl", ["status", "--no-pager", "jobqd.service"])
            #expect(shown.status == 3 && shown.output.contains("status=\(status)/"), "\(shown.output)")
        }

        @Test func withoutRedisServerTheStartFailsAndSaysWhatIsMissing() throws {
            try Machine.systemctl("stop", "jobqd.service")
            let program = try Machine.run("which", "redis-server").trimmingCharacters(in: .newlines)
            try Machine.run("mv", program, program + ".away")
            defer { _ = try? Machine.attempt("mv", [program + ".away", program]) }
            try expectNoStart("72", because: "redis-server")
            try Machine.run("mv", program + ".away", program)
            try Machine.systemctl("restart", "jobqd.service")
            try Machine.serving()
        }

        @Test func aStateDirectoryWithFilesOfSomebodyElseFailsTheStart() throws {
            try withDisk("64m") {
                try Machine.systemctl("start", "jobqd.service")
                try Machine.serving()
                try LineClient(Machine.socket).enqueueMany("foreign", 5)
                try Machine.systemctl("stop", "jobqd.service")
                // As after a copy that was made as root.
                try Machine.run("bash", "-c", "chown -R root:root \(Self.state)/*")
                let result = try Machine.attempt("systemctl", ["start", "jobqd.service"], within: 90)
                #expect(result.status != 0)
                #expect(["69", "73"].contains(try Machine.property("ExecMainStatus")))
                let journal = try Machine.journal()
                #expect(journal.contains("cannot start Redis") && journal.contains("Permission denied"), "\(journal)")
                try Machine.run("chown", "-R", "jobqd:jobqd", Self.state)
                try Machine.systemctl("restart", "jobqd.service")
                try Machine.serving()
                #expect(try LineClient(Machine.socket).stats("foreign")["depth"]["queued"] == 5)
            }
        }

        @Test func aReadOnlyStateDirectoryFailsTheStart() throws {
            try withDisk("64m") {
                try Machine.run("mount", "-o", "remount,ro", Self.state)
                try expectNoStart("73", because: "Read-only file system")
                try Machine.run("mount", "-o", "remount,rw", Self.state)
                try Machine.systemctl("restart", "jobqd.service")
                try Machine.serving()
            }
        }

        @Test func aFullDiskLosesNothingThatWasAcknowledged() throws {
            try Machine.write("[Redis]\nFsync=always\n", to: "\(Machine.settings)/test.conf")
            try withDisk("48m") {
                try Machine.systemctl("start", "jobqd.service")
                try Machine.serving()
                var acknowledged = try fill()
                #expect(acknowledged.count > 10)
                try eventually(within: 20, "the journal and the status") {
                    try Machine.journal().contains("No space left on device")
                        && Machine.attempt("jobqctl", ["status"]).output.contains("No space left on device")
                }
                try Machine.systemctl("kill", "--kill-whom=all", "--signal=KILL", "jobqd.service")
                unlink("\(Self.state)/filler")
                try Machine.systemctl("restart", "jobqd.service")
                try Machine.serving()
                let client = try LineClient(Machine.socket)
                acknowledged.removeAll { (try? client.state($0)) == "queued" }
                #expect(acknowledged == [])
                try client.enqueue("full", ["payload": "again"])
                #expect(try Machine.attempt("jobqctl", ["check"]).status == 0)
                #expect(try Machine.attempt("jobqctl", ["status"]).status == 0)
            }
        }

        /// Leaves a megabyte on the disk and enqueues until that is refused; the jobs that were acknowledged.
        private func fill() throws -> [String] {
            let script = #"f=$(df --output=avail -B1 "$0" | tail -1); fallocate -l $((f - 1048576)) "$0/filler""#
            try Machine.run("bash", "-c", script, Self.state)
            let payload = JSON(String(repeating: "x", count: 20_000))
            var acknowledged: [String] = []
            let client = try LineClient(Machine.socket)
            for _ in 0..<400 {
                let reply = try client.request(["op": "enqueue", "queue": "full", "payload": payload], within: 30)
                guard reply["ok"] == true, let job = reply["job"].string else {
                    #expect(["store_full", "store_unavailable"].contains(reply["error"]["code"].string), "\(reply)")
                    #expect(reply["error"]["retryable"] == true, "\(reply)")
                    return acknowledged
                }
                acknowledged.append(job)
            }
            throw HarnessError("8 MB fit on a disk with 1 MB: \(acknowledged.count)")
        }
    }
}
