// Ending an attempt well: complete, its result, its retention, its repetition, and
// stale tokens; `extend` and `release` on the way. Runs against both stores.
// Failures and expired leases have their own suite.

import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct CompletionTests {
    @Test(arguments: Backend.allCases)
    func aCompletedJobKeepsItsResultAndHistory(on backend: Backend) throws {
        let client = try backend.connect()
        try client.call("hello", ["worker": "w-1"])
        let queue = freshQueue()
        let job = try client.enqueue(queue)
        let claimed = try client.claimOne(queue)
        let reply = try client.complete(claimed, ["result": ["sum": 3]])
        #expect(reply["state"] == "completed")
        let record = try client.record(job)
        #expect(record["state"] == "completed")
        #expect(record["result"] == ["sum": 3])
        #expect(record["attempts"] == 1)
        #expect(record["finished_at"].int! >= record["claimed_at"].int!)
        #expect(!record.has("lease_until") && !record.has("run_at"))
        let attempt = record["history"][0]
        #expect(record["history"].array.count == 1)
        #expect(attempt["attempt"] == 1)
        #expect(attempt["worker"] == "w-1")
        #expect(attempt["outcome"] == "completed")
        #expect(attempt["started_at"] == record["claimed_at"])
        #expect(attempt["ended_at"] == record["finished_at"])
        #expect(try client.stats(queue)["totals"]["completed"] == 1)
    }

    @Test(arguments: Backend.allCases)
    func aRepeatedCompleteGetsTheSameAnswerAndCountsOnce(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue)
        let claimed = try client.claimOne(queue)
        let first = try client.complete(claimed, ["result": 1])
        #expect(try client.complete(claimed, ["result": 2]) == first)
        #expect(try backend.connect().complete(claimed) == first)
        #expect(try client.record(job)["result"] == 1)
        #expect(try client.stats(queue)["totals"]["completed"] == 1)
    }

    @Test(arguments: Backend.allCases)
    func aJobThatIsNotKeptIsGoneWhenItIsCompleted(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue, ["keep_ms": 0])
        let claimed = try client.claimOne(queue)
        #expect(try client.complete(claimed)["state"] == "completed")
        #expect(try client.refused("get", ["job": JSON(job)])["code"] == "not_found")
        #expect(try client.refused("complete", LineClient.proof(claimed))["code"] == "not_found")
        #expect(try client.stats(queue)["totals"]["completed"] == 1)
    }

    @Test(arguments: Backend.allCases)
    func theRecordGoesAfterKeepMs(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue, ["keep_ms": 150])
        try client.complete(client.claimOne(queue))
        #expect(try client.state(job) == "completed")
        try eventually(within: 3, "the record's end") {
            try client.request(["op": "get", "job": JSON(job)])["error"]["code"] == "not_found"
        }
    }

    @Test(arguments: Backend.allCases, ["complete", "fail", "extend", "release"])
    func aStaleTokenChangesNothingAndGetsLeaseLost(on backend: Backend, _ op: String) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue)
        let stale = try client.claimOne(queue)
        try client.release(stale)
        let wrong = LineClient.proof(["job": JSON(job), "token": "1-0123456789abcdef"])
        if op != "release" {
            let error = try client.refused(op, LineClient.proof(stale))
            #expect(error["code"] == "lease_lost")
            #expect(error["state"] == "queued")
            #expect(error["retryable"] == false)
        }
        #expect(try client.refused(op, wrong)["state"] == "queued")
        let current = try client.claimOne(queue)
        let before = try client.record(job)
        #expect(try client.refused(op, LineClient.proof(stale))["state"] == "processing")
        #expect(try client.refused(op, wrong)["state"] == "processing")
        #expect(try client.record(job) == before)
        try client.complete(current)
        #expect(try client.refused(op, LineClient.proof(stale))["state"] == "completed")
    }

    @Test(arguments: Backend.allCases)
    func tokensAreGoodOverAnyConnection(on backend: Backend) throws {
        let queue = freshQueue()
        let first = try backend.connect()
        try first.enqueue(queue)
        let claimed = try first.claimOne(queue)
        first.close()
        #expect(try backend.connect().complete(claimed)["state"] == "completed")
    }

    @Test(arguments: Backend.allCases)
    func extendMovesTheLeaseAndKeepsTheProgress(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue)
        let claimed = try client.claimOne(queue, ["lease_ms": 5000])
        let reply = try client.extend(claimed, ["lease_ms": 50_000, "progress": ["done": 7]])
        #expect(reply["cancel_requested"] != true)
        let until = try #require(reply["lease_until"].int)
        #expect(until > claimed["lease_until"].int! + 40_000)
        let record = try client.record(job)
        #expect(record["lease_until"].int == until)
        #expect(record["progress"] == ["done": 7])
        // Without lease_ms: that of the claim, from now.
        let shorter = try #require(try client.extend(claimed)["lease_until"].int)
        #expect(shorter < until && shorter >= claimed["lease_until"].int!)
        #expect(try client.record(job)["progress"] == ["done": 7])
    }

    @Test(arguments: Backend.allCases)
    func heartbeatsKeepAShortLeaseAlive(on backend: Backend) throws {
        let client = try backend.connect()
        let other = try backend.connect()
        let queue = freshQueue()
        try client.enqueue(queue)
        let claimed = try client.claimOne(queue, ["lease_ms": 400])
        try other.send(["op": "claim", "queue": JSON(queue), "wait_ms": 1200])
        var beats = 0
        while try other.staysSilent(for: 0.1) {
            try client.extend(claimed)
            beats += 1
        }
        #expect(beats >= 8)
        #expect(try other.receive()["jobs"] == [])
        #expect(try client.complete(claimed)["state"] == "completed")
    }

    @Test(arguments: Backend.allCases)
    func releaseGivesTheJobBackToItsPlaceWithoutCountingTheAttempt(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.enqueueMany(queue, 3, ["max_attempts": 1])
        for _ in 0..<3 {
            let claimed = try client.claimOne(queue)
            #expect(claimed["payload"] == 0)
            #expect(claimed["attempt"] == 1)
            #expect(try client.release(claimed)["state"] == "queued")
        }
        let record = try client.record(try client.claimOne(queue)["job"].string!)
        #expect(record["attempts"] == 1)
        #expect(record["history"].array.map { $0["outcome"] } == ["released", "released", "released"])
        #expect(try client.stats(queue)["totals"]["released"] == 3)
    }

    @Test(arguments: Backend.allCases)
    func releaseWithADelaySchedulesAndIsRepeatable(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue)
        let claimed = try client.claimOne(queue)
        let reply = try client.release(claimed, ["delay_ms": 200])
        #expect(reply["state"] == "scheduled")
        #expect(try client.release(claimed, ["delay_ms": 200]) == reply)
        #expect(try client.record(job)["run_at"] == reply["run_at"])
        #expect(try client.claimOne(queue)["attempt"] == 1)
        #expect(try client.stats(queue)["totals"]["released"] == 1)
    }
}
