// A clean stop: waiting claims end empty, what is in flight is answered, leases stay with their workers, and it is over
// within five seconds whatever Redis does. Also SIGKILL, after which the same tokens are good. Each test has a daemon
// of its own.

import Foundation
import Harness
import Testing

@Suite(.timeLimit(.minutes(1))) struct StoppingTests {
    @Test(arguments: [SIGTERM, SIGINT]) func waitingClaimsGetNothingAndTheDaemonEnds(_ signal: Int32) throws {
        let daemon = try Daemon(.memory)
        let client = try daemon.connect()
        try client.startWaiting("q")
        let seconds = try elapsed { () throws in
            daemon.process.send(signal: signal)
            let reply = try client.receive()
            #expect(reply["ok"] == true)
            #expect(reply["jobs"] == [])
            #expect(try client.readToEnd() == [])
            #expect(try daemon.process.waitForEnd() == .exited(0))
        }
        #expect(seconds < 3)
        #expect(!FileManager.default.fileExists(atPath: daemon.socketPath))
    }

    @Test func leasesStayWithTheirWorkersOverAStop() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let worker = try daemon.connect()
        try worker.call("hello", ["worker": "w", "grace_ms": 0])
        let job = try worker.enqueue("q")
        let claimed = try worker.claimOne("q", ["lease_ms": 60_000])
        #expect(try daemon.terminate() == .exited(0))
        try daemon.start()
        let again = try daemon.connect()
        #expect(try again.state(job) == "processing")
        #expect(try again.complete(claimed)["state"] == "completed")
    }

    @Test func tokensAreGoodAfterTheDaemonWasKilled() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let worker = try daemon.connect()
        try worker.enqueueMany("q", 2)
        let claimed = try worker.claim("q", ["max": 2])
        try daemon.restart()
        let again = try daemon.connect()
        #expect(try again.complete(claimed[0])["state"] == "completed")
        #expect(try again.fail(claimed[1])["state"] == "retrying")
    }

    @Test func aLeaseThatRanOutWhileNoDaemonRanIsReclaimedByTheNext() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let worker = try daemon.connect()
        try worker.enqueue("q")
        _ = try worker.claimOne("q", ["lease_ms": 100])
        try worker.enqueue("later", ["delay_ms": 100])
        daemon.kill()
        let due = Deadline(after: 0.3)
        try eventually { due.hasPassed }
        try daemon.start()
        let again = try daemon.connect()
        #expect(try again.claimOne("q")["attempt"] == 2)
        #expect(try again.claimOne("later")["attempt"] == 1)
    }

    @Test(arguments: ["suspended", "killed"])
    func itStopsWithinFiveSecondsWhileRedisIsAway(_ redisIs: String) throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let (waiting, writing) = (try daemon.connect(), try daemon.connect())
        try waiting.startWaiting("q")
        try writing.call("ping")
        if redisIs == "suspended" { redis.suspend() } else { redis.kill() }
        try writing.sendRaw("{\"op\":\"enqueue\",\"id\":1,\"queue\":\"other\"}\n{\"op\":\"ping\",\"id\":2}\n")
        #expect(try writing.receive()["id"] == 2)
        let seconds = try elapsed { () throws in
            daemon.process.send(signal: SIGTERM)
            #expect(try waiting.receive()["jobs"] == [])
            #expect(try writing.receive()["error"]["code"] == "store_unavailable")
            #expect(try daemon.process.waitForEnd() == .exited(0))
        }
        #expect(seconds < 5.5, "\(seconds)")
        redis.resume()
    }

    @Test func aClaimThatCameWhileRedisWasAwayIsAnsweredWhenTheDaemonStops() throws {
        let redis = try RedisServer(start: false)
        let daemon = try Daemon(.redis(redis), ready: false)
        let client = try daemon.connect()
        try client.startWaiting("q", store: false)
        daemon.process.send(signal: SIGTERM)
        let reply = try client.receive(within: 5)
        #expect(reply["id"] == 1 && reply["jobs"] == [], "\(reply)")
        #expect(try daemon.process.waitForEnd(within: 6) == .exited(0))
    }

    @Test func whatIsInFlightIsAnsweredAndNoMoreWorkIsHandedOut() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let client = try daemon.connect()
        try client.enqueue("q")
        redis.suspend()
        try client.sendRaw("{\"op\":\"enqueue\",\"id\":1,\"queue\":\"q\"}\n{\"op\":\"ping\",\"id\":2}\n")
        #expect(try client.receive()["id"] == 2)
        daemon.process.send(signal: SIGTERM)
        try eventually(within: 2, "the socket's end") { (try? daemon.connect()) == nil }
        try client.sendRaw("{\"op\":\"claim\",\"id\":3,\"queue\":\"q\"}\n")
        let refusal = try client.receive()
        #expect(refusal["id"] == 3)
        #expect(refusal["error"]["code"] == "draining")
        #expect(refusal["error"]["retryable"] == true)
        redis.resume()
        #expect(try client.receive()["state"] == "queued")
        #expect(try daemon.process.waitForEnd(within: 5) == .exited(0))
    }

    @Test func whatNeedsNoWaitingIsServedWhileTheDaemonStops() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let (slow, worker) = (try daemon.connect(), try daemon.connect())
        try worker.enqueueMany("q", 4)
        let claimed = try worker.claim("q", ["max": 4])
        redis.suspend()
        try slow.sendRaw("{\"op\":\"enqueue\",\"id\":1,\"queue\":\"q\"}\n{\"op\":\"ping\",\"id\":2}\n")
        #expect(try slow.receive()["id"] == 2)
        daemon.process.send(signal: SIGTERM)
        try eventually(within: 2, "the socket's end") { (try? daemon.connect()) == nil }
        // Over a connection that has nothing under way.
        let requests: [JSON] = [
            ["op": "enqueue", "queue": "q", "job_id": "late"], ["op": "publish", "topic": "unbound"],
            LineClient.proof(claimed[0], ["op": "complete"]), LineClient.proof(claimed[1], ["op": "fail"]),
            LineClient.proof(claimed[2], ["op": "extend"]), LineClient.proof(claimed[3], ["op": "release"]),
            ["op": "get", "job": claimed[0]["job"]], ["op": "ping"],
        ]
        for (id, request) in requests.enumerated() {
            var request = request
            request["id"] = JSON(id)
            try worker.send(request)
        }
        try worker.send(["op": "claim", "queue": "q", "id": "claim"])
        redis.resume()
        var replies: [JSON] = []
        while let line = try worker.readLineBytes() { replies.append(try JSON(parsing: line)) }
        for id in requests.indices {
            let reply = replies.first { $0["id"].int == id }
            #expect(reply?["ok"] == true, "\(requests[id]): \(replies)")
        }
        #expect(replies.first { $0["id"] == "claim" }?["error"]["code"] == "draining", "\(replies)")
        #expect(try slow.receive()["state"] == "queued")
        #expect(try daemon.process.waitForEnd(within: 5) == .exited(0))
        try daemon.start()
        #expect(try daemon.connect().state("q/late") == "queued")
    }

    @Test func afterADrainTheStopGoesOnToRefuseNewJobs() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let client = try daemon.connect()
        try client.call("drain")
        redis.suspend()
        try client.sendRaw("{\"op\":\"stats\",\"id\":1}\n{\"op\":\"ping\",\"id\":2}\n")
        #expect(try client.receive()["id"] == 2)
        daemon.process.send(signal: SIGTERM)
        try eventually(within: 2, "the socket's end") { (try? daemon.connect()) == nil }
        try client.sendRaw("{\"op\":\"enqueue\",\"id\":3,\"queue\":\"q\"}\n")
        let refusal = try client.receive()
        #expect(refusal["id"] == 3 && refusal["error"]["code"] == "draining", "\(refusal)")
        redis.resume()
    }

    /// Connections that were served once, over which each request that could be sent is answered, and none refused.
    @Test(.timeLimit(.minutes(2))) func noRequestIsRefusedOrLeftUnansweredOverManyRestarts() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let producers = (0..<4).map { EagerProducer(name: "p\($0)", path: daemon.socketPath) }
        defer { for producer in producers { producer.finish() } }
        for round in 1...25 {
            let before = producers.map { $0.seen.accepted }
            try eventually(within: 20, "work before restart \(round)") {
                zip(producers, before).allSatisfy { $0.seen.accepted > $1 + 3 }
            }
            #expect(try daemon.terminate() == .exited(0))
            try daemon.start()
        }
        for producer in producers { producer.finish() }
        let seen = producers.map(\.seen)
        #expect(seen.flatMap(\.problems) == [])
        #expect(seen.allSatisfy { $0.lostLinks >= 10 }, "\(seen.map(\.lostLinks))")
        let queued = try daemon.connect().stats("q")["depth"]["queued"].int
        #expect(queued == seen.reduce(0) { $0 + $1.accepted })
    }

    @Test func aSecondStopSignalChangesNothing() throws {
        let daemon = try Daemon(.memory)
        daemon.process.send(signal: SIGTERM)
        daemon.process.send(signal: SIGTERM)
        #expect(try daemon.process.waitForEnd(within: 5) == .exited(0))
    }

    @Test func hangupDoesNotEndIt() throws {
        let daemon = try Daemon(.memory)
        let client = try daemon.connect()
        daemon.process.send(signal: SIGHUP)
        #expect(try client.call("ping")["ok"] == true)
        daemon.process.send(signal: SIGPIPE)
        #expect(try client.call("ping")["ok"] == true)
    }
}
