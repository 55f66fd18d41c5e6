// Unique keys: while one job of a queue holds a key, an enqueue with it is answered with that job. Shown are who is named,
// everything that frees a key and what does not, and both limits of the holding: `until` and `ttl_ms`.

import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct UniqueTests {
    private let key: JSON = ["unique": ["key": "k"]]

    @Test(arguments: Backend.allCases)
    func anEnqueueWithAHeldKeyIsAnsweredWithTheHolder(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let first = try client.enqueue(queue, ["unique": ["key": "k"], "payload": 1])
        for _ in 0..<2 {
            let reply = try client.call("enqueue", ["queue": JSON(queue), "unique": ["key": "k"], "payload": 2])
            #expect(reply["job"] == JSON(first))
            #expect(reply["duplicate"] == true)
            #expect(reply["state"] == "queued")
        }
        #expect(try client.record(first)["payload"] == 1)
        #expect(try client.record(first)["unique"] == "k")
        #expect(try client.stats(queue)["totals"]["enqueued"] == 1)
        #expect(try client.claim(queue, ["max": 9]).count == 1)
        try expectConservation(client, queue)
    }

    @Test(arguments: Backend.allCases)
    func theHoldersPresentStateIsTold(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.enqueue(queue, ["unique": ["key": "k"], "delay_ms": 3_600_000])
        func state() throws -> JSON {
            let reply = try client.call("enqueue", ["queue": JSON(queue), "unique": ["key": "k"]])
            #expect(reply["duplicate"] == true)
            return reply["state"]
        }
        #expect(try state() == "scheduled")
        try client.call("requeue", ["queue": JSON(queue), "state": "scheduled"])
        #expect(try state() == "queued")
        let claimed = try client.claimOne(queue)
        #expect(try state() == "processing")
        try client.fail(claimed, ["retry_in_ms": 3_600_000])
        #expect(try state() == "retrying")
    }

    @Test(arguments: Backend.allCases)
    func aJobWithAnIDOfItsOwnIsNamedAfterTheHolderToo(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let first = try client.enqueue(queue, ["unique": ["key": "k"], "job_id": "a"])
        #expect(first == "\(queue)/a")
        let other = try client.call("enqueue", ["queue": JSON(queue), "unique": ["key": "k"], "job_id": "b"])
        #expect(other["job"] == JSON(first) && other["duplicate"] == true)
        #expect(try client.refused("get", ["job": JSON("\(queue)/b")])["code"] == "not_found")
        // The same id with another key is the first job, and the key stays free.
        let same = try client.call("enqueue", ["queue": JSON(queue), "unique": ["key": "l"], "job_id": "a"])
        #expect(same["job"] == JSON(first) && same["duplicate"] == true)
        #expect(try !client.call("enqueue", ["queue": JSON(queue), "unique": ["key": "l"]]).has("duplicate"))
    }

    @Test(arguments: Backend.allCases, JobEnding.allCases)
    func theEndOfTheJobFreesItsKey(on backend: Backend, _ ending: JobEnding) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let first = try ending.bring(newJobOf: queue, with: key, client)
        let reply = try client.call("enqueue", ["queue": JSON(queue), "unique": ["key": "k"]])
        #expect(!reply.has("duplicate"), "\(reply)")
        #expect(reply["job"] != JSON(first))
        // And the next one holds it as the first did.
        #expect(try client.call("enqueue", ["queue": JSON(queue), "unique": ["key": "k"]])["job"] == reply["job"])
        try expectConservation(client, queue)
    }

    @Test(arguments: Backend.allCases)
    func aJobThatGoesBackKeepsItsKey(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue, ["unique": ["key": "k"], "max_attempts": 10])
        func expectHeld(_ after: String) throws {
            let reply = try client.call("enqueue", ["queue": JSON(queue), "unique": ["key": "k"]])
            #expect(reply["job"] == JSON(job) && reply["duplicate"] == true, "after \(after): \(reply)")
        }
        try client.release(client.claimOne(queue))
        try expectHeld("release")
        try client.fail(client.claimOne(queue), ["retry_in_ms": 1])
        try expectHeld("failure")
        _ = try client.claimOne(queue, ["lease_ms": 100])
        let again = try client.claimOne(queue)
        #expect(again["attempt"] == 3)
        try expectHeld("an expired lease")
        try client.release(again, ["delay_ms": 3_600_000])
        try client.call("requeue", ["job": JSON(job)])
        try expectHeld("requeue of a waiting job")
    }

    @Test(arguments: Backend.allCases)
    func aKeyHeldUntilTheClaimIsFreeFromThenOn(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let members: JSON = ["unique": ["key": "k", "until": "claimed"]]
        let first = try client.enqueue(queue, members)
        #expect(try client.enqueue(queue, members) == first)
        let claimed = try client.claimOne(queue)
        let second = try client.enqueue(queue, members)
        #expect(second != first)
        // The first one comes back without the key, which is the second one's.
        try client.release(claimed)
        #expect(try client.enqueue(queue, members) == second)
        #expect(try client.claim(queue, ["max": 9]).compactMap { $0["job"].string } == [first, second])
        #expect(try client.enqueue(queue, members) != second)
    }

    @Test(arguments: Backend.allCases, [JobEnding.cancelled, .expired, .deleted, .purged])
    func aKeyHeldUntilTheClaimIsFreedByAnEndBeforeIt(on backend: Backend, _ ending: JobEnding) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let members: JSON = ["unique": ["key": "k", "until": "claimed"]]
        let first = try ending.bring(newJobOf: queue, with: members, client)
        #expect(try client.enqueue(queue, members) != first)
    }

    @Test(arguments: Backend.allCases)
    func aKeyWithATimeLimitIsFreeAfterIt(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let members: JSON = ["unique": ["key": "k", "ttl_ms": 300]]
        let first = try client.enqueue(queue, members)
        let reply = try eventualValue(within: 5, "a new job") {
            let reply = try client.call("enqueue", ["queue": JSON(queue), "unique": members["unique"]])
            return reply.has("duplicate") ? Optional<JSON>.none : reply
        }
        let times = try [first, reply["job"].name].map { try client.record($0)["enqueued_at"].number }
        #expect(times[1] - times[0] >= 300, "free after \(times[1] - times[0]) ms")
        // The end of the first leaves the key with the second.
        try client.call("delete", ["job": JSON(first)])
        #expect(try client.enqueue(queue, ["unique": ["key": "k"]]) == reply["job"].string)
    }

    @Test(arguments: Backend.allCases)
    func ofManyWithOneKeyTheFirstIsTaken(on backend: Backend) throws {
        let client = try backend.connect()
        let (queue, other) = (freshQueue(), freshQueue("other"))
        let item: JSON = ["queue": JSON(queue), "unique": ["key": "k"]]
        let jobs = try client.call(
            "enqueue",
            ["jobs": [item, ["queue": JSON(queue)], item, ["queue": JSON(other), "unique": ["key": "k"]]]])["jobs"]
            .array
        #expect(jobs.map { $0["duplicate"] == true } == [false, false, true, false])
        #expect(jobs[2]["job"] == jobs[0]["job"])
        #expect(Set(jobs.compactMap { $0["job"].string }).count == 3)
        #expect(try client.stats(queue)["depth"]["queued"] == 2)
    }

    @Test(arguments: Backend.allCases, ["{a}:*?[b]", " ", "\u{E9}\u{1F600}", "a/b", "\\\"", "%s%d"])
    func aKeyMayBeAnyText(on backend: Backend, _ key: String) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let first = try client.enqueue(queue, ["unique": ["key": JSON(key)]])
        #expect(try client.enqueue(queue, ["unique": ["key": JSON(key)]]) == first)
        #expect(try client.enqueue(queue, ["unique": ["key": JSON(key + "x")]]) != first)
        #expect(try client.record(first)["unique"] == JSON(key))
        try client.complete(client.claimOne(queue))
        #expect(try client.enqueue(queue, ["unique": ["key": JSON(key)]]) != first)
    }

    @Test(arguments: Backend.allCases)
    func aRequeuedDeadLetterTakesItsKeyAgainWhenItIsFree(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let first = try JobEnding.failed.bring(newJobOf: queue, with: key, client)
        try client.call("requeue", ["job": JSON(first)])
        #expect(try client.enqueue(queue, key) == first)
        try client.fail(client.claimOne(queue), ["retry": false])
        // Another job has it: the dead letter runs without.
        let second = try client.enqueue(queue, key)
        #expect(second != first)
        try client.call("requeue", ["job": JSON(first)])
        #expect(try client.enqueue(queue, key) == second)
        try client.complete(client.claimOne(queue))
        #expect(try client.state(second) == "completed")
        try client.complete(client.claimOne(queue))
        #expect(try client.enqueue(queue, key) != second)
        try expectConservation(client, queue)
    }

    @Test func theKeyStandsInRedisForAHuman() throws {
        let client = try Backend.redis.connect()
        let redis = try Stage.current.redis()
        let queue = freshQueue()
        let job = try client.enqueue(queue, ["unique": ["key": "k", "ttl_ms": 60_000]])
        let name = "jobq:{\(queue)}:unique:k"
        #expect(try redis.command("GET", name).string == String(job.dropFirst(queue.count + 1)))
        #expect((1...60_000).contains(try redis.command("PTTL", name).int ?? 0))
        try client.complete(client.claimOne(queue))
        #expect(try redis.command("EXISTS", name).int == 0)
    }

    @Test(arguments: [
        (#""unique":{}"#, "unique.key"), (#""unique":{"key":""}"#, "unique.key"), (#""unique":"k""#, "unique"),
        (#""unique":{"key":"k","until":"dead"}"#, "unique.until"),
        (#""unique":{"key":"k","ttl_ms":0}"#, "unique.ttl_ms"),
        (#""unique":{"key":"k","for":1}"#, "unique.for"), (#""unique":{"key":"a\nb"}"#, "unique.key"),
    ])
    func aWrongKeyIsABadRequestThatNamesIt(_ member: String, _ field: String) throws {
        let client = try Backend.memory.connect()
        let queue = freshQueue()
        let error = try client.request(text: #"{"op":"enqueue","queue":"\#(queue)",\#(member)}"#)["error"]
        #expect(error["code"] == "bad_request" && error["field"] == JSON(field))
        #expect(try client.refused("stats", ["queue": JSON(queue)])["code"] == "not_found")
    }
}
