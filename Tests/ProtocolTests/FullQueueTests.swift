// `max_len`: a queue with as many waiting jobs as it may have refuses new ones, and only new ones.

import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct FullQueueTests {
    private func queue(of backend: Backend, maxLen: Int) throws -> (LineClient, String) {
        let client = try backend.connect()
        let queue = freshQueue("full")
        try client.call("configure", ["create": true, "queue": JSON(queue), "max_len": JSON(maxLen)])
        return (client, queue)
    }

    @Test(arguments: Backend.allCases)
    func aFullQueueRefusesAJobUntilThereIsRoom(on backend: Backend) throws {
        let (client, queue) = try queue(of: backend, maxLen: 2)
        try client.enqueueMany(queue, 2)
        let error = try client.refused("enqueue", ["queue": JSON(queue), "job_id": "late"])
        #expect(error["code"] == "queue_full")
        #expect(error["retryable"] == true)
        #expect(error["retry_after_ms"] == 1000)
        #expect(error["message"].string?.contains(queue) == true)
        #expect(try client.refused("get", ["job": JSON("\(queue)/late")])["code"] == "not_found")
        #expect(try client.stats(queue)["totals"]["enqueued"] == 2)
        // A job in a worker's hands does not wait.
        _ = try client.claimOne(queue)
        #expect(try client.enqueue(queue, ["job_id": "late"]) == "\(queue)/late")
        #expect(try client.refused("enqueue", ["queue": JSON(queue)])["code"] == "queue_full")
        try expectConservation(client, queue)
    }

    @Test(arguments: Backend.allCases)
    func scheduledAndRetryingJobsTakeRoom(on backend: Backend) throws {
        let (client, queue) = try queue(of: backend, maxLen: 3)
        try client.enqueue(queue)
        try client.fail(client.claimOne(queue), ["retry_in_ms": 3_600_000])
        try client.enqueue(queue, ["delay_ms": 3_600_000])
        try client.enqueue(queue)
        for delay in [0, 5000] {
            let error = try client.refused("enqueue", ["queue": JSON(queue), "delay_ms": JSON(delay)])
            #expect(error["code"] == "queue_full")
        }
        try expectConservation(client, queue)
    }

    @Test(arguments: Backend.allCases)
    func ofManyTheFirstThatFitAreTaken(on backend: Backend) throws {
        let (client, queue) = try queue(of: backend, maxLen: 3)
        let other = freshQueue("other")
        try client.enqueue(queue, ["job_id": "old", "unique": ["key": "k"]])
        let items: [JSON] = [
            ["queue": JSON(queue), "job_id": "a"], ["queue": JSON(other), "job_id": "o"],
            ["queue": JSON(queue), "job_id": "old"], ["queue": JSON(queue), "job_id": "b"],
            ["queue": JSON(queue), "job_id": "c"], ["queue": JSON(queue), "unique": ["key": "k"]],
            ["queue": JSON(queue), "job_id": "a"],
        ]
        let jobs = try client.call("enqueue", ["jobs": JSON(items)])["jobs"].array
        #expect(jobs.count == items.count)
        let expected = ["a", nil, "old", "b", nil, "old", "a"].map { $0.map { JSON("\(queue)/\($0)") } }
        for index in [0, 2, 3, 5, 6] { #expect(jobs[index]["job"] == expected[index]!, "\(index): \(jobs[index])") }
        #expect(jobs[1]["job"] == JSON("\(other)/o"))
        #expect(jobs.map { $0["duplicate"] == true } == [false, false, true, false, false, true, true])
        #expect(jobs[4]["ok"] == false && !jobs[4].has("job"))
        #expect(jobs[4]["error"]["code"] == "queue_full" && jobs[4]["error"]["retryable"] == true)
        #expect(try client.refused("get", ["job": JSON("\(queue)/c")])["code"] == "not_found")
        #expect(try client.stats(queue)["depth"]["queued"] == 3)
        try expectConservation(client, queue)
    }

    @Test(arguments: Backend.allCases)
    func whatComesBackIsNeverRefused(on backend: Backend) throws {
        let (client, queue) = try queue(of: backend, maxLen: 1)
        let first = try client.enqueue(queue)
        let claimed = try client.claimOne(queue)
        try client.enqueue(queue)
        #expect(try client.release(claimed)["state"] == "queued")
        #expect(try client.stats(queue)["depth"]["queued"] == 2)
        let dead = try client.claimOne(queue)
        #expect(dead["job"] == JSON(first))
        try client.fail(dead, ["retry": false])
        #expect(try client.call("requeue", ["job": JSON(first)])["state"] == "queued")
        #expect(try client.refused("enqueue", ["queue": JSON(queue)])["code"] == "queue_full")
        try expectConservation(client, queue)
    }

    @Test(arguments: Backend.allCases)
    func aWorkerThatWaitsMakesRoom(on backend: Backend) throws {
        let (client, queue) = try queue(of: backend, maxLen: 1)
        let worker = try backend.connect()
        for _ in 0..<5 {
            try worker.startWaiting(queue)
            try client.enqueue(queue)
            #expect(try worker.receive()["jobs"].array.count == 1)
        }
        try client.enqueue(queue)
        #expect(try client.refused("enqueue", ["queue": JSON(queue)])["code"] == "queue_full")
    }

    @Test(arguments: Backend.allCases)
    func aNewBoundHoldsAtOnceAndNullTakesItAway(on backend: Backend) throws {
        let (client, queue) = try queue(of: backend, maxLen: 5)
        try client.enqueueMany(queue, 5)
        try client.call("configure", ["create": true, "queue": JSON(queue), "max_len": 2])
        #expect(try client.refused("enqueue", ["queue": JSON(queue)])["code"] == "queue_full")
        #expect(try client.stats(queue)["depth"]["queued"] == 5)
        try client.call("configure", ["create": true, "queue": JSON(queue), "max_len": nil])
        #expect(try client.enqueueMany(queue, 100).count == 100)
    }
}
