// What the journal has of the daemon: fields of its own, who did what, and the catalog's explanations.

import Foundation
import Harness
import Testing

extension ServiceTests {
    @Suite(.timeLimit(.minutes(1))) struct JournalTests {
        @Test func anAdministratorsDeedIsInTheJournalWithWhoDidIt() throws {
            try LineClient(Machine.socket).enqueue("audited", ["payload": 1])
            try Machine.run("jobqctl", "queue", "pause", "audited")
            let entry = try entry { $0["JOBQD_OP"] == "pause" && $0["JOBQD_QUEUE"] == "audited" }
            #expect(entry["JOBQD_UID"] == "0" && entry["JOBQD_RESULT"] == "ok", "\(entry)")
            #expect(entry["PRIORITY"] == "5" && entry["MESSAGE_ID"].string?.count == 32, "\(entry)")
            #expect(entry["SYSLOG_IDENTIFIER"] == "jobqd" && entry["_SYSTEMD_UNIT"] == "jobqd.service", "\(entry)")
        }

        @Test func aRefusalIsInTheJournalWithWhoWasRefused() throws {
            let member = try Machine.user("member", member: true)
            let result = try Machine.run(as: member, ["jobqctl", "queue", "pause", "refused"])
            #expect(result.status == 77, "\(result)")
            let entry = try entry { $0["JOBQD_OP"] == "pause" && $0["JOBQD_RESULT"] == "forbidden" }
            #expect(try entry["JOBQD_UID"].string == Machine.run("id", "-u", member).dropLast().description)
            #expect(entry["PRIORITY"] == "4", "\(entry)")
        }

        @Test func theCatalogExplainsWhatTheJournalSays() throws {
            let subjects = try catalog()
            #expect(subjects.count >= 10)
            for (id, subject) in subjects {
                let listed = try Machine.run("journalctl", "--dump-catalog", id)
                #expect(listed.contains("Subject: \(subject)"), "\(listed)")
            }
            try Machine.systemctl("restart", "jobqd.service")
            let ids = Set(try entries().compactMap { $0["MESSAGE_ID"].string }).intersection(subjects.keys)
            #expect(ids.count >= 2, "messages of the start have ids: \(ids)")
            let explained = try Machine.run("journalctl", "--catalog", "--no-pager", "--unit", "jobqd.service")
            for id in ids {
                // Up to the first @FIELD@, for which the value stands.
                let subject = subjects[id]!.prefix { $0 != "@" }
                #expect(explained.contains("Subject: \(subject)"), "\(explained)")
            }
            #expect(!explained.contains("@JOBQD_OP@"))
            #expect(explained.contains("man:jobqd(8)"))
        }

        @Test func aPasswordIsNowhereInTheJournal() throws {
            let redis = try RedisServer(password: "open sesame", arguments: ["--port", "6398"])
            defer { redis.kill() }
            try Machine.write("open sesame", to: "/etc/credstore/jobqd.redis-password", mode: 0o600)
            defer { unlink("/etc/credstore/jobqd.redis-password") }
            try Machine.restart(settings: "[Redis]\nUrl=redis://127.0.0.1:6398\n[Log]\nLevel=trace")
            try Machine.serving()
            try LineClient(Machine.socket).enqueue("secret", ["payload": "not for the log"])
            let journal = try Machine.run("journalctl", "--unit", "jobqd.service", "--output", "verbose")
            #expect(journal.contains("127.0.0.1:6398"))
            #expect(!journal.contains("open sesame") && !journal.contains("not for the log"))
        }

        // MARK: Reading

        /// The daemon's own messages since its units were installed.
        private func entries() throws -> [JSON] {
            try Machine.run("journalctl", "--quiet", "--output", "json", "_SYSTEMD_UNIT=jobqd.service")
                .split(separator: "\n").map { try JSON(parsing: $0.utf8) }
        }

        private func entry(_ isWanted: (JSON) -> Bool) throws -> JSON {
            try eventualValue(within: 10, "the entry") { try entries().last(where: isWanted) }
        }

        /// Identifiers and subjects of the installed catalog.
        private func catalog() throws -> [String: String] {
            let text = try String(contentsOfFile: "/usr/lib/systemd/catalog/jobqd.catalog", encoding: .utf8)
            var subjects: [String: String] = [:]
            var id = ""
            for line in text.split(separator: "\n") {
                if line.hasPrefix("-- ") { id = String(line.dropFirst(3)) }
                if line.hasPrefix("Subject: ") { subjects[id] = String(line.dropFirst(9)) }
            }
            return subjects
        }
    }
}
