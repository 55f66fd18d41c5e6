// Weighted claims: each queue gets its share of the jobs while all have work, and the rest takes what one leaves.

import Foundation
import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct WeightedClaimTests {
    private static func json(_ queues: [String]) -> JSON { .array(queues.map { JSON.string($0) }) }

    /// Claims so many jobs one by one and counts them by queue.
    private func counts(
        _ client: LineClient, _ claims: Int, _ claim: JSON, max: Int = 1
    ) throws -> [String: Int] {
        var counts: [String: Int] = [:]
        for _ in 0..<claims {
            for job in try client.call("claim", claim)["jobs"].array { counts[job["queue"].string!, default: 0] += 1 }
        }
        return counts
    }

    private func fill(_ client: LineClient, _ queues: [String], _ jobs: Int) throws {
        for queue in queues { try client.enqueueMany(queue, jobs) }
    }

    @Test(arguments: Backend.allCases)
    func everyQueueGetsItsShareWithinFivePercent(on backend: Backend) throws {
        let client = try backend.connect()
        let queues = ["a", "b", "c"].map { freshQueue("shares-\($0)") }
        try fill(client, queues, 700)
        let weights = JSON.object([queues[0]: 6, queues[1]: 3])
        let claim: JSON = ["queues": Self.json(queues), "strategy": "weighted", "weights": weights]
        let counts = try counts(client, 1_000, claim)
        for (queue, share) in zip(queues, [600, 300, 100]) {
            #expect(abs(counts[queue, default: 0] - share) <= share / 20)
        }
    }

    @Test(arguments: Backend.allCases)
    func withoutWeightsAllQueuesCountAlike(on backend: Backend) throws {
        let client = try backend.connect()
        let queues = ["a", "b"].map { freshQueue("alike-\($0)") }
        try fill(client, queues, 100)
        let counts = try counts(client, 100, ["queues": Self.json(queues), "strategy": "weighted"])
        #expect(counts[queues[0]] == 50)
        #expect(counts[queues[1]] == 50)
    }

    @Test(arguments: Backend.allCases)
    func sharesAreOfJobsAlsoWhenAClaimTakesMany(on backend: Backend) throws {
        let client = try backend.connect()
        let queues = ["a", "b"].map { freshQueue("many-\($0)") }
        try fill(client, queues, 1_000)
        let claim: JSON = [
            "queues": Self.json(queues), "strategy": "weighted", "weights": .object([queues[0]: 4]), "max": 10,
        ]
        let counts = try counts(client, 100, claim)
        #expect(abs(counts[queues[0], default: 0] - 800) <= 40)
    }

    @Test(arguments: Backend.allCases)
    func sharesHoldForAllWorkersTogether(on backend: Backend) throws {
        let clients = try (0..<4).map { _ in try backend.connect() }
        let queues = ["a", "b"].map { freshQueue("together-\($0)") }
        try fill(clients[0], queues, 200)
        let claim: JSON = ["queues": Self.json(queues), "strategy": "weighted", "weights": .object([queues[1]: 3])]
        var sum: [String: Int] = [:]
        // Each of them claims too seldom to have shares of its own.
        for _ in 0..<25 {
            for client in clients { sum.merge(try counts(client, 1, claim)) { $0 + $1 } }
        }
        #expect(abs(sum[queues[1], default: 0] - 75) <= 4)
    }

    @Test(arguments: Backend.allCases)
    func whatOneQueueDoesNotHaveTheOthersGive(on backend: Backend) throws {
        let client = try backend.connect()
        let queues = ["a", "b"].map { freshQueue("rest-\($0)") }
        try fill(client, [queues[1]], 20)
        let claim: JSON = ["queues": Self.json(queues), "strategy": "weighted", "weights": .object([queues[0]: 1_000])]
        #expect(try counts(client, 20, claim)[queues[1]] == 20)
        #expect(try counts(client, 1, claim).isEmpty)
    }

    @Test(arguments: Backend.allCases)
    func aWaitingWeightedClaimIsServedFromWhicheverQueueGetsAJob(on backend: Backend) throws {
        let worker = try backend.connect()
        let producer = try backend.connect()
        let queues = ["a", "b"].map { freshQueue("waiting-\($0)") }
        for queue in queues + queues.reversed() {
            let claim: JSON = [
                "op": "claim", "queues": Self.json(queues), "strategy": "weighted", "wait_ms": 20_000,
            ]
            try worker.send(claim)
            let job = try producer.enqueue(queue)
            #expect(try worker.receive()["jobs"].array[0]["job"] == JSON(job))
        }
    }

    @Test(arguments: Backend.allCases)
    func nextMayBeWeightedToo(on backend: Backend) throws {
        let client = try backend.connect()
        let queues = ["a", "b"].map { freshQueue("next-\($0)") }
        try fill(client, queues, 60)
        let claim: JSON = ["queues": Self.json(queues), "strategy": "weighted", "weights": .object([queues[1]: 4])]
        var held = try client.call("claim", claim)["jobs"].array[0]
        var counts: [String: Int] = [:]
        for _ in 0..<50 {
            counts[held["queue"].string!, default: 0] += 1
            let reply = try client.call("complete", ["job": held["job"], "token": held["token"], "next": claim])
            held = reply["jobs"].array[0]
        }
        #expect(abs(counts[queues[1], default: 0] - 40) <= 2)
    }

    @Test(arguments: Backend.allCases)
    func weightsAreForTheQueuesOfAWeightedClaim(on backend: Backend) throws {
        let client = try backend.connect()
        let bad: [(JSON, String)] = [
            (["weights": ["c": 1]], "c"), (["weights": ["a": 0]], "1 to 1000"),
            (["weights": ["a": 1_001]], "1 to 1000"),
            (["weights": ["a": "x"]], "1 to 1000"), (["weights": 3], "1 to 1000"),
            (["weights": ["a": 1], "strategy": "strict"], "weighted"),
        ]
        for (members, word) in bad {
            var claim: JSON = ["queues": ["a", "b"], "strategy": "weighted"]
            for (name, value) in members.object { claim[name] = value }
            let error = try client.refused("claim", claim)
            #expect(error["code"] == "bad_request")
            #expect(error["field"] == "weights")
            #expect(error["message"].string!.contains(word))
        }
        let error = try client.refused("claim", ["queues": ["a", "b"], "strategy": "fair"])
        #expect(error["field"] == "strategy")
    }
}
