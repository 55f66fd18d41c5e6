// What happens to leases when Redis was away, or its clock was set: living workers keep their jobs, and those of dead ones
// come back. Each test has a Redis of its own to trouble.

import Harness
import Testing

@Suite(.timeLimit(.minutes(2))) struct GapTests {
    /// Waits until expired leases would be reclaimed: a short one of a silent client was.
    private func untilItReclaims(_ client: LineClient) throws {
        try client.enqueue("probe", ["max_attempts": 1])
        _ = try client.claimOne("probe", ["lease_ms": 100])
        try eventually(within: 20, "a lease reclaimed") {
            try client.call("stats", ["queue": "probe"])["totals"]["reclaimed"] == 1
        }
    }

    @Test(arguments: ["down", "hanging"]) func afterAnOutageLongerThanALeaseLivingWorkersKeepTheirJobs(
        _ redisIs: String
    )
        throws
    {
        let redis = try RedisServer(aof: .always)
        let daemon = try Daemon(.redis(redis))
        let other = try Daemon(.redis(redis))
        let (worker, dead) = (try daemon.connect(), try other.connect())
        try worker.call("hello", ["worker": "living"])
        try dead.call("hello", ["worker": "dying", "grace_ms": 0])
        try untilItReclaims(worker)
        try worker.enqueueMany("q", 1)
        try worker.enqueueMany("r", 1)
        let held = try worker.claimOne("q", ["lease_ms": 2_000])
        _ = try dead.claimOne("r", ["lease_ms": 2_000])
        if redisIs == "down" { redis.kill() } else { redis.suspend() }
        // Longer than the lease, and than a request may take.
        try eventually(within: 20, "the outage noticed") { try worker.call("info")["redis"]["state"] != "ready" }
        // Longer than what counts as a gap, too: three seconds.
        let ended = Deadline(after: 3.5)
        try eventually(within: 10, "the lease over") { ended.hasPassed }
        if redisIs == "down" { try redis.start() } else { redis.resume() }
        try eventually(within: 15, "the store") { try worker.request(["op": "ping", "store": true])["ok"] == true }
        try eventually(within: 5, "the pause in the log") {
            (daemon.log + other.log).contains("expired leases are not reclaimed for")
        }
        #expect(try worker.call("info")["reclaiming_paused_until"].number > 0)
        // The worker is heard again, and goes on for longer than its lease.
        let end = Deadline(after: 4)
        while !end.hasPassed {
            let reply = try worker.request(["op": "extend", "job": held["job"], "token": held["token"]])
            #expect(reply["ok"] == true || reply["error"]["code"] == "store_unavailable", "\(reply)")
        }
        // Whoever is known to be dead has no time.
        dead.close()
        try eventually(within: 5, "the dead worker's job") {
            try worker.call("stats", ["queue": "r"])["depth"]["queued"] == 1
        }
        #expect(try worker.complete(held)["state"] == "completed")
        #expect(try worker.call("stats", ["queue": "q"])["totals"]["reclaimed"] == 0)
    }

    @Test func afterADaemonWasAwayForLongLivingWorkersHaveTimeToComeBack() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let client = try daemon.connect()
        try untilItReclaims(client)
        try client.enqueueMany("q", 2)
        let held = try client.claimOne("q", ["lease_ms": 3_000])
        _ = try client.claimOne("q", ["lease_ms": 3_000])
        daemon.kill()
        let away = Deadline(after: 4)
        try eventually(within: 10, "the lease over") { away.hasPassed }
        try daemon.start()
        let again = try daemon.connect()
        try eventually(within: 5, "the pause") { try again.call("info")["reclaiming_paused_until"].number > 0 }
        #expect(
            try again.call("extend", ["job": held["job"], "token": held["token"], "lease_ms": 60_000])["ok"] == true)
        // The one that nobody renews comes back when the pause is over.
        try eventually(within: 15, "the other one") {
            try again.call("stats", ["queue": "q"])["totals"]["reclaimed"] == 1
        }
        #expect(try again.complete(held)["state"] == "completed")
    }

    @Test func aClockThatGoesBackHoldsNothing() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let client = try daemon.connect()
        try untilItReclaims(client)
        try client.enqueue("q")
        _ = try client.claimOne("q", ["lease_ms": 3_000])
        try client.enqueue("q", ["delay_ms": 3_000])
        // As an hour's step back leaves it: all that was given a time, and the last beat, are an hour ahead.
        let script = """
            local function ahead(key) for _, id in ipairs(redis.call('ZRANGE', key, 0, -1)) do
                redis.call('ZINCRBY', key, 3600000, id)
                local record = 'jobq:{q}:job:' .. id
                redis.call('HINCRBY', record, 'enqueued_at', 3600000)
                if redis.call('HEXISTS', record, 'claimed_at') == 1 then redis.call('HINCRBY', record, 'claimed_at', 3600000) end
            end end
            ahead('jobq:{q}:processing')
            ahead('jobq:{q}:scheduled')
            redis.call('HINCRBY', 'jobq:clock', 'seen', 3600000)
            return 1
            """
        #expect(try redis.command("EVAL", script, "0").int == 1)
        try eventually(within: 15, "lease and delay over\n\(daemon.log)") {
            let depth = try client.call("stats", ["queue": "q"])["depth"]
            return depth["queued"] == 2 && depth["scheduled"] == 0 && depth["processing"] == 0
        }
        #expect(daemon.log.contains("was set back by"))
        #expect(try client.call("check")["healthy"] == true)
    }

    @Test func whatADeadDaemonLeftInThousandsOfQueuesIsFoundInTime() throws {
        let redis = try RedisServer()
        let (dying, living) = (try Daemon(.redis(redis)), try Daemon(.redis(redis)))
        let (client, other) = (try dying.connect(), try living.connect())
        for start in stride(from: 0, to: 4_000, by: 500) {
            let jobs = (start..<start + 500).map { ["queue": JSON("t.\($0)"), "job_id": "j"] as JSON }
            _ = try client.call("enqueue", ["jobs": .array(jobs)], within: 30)
        }
        try untilItReclaims(other)
        for queue in ["t.0", "t.1999", "t.3999"] {
            _ = try client.claimOne(queue, ["lease_ms": 2_000])
            try client.enqueue(queue, ["delay_ms": 2_000])
        }
        dying.kill()
        // Two seconds for the lease, one for the round, the rest for a machine that does much else.
        try eventually(within: 10, "leases and delays over") {
            try ["t.0", "t.1999", "t.3999"].allSatisfy { queue in
                let depth = try other.call("stats", ["queue": JSON(queue)])["depth"]
                return depth["queued"] == 2 && depth["processing"] == 0 && depth["scheduled"] == 0
            }
        }
    }

    @Test func namesThatNoQueueHasCostNoSweeps() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let client = try daemon.connect()
        try client.enqueue("real")
        for number in 0..<200 {
            let names = (0..<64).map { JSON("made.up.\(number).\($0)") }
            try client.send(["op": "claim", "queues": .array(names), "wait_ms": 1])
            _ = try client.receive()
        }
        func scripts() throws -> Int {
            let lines = try redis.command("INFO", "commandstats").string?.split(separator: "\r\n") ?? []
            let line = lines.first { $0.hasPrefix("cmdstat_evalsha:") } ?? ""
            return Int(line.split(separator: ",")[0].split(separator: "=")[1]) ?? 0
        }
        let before = try scripts()
        let end = Deadline(after: 3)
        try eventually(within: 10, "three seconds") { end.hasPassed }
        // A beat, a look and a sweep a second. 12,800 names would be a hundred looks each second.
        #expect(try scripts() - before < 40)
    }
}
