// What the daemon tells monitoring systems: that it is all there, in their format, and true; also while Redis is away.

import Broker
import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct MetricsTests {
    @Test(arguments: Backend.allCases)
    func everyMetricOfTheTableIsThereInItsOrderAndPromtoolIsContent(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.enqueueMany(queue, 3)
        try client.complete(client.claimOne(queue))
        let metrics = try eventualMetrics(client) { $0["jobqd_job_run_seconds_count{queue=\"\(queue)\"}"] == 1 }
        #expect(metrics.families == Metric.all.map(\.name))
        #expect(try metrics.passesPromtool())
    }

    @Test(arguments: Backend.allCases)
    func aDaemonWithoutQueuesAlsoSatisfiesPromtool(on backend: Backend) throws {
        let redis = try RedisServer()
        let daemon = try backend == .redis ? Daemon(.redis(redis)) : Daemon(.memory)
        let metrics = try MetricSamples(of: daemon.connect())
        #expect(try metrics.passesPromtool())
        #expect(metrics["jobqd_info{version=\"0.1.0\"}"] == 1)
        #expect(metrics["jobqd_redis_up"] == 1)
        #expect(!metrics.families.contains("jobqd_jobs"))
    }

    @Test(arguments: Backend.allCases)
    func depthsAndTotalsAreThoseOfStats(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.enqueueMany(queue, 12)
        var claimed = try client.claim(queue, ["max": 8])
        for _ in 0..<3 { try client.complete(claimed.removeFirst()) }
        for _ in 0..<2 { try client.fail(claimed.removeFirst(), ["retry": false]) }
        try client.fail(claimed.removeFirst(), ["retry_in_ms": 60_000])
        try client.release(claimed.removeFirst(), ["delay_ms": 60_000])
        try client.call("pause", ["create": true, "queue": JSON(queue)])
        let stats = try client.stats(queue)
        let paused = "jobqd_queue_paused{queue=\"\(queue)\"}"
        let metrics = try eventualMetrics(client) { $0[paused] == 1 }
        for (state, count) in stats["depth"].object {
            #expect(metrics["jobqd_jobs{queue=\"\(queue)\",state=\"\(state)\"}"] == Double(count.int!), "\(state)")
        }
        for (total, count) in stats["totals"].object {
            #expect(metrics["jobqd_jobs_\(total)_total{queue=\"\(queue)\"}"] == Double(count.int!), "\(total)")
        }
        #expect(stats["depth"].object.count == 8 && stats["totals"].object.count == 12)
        #expect(metrics["jobqd_oldest_job_age_seconds{queue=\"\(queue)\"}"]! > 0)
    }

    @Test(arguments: Backend.allCases)
    func waitAndRunTimesAreThoseOfTheJobs(on backend: Backend) throws {
        let client = try backend.connect()
        let (queue, empty) = (freshQueue(), freshQueue("empty"))
        // Waits as long as a claim on an empty queue, and runs as long.
        try client.enqueue(queue)
        #expect(try client.claim(empty, ["wait_ms": 300]).isEmpty)
        let job = try client.claimOne(queue)
        #expect(try client.claim(empty, ["wait_ms": 700]).isEmpty)
        try client.fail(job, ["retry_in_ms": 1500])
        // A delay and a backoff are no waiting.
        try client.complete(client.claimOne(queue))
        let run = "jobqd_job_run_seconds"
        let wait = "jobqd_job_wait_seconds"
        let metrics = try eventualMetrics(client) { $0["\(run)_count{queue=\"\(queue)\"}"] == 2 }
        #expect(metrics["\(wait)_count{queue=\"\(queue)\"}"] == 2)
        let waited = metrics["\(wait)_sum{queue=\"\(queue)\"}"]!
        let ran = metrics["\(run)_sum{queue=\"\(queue)\"}"]!
        #expect(0.29 < waited && waited < 1.79, "\(waited)")
        #expect(0.69 < ran && ran < 2.19, "\(ran)")
        #expect(metrics["\(run)_bucket{queue=\"\(queue)\",le=\"0.5\"}"] == 1)
    }

    @Test(arguments: Backend.allCases)
    func whatIsGivenBackIsNeitherTimedAsRunNorAsWaitedAgain(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.enqueue(queue)
        try client.release(client.claimOne(queue))
        try client.complete(client.claimOne(queue))
        let metrics = try eventualMetrics(client) { $0["jobqd_jobs_completed_total{queue=\"\(queue)\"}"] == 1 }
        #expect(metrics["jobqd_job_run_seconds_count{queue=\"\(queue)\"}"] == 1)
        #expect(metrics["jobqd_job_wait_seconds_count{queue=\"\(queue)\"}"] == 1)
    }

    @Test func connectionsWorkersClaimsRequestsAndRefusalsAreCounted() throws {
        let daemon = try Daemon(.memory)
        let client = try daemon.connect()
        let worker = try daemon.connect()
        try worker.call("hello", ["worker": "w"])
        try client.enqueue("held")
        _ = try worker.claimOne("held")
        try worker.send(["op": "claim", "id": 1, "queue": "q", "wait_ms": 60_000])
        for _ in 0..<3 { _ = try client.refused("get", ["job": "q/none"]) }
        _ = try client.request(text: "no json")
        let metrics = try eventualMetrics(client) { $0["jobqd_waiting_claims"] == 1 }
        #expect(metrics["jobqd_connections"] == 2)
        #expect(metrics["jobqd_workers"] == 1 && metrics["jobqd_held_jobs"] == 1)
        #expect(metrics["jobqd_requests_total{op=\"get\"}"] == 3)
        #expect(metrics["jobqd_requests_total{op=\"claim\"}"] == 2)
        #expect(metrics["jobqd_requests_total{op=\"cancel_wait\"}"] == 0)
        #expect(metrics["jobqd_errors_total{code=\"not_found\"}"] == 3)
        #expect(metrics["jobqd_errors_total{code=\"bad_json\"}"] == 1)
        #expect(metrics["jobqd_errors_total{code=\"internal\"}"] == 0)
        #expect(metrics["process_open_fds"]! > 5 && metrics["process_resident_memory_bytes"]! > 1_000_000)
        let start = metrics["process_start_time_seconds"]!
        #expect(abs(start * 1000 - Double(try client.call("ping")["at"].int!)) < 30_000)
        let later = try eventualMetrics(client) { $0["jobqd_loop_lag_seconds_count"]! >= 2 }
        #expect(later["process_cpu_seconds_total"]! >= metrics["process_cpu_seconds_total"]!)
    }

    @Test func whoeverAsksWithinASecondGetsTheSameText() throws {
        let daemon = try Daemon(.memory)
        let clients = try [daemon.connect(), daemon.connect()]
        try eventually(within: 20, "two answers within a second") {
            var texts: [String] = []
            let seconds = try elapsed { () throws in texts = try clients.map { try MetricSamples(of: $0).text } }
            return seconds < 1 && texts[0] == texts[1]
        }
        let before = try MetricSamples(of: clients[0])
        _ = try eventualMetrics(clients[0]) { $0.text != before.text }
    }

    @Test func whileRedisIsAwayOrHangsTheMetricsSayIt() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let client = try daemon.connect()
        try client.enqueue("q")
        _ = try eventualMetrics(client) { $0.families.contains("jobqd_jobs") && $0["jobqd_redis_up"] == 1 }

        redis.suspend()
        let seconds = try elapsed { () throws in
            let hung = try eventualMetrics(client) { $0["jobqd_redis_up"] == 0 }
            #expect(!hung.families.contains("jobqd_jobs") && hung["jobqd_connections"] == 1)
        }
        #expect(seconds < 4.5, "\(seconds)")
        redis.resume()
        _ = try eventualMetrics(client) { $0["jobqd_redis_up"] == 1 }

        redis.kill()
        let away = try eventualMetrics(client) { $0["jobqd_redis_up"] == 0 }
        #expect(try away.passesPromtool())
        try redis.start()
        let back = try eventualMetrics(client) { $0["jobqd_redis_up"] == 1 }
        #expect(back["jobqd_redis_reconnects_total"]! >= 1)
        #expect(back["jobqd_redis_round_trip_seconds_count"]! > 1)
    }

    @Test func jobqctlPrintsThemForPeopleAndAsJSON() throws {
        let daemon = try Daemon(.memory)
        let jobqctl = { (arguments: [String]) in
            try Program.run(
                BuiltProducts.path("jobqctl", variable: "JOBQCTL_BINARY"), arguments,
                environment: ["JOBQD_SOCKET": daemon.socketPath])
        }
        let plain = try jobqctl(["metrics"])
        #expect(plain.status == 0)
        #expect(try MetricSamples(plain.output).passesPromtool())
        let json = try jobqctl(["metrics", "--json"])
        #expect(try JSON(parsing: json.output.utf8)["text"].string?.contains("jobqd_info{") == true)
    }
}
