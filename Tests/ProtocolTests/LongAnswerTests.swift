// Answers of claims that would be long: bounded, and when one is lost on the way from Redis no attempt is lost with it.

import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(2))) struct LongAnswerTests {
    private static let payload = JSON(String(repeating: "x", count: 100_000))
    private static let replyBytes = 4 << 20

    private func fill(_ client: LineClient, _ queue: String, _ count: Int, _ members: JSON = [:]) throws {
        var members = members
        members["payload"] = Self.payload
        for _ in 0..<count { try client.enqueue(queue, members) }
    }

    @Test(arguments: Backend.allCases)
    func aClaimIsAnsweredWithAtMost4MiBAndTheRestStays(on backend: Backend) throws {
        let client = try backend.connect()
        #expect(try client.call("hello")["limits"]["reply_bytes"].int == Self.replyBytes)
        let queue = freshQueue()
        try fill(client, queue, 60)
        try client.send(["op": "claim", "queue": JSON(queue), "max": 100])
        let line = try #require(try client.readLineBytes())
        let jobs = try JSON(parsing: line)["jobs"].array
        #expect(line.count <= Self.replyBytes && jobs.count > 35 && jobs.count < 42, "\(line.count) \(jobs.count)")
        #expect(try client.stats(queue)["depth"]["queued"].int == 60 - jobs.count)
        let first = try #require(jobs.first)
        try client.send([
            "op": "complete", "job": first["job"], "token": first["token"], "next": ["queue": JSON(queue), "max": 100],
        ])
        #expect(try client.receive()["jobs"].array.count == 60 - jobs.count)
    }

    @Test func aClaimWhoseAnswerIsLostCostsNoAttempt() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let client = try daemon.connect()
        try fill(client, "q", 3, ["max_attempts": 1])
        // From now on Redis ends every link on which such an answer waits.
        try redis.command("CONFIG", "SET", "client-output-buffer-limit", "normal 65536 65536 0")
        let refusal = try client.refused("claim", ["queue": "q", "max": 3], within: 20)
        #expect(refusal["code"] == "store_unavailable" && refusal["retryable"] == true)
        try eventually(within: 10, "the jobs are back") {
            let reply = try client.request(["op": "stats", "queue": "q"])
            return reply["depth"]["queued"] == 3 && reply["depth"]["processing"] == 0
        }
        #expect(try client.stats("q")["depth"]["dead"] == 0)
        #expect(try client.stats("q")["totals"]["claimed"] == 3)
        #expect(daemon.log.contains("3 jobs of q returned to the queue"), "\(daemon.log)")
        try redis.command("CONFIG", "SET", "client-output-buffer-limit", "normal 0 0 0")
        let jobs = try client.claim("q", ["max": 3, "wait_ms": 5000])
        #expect(jobs.map { $0["attempt"] } == [1, 1, 1])
    }

    @Test func aWaitingClaimWhoseAnswersAreLostIsServedOnceTheyPass() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let (client, waiting) = (try daemon.connect(), try daemon.connect())
        try waiting.startWaiting("q")
        try redis.command("CONFIG", "SET", "client-output-buffer-limit", "normal 65536 65536 0")
        try client.send(["op": "enqueue", "queue": "q", "payload": Self.payload, "max_attempts": 1])
        #expect(try client.receive(within: 20)["ok"] == true)
        try eventually(within: 10, "an answer was lost") { try client.call("info")["redis"]["reconnects"].int ?? 0 > 0 }
        try redis.command("CONFIG", "SET", "client-output-buffer-limit", "normal 0 0 0")
        #expect(try waiting.receive(within: 20)["jobs"][0]["attempt"] == 1)
        #expect(try client.stats("q")["depth"]["dead"] == 0)
    }

    @Test func workIsDoneThoughRedisLetsOnly4MiBWaitForAClient() throws {
        let redis = try RedisServer()
        try redis.command("CONFIG", "SET", "client-output-buffer-limit", "normal 4194304 4194304 0")
        let daemon = try Daemon(.redis(redis))
        let client = try daemon.connect()
        try fill(client, "q", 100, ["max_attempts": 1])
        var done = 0
        while done < 100 {
            let jobs = try client.claim("q", ["max": 100, "wait_ms": 5000], within: 20)
            try #require(!jobs.isEmpty)
            for job in jobs { try client.complete(job) }
            done += jobs.count
        }
        #expect(try client.stats("q")["depth"]["completed"] == 100)
        #expect(try client.call("info")["redis"]["reconnects"] == 0)
    }
}
