// What others see in Redis: records and sets that make sense to a human, the queue's policy where an administrator can set
// it, and the notices on Pub/Sub. Only with the Redis store; the whole keyspace after each script is compared in the
// tests of the store.

import Foundation
import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct KeysTests {
    @Test func recordsAndSetsReadAsDesigned() throws {
        let client = try Backend.redis.connect()
        let redis = try Stage.current.redis()
        let queue = freshQueue()
        let job = try client.enqueue(queue, ["payload": ["a": 1], "type": "mail", "priority": 3, "meta": ["m": 1]])
        let id = String(job.dropFirst(queue.count + 1))
        let record = try redis.command("HGETALL", "jobq:{\(queue)}:job:\(id)").dictionary
        #expect(record["state"] == "queued")
        #expect(record["payload"] == "{\"a\":1}")
        #expect(record["type"] == "mail")
        #expect(record["priority"] == "3")
        #expect(record["max_attempts"] == "3")
        #expect(try redis.command("ZCARD", "jobq:{\(queue)}:queued").int == 1)
        #expect(try redis.command("SISMEMBER", "jobq:queues", queue).int == 1)
        let claimed = try client.claimOne(queue)
        let until = try redis.command("ZSCORE", "jobq:{\(queue)}:processing", id).int
        #expect(until == claimed["lease_until"].int)
        try client.complete(claimed)
        #expect(try redis.command("LRANGE", "jobq:{\(queue)}:completed", "0", "-1").strings == [id])
        #expect(try redis.command("HGET", "jobq:{\(queue)}:counters", "completed").int == 1)
        #expect(try redis.command("PTTL", "jobq:{\(queue)}:job:\(id)").int! > 3_500_000)
    }

    @Test func aQueuesPolicyIsUsedWhereTheJobSaysNothing() throws {
        let client = try Backend.redis.connect()
        let redis = try Stage.current.redis()
        let queue = freshQueue()
        let policy = ["max_attempts", "2", "lease_ms", "7000", "backoff", "fixed 250 1000 0", "keep_ms", "60000"]
        try redis.command(["HSET", "jobq:{\(queue)}:policy"] + policy)
        let job = try client.enqueue(queue)
        #expect(try client.record(job)["max_attempts"] == 2)
        let claimed = try client.claimOne(queue)
        #expect(claimed["lease_ms"] == 7000)
        try client.fail(claimed)
        let record = try client.record(job)
        #expect(isLater(record["run_at"], than: record["history"][0]["ended_at"], by: 250))
        try client.complete(client.claimOne(queue))
        let left = try #require(try redis.command("PTTL", "jobq:{\(queue)}:job:\(job.dropFirst(queue.count + 1))").int)
        #expect(left > 50_000 && left <= 60_000)
        // What the job says wins.
        let other = try client.enqueue(queue, ["max_attempts": 9, "lease_ms": 9000])
        #expect(try client.record(other)["max_attempts"] == 9)
        #expect(try client.claimOne(queue)["lease_ms"] == 9000)
    }

    @Test func theHistoryOfCompletedJobsIsCappedByThePolicy() throws {
        let client = try Backend.redis.connect()
        let redis = try Stage.current.redis()
        let queue = freshQueue()
        try redis.command("HSET", "jobq:{\(queue)}:policy", "keep_count", "3")
        let jobs = try client.enqueueMany(queue, 5)
        for _ in jobs { try client.complete(client.claimOne(queue)) }
        let listed = try client.call("list", ["queue": JSON(queue), "state": "completed"])["jobs"].array
        #expect(listed.compactMap { $0["job"].string } == Array(jobs.reversed().prefix(3)))
        #expect(try client.refused("get", ["job": JSON(jobs[0])])["code"] == "not_found")
        #expect(try client.stats(queue)["totals"]["completed"] == 5)
        try expectConservation(client, queue)
    }

    @Test func completedAndDeadJobsAreToldOnPubSub() throws {
        let client = try Backend.redis.connect()
        let queue = freshQueue()
        let listener = try RedisClient(path: try Stage.current.redis().socketPath)
        #expect(try listener.command(["SUBSCRIBE", "jobq:{\(queue)}:events"]).strings[0] == "subscribe")
        let jobs = try client.enqueueMany(queue, 2)
        try client.complete(client.claimOne(queue))
        try client.fail(client.claimOne(queue), ["retry": false])
        // The id of the log's entry, then a line an event; a new queue tells everything.
        var events: [String] = []
        while events.last?.hasPrefix("dead") != true {
            let lines = try listener.receive().strings[2].split(separator: "\n").map(String.init)
            let entry = try #require(lines.first)
            #expect(entry.wholeMatch(of: /[0-9]+-[0-9]+/) != nil)
            events += lines.dropFirst()
        }
        let ids = jobs.map { String($0.dropFirst(queue.count + 1)) }
        #expect(
            events == [
                "enqueued \(ids[0]) 0", "enqueued \(ids[1]) 0", "claimed \(ids[0]) 1", "completed \(ids[0]) 1",
                "claimed \(ids[1]) 1", "dead \(ids[1]) 1 - failed",
            ])
    }

    @Test func aServerOverTCPWithPasswordAndDatabaseInTheAddressWorks() throws {
        let secret = "in-the-url"
        let port = try freePort()
        let redis = try RedisServer(password: secret, arguments: ["--port", "\(port)", "--bind", "127.0.0.1"])
        let address = "redis://:\(secret)@localhost:\(port)/3"
        let file = try redis.directory.write("[Redis]\nUrl=\(address)\n", to: "jobqd.conf")
        let daemon = try Daemon(.own, arguments: ["--config", file])
        let client = try daemon.connect()
        try client.enqueue("q")
        let info = try client.call("info")
        #expect(info["redis"]["address"].string?.contains("localhost:\(port)/3") == true, "\(info)")
        #expect(!info.description.contains(secret) && !daemon.log.contains(secret))
        #expect(try redis.command("INFO", "keyspace").string?.contains("db3") == true)
    }

    /// A port nobody listens on at the moment.
    private func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
            }
        }
        guard result == 0 else { throw HarnessError("no port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
