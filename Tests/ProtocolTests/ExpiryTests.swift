// `expires_in_ms`: a job that nobody has started by then ends as `expired`; once started it does not expire any more.

import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct ExpiryTests {
    @Test(arguments: Backend.allCases)
    func aJobThatIsNotStartedInTimeExpires(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue, ["expires_in_ms": 1000])
        let waiting = try client.record(job)
        #expect(isLater(waiting["expires_at"], than: waiting["enqueued_at"], by: 1000))
        try eventually(within: 5, "the end of the job") { try client.state(job) == "expired" }
        let record = try client.record(job)
        let late = record["finished_at"].number - waiting["expires_at"].number
        #expect(late >= 0 && late < 900, "\(late) ms late")
        #expect(record["attempts"] == 0)
        #expect(!record.has("expires_at"))
        #expect(try client.claim(queue).isEmpty)
        let listed = try client.call("list", ["queue": JSON(queue), "state": "expired"])["jobs"].array
        #expect(listed.map { $0["job"] } == [JSON(job)])
        let stats = try client.stats(queue)
        #expect(stats["totals"]["expired"] == 1)
        #expect(stats["depth"]["expired"] == 1 && stats["depth"]["queued"] == 0)
        try expectConservation(client, queue)
    }

    @Test(arguments: Backend.allCases)
    func aScheduledJobExpiresBeforeItsTime(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue, ["expires_in_ms": 50, "delay_ms": 3_600_000])
        try eventually(within: 5, "the end of the job") { try client.state(job) == "expired" }
        #expect(try client.stats(queue)["depth"]["scheduled"] == 0)
        try expectConservation(client, queue)
    }

    @Test(arguments: Backend.allCases)
    func aJobInAWorkersHandsDoesNotExpire(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue, ["expires_in_ms": 1000])
        let claimed = try client.claimOne(queue)
        #expect(!(try client.record(job).has("expires_at")))
        // Another one that is enqueued later with the same time shows that the time is over.
        let clock = try client.enqueue(queue, ["expires_in_ms": 1000])
        try eventually(within: 5, "the end of the other job") { try client.state(clock) == "expired" }
        #expect(try client.state(job) == "processing")
        #expect(try client.complete(claimed)["state"] == "completed")
    }

    @Test(arguments: Backend.allCases)
    func aJobThatFailedOnceDoesNotExpire(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue, ["expires_in_ms": 1000])
        try client.fail(client.claimOne(queue), ["retry_in_ms": 0])
        let clock = try client.enqueue(queue, ["expires_in_ms": 1000, "priority": -1])
        try eventually(within: 5, "the end of the other job") { try client.state(clock) == "expired" }
        #expect(!(try client.record(job).has("expires_at")))
        let claimed = try client.claimOne(queue)
        #expect(claimed["job"] == JSON(job) && claimed["attempt"] == 2)
    }

    @Test(arguments: Backend.allCases)
    func aJobThatWasGivenBackUnstartedExpires(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue, ["expires_in_ms": 1000])
        let claimed = try client.claimOne(queue)
        try client.release(claimed)
        #expect(try client.record(job)["attempts"] == 0)
        try eventually(within: 5, "the end of the job") { try client.state(job) == "expired" }
        try expectConservation(client, queue)
    }

    @Test(arguments: Backend.allCases)
    func aJobThatIsOverdueIsNotHandedOut(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.call("pause", ["create": true, "queue": JSON(queue)])
        let jobs = try client.enqueueMany(queue, 20, ["expires_in_ms": 1])
        let good = try client.enqueue(queue)
        let since = try client.record(good)["enqueued_at"].number
        try eventually(within: 5, "a millisecond") {
            try client.call("ping", ["store": true])["at"].number > since
        }
        try client.call("resume", ["queue": JSON(queue)])
        #expect(try client.claim(queue, ["max": 100]).map { $0["job"] } == [JSON(good)])
        for job in jobs { #expect(try client.state(job) == "expired") }
        try expectConservation(client, queue)
    }

    @Test(arguments: Backend.allCases)
    func requeueKeepsTheTimeOfAWaitingJobAndDropsThatOfADeadOne(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let scheduled = try client.enqueue(queue, ["expires_in_ms": 3_600_000, "delay_ms": 60_000])
        let time = try client.record(scheduled)["expires_at"]
        try client.call("requeue", ["job": JSON(scheduled)])
        #expect(try client.record(scheduled)["expires_at"] == time && time.int != nil)
        try client.fail(client.claimOne(queue), ["retry": false])
        try client.call("requeue", ["job": JSON(scheduled)])
        #expect(!(try client.record(scheduled).has("expires_at")))
        let cancelled = try client.enqueue(queue, ["expires_in_ms": 1000])
        try client.call("cancel", ["job": JSON(cancelled)])
        try client.call("requeue", ["job": JSON(cancelled)])
        let clock = try client.enqueue(queue, ["expires_in_ms": 1000])
        try eventually(within: 5, "the end of the other job") { try client.state(clock) == "expired" }
        #expect(try client.state(cancelled) == "queued")
    }

    @Test(arguments: Backend.allCases)
    func anExpiredJobCannotBeRequeued(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try JobEnding.expired.bring(newJobOf: queue, client)
        let error = try client.refused("requeue", ["job": JSON(job)])
        #expect(error["code"] == "wrong_state" && error["state"] == "expired")
        #expect(try client.refused("requeue", ["queue": JSON(queue), "state": "expired"])["field"] == "state")
    }

    @Test(arguments: Backend.allCases)
    func anExpiredRecordGoesAfterItsTime(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let kept = try JobEnding.expired.bring(newJobOf: queue, with: ["keep_ms": 300], client)
        try eventually(within: 5, "the end of the record") {
            try client.request(["op": "get", "job": JSON(kept)])["error"]["code"] == "not_found"
        }
        try client.enqueue(queue, ["keep_ms": 0, "expires_in_ms": 1])
        try eventually(within: 5, "the second end") { try client.stats(queue)["totals"]["expired"] == 2 }
        #expect(try client.stats(queue)["depth"]["expired"] == 0)
        #expect(try client.call("list", ["queue": JSON(queue), "state": "expired"])["jobs"] == [])
    }

    @Test(arguments: Backend.allCases)
    func reclaimCountsWhatItLetsExpire(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.call("pause", ["create": true, "queue": JSON(queue)])
        try client.enqueueMany(queue, 250, ["expires_in_ms": 1])
        // The timer may be first with some of them.
        let counted = try client.call("reclaim", ["queue": JSON(queue)])["expired"].number
        #expect((0...250).contains(counted))
        try eventually(within: 5, "all expired") { try client.stats(queue)["totals"]["expired"] == 250 }
        try expectConservation(client, queue)
    }

    @Test(arguments: ["0", "-1", "315360000001", "1.5", "\"1\"", "true"])
    func aWrongTimeIsABadRequest(_ value: String) throws {
        let queue = freshQueue()
        let error = try Backend.memory.connect().request(
            text: #"{"op":"enqueue","queue":"\#(queue)","expires_in_ms":\#(value)}"#)["error"]
        #expect(error["code"] == "bad_request" && error["field"] == "expires_in_ms")
    }
}
