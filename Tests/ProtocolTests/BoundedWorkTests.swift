// What one client makes up costs others little: what is listened to, asked and kept is bounded, and shared.
//
// Bounds are counted here, not timed, but for the longest turn of the loop, whose bound only a stall can break: the
// machine may be loaded and the build is one for debugging. `make attacks` measures a release.

import Foundation
import Harness
import Testing

@Suite(.timeLimit(.minutes(2))) struct BoundedWorkTests {
    /// No turn of the loop may take so long whatever a client sends, on a loaded machine, in a build for debugging.
    private static let stall = 1.0

    private func expectNoStall(_ daemon: Daemon) throws {
        let longest = try MetricSamples(of: daemon.connect())["jobqd_loop_longest_turn_seconds"]
        #expect(try #require(longest) < Self.stall)
    }

    private func names(_ count: Int, from first: Int = 0) -> JSON {
        .array((0..<count).map { JSON.string("made-up-\(first + $0)") })
    }

    private func channels(_ redis: RedisServer) throws -> Int {
        try redis.command("PUBSUB", "CHANNELS", "*").strings.count
    }

    @Test func namesAskedForOnceAreForgotten() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let client = try daemon.connect()
        for number in 0..<64 {
            let queues = names(64, from: number * 64)
            #expect(try client.call("claim", ["queues": queues, "wait_ms": 1])["jobs"].array.isEmpty)
        }
        try eventually("what was asked for last is listened to, and no more") { try channels(redis) <= 1_100 }
        try expectNoStall(daemon)
    }

    @Test func namesOfAWorkerWithEventsAreForgottenToo() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let client = try daemon.connect()
        try client.call("hello", ["worker": "w", "push": true])
        for number in 0..<32 {
            try client.call("claim", ["queues": names(64, from: number * 64), "wait_ms": 1])
        }
        try eventually("both kinds of channels are bounded") { try channels(redis) <= 2 * 1_100 }
    }

    @Test func aConnectionMayWaitForSoManyNames() throws {
        let daemon = try Daemon(.memory)
        let client = try daemon.connect()
        for number in 0..<16 {
            try client.send([
                "op": "claim", "id": JSON(number), "queues": names(64, from: number * 64), "wait_ms": 60_000,
            ])
        }
        let error = try client.refused("claim", ["queue": "one-more", "wait_ms": 60_000])
        #expect(error["code"] == "bad_request" && error["field"] == "queues")
        #expect(error["message"].string?.contains("1024") == true)
        // Names that are waited for already, and claims that do not wait, cost nothing.
        #expect(try client.call("claim", ["queue": "one-more"])["jobs"].array.isEmpty)
        try client.send(["op": "claim", "id": 100, "queue": "made-up-0", "wait_ms": 60_000])
        #expect(try client.request(["op": "cancel_wait", "target": 100])["error"]["code"] == "cancelled")
        _ = try client.receive()
        let other = try daemon.connect()
        #expect(try other.call("claim", ["queue": "one-more", "wait_ms": 1])["jobs"].array.isEmpty)
        client.close()
        try eventually("its claims are gone") { try other.call("info")["waiting_claims"] == 0 }
    }

    @Test func manyClaimsOnManyNamesEndWithTheirConnectionWithoutAStall() throws {
        let daemon = try Daemon(.memory)
        let watcher = try daemon.connect()
        let clients = try (0..<8).map { _ in try daemon.connect() }
        for client in clients {
            for id in 0..<200 {
                try client.send(["op": "claim", "id": JSON(id), "queues": names(64), "wait_ms": 60_000])
            }
        }
        try eventually(within: 30, "all wait") { try watcher.call("info")["waiting_claims"] == 1_600 }
        for number in 0..<20 {
            try watcher.call("claim", ["queues": names(50, from: 1_000 + number * 50), "wait_ms": 1])
        }
        for client in clients { client.close() }
        try eventually(within: 30, "none waits") { try watcher.call("info")["waiting_claims"] == 0 }
        try expectNoStall(daemon)
    }

    @Test func whoAsksForAllQueuesTogetherSharesAWalk() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let client = try daemon.connect()
        let queues = 300
        try client.call(
            "enqueue", ["jobs": .array((0..<queues).map { JSON.object(["queue": JSON("q\($0)"), "keep_ms": 0]) })])
        let before = try scripts(redis)
        for id in 0..<200 { try client.send(["op": id % 2 == 0 ? "queues" : "stats", "id": JSON(id)]) }
        for _ in 0..<200 {
            let reply = try client.receive(within: 30)
            #expect(reply["ok"] == true)
            if reply["queues"].isNull {
                #expect(reply["depth"]["queued"] == JSON(queues))
            } else {
                #expect(reply["queues"].array.count == queues)
            }
        }
        // A walk for the first, and some for those that came while one was under way; sweeps come beside them.
        #expect(try scripts(redis) - before < 20 * queues)
        try expectNoStall(daemon)
    }

    private func scripts(_ redis: RedisServer) throws -> Int {
        let text = try redis.command("INFO", "commandstats").string ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("cmdstat_evalsha:") } ?? ""
        return line.firstMatch(of: #/calls=(\d+)/#).flatMap { Int($0.1) } ?? 0
    }

    @Test func numbersAreAsFreshAsTheLastAcknowledgedJob() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let (client, asker) = (try daemon.connect(), try daemon.connect())
        for number in 1...50 {
            try asker.send(["op": "stats", "id": JSON(number)])
            try client.enqueue("fresh")
            #expect(try client.call("stats")["depth"]["queued"] == JSON(number))
            _ = try asker.receive()
        }
        #expect(try redis.command("PING").string == "PONG")
    }

    @Test func beyondSomePatternsOneSubscriptionServesAll() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let clients = try (0..<3).map { _ in try daemon.connect() }
        for (number, client) in clients.enumerated() {
            let patterns = (0..<60).map { JSON.string("*.\(number).\($0)") }
            try client.call("subscribe", ["queues": .array(patterns + [JSON.string("q.?.\(number)")])])
        }
        #expect(try redis.command("PUBSUB", "NUMPAT").int == 1)
        let producer = try daemon.connect()
        for (number, client) in clients.enumerated() {
            let job = try producer.enqueue("q.x.\(number)", ["job_id": "j"])
            try producer.call("cancel", ["job": JSON(job)])
            var kinds: [String] = []
            for _ in 0..<2 {
                let event = try client.receive()
                #expect(event["job"] == JSON(job))
                kinds.append(event["event"].string ?? "")
            }
            #expect(kinds == ["enqueued", "cancelled"])
        }
        for client in clients { #expect(try client.staysSilent(for: 0.1)) }
    }

    @Test func aUserMayHaveSoManyPatterns() throws {
        let daemon = try Daemon(.memory)
        var clients: [LineClient] = []
        for number in 0..<8 {
            let client = try daemon.connect()
            try client.call("subscribe", ["queues": .array((0..<64).map { JSON.string("*.\(number).\($0)") })])
            clients.append(client)
        }
        let error = try daemon.connect().refused("subscribe", ["queues": ["one.more.*"]])
        #expect(error["code"] == "bad_request" && error["field"] == "queues")
        clients.removeLast().close()
        let client = try daemon.connect()
        try eventually("its patterns are free") {
            try client.request(["op": "subscribe", "queues": ["one.more.*"]])["ok"] == true
        }
    }

    @Test func manyWaitsForOneJobAreAnsweredByFewLooks() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let client = try daemon.connect()
        try client.enqueue("w", ["job_id": "x", "delay_ms": 600_000])
        let waiters = try (0..<8).map { _ in try daemon.connect() }
        for waiter in waiters {
            for id in 0..<200 { try waiter.send(["op": "wait", "job": "w/x", "wait_ms": 60_000, "id": JSON(id)]) }
        }
        try eventually(within: 30, "all wait") { try client.call("info")["waits"] == 1_600 }
        let before = try scripts(redis)
        try client.call("cancel", ["job": "w/x"])
        for waiter in waiters {
            for _ in 0..<200 { #expect(try waiter.receive(within: 30)["job"]["state"] == "cancelled") }
        }
        #expect(try scripts(redis) - before < 200)
        try expectNoStall(daemon)
    }

    @Test func aFloodOfRequestsOfOneConnectionDoesNotKeepOthersWaiting() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let (flood, client) = (try daemon.connect(), try daemon.connect())
        try client.enqueue("q", ["job_id": "x", "delay_ms": 600_000])
        let line = "{\"op\":\"get\",\"id\":1,\"job\":\"q/x\"}\n{\"op\":\"ping\",\"id\":2}\n"
        for _ in 0..<5 {
            try flood.sendRaw(String(repeating: line, count: 1_000))
            _ = try client.call("ping", ["store": true])
        }
        for _ in 0..<10_000 { _ = try flood.readLineBytes(within: 30) }
        try expectNoStall(daemon)
        #expect(try redis.command("PING").string == "PONG")
    }
}
