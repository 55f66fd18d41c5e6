// Ending an attempt badly: retries and their backoff, dead letters, leases that expire, and the history of it all.
// Times are compared within the records, by the server's clock, so they are exact; only lateness is compared with a
// generous bound.

import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct FailureTests {
    @Test(arguments: Backend.allCases)
    func aFailedJobIsRetriedAfterItsBackoff(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue, ["backoff": ["kind": "fixed", "base_ms": 150, "jitter": 0]])
        let claimed = try client.claimOne(queue)
        let reply = try client.fail(claimed, ["error": ["type": "IO", "message": "no route"]])
        #expect(reply["state"] == "retrying")
        let record = try client.record(job)
        #expect(record["state"] == "retrying")
        #expect(record["run_at"] == reply["run_at"])
        #expect(record["error"] == ["type": "IO", "message": "no route"])
        #expect(record["history"][0]["error"] == record["error"])
        #expect(record["history"][0]["outcome"] == "failed")
        #expect(isLater(record["run_at"], than: record["history"][0]["ended_at"], by: 150))
        #expect(try client.claim(queue).isEmpty)
        let again = try client.claimOne(queue)
        #expect(again["attempt"] == 2)
        #expect(again["token"] != claimed["token"])
        let totals = try client.stats(queue)["totals"]
        #expect(totals["failed"] == 1 && totals["retried"] == 1 && totals["dead"] == 0)
    }

    @Test(
        arguments: Backend.allCases,
        [
            ("exponential", [100, 200, 400, 500, 500]), ("linear", [100, 200, 300, 400, 500]),
            ("fixed", [100, 100, 100, 100, 100]),
        ])
    func backoffGrowsByItsKindUpToItsMaximum(on backend: Backend, _ expected: (String, [Int])) throws {
        let client = try backend.connect()
        let backoff: JSON = ["kind": JSON(expected.0), "base_ms": 100, "max_ms": 500, "jitter": 0]
        for (earlier, milliseconds) in expected.1.enumerated() {
            let queue = freshQueue()
            let job = try client.enqueue(queue, ["backoff": backoff, "max_attempts": 6])
            for _ in 0..<earlier { try client.fail(client.claimOne(queue), ["retry_in_ms": 0]) }
            try client.fail(client.claimOne(queue))
            let record = try client.record(job)
            #expect(isLater(record["run_at"], than: record["history"][earlier]["ended_at"], by: milliseconds))
        }
    }

    @Test(arguments: Backend.allCases)
    func jitterStaysWithinItsShare(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let backoff: JSON = ["kind": "fixed", "base_ms": 100_000, "jitter": 0.5]
        try client.enqueueMany(queue, 50, ["backoff": backoff])
        var waits = Set<Int>()
        for claimed in try client.claim(queue, ["max": 50]) {
            try client.fail(claimed)
            let record = try client.record(claimed["job"].string!)
            waits.insert(record["run_at"].int! - record["history"][0]["ended_at"].int!)
        }
        #expect(waits.allSatisfy { (50_000...150_000).contains($0) }, "\(waits.sorted())")
        #expect(waits.count > 25)
    }

    @Test(arguments: Backend.allCases)
    func retryInMsReplacesTheBackoff(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue)
        try client.fail(client.claimOne(queue), ["retry_in_ms": 777])
        let record = try client.record(job)
        #expect(isLater(record["run_at"], than: record["history"][0]["ended_at"], by: 777))
    }

    @Test(arguments: Backend.allCases)
    func theLastFailureMakesADeadLetter(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue, ["max_attempts": 2])
        #expect(try client.fail(client.claimOne(queue), ["retry_in_ms": 0])["state"] == "retrying")
        let last = try client.claimOne(queue)
        #expect(last["attempt"] == 2)
        let reply = try client.fail(last, ["error": "twice"])
        #expect(reply["state"] == "dead")
        #expect(!reply.has("run_at"))
        let record = try client.record(job)
        #expect(record["state"] == "dead")
        #expect(record["reason"] == "failed")
        #expect(record["error"] == "twice")
        #expect(record.has("finished_at"))
        #expect(try client.claim(queue).isEmpty)
        #expect(try client.stats(queue)["totals"]["dead"] == 1)
    }

    @Test(arguments: Backend.allCases)
    func retryFalseSendsAJobToTheDeadLettersAtOnce(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue, ["max_attempts": 5])
        #expect(try client.fail(client.claimOne(queue), ["retry": false])["state"] == "dead")
        #expect(try client.record(job)["attempts"] == 1)
    }

    @Test(arguments: Backend.allCases)
    func aRepeatedFailGetsTheSameAnswerAndCountsOnce(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.enqueue(queue)
        let claimed = try client.claimOne(queue)
        let first = try client.fail(claimed, ["retry_in_ms": 60_000])
        #expect(try client.fail(claimed, ["retry_in_ms": 90_000]) == first)
        #expect(try client.stats(queue)["totals"]["failed"] == 1)
        try client.enqueue(queue)
        let second = try client.claimOne(queue)
        let dead = try client.fail(second, ["retry": false])
        #expect(try client.fail(second, ["retry": false]) == dead)
        #expect(try client.stats(queue)["totals"]["dead"] == 1)
    }

    @Test(arguments: Backend.allCases)
    func anExpiredLeaseReturnsTheJobToItsQueue(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue)
        let lost = try client.claimOne(queue, ["lease_ms": 150])
        let other = try backend.connect()
        let found = try other.claimOne(queue)
        #expect(found["job"] == JSON(job))
        #expect(found["attempt"] == 2)
        let record = try client.record(job)
        #expect(record["history"][0]["outcome"] == "lease_expired")
        let late = record["claimed_at"].int! - lost["lease_until"].int!
        #expect(late >= 0 && late < 1000, "\(late) ms")
        let error = try client.refused("complete", LineClient.proof(lost))
        #expect(error["code"] == "lease_lost")
        #expect(error["state"] == "processing")
        #expect(try other.complete(found)["state"] == "completed")
        #expect(try client.stats(queue)["totals"]["reclaimed"] == 1)
    }

    @Test(arguments: Backend.allCases)
    func aJobThatKillsEveryWorkerEndsAsADeadLetter(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue, ["max_attempts": 3, "lease_ms": 100])
        for attempt in 1...3 { #expect(try client.claimOne(queue)["attempt"] == JSON(attempt)) }
        try eventually(within: 5, "the dead letter") { try client.state(job) == "dead" }
        let record = try client.record(job)
        #expect(record["reason"] == "lease_expired")
        #expect(record["attempts"] == 3)
        #expect(record["history"].array.map { $0["outcome"] } == ["lease_expired", "lease_expired", "lease_expired"])
    }

    @Test(arguments: Backend.allCases)
    func aReclaimedJobKeepsItsPlaceAndARetriedOneArrivesAnew(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.enqueueMany(queue, 3)
        _ = try client.claimOne(queue, ["lease_ms": 100])
        try eventually(within: 5, "the reclaim") { try client.stats(queue)["totals"]["reclaimed"] == 1 }
        let first = try client.claimOne(queue)
        #expect(first["payload"] == 0)
        try client.fail(first, ["retry_in_ms": 0])
        try eventually(within: 5, "the retry's time") { try client.stats(queue)["depth"]["queued"] == 3 }
        #expect(try client.claim(queue, ["max": 3]).map { $0["payload"] } == [1, 2, 0])
    }

    @Test(arguments: Backend.allCases)
    func historyKeepsTheLastTenAttempts(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue, ["max_attempts": 20])
        for number in 1...12 {
            try client.fail(client.claimOne(queue), ["retry_in_ms": 0, "error": JSON("e\(number)")])
        }
        let history = try client.record(job)["history"].array
        #expect(history.map { $0["attempt"].int } == Array(3...12))
        #expect(history.last?["error"] == "e12")
    }
}
