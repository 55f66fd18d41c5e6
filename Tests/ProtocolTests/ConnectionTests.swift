// Many connections, and connections that misbehave: those that never read, those that come when descriptors run out,
// those that go in mid-line. One test at a time, since some look at the daemon's processor time and at counts of all
// connections.

import Foundation
import Harness
import Testing

@Suite(.stage, .serialized, .timeLimit(.minutes(1))) struct ConnectionTests {
    init() {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = min(limit.rlim_max, 8192)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    @Test(arguments: Backend.allCases)
    func aThousandConnectionsWorkAtOnce(on backend: Backend) throws {
        let daemon = try backend.daemon()
        let queue = freshQueue()
        let workers = try (0..<1000).map { _ in try daemon.connect() }
        for worker in workers { try worker.send(["op": "claim", "queue": JSON(queue), "wait_ms": 30_000]) }
        let producer = try daemon.connect()
        try eventually(within: 10, "a thousand waiting claims") {
            try producer.call("info")["waiting_claims"] == 1000
        }
        try producer.enqueueMany(queue, 1000)
        var seen = Set<Int>()
        for worker in workers {
            let job = try worker.receive()["jobs"][0]
            seen.insert(job["payload"].int ?? -1)
            try worker.complete(job)
        }
        #expect(seen == Set(0..<1000))
        #expect(try producer.stats(queue)["totals"]["completed"] == 1000)
        for worker in workers { worker.close() }
        try eventually(within: 5, "all closed") { try producer.call("info")["connections"].int! < 10 }
    }

    @Test func aClientThatNeverReadsIsDisconnectedAndOthersAreNotAffected() throws {
        let daemon = try Daemon(.memory)
        let other = try daemon.connect()
        let job = try other.enqueue("big", ["payload": JSON(String(repeating: "x", count: 100_000))])
        let deaf = try daemon.connect()
        try deaf.sendRaw((0..<200).map { "{\"op\":\"get\",\"id\":\($0),\"job\":\"\(job)\"}\n" }.joined())
        try eventually(within: 5, "the deaf client's end in info") {
            try other.call("info")["connections_dropped"] == 1
        }
        #expect(try other.call("info")["connections"] == 1)
        #expect(try elapsed { () throws in try other.call("ping") } < 1)
        // It gets no more than what was on its way, and the end.
        let received = (try? deaf.readToEnd())?.count ?? 0
        #expect(received < 200)
    }

    @Test func aClientThatReadsInTimeGetsMoreThanTheLimitInAll() throws {
        let client = try Backend.memory.connect()
        let job = try client.enqueue(freshQueue(), ["payload": JSON(String(repeating: "x", count: 1_000_000))])
        for _ in 0..<10 { #expect(try client.record(job)["payload"].string?.utf8.count == 1_000_000) }
    }

    @Test func connectionsBeyondMaxConnectionsDoNotDisturbTheFirst() throws {
        let daemon = try Daemon(.memory, arguments: ["--max-connections", "10"])
        let first = try (0..<10).map { _ in try daemon.connect() }
        for client in first { try client.call("ping") }
        let beyond = try? daemon.connect()
        for client in first { try client.call("ping") }
        for client in first { client.close() }
        beyond?.close()
        try eventually(within: 5, "room again") {
            guard let client = try? daemon.connect() else { return false }
            return (try? client.request(["op": "ping"], within: 1)["ok"]) == true
        }
    }

    @Test func connectionsThatComeAndGoAtTheLimitDoNotFillTheLog() throws {
        let daemon = try Daemon(.memory, arguments: ["--max-connections", "1"])
        for _ in 1...5 {
            let client = try daemon.connect()
            try client.call("ping")
            client.close()
        }
        #expect(daemon.log.components(separatedBy: "no more connections are accepted").count == 2)
    }

    @Test func withoutDescriptorsTheDaemonServesOnAndDoesNotSpin() throws {
        let daemon = try Daemon(.memory, wrapper: ["prlimit", "--nofile=96:96"])
        var clients = try (0..<30).map { _ in try daemon.connect() }
        for client in clients { try client.call("ping") }
        clients += (0..<60).compactMap { _ in try? daemon.connect() }
        try clients[0].call("ping")
        let before = try cpuTicks(daemon.pid)
        #expect(try clients[1].staysSilent(for: 1))
        let used = try cpuTicks(daemon.pid) - before
        #expect(used <= 20, "\(used) ticks of 10 ms in 1 s")
        try clients[0].call("ping")
        clients.removeAll()
        try eventually(within: 5, "accepting again") {
            guard let client = try? daemon.connect() else { return false }
            return (try? client.request(["op": "ping"], within: 1)["ok"]) == true
        }
    }

    @Test func clientsLeaveDescriptorsForAdministratorsAndForRedis() throws {
        let folder = try TemporaryDirectory()
        let admin = folder.file("admin.sock")
        let daemon = try Daemon(.own, arguments: ["--admin-socket", admin], wrapper: ["prlimit", "--nofile=80:80"])
        #expect(daemon.log.contains("the limit of 80 open files (LimitNOFILE=) is enough for"))
        let clients = (0..<120).compactMap { _ in try? daemon.connect() }
        for client in clients { try client.send(["op": "hello", "worker": "w"]) }
        try clients[0].call("ping")
        let administrator = try LineClient(admin)
        try administrator.call("ping", ["store": true])
        // Its Redis is killed: what starts it again and connects to it needs descriptors.
        let children = try String(contentsOfFile: "/proc/\(daemon.pid)/task/\(daemon.pid)/children", encoding: .utf8)
        kill(try #require(children.split(separator: " ").first.flatMap { Int32($0) }), SIGKILL)
        try eventually(within: 20, "Redis is back") {
            try administrator.request(["op": "ping", "store": true], within: 10)["ok"] == true
        }
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(daemon.pid)/fd").count
        #expect(open <= 80 - 32 + 8, "clients have taken the reserve: \(open) descriptors are open")
    }

    @Test func aWorkerWithoutJobsLeavesNothingBehindAndOneInItsGraceCountsAsAConnection() throws {
        let daemon = try Daemon(.memory, arguments: ["--max-connections", "3"])
        let observer = try daemon.connect()
        for number in 0..<20 {
            let worker = try daemon.connect()
            try worker.call("hello", ["worker": JSON("idle\(number)"), "grace_ms": 600_000])
            worker.close()
        }
        try eventually(within: 5, "all are gone") { try observer.call("workers")["workers"].array.isEmpty }
        let busy = try daemon.connect()
        try busy.call("hello", ["worker": "busy", "grace_ms": 600_000])
        try observer.enqueue("q")
        let claimed = try busy.claimOne("q")
        busy.close()
        try eventually(within: 5, "it is in its grace") {
            try observer.call("workers")["workers"][0]["connected"] == false
        }
        let second = try daemon.connect()
        try second.call("ping")
        let third = try daemon.connect()
        try third.send(["op": "ping"])
        #expect(try third.staysSilent(for: 0.3))
        // Its only job is ended by somebody else, so there is nothing to come back for.
        try observer.complete(claimed)
        #expect(try third.receive()["ok"] == true)
        #expect(try observer.call("workers")["workers"].array.isEmpty)
    }

    @Test(.enabled(if: OtherUser.isPossible)) func aUserHasHalfOfThePlacesAndOthersTheRest() throws {
        let daemon = try Daemon.openToAll(.memory, arguments: ["--max-connections", "8"])
        try daemon.start()
        let crowd = try (0..<4).map { _ in try OtherUser(daemon.socketPath, user: 40_001) }
        for member in crowd { try member.client.call("ping") }
        let beyond = try OtherUser(daemon.socketPath, user: 40_001)
        #expect(try beyond.client.receive()["error"]["code"] == "forbidden")
        #expect(try beyond.client.readLineBytes() == nil)
        let other = try OtherUser(daemon.socketPath, user: 40_002)
        try other.client.call("ping")
        #expect(daemon.log.contains("user 40001 has 4 connections already; MaxConnectionsPerUser= allows no more"))
    }

    @Test func aConfiguredShareHoldsForEverybodyButTheAdministratorsSocket() throws {
        let folder = try TemporaryDirectory()
        let admin = folder.file("admin.sock")
        let daemon = try Daemon(
            .memory, arguments: ["--max-connections-per-user", "2", "--admin-socket", admin], start: false)
        try daemon.launch()
        let first = try eventualValue(within: 10, "the daemon") { try? daemon.connect() }
        let second = try daemon.connect()
        try first.call("ping")
        try second.call("ping")
        #expect(try daemon.connect().receive()["error"]["code"] == "forbidden")
        try LineClient(admin).call("ping")
        second.close()
        try eventually(within: 5, "room for one more") { (try? daemon.connect().call("ping")) != nil }
    }

    @Test func aLargeReplyThatIsNeverReadEndsItsConnection() throws {
        let daemon = try Daemon(.memory)
        let other = try daemon.connect()
        let job = try other.enqueue("big", ["payload": JSON(String(repeating: "x", count: 900_000))])
        let deaf = try daemon.connect()
        for id in 0..<3 { try deaf.send(["op": "get", "id": JSON(id), "job": JSON(job)]) }
        try eventually(within: 20, "the deaf client's end in info") {
            try other.call("info")["connections_dropped"] == 1
        }
        #expect(daemon.log.contains("bytes unread"))
        withExtendedLifetime(deaf) {}
    }

    @Test func aClientThatGoesInMidLineLeavesNothingBehind() throws {
        let daemon = try Backend.memory.daemon()
        let observer = try daemon.connect()
        for _ in 0..<50 {
            let client = try daemon.connect()
            try client.sendRaw("{\"op\":\"enqueue\",\"queue\":\"half\"")
            client.close()
        }
        try eventually(within: 3, "all closed") { try observer.call("info")["connections"].int! < 5 }
        #expect(try observer.refused("stats", ["queue": "half"])["code"] == "not_found")
    }

    @Test func aShellWithSocatNeedsNothingElse() throws {
        let daemon = try Backend.redis.daemon()
        let queue = freshQueue()
        let directory = try TemporaryDirectory()
        let script = """
            ask() { printf '%s\\n' "$1" | socat -t60 - UNIX-CONNECT:\(daemon.socketPath); }
            ask '{"op":"enqueue","queue":"\(queue)","payload":{"n":1}}' | jq -r .state
            job=$(ask '{"op":"claim","queue":"\(queue)","wait_ms":2000}')
            jq -c '.jobs[0].payload' <<<"$job"
            ask "$(jq -c '{op:"complete",job:.jobs[0].job,token:.jobs[0].token}' <<<"$job")" | jq -r .state
            """
        let shell = try ServerProcess("bash", ["-c", script], log: directory.file("log"))
        #expect(try shell.waitForEnd(within: 20) == .exited(0))
        #expect(shell.log == "queued\n{\"n\":1}\ncompleted\n")
    }

    /// User and system time of a process, in ticks (10 ms).
    private func cpuTicks(_ pid: Int32) throws -> Int {
        let stat = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        let fields = stat.split(separator: ")").last!.split(separator: " ")
        return Int(fields[11])! + Int(fields[12])!
    }
}
