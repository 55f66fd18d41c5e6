// `configure`: what it shows, what each setting does, that null takes one back, and that other daemons on the same Redis
// follow at once. The limit `max_len` and the orders have suites of their own.

import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct ConfigureTests {
    private static let defaults: JSON = [
        "max_attempts": 3, "lease_ms": 30_000,
        "backoff": ["kind": "exponential", "base_ms": 1000, "max_ms": 3_600_000, "jitter": 0.5], "keep_ms": 3_600_000,
        "keep_count": 100_000, "dead_keep_ms": nil, "dead_keep_count": nil, "max_len": nil, "order": "fifo",
        "aging_ms": nil,
    ]

    private func policy(_ client: LineClient, _ queue: String, _ change: JSON = [:]) throws -> JSON {
        var request = change
        request["queue"] = JSON(queue)
        if change != [:] { request["create"] = true }
        let reply = try client.call("configure", request)
        #expect(reply["queue"] == JSON(queue))
        return reply["policy"]
    }

    @Test(arguments: Backend.allCases)
    func withoutASettingItShowsWhatHolds(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.enqueue(queue)
        #expect(try policy(client, queue) == Self.defaults)
        #expect(try client.refused("configure", ["queue": "no-such-queue"])["code"] == "not_found")
        #expect(try client.refused("stats", ["queue": "no-such-queue"])["code"] == "not_found")
    }

    @Test(arguments: Backend.allCases)
    func aSettingMakesTheQueueAndLeavesTheOtherSettings(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        var expected = Self.defaults
        let changes: [(String, JSON)] = [
            ("max_attempts", 7), ("lease_ms", 100), ("keep_ms", 0), ("keep_count", 0),
            ("dead_keep_ms", 315_360_000_000),
            ("dead_keep_count", 10_000_000), ("max_len", 1_000_000_000), ("order", "lifo"), ("aging_ms", 86_400_000),
            ("backoff", ["kind": "linear", "base_ms": 1, "max_ms": 2, "jitter": 0.25]),
        ]
        for (name, value) in changes {
            expected[name] = value
            #expect(try policy(client, queue, [name: value]) == expected, "\(name)")
        }
        #expect(try policy(client, queue) == expected)
        #expect(try client.call("queues")["queues"].array.contains { $0["queue"] == JSON(queue) })
        // And back, one after the other and all at once.
        expected["lease_ms"] = 30_000
        #expect(try policy(client, queue, ["lease_ms": nil]) == expected)
        #expect(
            try policy(client, queue, JSON.object(Dictionary(changes.map { ($0.0, JSON.null) }) { $1 }))
                == Self.defaults)
    }

    @Test(arguments: Backend.allCases)
    func aPartialBackoffHasTheProtocolsDefaults(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        _ = try policy(client, queue, ["backoff": ["kind": "fixed", "base_ms": 7, "jitter": 1]])
        let backoff = try policy(client, queue, ["backoff": ["base_ms": 5]])["backoff"]
        #expect(backoff == ["kind": "exponential", "base_ms": 5, "max_ms": 3_600_000, "jitter": 0.5])
    }

    @Test(arguments: Backend.allCases)
    func attemptsLeaseAndBackoffAreUsedWhereTheJobSaysNothing(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        _ = try policy(
            client, queue,
            ["max_attempts": 2, "lease_ms": 7000, "backoff": ["kind": "fixed", "base_ms": 40, "jitter": 0]])
        let job = try client.enqueue(queue)
        #expect(try client.record(job)["max_attempts"] == 2)
        let claimed = try client.claimOne(queue)
        #expect(claimed["lease_ms"] == 7000)
        try client.fail(claimed)
        let record = try client.record(job)
        #expect(isLater(record["run_at"], than: record["history"][0]["ended_at"], by: 40))
        #expect(try client.fail(client.claimOne(queue))["state"] == "dead")
        try client.enqueue(queue, ["max_attempts": 9, "lease_ms": 9000])
        let other = try client.claimOne(queue)
        #expect(other["max_attempts"] == 9 && other["lease_ms"] == 9000)
    }

    @Test(arguments: Backend.allCases)
    func keepMsIsForAllRecordsOfEndedJobs(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        _ = try policy(client, queue, ["keep_ms": 300])
        let jobs = try [JobEnding.completed, .cancelled, .expired].map { try $0.bring(newJobOf: queue, client) }
        for job in jobs {
            try eventually(within: 5, "the end of the record of \(job)") {
                try client.request(["op": "get", "job": JSON(job)])["error"]["code"] == "not_found"
            }
        }
        #expect(try client.stats(queue)["depth"]["cancelled"] == 0)
        let kept = try JobEnding.cancelled.bring(newJobOf: queue, with: ["keep_ms": 60_000], client)
        #expect(try client.state(kept) == "cancelled")
        try expectConservation(client, queue)
    }

    @Test(arguments: Backend.allCases)
    func keepCountIsForEachKindOfEndedJobs(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        _ = try policy(client, queue, ["keep_count": 2])
        let endings = [JobEnding.completed, .cancelled, .expired]
        let jobs = try endings.map { ending in try (0..<4).map { _ in try ending.bring(newJobOf: queue, client) } }
        for (ending, jobs) in zip(endings, jobs) {
            let listed = try client.call("list", ["queue": JSON(queue), "state": JSON(ending.rawValue)])["jobs"].array
            #expect(Set(listed.compactMap { $0["job"].string }) == Set(jobs.suffix(2)), "\(ending)")
            #expect(try client.refused("get", ["job": JSON(jobs[0])])["code"] == "not_found", "\(ending)")
        }
        try expectConservation(client, queue)
    }

    @Test(arguments: Backend.allCases)
    func deadLettersStayForTheirTimeOnly(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let old = try JobEnding.failed.bring(newJobOf: queue, client)
        #expect(try client.state(old) == "dead")
        _ = try policy(client, queue, ["dead_keep_ms": 200])
        try eventually(within: 5, "the end of the dead letter") {
            try client.request(["op": "get", "job": JSON(old)])["error"]["code"] == "not_found"
        }
        #expect(try client.stats(queue)["depth"]["dead"] == 0)
        #expect(try client.stats(queue)["totals"]["dead"] == 1)
        try expectConservation(client, queue)
    }

    @Test(arguments: Backend.allCases)
    func onlySoManyDeadLettersStayAndTheNewest(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let jobs = try (0..<5).map { _ in try JobEnding.failed.bring(newJobOf: queue, client) }
        _ = try policy(client, queue, ["dead_keep_count": 2])
        try eventually(within: 5, "two dead letters") { try client.stats(queue)["depth"]["dead"] == 2 }
        let listed = try client.call("list", ["queue": JSON(queue), "state": "dead"])["jobs"].array
        #expect(Set(listed.compactMap { $0["job"].string }) == Set(jobs.suffix(2)))
        let next = try JobEnding.failed.bring(newJobOf: queue, client)
        try eventually(within: 5, "two dead letters again") { try client.stats(queue)["depth"]["dead"] == 2 }
        #expect(try client.state(next) == "dead")
        _ = try policy(client, queue, ["dead_keep_count": nil])
        #expect(try client.state(jobs[4]) == "dead")
        try expectConservation(client, queue)
    }

    /// The second daemon has worked on the queue before, so whatever it remembers is of the old policy.
    @Test func anotherDaemonOnTheSameRedisFollowsAtOnce() throws {
        let redis = try Stage.current.redis()
        let (here, there) = (try Backend.redis.connect(), try Daemon(.redis(redis)))
        let other = try there.connect()
        let queue = freshQueue()
        try other.complete(other.enqueueAndClaim(queue))
        #expect(try policy(other, queue) == Self.defaults)
        let change: JSON = ["max_attempts": 1, "lease_ms": 5000, "max_len": 1, "order": "lifo", "aging_ms": 5]
        let changed = try policy(here, queue, change)
        #expect(try policy(other, queue) == changed)
        let claimed = try other.enqueueAndClaim(queue)
        #expect(claimed["lease_ms"] == 5000 && claimed["max_attempts"] == 1)
        #expect(try other.fail(claimed)["state"] == "dead")
        try other.enqueue(queue)
        #expect(try other.refused("enqueue", ["queue": JSON(queue)])["code"] == "queue_full")
        _ = try policy(here, queue, ["max_len": nil])
        let newest = try other.enqueue(queue)
        #expect(try other.claimOne(queue)["job"] == JSON(newest))
        // A bound set there holds here.
        _ = try policy(other, queue, ["max_len": 1])
        #expect(try here.refused("enqueue", ["queue": JSON(queue)])["code"] == "queue_full")
    }

    @Test func aPolicySurvivesARestartOfTheDaemon() throws {
        let daemon = try Daemon(.redis(try Stage.current.redis()))
        let queue = freshQueue()
        let before = try policy(daemon.connect(), queue, ["max_len": 3, "order": "lifo"])
        try daemon.restart()
        #expect(try policy(daemon.connect(), queue) == before)
    }

    @Test(arguments: [
        (#""max_attempts":0"#, "max_attempts"), (#""lease_ms":99"#, "lease_ms"), (#""keep_ms":-1"#, "keep_ms"),
        (#""keep_count":10000001"#, "keep_count"), (#""dead_keep_ms":"1""#, "dead_keep_ms"),
        (#""dead_keep_count":1.5"#, "dead_keep_count"), (#""max_len":0"#, "max_len"), (#""order":"random""#, "order"),
        (#""aging_ms":0"#, "aging_ms"), (#""backoff":{"jitter":2}"#, "backoff.jitter"), (#""paused":"1""#, "paused"),
        (#""tracked":"1""#, "tracked"),
    ])
    func aWrongSettingIsABadRequestAndChangesNothing(_ member: String, _ field: String) throws {
        let client = try Backend.memory.connect()
        let queue = freshQueue()
        let error = try client.request(text: #"{"op":"configure","queue":"\#(queue)","max_len":5,\#(member)}"#)["error"]
        #expect(error["code"] == "bad_request")
        if field != "max_len" { #expect(error["field"] == JSON(field)) }
        #expect(try client.refused("configure", ["queue": JSON(queue)])["code"] == "not_found")
    }
}

extension LineClient {
    /// A new job, claimed.
    fileprivate func enqueueAndClaim(_ queue: String) throws -> JSON {
        try enqueue(queue)
        return try claimOne(queue)
    }
}
