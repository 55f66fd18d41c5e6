// Who may do what, over real sockets: root and others, on the clients' and on the administrators' socket, with rules and
// without, and rules that change under an open connection. Run as root, since it takes root to be somebody else.

import Foundation
import Harness
import Testing

@Suite(.enabled(if: OtherUser.isPossible), .timeLimit(.minutes(1))) struct AccessTests {
    private static let somebody: UInt32 = 65_533

    /// A daemon with these rules.
    private func daemon(_ rules: String = "", arguments: [String] = []) throws -> Daemon {
        let daemon = try Daemon.openToAll(.memory, arguments: arguments)
        try daemon.directory.write("[Access]\n\(rules)", to: "jobqd.conf")
        try daemon.start()
        return daemon
    }

    private func other(_ daemon: Daemon, group: UInt32? = nil, groups: [UInt32] = []) throws -> OtherUser {
        try OtherUser(daemon.socketPath, user: Self.somebody, group: group, groups: groups)
    }

    private static let administration: [(op: String, members: JSON)] = [
        ("workers", [:]), ("requeue", ["queue": "a", "state": "dead"]), ("delete", ["job": "a/1"]),
        ("purge", ["queue": "a", "state": "dead", "dry_run": true]), ("pause", ["queue": "a"]),
        ("resume", ["queue": "a"]), ("resume", ["worker": "*"]), ("configure", ["queue": "a"]), ("reclaim", [:]),
        ("quiet", [:]), ("drain", [:]), ("check", [:]), ("metrics", [:]), ("reload", [:]),
        ("remove_queue", ["queue": "a", "jobs": true]),
    ]

    @Test func othersAreRefusedAdministrationAndMayDoAllElse() throws {
        let daemon = try daemon()
        let client = try other(daemon).client
        for (op, members) in Self.administration {
            let error = try client.refused(op, members)
            #expect(error["code"] == "forbidden" && error["retryable"] == false)
            let who = "is for administrators: root, the daemon's user, or the admin socket"
            let message = error["message"].string ?? ""
            #expect(
                message.hasPrefix("the operation \"\(op)\" \(who); you are uid \(Self.somebody) (pid "), "\(message)")
        }
        let job = try client.enqueue("a")
        try client.complete(client.claim("a")[0])
        for (op, members) in [
            ("ping", [:]), ("info", [:]), ("queues", [:]), ("stats", [:]),
            ("list", ["queue": "a", "state": "completed"]),
            ("get", ["job": JSON(job)]), ("topics", [:]), ("bind", ["topic": "t", "queue": "a"]), ("subscribe", [:]),
        ] as [(String, JSON)] { try client.call(op, members) }
    }

    @Test func whoMayNotClaimFromAQueueClaimsByNoPatternThatMatchesIt() throws {
        let daemon = try daemon("Deny=op=claim queue=secret.*\n")
        try daemon.connect().enqueue("secret.one")
        let client = try other(daemon).client
        for pattern in ["*", "secret.o*", "s?cret.one"] {
            #expect(try client.refused("claim", ["queues": [JSON(pattern)]])["code"] == "forbidden")
        }
        #expect(try client.call("claim", ["queues": ["open.*"]])["jobs"].array.isEmpty)
    }

    @Test func rootMayDoEverythingOnTheClientsSocket() throws {
        let daemon = try daemon("Deny=op=all\n")
        let client = try daemon.connect()
        try client.enqueue("a")
        for (op, members) in Self.administration where op != "delete" { try client.call(op, members) }
    }

    /// Somebody else can only run the daemon where its folders let everybody through.
    private static var isReachable: Bool {
        var path = Daemon.executable
        while path != "/", !path.isEmpty {
            path = (path as NSString).deletingLastPathComponent
            let attributes = try? FileManager.default.attributesOfItem(atPath: path)
            if ((attributes?[.posixPermissions] as? Int) ?? 0) & 0o001 == 0 { return false }
        }
        return true
    }

    @Test(.enabled(if: isReachable)) func theDaemonsOwnUserMayDoEverything() throws {
        let daemon = try Daemon(
            .memory, arguments: ["--socket-mode", "0666"],
            wrapper: ["setpriv", "--reuid", "\(Self.somebody)", "--regid", "\(Self.somebody)", "--clear-groups"],
            start: false)
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: daemon.directory.path)
        try daemon.directory.write("[Access]\nDeny=op=all\n", to: "jobqd.conf", mode: 0o644)
        try daemon.start()
        try other(daemon).client.call("pause", ["create": true, "queue": "a"])
        let third = try OtherUser(daemon.socketPath, user: Self.somebody - 1)
        #expect(try third.client.refused("ping")["code"] == "forbidden")
    }

    @Test func whoeverComesOverTheAdministratorsSocketMayDoEverything() throws {
        let folder = try TemporaryDirectory()
        try FileManager.default.setAttributes([.posixPermissions: 0o711], ofItemAtPath: folder.path)
        let path = folder.file("admin.sock")
        let daemon = try daemon("Deny=op=all\n", arguments: ["--admin-socket", path])
        #expect(try other(daemon).client.refused("ping")["code"] == "forbidden")
        // It is root's alone; somebody who was handed it may.
        try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: path)
        try OtherUser(path, user: Self.somebody).client.call("pause", ["create": true, "queue": "a"])
    }

    @Test func rulesAllowAndDenyByUserGroupOperationAndQueue() throws {
        let daemon = try daemon(
            """
            Allow=user=\(Self.somebody) op=pause,resume queue=mail.*
            Allow=group=77 op=drain
            Deny=group=88 op=enqueue,publish,claim queue=secret*
            """)
        let plain = try other(daemon).client
        try plain.call("pause", ["create": true, "queue": "mail.a"])
        #expect(try plain.refused("pause", ["queue": "web"])["code"] == "forbidden")
        #expect(try plain.refused("drain")["code"] == "forbidden")
        try plain.enqueue("secret")
        let grouped = try other(daemon, groups: [5, 88]).client
        let error = try grouped.refused("enqueue", ["jobs": [["queue": "a"], ["queue": "secret1"]]])
        let rule = #""Deny=group=88 op=enqueue,publish,claim queue=secret*" of [Access]"#
        let message = error["message"].string ?? ""
        #expect(
            message.hasPrefix(
                #"the operation "enqueue" on the queue secret1 is not allowed by the rule \#(rule); you are uid "#),
            "\(message)")
        try grouped.enqueue("a")
        try other(daemon, group: 77).client.call("drain")
    }

    @Test func aPublishIsJudgedByTheQueuesOfItsTopic() throws {
        let daemon = try daemon("Deny=user=\(Self.somebody) op=publish queue=secret\n")
        let root = try daemon.connect()
        for queue in ["a", "b"] { try root.call("bind", ["topic": "open", "queue": JSON(queue)]) }
        for queue in ["a", "secret"] { try root.call("bind", ["topic": "mixed", "queue": JSON(queue)]) }
        let client = try other(daemon).client
        #expect(try client.call("publish", ["topic": "open"])["jobs"].array.count == 2)
        #expect(try client.call("publish", ["topic": "unbound"])["jobs"] == [])
        #expect(try client.refused("publish", ["topic": "mixed"])["code"] == "forbidden")
        // Nothing of it happened.
        #expect(try root.stats("a")["totals"]["enqueued"] == 1)
        #expect(try root.call("publish", ["topic": "mixed"])["jobs"].array.count == 2)
    }

    @Test func aPublishIsJudgedByWhoSentItAlsoWhenThatConnectionIsGone() throws {
        let redis = try RedisServer()
        let daemon = try Daemon.openToAll(.redis(redis))
        try daemon.directory.write("[Access]\nDeny=group=88 op=publish queue=secret\n", to: "jobqd.conf")
        try daemon.start()
        let root = try daemon.connect()
        try root.enqueue("secret")
        try root.call("bind", ["topic": "t", "queue": "secret"])
        // While Redis does not say who is bound to the topic, the publisher goes.
        redis.suspend()
        do {
            let publisher = try other(daemon, groups: [88])
            try publisher.client.send(["op": "publish", "id": 1, "topic": "t"])
            #expect(try publisher.client.request(["op": "ping", "id": 2])["ok"] == true)
        }
        try eventually { try root.call("info")["connections"] == 1 }
        redis.resume()
        try eventually("the refusal in the log") { daemon.log.contains("op=publish") }
        #expect(try root.stats("secret")["totals"]["enqueued"] == 1)
    }

    @Test func anotherUsersSessionIsNotTakenOver() throws {
        let daemon = try daemon("Allow=user=\(Self.somebody) op=workers\n")
        let holder = try daemon.connect()
        let session = try holder.call("hello", ["worker": "w"])["session"]
        try holder.enqueue("a")
        let claimed = try holder.claimOne("a")
        let client = try other(daemon).client
        #expect(try client.call("workers")["workers"][0]["session"] == session)
        let own = try client.call("hello", ["worker": "w", "push": true, "session": session])["session"]
        #expect(own != session)
        let held = try client.call("workers")["workers"].array.map { [$0["session"], $0["connected"], $0["held"]] }
        #expect(Set(held.map(\.description)) == Set([[session, true, 1], [own, true, 0]].map(\.description)))
        try holder.complete(claimed)
    }

    @Test func aClaimBesideACompletionIsJudgedAsAClaim() throws {
        let daemon = try daemon("Deny=user=\(Self.somebody) op=claim queue=secret\n")
        let client = try other(daemon).client
        try client.enqueue("a")
        let job = try client.claim("a")[0]
        let next: JSON = ["job": job["job"], "token": job["token"], "next": ["queue": "secret"]]
        #expect(try client.refused("complete", next)["code"] == "forbidden")
        try client.complete(job)
    }

    @Test func aReloadChangesTheRulesOfOpenConnections() throws {
        let daemon = try daemon("Deny=user=\(Self.somebody) op=claim\n")
        let client = try other(daemon).client
        #expect(try client.refused("claim", ["queue": "a"])["code"] == "forbidden")
        try daemon.directory.write("[Access]\nAllow=user=\(Self.somebody) op=pause\n", to: "jobqd.conf")
        let root = try daemon.connect()
        #expect(try root.call("reload") == ["ok": true, "reloaded": true, "changed": ["access"], "restart": []])
        try client.call("claim", ["queue": "a"])
        try client.call("pause", ["create": true, "queue": "a"])
        try daemon.directory.write("", to: "jobqd.conf")
        try root.call("reload")
        #expect(try client.refused("pause", ["queue": "a"])["code"] == "forbidden")
    }

    @Test(arguments: ["claim", "subscribe", "wait"])
    func aConnectionThatWaitsForWhatNewRulesForbidIsClosed(op: String) throws {
        let daemon = try daemon()
        let root = try daemon.connect()
        let job = try root.enqueue("mail", ["delay_ms": 600_000])
        let members: JSON =
            switch op {
            case "claim": ["queue": "mail", "wait_ms": 60_000]
            case "wait": ["job": JSON(job), "wait_ms": 60_000]
            default: ["queues": ["mail*"]]
            }
        let (waiting, idle) = (try other(daemon), try other(daemon))
        for client in [root, waiting.client] {
            var request = members
            request["op"] = JSON(op)
            request["id"] = 7
            try client.send(request)
            _ = try client.request(["op": "ping", "id": 8])
        }
        try idle.client.call("ping")
        try daemon.directory.write("[Access]\nDeny=op=\(op) queue=mail\n", to: "jobqd.conf")
        try daemon.connect().call("reload")
        try waiting.client.readToEnd()
        try idle.client.call("ping")
        #expect(try idle.client.refused(op, members)["code"] == "forbidden")
        _ = try root.staysSilent(for: 0.1)
        try root.send(["op": "ping", "id": 9])
        try eventually(within: 5, "root is served on") { try root.receive()["id"] == 9 }
    }

    @Test func aRefusalLeavesTheConnectionInOrder() throws {
        let daemon = try daemon()
        let other = try other(daemon)
        let client = other.client
        try client.sendRaw(
            "{\"op\":\"drain\",\"id\":1}\n{\"op\":\"drain\"}\n{\"op\":\"ping\",\"id\":\"x\"}\n{\"op\":\"ping\"}\n")
        let replies = try (0..<4).map { _ in try client.receive() }
        #expect(replies.map { $0["ok"] } == [false, false, true, true])
        #expect(replies.map { $0["id"] } == [1, nil, "x", nil])
    }
}
