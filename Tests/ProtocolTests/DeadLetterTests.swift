// Dead letters and bringing jobs back: `requeue` of one job and by filter, tried out
// first with `dry_run`. After each change the sums of the queue must still be right. How
// jobs become dead letters is in the suite on failures.

import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct DeadLetterTests {
    @Test(arguments: Backend.allCases)
    func aDeadLetterIsRequeuedWithItsCountAnew(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try deadLetters(1, client, queue)[0]
        let reply = try client.call("requeue", ["job": JSON(job)])
        #expect(reply["state"] == "queued")
        let record = try client.record(job)
        #expect(record["state"] == "queued")
        #expect(record["attempts"] == 0)
        #expect(!record.has("reason") && !record.has("finished_at"))
        #expect(record["history"].array.count == 1)
        #expect(try client.call("list", ["queue": JSON(queue), "state": "dead"])["jobs"] == [])
        let claimed = try client.claimOne(queue)
        #expect(claimed["attempt"] == 1)
        #expect(claimed["payload"] == 0)
        try client.complete(claimed)
        try expectConservation(client, queue)
    }

    @Test(arguments: Backend.allCases)
    func scheduledAndRetryingJobsAreRequeuedToRunNow(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let scheduled = try client.enqueue(queue, ["delay_ms": 3_600_000])
        #expect(try client.call("requeue", ["job": JSON(scheduled)])["state"] == "queued")
        let claimed = try client.claimOne(queue)
        #expect(claimed["job"] == JSON(scheduled))
        try client.fail(claimed, ["retry_in_ms": 3_600_000])
        #expect(try client.call("requeue", ["job": JSON(scheduled)])["state"] == "queued")
        #expect(try client.claimOne(queue)["attempt"] == 1)
        try expectConservation(client, queue)
    }

    @Test(arguments: Backend.allCases)
    func jobsInOtherStatesAreWrongState(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue)
        func refusal() throws -> JSON {
            let error = try client.refused("requeue", ["job": JSON(job)])
            #expect(error["code"] == "wrong_state")
            #expect(error["retryable"] == false)
            return error["state"]
        }
        #expect(try refusal() == "queued")
        let claimed = try client.claimOne(queue)
        #expect(try refusal() == "processing")
        try client.complete(claimed)
        #expect(try refusal() == "completed")
    }

    @Test(arguments: Backend.allCases)
    func requeueWakesAWaitingClaim(on backend: Backend) throws {
        let client = try backend.connect()
        let worker = try backend.connect()
        let queue = freshQueue()
        let job = try deadLetters(1, client, queue)[0]
        try worker.startWaiting(queue)
        let seconds = try elapsed { () throws in
            try client.call("requeue", ["job": JSON(job)])
            #expect(try worker.receive()["jobs"][0]["job"] == JSON(job))
        }
        #expect(seconds < 0.9)
    }

    @Test(arguments: Backend.allCases)
    func aFilterRequeuesAllOfAStateInTheOrderTheyDied(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let jobs = try deadLetters(12, client, queue)
        let request: JSON = ["queue": JSON(queue), "state": "dead"]
        var trial = request
        trial["dry_run"] = true
        let tried = try client.call("requeue", trial)
        #expect(tried["requeued"] == 12)
        #expect(tried["dry_run"] == true)
        #expect(try client.stats(queue)["depth"]["dead"] == 12)
        let reply = try client.call("requeue", request)
        #expect(reply["requeued"] == 12)
        #expect(reply["remaining"] == 0)
        #expect(try client.stats(queue)["depth"]["dead"] == 0)
        #expect(try client.claim(queue, ["max": 100]).compactMap { $0["job"].string } == jobs)
        try expectConservation(client, queue)
    }

    @Test(arguments: Backend.allCases)
    func aFilterIsBoundByLimitAndTellsWhatRemains(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try deadLetters(10, client, queue)
        let reply = try client.call("requeue", ["queue": JSON(queue), "state": "dead", "limit": 4])
        #expect(reply["requeued"] == 4)
        #expect(reply["remaining"] == 6)
        #expect(try client.stats(queue)["depth"]["queued"] == 4)
    }

    @Test(arguments: Backend.allCases)
    func aFilterByTypeLeavesTheOthers(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try deadLetters(3, client, queue, type: "mail")
        try deadLetters(4, client, queue, type: "report")
        let reply = try client.call("requeue", ["queue": JSON(queue), "state": "dead", "type": "report"])
        #expect(reply["requeued"] == 4)
        #expect(try client.claim(queue, ["max": 9]).allSatisfy { $0["type"] == "report" })
        #expect(try client.stats(queue)["depth"]["dead"] == 3)
    }

    @Test(arguments: Backend.allCases)
    func aFilterWorksOnScheduledAndRetryingJobsToo(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.enqueueMany(queue, 5, ["delay_ms": 3_600_000])
        #expect(try client.call("requeue", ["queue": JSON(queue), "state": "scheduled"])["requeued"] == 5)
        for claimed in try client.claim(queue, ["max": 5]) { try client.fail(claimed, ["retry_in_ms": 3_600_000]) }
        #expect(try client.call("requeue", ["queue": JSON(queue), "state": "retrying"])["requeued"] == 5)
        #expect(try client.call("requeue", ["queue": JSON(queue), "state": "cancelled"])["requeued"] == 0)
        #expect(try client.claim(queue, ["max": 9]).count == 5)
        try expectConservation(client, queue)
    }

    @Test(arguments: Backend.allCases)
    func aFilterOnAQueueThatDoesNotExistIsNotFound(on backend: Backend) throws {
        let error = try backend.connect().refused("requeue", ["queue": "no-such-queue", "state": "dead"])
        #expect(error["code"] == "not_found")
    }

    @Test func deadLettersStandInAStreamThatAHumanCanRead() throws {
        let client = try Backend.redis.connect()
        let queue = freshQueue()
        let job = try deadLetters(1, client, queue, type: "mail")[0]
        let entries = try Stage.current.redis().command("XRANGE", "jobq:{\(queue)}:dead", "-", "+").array
        let fields = try #require(entries.first?.array.last?.dictionary)
        #expect(entries.count == 1)
        #expect(fields["job"] == job)
        #expect(fields["type"] == "mail")
        #expect(fields["reason"] == "failed")
        #expect(fields["attempts"] == "1")
        #expect(fields["payload"] == "0")
        #expect(fields["error"] == "\"broken\"")
    }

    /// Makes dead letters, in order.
    @discardableResult
    private func deadLetters(_ count: Int, _ client: LineClient, _ queue: String, type: JSON = "") throws -> [String] {
        let jobs = try client.enqueueMany(queue, count, ["type": type])
        for claimed in try client.claim(queue, ["max": JSON(count)]) {
            try client.fail(claimed, ["retry": false, "error": "broken"])
        }
        return jobs
    }
}

/// Every job that was ever enqueued is in one place.
func expectConservation(_ client: LineClient, _ queue: String, sourceLocation: SourceLocation = #_sourceLocation) throws
{
    let stats = try client.stats(queue)
    let totals = stats["totals"].object.mapValues { $0.int ?? 0 }
    let depth = stats["depth"].object.mapValues { $0.int ?? 0 }
    let entered = totals["enqueued", default: 0] + totals["requeued", default: 0]
    let waiting = ["queued", "scheduled", "retrying", "processing"].map { depth[$0, default: 0] }.reduce(0, +)
    let ended = ["completed", "dead", "cancelled", "expired", "deleted"].map { totals[$0, default: 0] }.reduce(0, +)
    #expect(entered == waiting + ended, "\(stats)", sourceLocation: sourceLocation)
}
