// Claiming: what a claimed job carries, several queues, waiting and being woken,
// more than one at a time, and what becomes of jobs whose claimer is gone before
// they reach it. How attempts end is in other suites.

import Foundation
import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct ClaimTests {
    @Test(arguments: Backend.allCases)
    func aClaimedJobCarriesAllAWorkerNeeds(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(
            queue,
            ["payload": ["to": "ann"], "type": "mail", "meta": ["trace": "1"], "max_attempts": 7, "lease_ms": 12345])
        let claimed = try client.claimOne(queue)
        #expect(claimed["job"] == JSON(job))
        #expect(claimed["queue"] == JSON(queue))
        #expect(claimed["type"] == "mail")
        #expect(claimed["payload"] == ["to": "ann"])
        #expect(claimed["meta"] == ["trace": "1"])
        #expect(claimed["attempt"] == 1)
        #expect(claimed["max_attempts"] == 7)
        #expect(claimed["lease_ms"] == 12345)
        let record = try client.record(job)
        #expect(record["state"] == "processing")
        #expect(record["attempts"] == 1)
        #expect(record["lease_until"] == claimed["lease_until"])
        #expect(record["enqueued_at"] == claimed["enqueued_at"])
        #expect(isLater(claimed["lease_until"], than: record["claimed_at"], by: 12345))
        #expect(!record.has("token"))
    }

    @Test(arguments: Backend.allCases)
    func metaIsLeftOutWhenThereIsNone(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.enqueue(queue)
        let claimed = try client.claimOne(queue)
        #expect(!claimed.has("meta"))
        #expect(claimed["type"] == "")
        #expect(claimed["lease_ms"] == 30_000)
    }

    @Test(arguments: Backend.allCases)
    func theClaimsLeaseWinsOverTheJobs(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.enqueue(queue, ["lease_ms": 5000])
        #expect(try client.claimOne(queue, ["lease_ms": 7000])["lease_ms"] == 7000)
    }

    @Test(arguments: Backend.allCases)
    func tokensAreNewForEveryClaimAndBeginWithAGrowingNumber(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.enqueueMany(queue, 20)
        var last: Int64 = 0
        for round in 0..<5 {
            for claimed in try client.claim(queue, ["max": 20]) {
                let token = try #require(claimed["token"].string)
                #expect(token.utf8.count <= 64)
                let number = try #require(Int64(token.prefix { $0.isNumber }))
                #expect(number > last, "round \(round)")
                last = number
                try client.release(claimed)
            }
        }
    }

    @Test(arguments: Backend.allCases)
    func anEmptyQueueGivesNoJobsAtOnce(on backend: Backend) throws {
        let client = try backend.connect()
        let seconds = try elapsed { () throws in #expect(try client.claim(freshQueue()).isEmpty) }
        #expect(seconds < 1)
    }

    @Test(arguments: Backend.allCases)
    func aWaitingClaimEndsEmptyAfterItsTime(on backend: Backend) throws {
        let client = try backend.connect()
        let seconds = try elapsed { () throws in #expect(try client.claim(freshQueue(), ["wait_ms": 250]).isEmpty) }
        #expect(seconds >= 0.249 && seconds < 1.5, "\(seconds)")
    }

    @Test(arguments: Backend.allCases)
    func aWaitingClaimIsServedAtOnceByAnEnqueue(on backend: Backend) throws {
        let worker = try backend.connect()
        let producer = try backend.connect()
        let queue = freshQueue()
        var total = 0.0
        for number in 0..<20 {
            try worker.send(["op": "claim", "queue": JSON(queue), "wait_ms": 10_000])
            try producer.call("ping")
            total += try elapsed { () throws in
                try producer.enqueue(queue, ["payload": JSON(number)])
                #expect(try worker.receive()["jobs"][0]["payload"] == JSON(number))
            }
        }
        #expect(total / 20 < 0.1, "\(total / 20) s each")
    }

    @Test(arguments: Backend.allCases)
    func waitingClaimsAreServedInTheOrderTheyCame(on backend: Backend) throws {
        let workers = try (0..<5).map { _ in try backend.connect() }
        let queue = freshQueue()
        for worker in workers {
            try worker.startWaiting(queue)
        }
        let producer = try backend.connect()
        for number in 0..<5 {
            try producer.enqueue(queue, ["payload": JSON(number)])
            #expect(try workers[number].receive()["jobs"][0]["payload"] == JSON(number))
        }
    }

    @Test(arguments: Backend.allCases)
    func oneEnqueueOfManyServesAllWhoWait(on backend: Backend) throws {
        let workers = try (0..<10).map { _ in try backend.connect() }
        let queue = freshQueue()
        for worker in workers {
            try worker.startWaiting(queue)
        }
        try backend.connect().enqueueMany(queue, 10)
        let payloads = try workers.map { try $0.receive()["jobs"].array.compactMap { $0["payload"].int } }
        #expect(payloads.allSatisfy { $0.count == 1 })
        #expect(Set(payloads.joined()) == Set(0..<10))
    }

    @Test(arguments: Backend.allCases)
    func maxBoundsHowManyAreGivenAndTheClaimDoesNotWaitToFill(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.enqueueMany(queue, 7)
        #expect(try client.claim(queue).count == 1)
        #expect(try client.claim(queue, ["max": 4]).map { $0["payload"].int } == [1, 2, 3, 4])
        let seconds = try elapsed { () throws in
            #expect(try client.claim(queue, ["max": 100, "wait_ms": 5000]).count == 2)
        }
        #expect(seconds < 2)
    }

    @Test(arguments: Backend.allCases)
    func theFirstQueueWithWorkWins(on backend: Backend) throws {
        let client = try backend.connect()
        let (first, second, third) = (freshQueue("first"), freshQueue("second"), freshQueue("third"))
        try client.enqueueMany(second, 2)
        try client.enqueueMany(third, 1)
        let queues: JSON = ["queues": [JSON(first), JSON(second), JSON(third)]]
        func next() throws -> String? { try client.call("claim", queues)["jobs"][0]["queue"].string }
        #expect(try next() == second)
        try client.enqueue(first)
        #expect(try next() == first)
        #expect(try next() == second)
        #expect(try next() == third)
        #expect(try next() == nil)
    }

    @Test(arguments: Backend.allCases)
    func aClaimWaitsForAllItsQueues(on backend: Backend) throws {
        let worker = try backend.connect()
        let producer = try backend.connect()
        let names = [freshQueue("a"), freshQueue("b"), freshQueue("c")]
        for name in names.reversed() {
            try worker.send(["op": "claim", "queues": JSON(names.map { JSON($0) }), "wait_ms": 10_000])
            try producer.call("ping")
            try producer.enqueue(name)
            #expect(try worker.receive()["jobs"][0]["queue"] == JSON(name))
        }
    }

    @Test(arguments: Backend.allCases)
    func aJobIsGivenToOneOfManyClaimersOnly(on backend: Backend) throws {
        let queue = freshQueue()
        let workers = try (0..<8).map { _ in try backend.connect() }
        try backend.connect().enqueueMany(queue, 400)
        for worker in workers {
            try worker.sendRaw((0..<60).map { "{\"op\":\"claim\",\"id\":\($0),\"queue\":\"\(queue)\"}\n" }.joined())
        }
        var seen: [Int] = []
        for worker in workers {
            for _ in 0..<60 { seen += try worker.receive()["jobs"].array.compactMap { $0["payload"].int } }
        }
        #expect(seen.count == 400)
        #expect(Set(seen).count == 400)
    }

    @Test(arguments: Backend.allCases)
    func aWaitingClaimOfAClosedConnectionTakesNothing(on backend: Backend) throws {
        let producer = try backend.connect()
        let queue = freshQueue()
        for _ in 0..<20 {
            let worker = try backend.connect()
            try worker.startWaiting(queue)
            worker.close()
            let job = try producer.enqueue(queue)
            let claimed = try producer.claimOne(queue, ["wait_ms": 2000])
            #expect(claimed["job"] == JSON(job))
            #expect(claimed["attempt"] == 1)
            try producer.complete(claimed)
        }
    }

    @Test func jobsClaimedForAConnectionThatIsGoneGoBackWithoutCostingAnAttempt() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let producer = try daemon.connect()
        let job = try producer.enqueue("gone")
        let worker = try daemon.connect()
        try worker.call("ping")
        redis.suspend()
        try worker.send(["op": "claim", "queue": "gone", "lease_ms": 60_000])
        try eventually(within: 3, "the claim reached the daemon's Redis socket") {
            try producer.call("info")["connections"].int == 2
        }
        worker.close()
        try eventually(within: 3, "the daemon noticed the close") {
            try producer.call("info")["connections"].int == 1
        }
        redis.resume()
        let claimed = try producer.claimOne("gone", ["wait_ms": 3000])
        #expect(claimed["job"] == JSON(job))
        #expect(claimed["attempt"] == 1)
    }

    @Test func aClaimOnOneDaemonIsServedByAnEnqueueOnAnother() throws {
        let redis = try Stage.current.redis()
        let second = try Daemon(.redis(redis))
        let other = try second.connect()
        let worker = try Backend.redis.connect()
        let queue = freshQueue()
        for number in 0..<20 {
            try worker.startWaiting(queue)
            let seconds = try elapsed { () throws in
                try other.enqueue(queue, ["payload": JSON(number)])
                #expect(try worker.receive()["jobs"][0]["payload"] == JSON(number))
            }
            #expect(seconds < 0.9, "woken by the notice, not by the safety net")
        }
    }
}
