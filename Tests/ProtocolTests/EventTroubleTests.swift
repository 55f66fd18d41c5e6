// Events and waits when connections to Redis break, Redis restarts or is away, and with two daemons on one Redis. Each test
// has servers of its own.

import Harness
import Testing

@Suite(.timeLimit(.minutes(1))) struct EventTroubleTests {
    /// Cuts the daemons' listening links, and lets no new connection in until `body` is over.
    private func withoutListeners(_ redis: RedisServer, _ body: () throws -> Void) throws {
        try redis.command("CONFIG", "SET", "maxclients", "1")
        try redis.command("CLIENT", "KILL", "TYPE", "pubsub")
        try body()
        try redis.command("CONFIG", "SET", "maxclients", "1000")
    }

    @Test func eventsOfAnotherHostAreToldHere() throws {
        let redis = try RedisServer()
        let (here, there) = (try Daemon(.redis(redis)), try Daemon(.redis(redis)))
        let (watcher, client) = (try here.connect(), try there.connect())
        try watcher.subscribe("*")
        let job = try client.enqueue("q")
        try client.complete(client.claimOne("q"))
        let events = try watcher.events(3)
        #expect(events.map(\.told) == ["enqueued \(job)", "claimed \(job)", "completed \(job)"])
    }

    @Test func whatHappensWhileTheListeningLinkIsAwayIsToldWhenItIsBack() throws {
        let redis = try RedisServer()
        let (here, there) = (try Daemon(.redis(redis)), try Daemon(.redis(redis)))
        let (watcher, client) = (try here.connect(), try there.connect())
        try watcher.subscribe("*", events: ["enqueued", "completed"])
        var expected: [String] = []
        for round in 0..<5 {
            try withoutListeners(redis) {
                // A queue known before and a new one each time.
                for queue in ["q", "q\(round)"] {
                    for job in try client.enqueueMany(queue, 20) {
                        expected.append("enqueued \(job)")
                        try client.complete(client.claimOne(queue))
                        expected.append("completed \(job)")
                    }
                }
            }
        }
        let events = try watcher.events(expected.count)
        #expect(events.map(\.told).sorted() == expected.sorted())
        #expect(areInOrder(events))
        #expect(try watcher.staysSilent(for: 0.1))
    }

    @Test func whoDoesNotReadMeanwhileStillGetsAllThatWasMissed() throws {
        let redis = try RedisServer()
        let (here, there) = (try Daemon(.redis(redis)), try Daemon(.redis(redis)))
        let (watcher, client) = (try here.connect(), try there.connect())
        let large = try client.enqueue("large", ["payload": JSON(String(repeating: "x", count: 100_000))])
        try watcher.subscribe("q*", events: ["enqueued"])
        // Replies that are not read: more than the sockets take and than is kept of events.
        for id in 0..<20 { try watcher.send(["op": "get", "id": JSON(id), "job": JSON(large)]) }
        let observer = try here.connect()
        try observer.subscribe("q*", events: ["enqueued"])
        var jobs: [String] = []
        try withoutListeners(redis) {
            for number in 0..<10 { jobs += try client.enqueueMany("q\(number % 5)", 100) }
        }
        #expect(Set(try observer.events(1_000).compactMap { $0["job"].string }) == Set(jobs))
        for _ in 0..<20 { #expect(try watcher.receive()["ok"] == true) }
        let events = try watcher.events(1_000)
        #expect(Set(events.compactMap { $0["job"].string }) == Set(jobs))
        #expect(areInOrder(events))
    }

    @Test func overARestartOfRedisNoEventIsLostAndNoneIsToldTwice() throws {
        let redis = try RedisServer(aof: .always)
        let (here, there) = (try Daemon(.redis(redis)), try Daemon(.redis(redis)))
        let (watcher, client) = (try here.connect(), try there.connect())
        try watcher.subscribe("q*", events: ["enqueued", "completed", "dead"])
        var expected: [String] = []
        for round in 0..<3 {
            let jobs = try client.enqueueMany("q", 10) + client.enqueueMany("q\(round)", 10)
            expected += jobs.map { "enqueued \($0)" }
            try redis.restart()
            for queue in ["q", "q\(round)"] {
                // Sent at once: served as soon as the other daemon has its connection back.
                for claimed in try client.claim(queue, ["max": 10]) {
                    expected.append("completed \(claimed["job"].string ?? "")")
                    try client.complete(claimed)
                }
            }
        }
        #expect(expected.count == 120)
        let events = try watcher.events(expected.count)
        #expect(events.map(\.told).sorted() == expected.sorted())
        #expect(areInOrder(events))
        #expect(try watcher.staysSilent(for: 0.1))
    }

    @Test func aWaitOverARestartOfRedisIsAnsweredWhenTheJobIsDone() throws {
        let redis = try RedisServer(aof: .always)
        let (here, there) = (try Daemon(.redis(redis)), try Daemon(.redis(redis)))
        let (waiter, client) = (try here.connect(), try there.connect())
        let jobs = try client.enqueueMany("q", 2, ["keep_ms": 0])
        let claimed = try client.claim("q", ["max": 2])
        for (id, job) in jobs.enumerated() {
            try waiter.send(["op": "wait", "id": JSON(id), "job": JSON(job), "wait_ms": 60_000])
        }
        for _ in 0..<2 { #expect(try waiter.request(["op": "ping", "id": 9, "store": true])["id"] == 9) }
        try redis.restart()
        for job in claimed { try client.complete(job) }
        let replies = try [waiter.receive(), waiter.receive()]
        #expect(Set(replies.compactMap { $0["id"].int }) == [0, 1])
        #expect(replies.allSatisfy { $0["job"]["state"] == "completed" }, "\(replies)")
    }

    @Test func aWaitLooksAtItsJobAgainWhenTheListeningLinkIsBack() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let client = try daemon.connect()
        let job = try client.enqueue("q", ["job_id": "j"])
        try client.send(["op": "wait", "id": 1, "job": JSON(job), "wait_ms": 60_000])
        for _ in 0..<2 { #expect(try client.request(["op": "ping", "id": 9, "store": true])["id"] == 9) }
        // The end of a job of which the log has nothing, as if it had been cut off behind it.
        try redis.command("HSET", "jobq:{q}:job:j", "state", "completed", "finished_at", "1763680000000")
        #expect(try client.staysSilent(for: 0.1))
        try redis.command("CLIENT", "KILL", "TYPE", "pubsub")
        let reply = try client.receive()
        #expect(reply["id"] == 1)
        #expect(reply["job"]["state"] == "completed")
    }

    @Test func aWaitIsToldOfAnEndThatWasMissedThoughTheRecordIsGone() throws {
        let redis = try RedisServer()
        let (here, there) = (try Daemon(.redis(redis)), try Daemon(.redis(redis)))
        let (waiter, client) = (try here.connect(), try there.connect())
        let job = try client.enqueue("q", ["keep_ms": 0])
        try waiter.send(["op": "wait", "id": 1, "job": JSON(job), "wait_ms": 60_000])
        for _ in 0..<2 { #expect(try waiter.request(["op": "ping", "id": 9, "store": true])["id"] == 9) }
        try withoutListeners(redis) { try client.complete(client.claimOne("q")) }
        let record = try waiter.receive()["job"]
        #expect(record["job"] == JSON(job))
        #expect(record["state"] == "completed")
    }

    @Test func aWaitKeepsWaitingWhileRedisIsAway() throws {
        let redis = try RedisServer(aof: .always)
        let daemon = try Daemon(.redis(redis), arguments: ["--request-timeout-ms", "300"])
        let (waiter, client) = (try daemon.connect(), try daemon.connect())
        let job = try client.enqueue("q")
        let claimed = try client.claimOne("q")
        try waiter.send(["op": "wait", "id": 1, "job": JSON(job), "wait_ms": 60_000])
        for _ in 0..<2 { #expect(try waiter.request(["op": "ping", "id": 9, "store": true])["id"] == 9) }
        redis.kill()
        #expect(try client.refused("get", ["job": JSON(job)])["code"] == "store_unavailable")
        try waiter.send(["op": "wait", "id": 2, "job": JSON(job), "wait_ms": 60_000])
        #expect(try client.refused("get", ["job": JSON(job)])["code"] == "store_unavailable")
        try redis.start()
        try eventually(within: 10, "the store") { try client.request(["op": "ping", "store": true])["ok"] == true }
        try client.complete(claimed)
        let replies = try [waiter.receive(), waiter.receive()]
        #expect(Set(replies.compactMap { $0["id"].int }) == [1, 2])
        #expect(replies.allSatisfy { $0["job"]["state"] == "completed" }, "\(replies)")
    }

    @Test func aSubscriptionThatCannotHoldIsRefusedInTimeAndAnEarlierOneStays() throws {
        let redis = try RedisServer(aof: .always)
        let daemon = try Daemon(.redis(redis), arguments: ["--request-timeout-ms", "500"])
        let (watcher, client) = (try daemon.connect(), try daemon.connect())
        try watcher.subscribe("first", events: ["enqueued"])
        redis.kill()
        let seconds = try elapsed { () throws in
            #expect(try watcher.refused("subscribe", ["queues": ["second"]])["code"] == "store_unavailable")
        }
        #expect(seconds < 3, "\(seconds)")
        try redis.start()
        try eventually(within: 10, "the store") { try client.request(["op": "ping", "store": true])["ok"] == true }
        try client.enqueue("second")
        let job = try client.enqueue("first")
        #expect(try watcher.event().told == "enqueued \(job)")
    }

    @Test func whatIsLoggedOnRequestIsLoggedForAsLongAsSomebodyListens() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let (watcher, client) = (try daemon.connect(), try daemon.connect())
        try client.enqueue("q")
        try watcher.subscribe("*", events: ["claimed"])
        let listened = { (queue: String) throws -> Int in
            Int(try redis.command("HGET", "jobq:{\(queue)}:policy", "listened").string ?? "") ?? 0
        }
        let now = try client.call("ping", ["store": true])["at"].int!
        #expect(try listened("q") > now + 50_000)
        // A queue that is new is asked for it as soon as it is heard of.
        try client.enqueue("new")
        try eventually(within: 5, "the new queue logs") { try listened("new") > now + 50_000 }
        _ = try client.claimOne("new")
        #expect(try watcher.event()["queue"] == "new")
    }
}
