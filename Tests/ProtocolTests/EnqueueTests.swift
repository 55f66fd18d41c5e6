// Producing: one and many, ids and duplicates, priorities and `front`,
// delays, and what the record then says. Runs against both stores. The
// bounds of each member are in the suite on bounds.

import Foundation
import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct EnqueueTests {
    @Test(arguments: Backend.allCases)
    func anEnqueuedJobIsQueuedUnderAULIDOfItsQueue(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let reply = try client.call("enqueue", ["queue": JSON(queue)])
        #expect(reply["state"] == "queued")
        #expect(!reply.has("duplicate") || reply["duplicate"] == false)
        let job = try #require(reply["job"].string)
        #expect(try /[0-9A-HJKMNP-TV-Z]{26}/.wholeMatch(in: String(job.dropFirst(queue.count + 1))) != nil, "\(job)")
        #expect(job.hasPrefix(queue + "/"))
        let record = try client.record(job)
        #expect(record["job"] == JSON(job))
        #expect(record["queue"] == JSON(queue))
        #expect(record["state"] == "queued")
        #expect(record["payload"] == nil && record.has("payload"))
        #expect(record["attempts"] == 0)
        #expect(record["max_attempts"] == 3)
        #expect(record["history"].array.isEmpty)
        for absent in [
            "run_at", "claimed_at", "lease_until", "finished_at", "result", "error", "progress", "worker", "token",
        ] {
            #expect(!record.has(absent), "\(absent) in \(record)")
        }
        let now = Int(Date().timeIntervalSince1970 * 1000)
        #expect(abs(try #require(record["enqueued_at"].int) - now) < 10_000)
    }

    @Test(arguments: Backend.allCases)
    func generatedIDsDiffer(on backend: Backend) throws {
        let jobs = try backend.connect().enqueueMany(freshQueue(), 1000)
        #expect(Set(jobs).count == 1000)
    }

    @Test(arguments: Backend.allCases)
    func theSameJobIDAgainReturnsTheFirstJob(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue, ["job_id": "order:7", "payload": 1])
        #expect(job == "\(queue)/order:7")
        func again() throws -> JSON {
            let reply = try client.call("enqueue", ["queue": JSON(queue), "job_id": "order:7", "payload": 2])
            #expect(reply["job"] == JSON(job))
            #expect(reply["duplicate"] == true)
            return reply["state"]
        }
        #expect(try again() == "queued")
        let claimed = try client.claimOne(queue)
        #expect(try again() == "processing")
        try client.complete(claimed)
        #expect(try again() == "completed")
        #expect(try client.stats(queue)["totals"]["enqueued"] == 1)
        #expect(try client.record("\(queue)/order:7")["payload"] == 1)
    }

    @Test(arguments: Backend.allCases)
    func twoItemsWithOneIDInARequestMakeOneJob(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = JSON(freshQueue())
        let item: JSON = ["queue": queue, "job_id": "twin"]
        let jobs = try client.call("enqueue", ["jobs": [item, item]])["jobs"].array
        #expect(jobs[0]["duplicate"] != true)
        #expect(jobs[1]["duplicate"] == true)
        #expect(jobs[0]["job"] == jobs[1]["job"])
    }

    @Test(arguments: Backend.allCases)
    func manyJobsOfSeveralQueuesAreAnsweredInTheirOrder(on backend: Backend) throws {
        let client = try backend.connect()
        let queues = [freshQueue(), freshQueue(), freshQueue()]
        let items = (0..<1000).map {
            JSON.object(["queue": JSON(queues[$0 % 3]), "job_id": JSON("n\($0)"), "payload": JSON($0)])
        }
        let replies = try client.call("enqueue", ["jobs": JSON(items)])["jobs"].array
        #expect(replies.count == 1000)
        for (number, reply) in replies.enumerated() {
            #expect(reply["job"] == JSON("\(queues[number % 3])/n\(number)"))
            #expect(reply["state"] == "queued")
        }
        let claimed = try client.claim(queues[1], ["max": 100])
        #expect(claimed.map { $0["payload"].int } == (0..<100).map { $0 * 3 + 1 })
    }

    @Test(arguments: Backend.allCases)
    func oneInvalidItemRefusesTheWholeRequestAndIsNamed(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = JSON(freshQueue())
        let error = try client.refused(
            "enqueue", ["jobs": [["queue": queue], ["queue": queue], ["queue": queue, "priority": 200]]])
        #expect(error["code"] == "bad_request")
        #expect(error["index"] == 2)
        #expect(error["field"] == "priority")
        #expect(try client.refused("enqueue", ["jobs": [["queue": queue], ["payload": 1]]])["index"] == 1)
        #expect(try client.refused("enqueue", ["jobs": [["queue": queue, "nope": 1]]])["field"] == "nope")
        #expect(try client.refused("stats", ["queue": queue])["code"] == "not_found")
    }

    @Test func aRequestTakesOneToAThousandJobs() throws {
        let client = try Backend.memory.connect()
        let item: JSON = ["queue": JSON(freshQueue())]
        for jobs: JSON in [[], JSON(Array(repeating: item, count: 1001)), [1], "jobs", [[]]] {
            let error = try client.refused("enqueue", ["jobs": jobs])
            #expect(error["code"] == "bad_request")
        }
        #expect(try client.refused("enqueue", ["jobs": [item], "queue": "q"])["code"] == "bad_request")
        #expect(try client.refused("enqueue", ["payload": 1])["field"] == "queue")
    }

    @Test(arguments: Backend.allCases)
    func higherPriorityRunsFirstAndEqualOnesInOrderOfArrival(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        for (payload, priority) in [("a", 0), ("b", 100), ("c", -100), ("d", 0), ("e", 100), ("f", -100), ("g", 1)] {
            try client.enqueue(queue, ["payload": JSON(payload), "priority": JSON(priority)])
        }
        let order = try client.claim(queue, ["max": 100]).compactMap { $0["payload"].string }
        #expect(order == ["b", "e", "g", "a", "d", "c", "f"])
    }

    @Test(arguments: Backend.allCases)
    func frontGoesBeforeAllOthersOfItsPriorityLastInFirstOut(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        for (payload, priority, front) in [
            ("a", 0, false), ("b", 0, true), ("c", 0, true), ("d", 1, false), ("e", 0, false),
        ] {
            try client.enqueue(queue, ["payload": JSON(payload), "priority": JSON(priority), "front": .bool(front)])
        }
        #expect(try client.claim(queue, ["max": 9]).compactMap { $0["payload"].string } == ["d", "c", "b", "a", "e"])
    }

    @Test(arguments: Backend.allCases)
    func aDelayedJobIsScheduledAndStartsAtItsTime(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue, ["delay_ms": 300])
        let record = try client.record(job)
        #expect(record["state"] == "scheduled")
        let due = try #require(record["run_at"].int)
        #expect(isLater(record["run_at"], than: record["enqueued_at"], by: 300))
        #expect(try client.claim(queue).isEmpty)
        let claimed = try client.claimOne(queue)
        let claimedAt = try #require(try client.record(job)["claimed_at"].int)
        #expect(claimed["attempt"] == 1)
        #expect(claimedAt >= due && claimedAt < due + 500, "\(claimedAt - due) ms late")
    }

    @Test(arguments: Backend.allCases)
    func runAtInThePastMeansNowAndInTheFutureScheduled(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = JSON(freshQueue())
        #expect(try client.call("enqueue", ["queue": queue, "run_at": 0])["state"] == "queued")
        let later = JSON(Int(Date().timeIntervalSince1970 * 1000) + 3_600_000)
        let reply = try client.call("enqueue", ["queue": queue, "run_at": later])
        #expect(reply["state"] == "scheduled")
        #expect(try client.record(reply["job"].string!)["run_at"] == later)
        #expect(try client.call("enqueue", ["queue": queue, "delay_ms": 0])["state"] == "queued")
    }

    @Test(arguments: Backend.allCases)
    func getOfAJobThatDoesNotExistIsNotFound(on backend: Backend) throws {
        let client = try backend.connect()
        let error = try client.refused("get", ["job": "nowhere/01"])
        #expect(error["code"] == "not_found")
        #expect(error["retryable"] == false)
    }
}
