// A Redis that answers and refuses, as clients, operators and monitoring systems see it: the reason and since when stand
// wherever people look, waiting claims wait, and the log has a line for the beginning and one for the end.

import Foundation
import Harness
import Testing

@Suite(.timeLimit(.minutes(1))) struct RefusingRedisTests {
    private let redis: RedisServer
    private let daemon: Daemon
    private let client: LineClient
    private let http: String

    init() throws {
        redis = try RedisServer()
        let folder = try TemporaryDirectory()
        http = folder.file("http")
        daemon = try Daemon(.redis(redis), arguments: ["--metrics-listen", http])
        client = try daemon.connect()
        self.folder = folder
    }
    private let folder: TemporaryDirectory

    private func lines(_ part: String) -> Int { daemon.log.split(separator: "\n").count { $0.contains(part) } }

    private func healthz() throws -> HTTPExchange {
        try HTTPExchange(http, get("/healthz"), within: 10)
    }

    @Test(arguments: [
        ("min-replicas-to-write", "1", "0", "store_unavailable", "NOREPLICAS"),
        ("maxmemory", "1", "0", "store_full", "OOM"),
    ])
    func theReasonStandsWhereverPeopleLookAndGoesWithoutTraffic(
        setting: String, bad: String, good: String, code: String, word: String
    ) throws {
        let began = Int(Date().timeIntervalSince1970 * 1_000)
        try redis.command("CONFIG", "SET", setting, bad)
        let error = try client.refused("enqueue", ["queue": "q", "payload": "4111"], within: 10)
        #expect(error["code"].string == code && error["retryable"] == true)
        #expect(error["message"].string?.contains(word) == true)

        let info = try client.call("info")["redis"]
        #expect(info["state"] == "refusing" && info["writable"] == false)
        #expect(info["problem"].string?.contains(word) == true)
        #expect(abs(try #require(info["since_at"].int) - began) < 30_000)
        let jobqctl = AdminTool(daemon: daemon)
        let status = try jobqctl("status")
        #expect(status.status == 1 && status.output.contains(word) && status.output.contains("since"))
        let health = try healthz()
        #expect(health.status == 503 && health.body.contains(word) && health.body.contains("(since 20"))
        let metrics = try MetricSamples(client.call("metrics")["text"].string ?? "")
        #expect(metrics["jobqd_redis_writable"] == 0 && metrics["jobqd_redis_up"] == 1)

        try redis.command("CONFIG", "SET", setting, good)
        try eventually(within: 10, "the end of it") { try client.call("info")["redis"]["state"] == "ready" }
        #expect(try client.call("info")["redis"]["writable"] == true)
        #expect(try healthz().status == 200 && jobqctl("status").status == 0)
        #expect(lines("Redis refuses writes: ") == 1 && lines("Redis takes writes again") == 1)
        #expect(
            !daemon.log.contains("4111") && !daemon.log.contains("script:") && !daemon.log.contains("internal error"))
        try client.enqueue("q")
    }

    @Test func waitingClaimsWaitThroughARedisThatRefuses() throws {
        let (waiting, late) = (try daemon.connect(), try daemon.connect())
        try waiting.startWaiting("q")
        try redis.command("CONFIG", "SET", "min-replicas-to-write", "1")
        #expect(try client.refused("enqueue", ["queue": "q"], within: 10)["code"] == "store_unavailable")
        try late.startWaiting("q")
        try redis.command("CONFIG", "SET", "min-replicas-to-write", "0")
        _ = try client.enqueueMany("q", 2)
        #expect(try waiting.receive(within: 10)["jobs"].array.count == 1)
        #expect(try late.receive(within: 10)["jobs"].array.count == 1)
    }

    @Test func missingRightsAreNamedAndTheLogIsNotFilled() throws {
        try redis.command("ACL", "SETUSER", "poor", "on", ">pw", "~jobq:*", "resetchannels", "+@all", "-zadd")
        let poor = try Daemon(.own, environment: ["JOBQD_REDIS": "unix://poor:pw@\(redis.socketPath)"], ready: false)
        let client = try poor.connect()
        var info: JSON = nil
        try eventually(within: 10, "the reason") {
            info = try client.call("info")["redis"]
            return info["state"] == "refusing"
        }
        for word in ["poor", "ZADD", "channels &jobq:*"] {
            #expect(info["problem"].string?.contains(word) == true, "\(info)")
        }
        let error = try client.refused("enqueue", ["queue": "q", "payload": "4111"], within: 10)
        #expect(error["code"] == "store_unavailable" && error["message"].string?.contains("ZADD") == true)
        let log = poor.log.split(separator: "\n")
        #expect(log.count { $0.contains("ZADD") } == 1 && log.count < 12, "\(poor.log)")
        try redis.command("ACL", "SETUSER", "poor", "allchannels", "+zadd")
        try eventually(within: 10, "the store") { try client.request(["op": "ping", "store": true])["ok"] == true }
        try client.enqueue("q")
    }

    @Test func aRedisThatMayLoseJobsStaysVisible() throws {
        try redis.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        try daemon.restart()
        let client = try daemon.connect()
        let risks = try client.call("info")["redis"]["risks"].array.compactMap(\.string)
        #expect(risks.contains { $0.contains("LOSE JOBS") } && risks.contains { $0.contains("neither AOF") })
        let status = try AdminTool(daemon: daemon)("status")
        #expect(status.status == 0 && status.output.contains("LOSE JOBS"))
        #expect(try MetricSamples(client.call("metrics")["text"].string ?? "")["jobqd_redis_may_lose_jobs"] == 1)
    }
}
