// What the log says about administration: who did what, with which result, and never what a job carries.

import Foundation
import Harness
import Testing

@Suite(.timeLimit(.minutes(1))) struct AuditTests {
    private let daemon: Daemon
    private let root: LineClient

    init() throws {
        daemon = try Daemon.openToAll(.memory)
        try daemon.start()
        root = try daemon.connect()
    }

    /// From now on the log hears of those who only look.
    private func listenClosely() throws {
        try daemon.directory.write("[Log]\nLevel=debug\n", to: "jobqd.conf")
        try root.call("reload")
    }

    /// The log's lines about an operation, as words.
    private func lines(_ op: String) -> [Set<String>] {
        daemon.log.split(separator: "\n").map { Set($0.split(separator: " ").map(String.init)) }
            .filter { $0.contains("op=\(op)") }
    }

    @Test func changesAreToldAtNoticeWithWhoAndWhatAndTheResult() throws {
        try root.call("hello", ["worker": "ops-1"])
        try root.call("pause", ["create": true, "queue": "mail"])
        _ = try root.refused("delete", ["job": "mail/none"])
        try root.call("quiet", ["worker": "nobody-*"])
        let pid = getpid()
        let who: Set = ["uid=0", "gid=0", "pid=\(pid)", "socket=client", "worker=ops-1"]
        #expect(lines("pause").first?.isSuperset(of: who.union(["<5>pause", "queue=mail", "result=ok"])) == true)
        let deleted = lines("delete").first
        #expect(deleted?.isSuperset(of: ["<5>delete", "job=mail/none", "queue=mail", "result=not_found"]) == true)
        #expect(lines("quiet").first?.contains("workers=nobody-*") == true)
    }

    @Test func whoWaitsForTheEndOfTheDrainingDoesNotFillTheLog() throws {
        try listenClosely()
        for _ in 1...4 { try root.call("drain") }
        #expect(lines("drain").count == 2)
        #expect(lines("drain").first?.contains("<5>drain") == true && lines("drain").last?.contains("<7>drain") == true)
    }

    @Test func aReloadOfAWrongConfigurationIsToldAsRefused() throws {
        try daemon.directory.write("[Log]\nLevel=loud\n", to: "jobqd.conf")
        try root.call("reload")
        #expect(lines("reload").map { $0.contains("result=refused") } == [true])
        try daemon.directory.write("", to: "jobqd.conf")
        try root.call("reload")
        #expect(lines("reload").map { $0.contains("result=ok") } == [false, true])
    }

    @Test func aLogThatHearsLessIsToldLess() throws {
        try daemon.directory.write("[Log]\nLevel=warning\n", to: "jobqd.conf")
        try root.call("reload")
        try root.call("pause", ["create": true, "queue": "mail"])
        #expect(lines("pause").isEmpty)
    }

    @Test func whatOnlyLooksIsToldAtDebugAndADryRunAtInfo() throws {
        try listenClosely()
        try root.enqueue("mail")
        try root.call("workers")
        try root.call("check")
        try root.call("configure", ["queue": "mail"])
        try root.call("purge", ["queue": "mail", "state": "dead", "dry_run": true])
        try root.call("requeue", ["queue": "mail", "state": "dead", "dry_run": true])
        for op in ["workers", "check", "configure", "purge", "requeue"] {
            #expect(lines(op).count == 1)
            let level = ["purge", "requeue"].contains(op) ? "<6>" : "<7>"
            #expect(lines(op).first?.contains { $0.hasPrefix(level) } == true, "\(op)")
        }
        try root.call("configure", ["create": true, "queue": "mail", "max_attempts": 5])
        try root.call("check", ["repair": true])
        for op in ["configure", "check"] { #expect(lines(op).last?.contains("<5>\(op)") == true) }
    }

    @Test func whoLooksAgainAndAgainIsToldOnceAConnection() throws {
        try listenClosely()
        for _ in 0..<3 { try root.call("workers") }
        try daemon.connect().call("workers")
        for _ in 0..<2 { try root.call("pause", ["create": true, "queue": "mail"]) }
        #expect(lines("workers").count == 2 && lines("pause").count == 2)
    }

    /// The messages about an operation, without their fields' values.
    private func messages(_ op: String) -> [String] {
        daemon.log.split(separator: "\n").map(String.init).filter { $0.contains("op=\(op)") }
    }

    @Test func theMessageSaysWhatWasDoneHowOftenAndByWhom() throws {
        let who = "by uid 0 (pid \(getpid())"
        for _ in 0..<3 { try root.enqueue("mail", ["delay_ms": 600_000]) }
        try root.call("purge", ["queue": "mail", "state": "scheduled", "limit": 2, "dry_run": true])
        try root.call("purge", ["queue": "mail", "state": "scheduled", "limit": 2])
        #expect(messages("purge").count == 2)
        #expect(messages("purge").first?.contains("purge mail (scheduled, dry run) \(who)") == true)
        #expect(messages("purge").first?.contains("ok, 2 jobs would be purged, 1 left") == true)
        #expect(messages("purge").last?.contains("purge mail (scheduled) \(who)") == true)
        #expect(messages("purge").last?.contains("ok, 2 jobs purged, 1 left") == true)
        #expect(
            lines("purge").first?.contains("dry_run=true") == true && lines("purge").last?.contains("done=2") == true)
        try root.call("configure", ["queue": "mail", "max_attempts": 5, "max_len": 10])
        #expect(messages("configure").last?.contains("ok, max_attempts 3 → 5, max_len none → 10") == true)
        try root.call("pause", ["queue": "mail"])
        try root.call("pause", ["queue": "mail", "until": 4_000_000_000_000])
        try root.call("resume", ["queue": "mail"])
        #expect(messages("pause").first?.contains("ok, not paused → paused") == true)
        #expect(messages("pause").last?.contains("ok, paused → paused until 4000000000000") == true)
        #expect(messages("resume").last?.contains("ok, paused until 4000000000000 → not paused") == true)
        try root.call("remove_queue", ["queue": "mail", "jobs": true])
        #expect(messages("remove_queue").last?.contains("remove_queue mail \(who)") == true)
        #expect(messages("remove_queue").last?.contains("ok, 1 job removed") == true)
    }

    @Test func aCheckThatFindsSomethingIsToldAtWarning() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis), arguments: ["--log-level", "warning"])
        let client = try daemon.connect()
        try client.enqueue("mail")
        try client.call("check")
        #expect(!daemon.log.contains("op=check"))
        try redis.command("ZADD", "jobq:{mail}:queued", "1", "ghost")
        let found = try client.call("check")["violations_total"].int ?? 0
        #expect(found > 0)
        let line = daemon.log.split(separator: "\n").first { $0.contains("op=check") } ?? ""
        #expect(
            line.hasPrefix("<4>check") && line.contains("\(found) violation") && line.contains("0 repaired"), "\(line)")
    }

    @Test(.enabled(if: OtherUser.isPossible)) func aRefusalNamesWhoAndTheRule() throws {
        let folder = try TemporaryDirectory()
        try folder.write("[Access]\nDeny=user=65533 op=claim\n", to: "jobqd.conf")
        let daemon = try Daemon.openToAll(.memory, arguments: ["--config", folder.file("jobqd.conf")])
        try daemon.start()
        let other = try OtherUser(daemon.socketPath, user: 65_533)
        let message = try other.client.refused("claim", ["queue": "mail"])["message"].string ?? ""
        for part in ["\"claim\" on the queue mail", "Deny=user=65533 op=claim", "you are uid 65533 (pid "] {
            #expect(message.contains(part), "\(message)")
        }
        let line = daemon.log.split(separator: "\n").first { $0.contains("op=claim") } ?? ""
        #expect(line.hasPrefix("<4>refused uid 65533 (pid ") && line.contains("Deny=user=65533 op=claim"), "\(line)")
    }

    @Test func everydayOperationsAreNotTold() throws {
        for op in ["ping", "info", "queues", "stats"] { try root.call(op) }
        try root.enqueue("mail", ["payload": "top-secret"])
        try root.call("list", ["queue": "mail", "state": "queued"])
        try root.complete(root.claim("mail")[0])
        for op in ["ping", "info", "queues", "stats", "list", "enqueue", "claim", "complete"] {
            #expect(lines(op).isEmpty)
        }
        #expect(!daemon.log.contains("top-secret"))
    }

    @Test func theSocketIsToldToo() throws {
        let folder = try TemporaryDirectory()
        let path = folder.file("admin.sock")
        let daemon = try Daemon(.memory, arguments: ["--admin-socket", path])
        try LineClient(path).call("pause", ["create": true, "queue": "mail"])
        #expect(daemon.log.contains("op=pause") && daemon.log.contains("socket=admin"))
    }

    @Test(.enabled(if: OtherUser.isPossible)) func aPeerThatIsRefusedAgainAndAgainDoesNotFillTheLog() throws {
        for _ in 0..<5 {
            let other = try OtherUser(daemon.socketPath, user: 65_533)
            for _ in 0..<200 { _ = try other.client.refused("drain") }
        }
        let told = lines("drain")
        #expect((1...20).contains(told.count))
        #expect(told[0].isSuperset(of: ["<4>refused", "uid=65533", "result=forbidden", "socket=client"]))
        // The next one after a second says how many were not told.
        try eventually(within: 5, "a count") {
            let other = try OtherUser(daemon.socketPath, user: 65_533)
            _ = try other.client.refused("drain")
            return lines("drain").contains { line in line.contains { $0.hasPrefix("unsaid=") } }
        }
    }
}
