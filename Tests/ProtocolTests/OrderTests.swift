// In which order jobs are claimed: priority first, then the oldest or (by `configure`) the newest, with `front` before
// both; and `aging_ms`, which lets long waiting count as priority.

import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct OrderTests {
    private func queue(_ client: LineClient, _ policy: JSON) throws -> String {
        let queue = freshQueue("order")
        var request = policy
        request["queue"] = JSON(queue)
        request["create"] = true
        try client.call("configure", request)
        return queue
    }

    /// The ids in the order in which they are claimed: one after the other, or all in one claim.
    private func claimAll(_ client: LineClient, _ queue: String, atOnce: Bool = false) throws -> [String] {
        if atOnce { return try client.claim(queue, ["max": 100]).map { id($0) } }
        var ids: [String] = []
        while let job = try client.claim(queue).first { ids.append(id(job)) }
        return ids
    }

    private func id(_ job: JSON) -> String { String(job["job"].name.split(separator: "/").last ?? "") }

    private func enqueue(_ client: LineClient, _ queue: String, _ id: String, _ members: JSON = [:]) throws {
        var members = members
        members["job_id"] = JSON(id)
        try client.enqueue(queue, members)
    }

    @Test(arguments: Backend.allCases, [false, true])
    func theNewestOfAPriorityIsFirstInALifoQueue(on backend: Backend, _ atOnce: Bool) throws {
        let client = try backend.connect()
        let queue = try queue(client, ["order": "lifo"])
        for id in ["a", "b"] { try enqueue(client, queue, id) }
        try enqueue(client, queue, "high-1", ["priority": 5])
        try enqueue(client, queue, "low", ["priority": -5])
        try enqueue(client, queue, "high-2", ["priority": 5])
        let many: [JSON] = ["c", "d", "e"].map { ["queue": JSON(queue), "job_id": $0] }
        try client.call("enqueue", ["jobs": JSON(many)])
        #expect(
            try claimAll(client, queue, atOnce: atOnce) == ["high-2", "high-1", "e", "d", "c", "b", "a", "low"])
    }

    @Test(arguments: Backend.allCases)
    func whatComesBackIsTheNewestInALifoQueue(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = try queue(client, ["order": "lifo"])
        for id in ["a", "b", "c"] { try enqueue(client, queue, id) }
        let claimed = try client.claim(queue, ["max": 3])
        #expect(claimed.map(id) == ["c", "b", "a"])
        try client.fail(claimed[2], ["retry": false])
        try client.fail(claimed[0], ["retry_in_ms": 0])
        try eventually(within: 5, "the retried job") { try client.stats(queue)["depth"]["queued"] == 1 }
        try enqueue(client, queue, "d")
        try client.call("requeue", ["job": JSON("\(queue)/a")])
        #expect(try claimAll(client, queue) == ["a", "d", "c"])
    }

    @Test(arguments: Backend.allCases)
    func frontIsBeforeAllOfItsPriority(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        for id in ["a", "b"] { try enqueue(client, queue, id) }
        for id in ["x", "y"] { try enqueue(client, queue, id, ["front": true]) }
        try enqueue(client, queue, "high", ["priority": 1])
        try enqueue(client, queue, "c")
        #expect(try claimAll(client, queue) == ["high", "y", "x", "a", "b", "c"])
    }

    @Test(arguments: Backend.allCases)
    func aChangeOfTheOrderIsForWhatComesAfterIt(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        for id in ["a", "b"] { try enqueue(client, queue, id) }
        try client.call("configure", ["create": true, "queue": JSON(queue), "order": "lifo"])
        for id in ["c", "d"] { try enqueue(client, queue, id) }
        try client.call("configure", ["create": true, "queue": JSON(queue), "order": nil])
        for id in ["e", "f"] { try enqueue(client, queue, id) }
        #expect(try claimAll(client, queue) == ["d", "c", "a", "b", "e", "f"])
    }

    @Test(arguments: Backend.allCases)
    func aWaitingClaimGetsTheNewestOfWhatIsThere(on backend: Backend) throws {
        let client = try backend.connect()
        let worker = try backend.connect()
        let queue = try queue(client, ["order": "lifo"])
        try worker.startWaiting(queue)
        let many: [JSON] = ["a", "b", "c"].map { ["queue": JSON(queue), "job_id": $0] }
        try client.call("enqueue", ["jobs": JSON(many)])
        #expect(id(try worker.receive()["jobs"][0]) == "c")
    }

    @Test(arguments: Backend.allCases, [false, true])
    func longWaitingCountsAsPriority(on backend: Backend, _ atOnce: Bool) throws {
        let client = try backend.connect()
        let queue = try queue(client, ["aging_ms": 20])
        for id in ["old-1", "old-2"] { try enqueue(client, queue, id) }
        // So that the difference is more than five steps, whatever time passes until the claim.
        try waitUntilTheOldest(of: queue, is: 150, client)
        for id in ["new-1", "new-2"] { try enqueue(client, queue, id, ["priority": 5]) }
        #expect(try claimAll(client, queue, atOnce: atOnce) == ["old-1", "old-2", "new-1", "new-2"])
    }

    @Test(arguments: Backend.allCases)
    func aShortWaitDoesNotOutweighAPriority(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = try queue(client, ["aging_ms": 60_000])
        try enqueue(client, queue, "old")
        try waitUntilTheOldest(of: queue, is: 50, client)
        try enqueue(client, queue, "new", ["priority": 1])
        #expect(try claimAll(client, queue) == ["new", "old"])
    }

    @Test(arguments: Backend.allCases)
    func withoutAgingPriorityIsAll(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = try queue(client, ["aging_ms": 1])
        try enqueue(client, queue, "old")
        try waitUntilTheOldest(of: queue, is: 100, client)
        try enqueue(client, queue, "new", ["priority": 1])
        try client.call("configure", ["create": true, "queue": JSON(queue), "aging_ms": nil])
        #expect(try claimAll(client, queue) == ["new", "old"])
    }

    @Test(arguments: Backend.allCases)
    func aDelayDoesNotAge(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = try queue(client, ["aging_ms": 20])
        let delayed = try client.enqueue(queue, ["job_id": "delayed", "delay_ms": 300])
        try eventually(within: 5, "the delayed job is due") { try client.state(delayed) == "queued" }
        // It waited 300 ms for its time, which are 15 steps, and since then only a moment.
        try enqueue(client, queue, "high", ["priority": 100])
        #expect(try claimAll(client, queue) == ["high", "delayed"])
    }

    private func waitUntilTheOldest(of queue: String, is age: Int, _ client: LineClient) throws {
        try eventually(within: 5, "an age of \(age) ms") {
            let entry = try client.call("queues")["queues"].array.first { $0["queue"] == JSON(queue) }
            return (entry?["latency_ms"].int ?? 0) >= age
        }
    }
}
