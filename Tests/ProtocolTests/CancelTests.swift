// `cancel`: a waiting job ends at once; one in a worker's hands ends with its attempt, and its worker is told, over
// whichever daemon it works and whatever happens to its connection or to Redis's.

import Foundation
import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct CancelTests {
    // MARK: Waiting jobs

    enum Waiting: String, CaseIterable {
        case queued, scheduled, retrying
        /// A new job in this state.
        func job(_ client: LineClient, _ queue: String) throws -> String {
            let job = try client.enqueue(queue, self == .scheduled ? ["delay_ms": 60_000] : [:])
            if self == .retrying { try client.fail(try client.claimOne(queue), ["retry_in_ms": 60_000]) }
            #expect(try client.state(job) == rawValue)
            return job
        }
    }

    @Test(arguments: Backend.allCases, Waiting.allCases)
    func aWaitingJobEndsAtOnce(on backend: Backend, _ state: Waiting) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try state.job(client, queue)
        #expect(try client.call("cancel", ["job": JSON(job), "reason": "not needed"])["state"] == "cancelled")
        let record = try client.record(job)
        #expect(record["state"] == "cancelled")
        #expect(record["reason"] == "not needed")
        #expect(record["finished_at"].int != nil)
        #expect(try client.claim(queue).isEmpty)
        #expect(try client.stats(queue)["totals"]["cancelled"] == 1)
    }

    @Test(arguments: Backend.allCases)
    func cancellingTwiceChangesNothing(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue)
        for reason in ["first", "second"] {
            let reply = try client.call("cancel", ["job": JSON(job), "reason": JSON(reason)])
            #expect(reply["state"] == "cancelled")
            #expect(!reply.has("cancel_requested"))
        }
        #expect(try client.record(job)["reason"] == "first")
        #expect(try client.stats(queue)["totals"]["cancelled"] == 1)
    }

    @Test(arguments: Backend.allCases)
    func aCompletedOrDeadJobCannotBeCancelled(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let completed = try client.enqueue(queue)
        try client.complete(try client.claimOne(queue))
        let dead = try client.enqueue(queue)
        try client.fail(try client.claimOne(queue), ["retry": false])
        for (job, state) in [(completed, "completed"), (dead, "dead")] {
            let error = try client.refused("cancel", ["job": JSON(job)])
            #expect(error["code"] == "wrong_state")
            #expect(error["state"] == JSON(state))
        }
        #expect(try client.refused("cancel", ["job": JSON("\(queue)/nobody")])["code"] == "not_found")
    }

    // MARK: Jobs in a worker's hands

    @Test(arguments: Backend.allCases)
    func theWorkerIsToldOnceWithTheReason(on backend: Backend) throws {
        let observer = try backend.connect()
        let queue = freshQueue()
        let worker = try HearingWorker(try backend.daemon())
        let job = try observer.enqueue(queue)
        let claimed = try worker.claimOne(queue)
        let reply = try observer.call("cancel", ["job": JSON(job), "reason": "user left"])
        #expect(reply["state"] == "processing")
        #expect(reply["cancel_requested"] == true)
        #expect(try worker.event() == event("cancel", claimed, ["reason": "user left"]))
        try observer.call("cancel", ["job": JSON(job), "reason": "impatient"])
        #expect(try worker.hearsNothing(for: 0.3))
        #expect(try observer.record(job)["cancel_requested"] == true)
    }

    @Test(arguments: Backend.allCases)
    func withoutAReasonTheEventHasNone(on backend: Backend) throws {
        let observer = try backend.connect()
        let queue = freshQueue()
        let worker = try HearingWorker(try backend.daemon())
        let job = try observer.enqueue(queue)
        let claimed = try worker.claimOne(queue)
        try observer.call("cancel", ["job": JSON(job)])
        #expect(try worker.event() == event("cancel", claimed))
    }

    @Test(arguments: Backend.allCases)
    func aConnectionWithPushButWithoutANameIsTold(on backend: Backend) throws {
        let observer = try backend.connect()
        let queue = freshQueue()
        let worker = try HearingWorker(try backend.daemon(), "", ["worker": nil])
        let job = try observer.enqueue(queue)
        let claimed = try worker.claimOne(queue)
        try observer.call("cancel", ["job": JSON(job)])
        #expect(try worker.event() == event("cancel", claimed))
        // Its jobs stay with it when the connection ends, as without a hello.
        worker.client.close()
        #expect(try observer.complete(claimed)["state"] == "completed")
    }

    @Test(arguments: Backend.allCases)
    func onlyTheOneJobsWorkerIsTold(on backend: Backend) throws {
        let observer = try backend.connect()
        let queue = freshQueue()
        let workers = try (0..<3).map { _ in try HearingWorker(try backend.daemon()) }
        try observer.enqueueMany(queue, 3)
        let claimed = try workers.map { try $0.claimOne(queue) }
        try observer.call("cancel", ["job": claimed[1]["job"]])
        #expect(try workers[1].event() == event("cancel", claimed[1]))
        #expect(try workers[0].hearsNothing(for: 0.2))
        #expect(try workers[2].hearsNothing(for: 0))
    }

    @Test(arguments: Backend.allCases)
    func aWorkerWithoutPushLearnsItWithItsHeartbeat(on backend: Backend) throws {
        let (observer, worker) = (try backend.connect(), try backend.connect())
        let queue = freshQueue()
        try worker.call("hello", ["worker": "deaf"])
        let job = try observer.enqueue(queue)
        let claimed = try worker.claimOne(queue)
        #expect(!(try worker.extend(claimed).has("cancel_requested")))
        try observer.call("cancel", ["job": JSON(job)])
        #expect(try worker.extend(claimed)["cancel_requested"] == true)
        #expect(try worker.staysSilent(for: 0.2))
    }

    // MARK: How a flagged job ends

    enum End: String, CaseIterable {
        case failed, released
        case workerGone = "worker_gone"
        case leaseExpired = "lease_expired"
    }

    @Test(arguments: Backend.allCases, End.allCases)
    func aFlaggedJobDoesNotComeBack(on backend: Backend, _ end: End) throws {
        let (observer, worker) = (try backend.connect(), try backend.connect())
        let queue = freshQueue()
        try worker.call("hello", ["worker": "w", "grace_ms": 0])
        let job = try observer.enqueue(queue)
        let claimed = try worker.claimOne(queue, end == .leaseExpired ? ["lease_ms": 500] : [:])
        try observer.call("cancel", ["job": JSON(job), "reason": "enough"])
        switch end {
        case .failed: #expect(try worker.fail(claimed, ["error": "stopped"])["state"] == "cancelled")
        case .released: #expect(try worker.release(claimed)["state"] == "cancelled")
        case .workerGone: worker.close()
        case .leaseExpired: break
        }
        try eventually(within: 5, "the end of the job") { try observer.state(job) == "cancelled" }
        let record = try observer.record(job)
        #expect(record["reason"] == "enough")
        #expect(record["history"][0]["outcome"] == JSON(end.rawValue))
        #expect(!record.has("cancel_requested"))
        #expect(try observer.claim(queue).isEmpty)
        let totals = try observer.stats(queue)["totals"]
        #expect(totals["cancelled"] == 1)
        #expect(totals["retried"] == 0)
        #expect(totals["dead"] == 0)
    }

    @Test(arguments: Backend.allCases)
    func aFlaggedJobThatIsCompletedIsCompleted(on backend: Backend) throws {
        let observer = try backend.connect()
        let queue = freshQueue()
        let worker = try HearingWorker(try backend.daemon())
        let job = try observer.enqueue(queue)
        let claimed = try worker.claimOne(queue)
        try observer.call("cancel", ["job": JSON(job)])
        _ = try worker.event()
        #expect(try worker.call("complete", LineClient.proof(claimed))["state"] == "completed")
        #expect(try observer.stats(queue)["totals"]["cancelled"] == 0)
    }

    // MARK: Nothing falls between

    @Test(arguments: Backend.allCases)
    func aRequestRightBehindTheClaimIsHeard(on backend: Backend) throws {
        let observer = try backend.connect()
        let worker = try HearingWorker(try backend.daemon())
        for _ in 0..<60 {
            // A queue that nobody listens to yet, each time.
            let queue = freshQueue()
            let job = try observer.enqueue(queue)
            try worker.client.send(["op": "claim", "queue": JSON(queue)])
            try eventually(within: 5, "the claim") {
                try observer.request(["op": "cancel", "job": JSON(job)])["cancel_requested"] == true
                    || observer.state(job) == "cancelled"
            }
            let jobs = try worker.reply()["jobs"]
            // Cancelled before it could be claimed, or told.
            if !jobs.array.isEmpty { #expect(try worker.event() == event("cancel", jobs[0])) }
        }
    }

    @Test(arguments: Backend.allCases)
    func whoAsksForEventsLaterIsToldWhatWasAskedBefore(on backend: Backend) throws {
        let observer = try backend.connect()
        let queue = freshQueue()
        let worker = try HearingWorker(try backend.daemon(), freshQueue("late"), ["push": false])
        let job = try observer.enqueue(queue)
        let claimed = try worker.claimOne(queue)
        try observer.call("cancel", ["job": JSON(job)])
        #expect(try worker.hearsNothing(for: 0.2))
        try worker.hello()
        #expect(try worker.event() == event("cancel", claimed))
    }

    @Test(arguments: Backend.allCases)
    func aWorkerThatWasAwayIsToldWhenItComesBackWithItsSession(on backend: Backend) throws {
        let observer = try backend.connect()
        let queue = freshQueue()
        let worker = try HearingWorker(try backend.daemon())
        try observer.enqueueMany(queue, 2)
        let (kept, flagged) = (try worker.claimOne(queue), try worker.claimOne(queue))
        worker.client.close()
        try eventually(within: 5, "the end of the connection") {
            try observer.call("workers")["workers"].array.first { $0["session"] == worker.session }?["connected"]
                == false
        }
        try observer.call("cancel", ["job": flagged["job"], "reason": "meanwhile"])
        let again = try HearingWorker(try backend.daemon(), worker.name, ["session": worker.session])
        #expect(again.session == worker.session)
        #expect(try again.event() == event("cancel", flagged, ["reason": "meanwhile"]))
        #expect(try again.hearsNothing(for: 0.2))
        #expect(try again.call("complete", LineClient.proof(kept))["state"] == "completed")
    }

    @Test(arguments: Backend.allCases)
    func theConnectionThatTookTheSessionIsTold(on backend: Backend) throws {
        let observer = try backend.connect()
        let queue = freshQueue()
        let old = try HearingWorker(try backend.daemon())
        try observer.enqueueMany(queue, 2)
        let (before, after) = (try old.claimOne(queue), try old.claimOne(queue))
        try observer.call("cancel", ["job": before["job"]])
        #expect(try old.event() == event("cancel", before))
        let new = try HearingWorker(try backend.daemon(), old.name, ["session": old.session])
        // Nobody knows whether the old connection still heard it.
        #expect(try new.event() == event("cancel", before))
        try observer.call("cancel", ["job": after["job"]])
        #expect(try new.event() == event("cancel", after))
        #expect(try old.hearsNothing(for: 0.2))
    }

    // MARK: Several daemons on one Redis

    @Test func theWorkerOfAnotherDaemonIsTold() throws {
        let redis = try Stage.current.redis()
        let other = try Daemon(.redis(redis))
        let queue = freshQueue()
        let observer = try Backend.redis.connect()
        let worker = try HearingWorker(other)
        let job = try observer.enqueue(queue)
        let claimed = try worker.claimOne(queue)
        #expect(
            try observer.call("cancel", ["job": JSON(job), "reason": "from afar"])["cancel_requested"] == true)
        #expect(try worker.event() == event("cancel", claimed, ["reason": "from afar"]))
        #expect(try worker.call("release", LineClient.proof(claimed))["state"] == "cancelled")
    }

    @Test func aRequestThatOvertakesTheAnswerToTheClaimIsTold() throws {
        let redis = try RedisServer()
        let (here, there) = (try Daemon(.redis(redis)), try Daemon(.redis(redis)))
        let observer = try there.connect()
        let worker = try HearingWorker(here)
        // They come over two connections: which of them the daemon reads first is chance, so it has several.
        for _ in 0..<8 {
            let job = try observer.enqueue("q")
            redis.suspend()
            try worker.client.send(["op": "claim", "id": 1, "queue": "q"])
            for _ in 0..<2 { try worker.call("ping") }
            here.process.send(signal: SIGSTOP)
            redis.resume()
            try eventually(within: 5, "the claim") { try observer.state(job) == "processing" }
            try observer.call("cancel", ["job": JSON(job)])
            here.process.send(signal: SIGCONT)
            let claimed = try worker.reply()["jobs"][0]
            #expect(try worker.event() == event("cancel", claimed))
            try worker.call("release", LineClient.proof(claimed))
        }
    }

    @Test func aRequestDuringAnInterruptedSubscriptionIsToldAfterIt() throws {
        let redis = try RedisServer()
        let (here, there) = (try Daemon(.redis(redis)), try Daemon(.redis(redis)))
        let observer = try there.connect()
        let worker = try HearingWorker(here)
        for round in 0..<5 {
            let job = try observer.enqueue("q", ["payload": JSON(round)])
            let claimed = try worker.claimOne("q")
            try eventually(within: 10, "the subscription") {
                try redis.command("PUBSUB", "NUMSUB", "jobq:{q}:cancel").array.last?.int == 1
            }
            #expect(try redis.command("CLIENT", "KILL", "TYPE", "pubsub").int ?? 0 > 0)
            try observer.call("cancel", ["job": JSON(job), "reason": JSON("round \(round)")])
            #expect(try worker.event() == event("cancel", claimed, ["reason": JSON("round \(round)")]))
            try worker.call("fail", LineClient.proof(claimed))
        }
    }

    @Test func aRequestIsToldAlsoAfterRedisWasRestarted() throws {
        let redis = try RedisServer(aof: .always)
        let daemon = try Daemon(.redis(redis))
        let worker = try HearingWorker(daemon)
        let observer = try daemon.connect()
        let job = try observer.enqueue("q")
        let claimed = try worker.claimOne("q", ["lease_ms": 60_000])
        try redis.restart()
        try eventually(within: 10, "Redis") { try observer.request(["op": "ping", "store": true])["ok"] == true }
        try observer.call("cancel", ["job": JSON(job)])
        #expect(try worker.event() == event("cancel", claimed))
    }
}
