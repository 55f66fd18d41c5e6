// Queues that do not exist, and queues that are removed: with which answers, and what is left of them.

import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct QueueRemovalTests {
    // MARK: Unknown queues

    @Test(
        arguments: Backend.allCases,
        [
            ("pause", [:]), ("resume", [:]), ("purge", ["state": "dead"]), ("configure", ["max_len": 5]),
            ("configure", [:]),
            ("requeue", ["state": "dead"]), ("reclaim", [:]), ("check", [:]), ("stats", [:]),
            ("list", ["state": "queued"]), ("remove_queue", [:]),
        ] as [(String, JSON)])
    func anUnknownQueueIsNotFoundAndTheNearestNameIsTold(on backend: Backend, _ request: (op: String, members: JSON))
        throws
    {
        let client = try backend.connect()
        // Far from the names of all other queues.
        let queue = String((0..<24).map { _ in "abcdefghijklmnopqrstuvwxyz".randomElement()! })
        try client.enqueue(queue)
        var members = request.members
        let wrong = queue.dropLast() + "_x"
        members["queue"] = JSON(String(wrong))
        let error = try client.refused(request.op, members)
        #expect(error["code"] == "not_found" && error["field"] == "queue")
        #expect(error["message"] == JSON("no such queue: \(wrong); did you mean \"\(queue)\"?"))
        #expect(try !client.call("queues")["queues"].array.contains { $0["queue"] == JSON(String(wrong)) })
    }

    @Test(arguments: Backend.allCases)
    func anUnknownQueueIsCreatedWhenAsked(on backend: Backend) throws {
        let client = try backend.connect()
        let (paused, configured) = (freshQueue(), freshQueue())
        #expect(try client.call("pause", ["queue": JSON(paused), "create": true])["paused"] == true)
        let reply = try client.call("configure", ["queue": JSON(configured), "create": true, "max_len": 7])
        #expect(reply["policy"]["max_len"] == 7)
        let names = try client.call("queues")["queues"].array.map { $0["queue"] }
        #expect(names.contains(JSON(paused)) && names.contains(JSON(configured)))
        #expect(try client.refused("resume", ["queue": "x", "create": true])["code"] == "bad_request")
    }

    // MARK: Removal

    @Test(arguments: Backend.allCases)
    func aQueueWithoutOpenJobsIsRemovedWithAllItHas(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.enqueueMany(queue, 4)
        try client.complete(client.claimOne(queue), ["result": 1])
        try client.fail(client.claimOne(queue), ["retry": false])
        _ = try client.claimOne(queue)
        try client.complete(client.claimOne(queue))
        let topic = freshQueue("topic")
        try client.call("bind", ["topic": JSON(topic), "queue": JSON(queue)])
        try client.call("configure", ["queue": JSON(queue), "max_attempts": 9])
        let processing = try client.stats(queue)["depth"]["processing"].int ?? 0
        #expect(processing == 1)
        let refusal = try client.refused("remove_queue", ["queue": JSON(queue)])
        #expect(refusal["code"] == "wrong_state")
        #expect(refusal["message"].string?.contains("1 processing") == true)
        let reply = try client.call("remove_queue", ["queue": JSON(queue), "jobs": true])
        #expect(reply["queue"] == JSON(queue) && reply["removed"] == 4)
        #expect(try client.refused("stats", ["queue": JSON(queue)])["code"] == "not_found")
        #expect(try !client.call("queues")["queues"].array.contains { $0["queue"] == JSON(queue) })
        #expect(try !client.call("topics")["topics"].array.contains { $0["topic"] == JSON(topic) })
        #expect(try client.refused("remove_queue", ["queue": JSON(queue)])["code"] == "not_found")
        // A queue of that name begins anew.
        try client.enqueue(queue)
        #expect(try client.stats(queue)["totals"]["enqueued"] == 1)
        #expect(try client.call("configure", ["queue": JSON(queue)])["policy"]["max_attempts"] == 3)
        #expect(try client.call("queues")["queues"].array.contains { $0["queue"] == JSON(queue) })
    }

    @Test func noKeyIsLeftOfAQueueInRedis() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let client = try daemon.connect()
        try client.enqueue("keep")
        for _ in 0..<3 { try client.enqueueMany("q", 400, ["delay_ms": 600_000]) }
        try client.enqueueMany("q", 700)
        for _ in 0..<6 {
            let jobs = try client.claim("q", ["max": 100])
            try client.call("complete", ["jobs": JSON(jobs.map { LineClient.proof($0) })])
        }
        try client.enqueue("q", ["unique": ["key": "k"], "expires_in_ms": 600_000])
        try client.call("subscribe", ["queues": ["q"]])
        try client.call("unsubscribe")
        #expect(try client.refused("remove_queue", ["queue": "q"])["code"] == "wrong_state")
        let totals = try client.stats("q")["totals"]
        #expect(try client.call("remove_queue", ["queue": "q", "jobs": true])["removed"] == totals["enqueued"])
        #expect(try redis.dump(matching: "jobq:{q}:*").keys.sorted() == [])
        #expect(try redis.command("SMEMBERS", "jobq:queues").strings == ["keep"])
        #expect(try client.stats("keep")["depth"]["queued"] == 1)
    }

    @Test(arguments: Backend.allCases)
    func whoHoldsAJobOfARemovedQueueLearnsIt(on backend: Backend) throws {
        let (client, waiting, other) = (try backend.connect(), try backend.connect(), try backend.connect())
        let queue = freshQueue()
        let job = try client.enqueue(queue)
        let claimed = try client.claimOne(queue)
        try other.send(["op": "wait", "id": 5, "job": JSON(job), "wait_ms": 60_000])
        try waiting.startWaiting(queue)
        try client.call("remove_queue", ["queue": JSON(queue), "jobs": true])
        #expect(try client.refused("complete", LineClient.proof(claimed))["code"] == "not_found")
        #expect(try other.receive()["error"]["code"] == "not_found")
        // Who waits for jobs of that name waits on.
        try client.enqueue(queue, ["payload": "new"])
        #expect(try waiting.receive()["jobs"][0]["payload"] == "new")
    }

    @Test func anotherDaemonLearnsThatAQueueIsThereAgain() throws {
        let redis = try RedisServer()
        let daemons = (try Daemon(.redis(redis)), try Daemon(.redis(redis)))
        let (first, second) = (try daemons.0.connect(), try daemons.1.connect())
        try second.enqueue("q")
        try first.call("remove_queue", ["queue": "q", "jobs": true])
        #expect(try second.call("queues")["queues"].array.isEmpty)
        try first.enqueue("q")
        #expect(try second.call("queues")["queues"].array.map { $0["queue"] } == ["q"])
    }
}
