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

    /// The log's lines about an operation, as words.
    private func lines(_ op: String) -> [Set<String>] {
        daemon.log.split(separator: "\n").map { Set($0.split(separator: " ").map(String.init)) }
            .filter { $0.contains("op=\(op)") }
    }

    @Test func changesAreToldAtNoticeWithWhoAndWhatAndTheResult() throws {
        try root.call("hello", ["worker": "ops-1"])
        try root.call("pause", ["queue": "mail"])
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
        for _ in 1...4 { try root.call("drain") }
        #expect(lines("drain").count == 2)
        #expect(lines("drain").first?.contains("<5>drain") == true && lines("drain").last?.contains("<6>drain") == true)
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
        try root.call("pause", ["queue": "mail"])
        #expect(lines("pause").isEmpty)
    }

    @Test func whatOnlyLooksIsToldAtInfo() throws {
        try root.enqueue("mail")
        try root.call("workers")
        try root.call("check")
        try root.call("configure", ["queue": "mail"])
        try root.call("purge", ["queue": "mail", "state": "dead", "dry_run": true])
        try root.call("requeue", ["queue": "mail", "state": "dead", "dry_run": true])
        for op in ["workers", "check", "configure", "purge", "requeue"] {
            #expect(lines(op).count == 1)
            #expect(lines(op)[0].contains { $0.hasPrefix("<6>") }, "\(op)")
        }
        try root.call("configure", ["queue": "mail", "max_attempts": 5])
        try root.call("check", ["repair": true])
        for op in ["configure", "check"] { #expect(lines(op)[1].contains("<5>\(op)")) }
    }

    @Test func whoLooksAgainAndAgainIsToldOnceAConnection() throws {
        for _ in 0..<3 { try root.call("workers") }
        try daemon.connect().call("workers")
        for _ in 0..<2 { try root.call("pause", ["queue": "mail"]) }
        #expect(lines("workers").count == 2 && lines("pause").count == 2)
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
        try LineClient(path).call("pause", ["queue": "mail"])
        #expect(daemon.log.contains("op=pause") && daemon.log.contains("socket=admin"))
    }

    @Test(.enabled(if: OtherUser.isPossible)) func aPeerThatIsRefusedAgainAndAgainDoesNotFillTheLog() throws {
        for _ in 0..<5 {
            let other = try OtherUser(daemon.socketPath, user: 65_533)
            for _ in 0..<200 { _ = try other.client.refused("drain") }
        }
        let told = lines("drain")
        #expect((1...20).contains(told.count))
        #expect(told[0].isSuperset(of: ["<4>refused:", "uid=65533", "result=forbidden", "socket=client"]))
        // The next one after a second says how many were not told.
        try eventually(within: 5, "a count") {
            let other = try OtherUser(daemon.socketPath, user: 65_533)
            _ = try other.client.refused("drain")
            return lines("drain").contains { line in line.contains { $0.hasPrefix("unsaid=") } }
        }
    }
}
