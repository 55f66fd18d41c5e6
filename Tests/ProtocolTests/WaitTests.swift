// `wait`: who submitted a job is told of its end, whatever it is and whoever brought it about.

import Foundation
import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct WaitTests {
    /// Begins to wait under the id 1, and returns when the daemon has looked at the job.
    private func startWaiting(_ client: LineClient, _ job: String, ms: Int = 60_000) throws {
        try client.send(["op": "wait", "id": 1, "job": JSON(job), "wait_ms": JSON(ms)])
        for _ in 0..<2 {
            let reply = try client.request(["op": "ping", "id": 2, "store": true])
            guard reply["id"] == 2, reply["ok"] == true else { throw HarnessError("instead of waiting: \(reply)") }
        }
    }

    @Test(arguments: Backend.allCases)
    func aJobThatIsOverIsAnsweredAtOnceAsGetShowsIt(on backend: Backend) throws {
        let (client, queue) = (try backend.connect(), freshQueue())
        let job = try client.enqueue(queue)
        try client.complete(client.claimOne(queue), ["result": 1.50])
        let reply = try client.call("wait", ["job": JSON(job)])
        #expect(reply["job"]["state"] == "completed")
        #expect(reply["job"]["result"] == 1.5)
        #expect(reply["job"] == (try client.record(job)))
        #expect(!reply.has("timed_out"))
    }

    @Test(arguments: Backend.allCases)
    func itIsToldTheResultWhenTheJobIsCompleted(on backend: Backend) throws {
        let (client, waiter, queue) = (try backend.connect(), try backend.connect(), freshQueue())
        let job = try client.enqueue(queue)
        try startWaiting(waiter, job)
        try client.complete(client.claimOne(queue), ["result": "done"])
        let reply = try waiter.receive()
        #expect(reply["id"] == 1)
        #expect(reply["job"]["state"] == "completed")
        #expect(reply["job"]["result"] == "done")
        #expect(!reply.has("timed_out"))
    }

    @Test(arguments: Backend.allCases)
    func aRetryIsNotTheEndButADeadLetterIs(on backend: Backend) throws {
        let (client, waiter, queue) = (try backend.connect(), try backend.connect(), freshQueue())
        let job = try client.enqueue(queue, ["max_attempts": 2])
        try startWaiting(waiter, job)
        try client.fail(client.claimOne(queue), ["retry_in_ms": 1])
        try client.fail(client.claimOne(queue), ["error": "broken"])
        let record = try waiter.receive()["job"]
        #expect(record["state"] == "dead")
        #expect(record["reason"] == "failed")
        #expect(record["error"] == "broken")
        #expect(record["history"].array.count == 2)
    }

    @Test(arguments: Backend.allCases)
    func cancelledAndExpiredJobsAreOver(on backend: Backend) throws {
        let (client, waiter, queue) = (try backend.connect(), try backend.connect(), freshQueue())
        let job = try client.enqueue(queue)
        try startWaiting(waiter, job)
        try client.call("cancel", ["job": JSON(job), "reason": "enough"])
        let cancelled = try waiter.receive()["job"]
        #expect(cancelled["state"] == "cancelled")
        #expect(cancelled["reason"] == "enough")
        let short = try client.enqueue(queue, ["expires_in_ms": 300])
        let expired = try client.call("wait", ["job": JSON(short)])["job"]
        #expect(expired["state"] == "expired")
        #expect(expired["finished_at"].int! >= expired["enqueued_at"].int! + 300)
    }

    @Test(arguments: Backend.allCases)
    func jobsThatAreNotThereOrAreDeletedAreNotFound(on backend: Backend) throws {
        let (client, waiter, queue) = (try backend.connect(), try backend.connect(), freshQueue())
        let error = try client.refused("wait", ["job": JSON("\(queue)/none")])
        #expect(error["code"] == "not_found")
        #expect(error["field"] == "job")
        let job = try client.enqueue(queue)
        try startWaiting(waiter, job)
        try client.call("delete", ["job": JSON(job)])
        let reply = try waiter.receive()
        #expect(reply["id"] == 1)
        #expect(reply["error"]["code"] == "not_found")
    }

    @Test(arguments: Backend.allCases)
    func aRecordThatGoesWithTheEndIsAnsweredAsItWasSeenLast(on backend: Backend) throws {
        let (client, waiter, queue) = (try backend.connect(), try backend.connect(), freshQueue())
        let job = try client.enqueue(queue, ["keep_ms": 0, "payload": "p"])
        try startWaiting(waiter, job)
        try client.complete(client.claimOne(queue))
        #expect(try client.refused("get", ["job": JSON(job)])["code"] == "not_found")
        let record = try waiter.receive()["job"]
        #expect(record["job"] == JSON(job))
        #expect(record["state"] == "completed")
        #expect(record["payload"] == "p")
        #expect(record["attempts"] == 1)
        #expect(record["finished_at"].int! >= record["enqueued_at"].int!)
    }

    @Test(arguments: Backend.allCases)
    func afterItsTimeTheRecordIsToldAsItIs(on backend: Backend) throws {
        let (client, queue) = (try backend.connect(), freshQueue())
        let job = try client.enqueue(queue)
        _ = try client.claimOne(queue)
        for ms in [0, 100] {
            var reply: JSON = nil
            let seconds = try elapsed { () throws in
                reply = try client.call("wait", ["job": JSON(job), "wait_ms": JSON(ms)])
            }
            #expect(reply["timed_out"] == true)
            #expect(reply["job"]["state"] == "processing")
            #expect(seconds >= Double(ms) / 1_000 && seconds < 5, "\(seconds)")
        }
    }

    @Test(arguments: Backend.allCases)
    func manyWaitForOneJobAndOneForMany(on backend: Backend) throws {
        let (client, queue) = (try backend.connect(), freshQueue())
        let jobs = try client.enqueueMany(queue, 20)
        let waiters = try (0..<10).map { _ in try backend.connect() }
        for waiter in waiters {
            for (id, job) in jobs.enumerated() {
                try waiter.send(["op": "wait", "id": JSON(id), "job": JSON(job), "wait_ms": 60_000])
            }
        }
        for claimed in try client.claim(queue, ["max": 20]) { try client.complete(claimed) }
        for waiter in waiters {
            let replies = try jobs.map { _ in try waiter.receive() }
            #expect(Set(replies.compactMap { $0["id"].int }) == Set(0..<20))
            #expect(replies.allSatisfy { $0["job"]["state"] == "completed" })
        }
        #expect(try client.call("info")["waits"].int != nil)
    }

    @Test(arguments: Backend.allCases)
    func aConnectionThatEndsWaitsNoMore(on backend: Backend) throws {
        let daemon = try backend == .memory ? Daemon(.memory) : Daemon(.redis(Stage.current.redis()))
        let (client, waiter, queue) = (try daemon.connect(), try daemon.connect(), freshQueue())
        try startWaiting(waiter, client.enqueue(queue))
        #expect(try client.call("info")["waits"] == 1)
        waiter.close()
        try eventually(within: 5, "the wait's end") { try client.call("info")["waits"] == 0 }
        try client.complete(client.claimOne(queue))
    }

    @Test func aDaemonThatStopsAnswersWaitsAsTimedOut() throws {
        let daemon = try Daemon(.memory)
        let (client, waiter) = (try daemon.connect(), try daemon.connect())
        try startWaiting(waiter, client.enqueue("q"))
        #expect(try daemon.terminate() == .exited(0))
        let reply = try waiter.receive()
        #expect(reply["timed_out"] == true)
        #expect(reply["job"]["state"] == "queued")
    }

    @Test func aWorkerOfAnotherHostMayEndTheJob() throws {
        let redis = try RedisServer()
        let (here, there) = (try Daemon(.redis(redis)), try Daemon(.redis(redis)))
        let (waiter, worker) = (try here.connect(), try there.connect())
        for number in 0..<10 {
            let job = try waiter.enqueue("q")
            try startWaiting(waiter, job)
            try worker.complete(worker.claimOne("q"), ["result": JSON(number)])
            let seconds = try elapsed { () throws in
                #expect(try waiter.receive()["job"]["result"] == JSON(number))
            }
            // Told, not found by looking now and then.
            #expect(seconds < 0.9, "\(seconds)")
        }
    }

    @Test(arguments: [
        (#"{"op":"wait"}"#, "job"), (#"{"op":"wait","job":"q"}"#, "job"), (#"{"op":"wait","job":7}"#, "job"),
        (#"{"op":"wait","job":"q/1","wait_ms":-1}"#, "wait_ms"),
        (#"{"op":"wait","job":"q/1","wait_ms":600001}"#, "wait_ms"),
        (#"{"op":"wait","job":"q/1","queue":"q"}"#, "queue"),
    ]) func whatIsNoWaitIsRefused(_ line: String, _ field: String) throws {
        let reply = try Backend.memory.connect().request(text: line)
        #expect(reply["error"]["code"] == "bad_request", "\(reply)")
        #expect(reply["error"]["field"] == JSON(field), "\(reply)")
    }
}
