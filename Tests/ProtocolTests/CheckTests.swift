// `check`: nothing to say about a healthy store, whatever its jobs are doing; each kind of damage, done by hand in Redis,
// is reported, left alone without `repair`, and put right with it.

import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct CheckTests {
    /// A queue with a job in every state, and some more waiting.
    private func mixed(_ client: LineClient) throws -> String {
        let queue = freshQueue("mixed")
        for ending in JobEnding.allCases { try ending.bring(newJobOf: queue, with: ["unique": ["key": "k"]], client) }
        try client.enqueue(queue, ["unique": ["key": "held"], "job_id": "held"])
        try client.fail(client.claimOne(queue), ["retry_in_ms": 3_600_000])
        try client.enqueue(queue, ["job_id": "scheduled", "delay_ms": 3_600_000, "expires_in_ms": 3_600_000])
        try client.enqueue(queue, ["job_id": "processing"])
        _ = try client.claimOne(queue, ["lease_ms": 3_600_000])
        for id in ["a", "b", "c"] { try client.enqueue(queue, ["job_id": JSON(id)]) }
        return queue
    }

    private func check(_ client: LineClient, _ queue: String, repair: Bool = false) throws -> JSON {
        try client.call("check", ["queue": JSON(queue), "repair": .bool(repair)])
    }

    @Test(arguments: Backend.allCases)
    func aHealthyStoreHasNothingToReport(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = try mixed(client)
        for repair in [false, true] {
            let reply = try check(client, queue, repair: repair)
            #expect(reply["healthy"] == true, "\(reply)")
            #expect(reply["violations"] == [] && reply["violations_total"] == 0 && reply["repaired"] == 0)
            #expect(reply["checked"].number >= (backend == .redis ? 10 : 0))
        }
        try expectConservation(client, queue)
        #expect(try client.refused("check", ["queue": "no-such-queue"])["code"] == "not_found")
    }

    @Test func aRepairOfAHealthyStoreTouchesNothing() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let client = try daemon.connect()
        let queue = try mixed(client)
        let before = try Keyspace(of: redis)
        #expect(try check(client, queue, repair: true)["violations_total"] == 0)
        let after = try Keyspace(of: redis)
        #expect(after.values == before.values)
        #expect(after.expiries == before.expiries)
    }

    /// Damage to the queue of `mixed`: the commands, what is reported about which job, and the invariant.
    struct Damage: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let invariants: Set<Int>
        var job: String?
        /// With `Q` for what the queue's keys begin with.
        let commands: [[String]]
    }

    static let damages = [
        Damage(
            testDescription: "an index entry is gone", invariants: [2], job: "b", commands: [["ZREM", "Q:queued", "b"]]),
        Damage(
            testDescription: "a scheduled entry is gone", invariants: [2], job: "scheduled",
            commands: [["ZREM", "Q:scheduled", "scheduled"]]),
        Damage(
            testDescription: "a retrying entry is gone", invariants: [2], job: "held",
            commands: [["ZREM", "Q:retrying", "held"]]),
        Damage(
            testDescription: "a processing entry is gone", invariants: [2], job: "processing",
            commands: [["ZREM", "Q:processing", "processing"]]),
        Damage(testDescription: "a record is gone", invariants: [8], job: "b", commands: [["DEL", "Q:job:b"]]),
        Damage(
            testDescription: "the record of a job in hands is gone", invariants: [8], job: "processing",
            commands: [["DEL", "Q:job:processing"]]),
        Damage(
            testDescription: "a job stands in two sets", invariants: [2], job: "b",
            commands: [["ZADD", "Q:retrying", "9000000000000", "b"]]),
        Damage(
            testDescription: "a token is gone", invariants: [3], job: "processing",
            commands: [["HDEL", "Q:job:processing", "token"]]),
        Damage(
            testDescription: "a counter is too low", invariants: [6],
            commands: [["HINCRBY", "Q:counters", "enqueued", "-2"]]),
        Damage(
            testDescription: "a counter is too high", invariants: [6],
            commands: [["HINCRBY", "Q:counters", "enqueued", "3"]]),
        Damage(
            testDescription: "much at once", invariants: [2, 6, 8],
            commands: [
                ["ZREM", "Q:queued", "a"], ["DEL", "Q:job:b"], ["HINCRBY", "Q:counters", "completed", "5"],
                ["DEL", "Q:dead"],
            ]),
    ]

    @Test(arguments: damages)
    func damageIsReportedAndPutRight(_ damage: Damage) throws {
        let redis = try Stage.current.redis()
        let client = try Backend.redis.connect()
        let queue = try mixed(client)
        for command in damage.commands {
            let filled = command.map { $0.replacing("Q:", with: "jobq:{\(queue)}:") }
            #expect(try !redis.command(filled).isError)
        }
        let damaged = try keys(of: queue, redis)
        let found = try check(client, queue)
        #expect(found["healthy"] == false && found["repaired"] == 0)
        #expect(found["violations_total"].int == found["violations"].array.count)
        let invariants = Set(found["violations"].array.compactMap { $0["invariant"].int })
        #expect(damage.invariants.isSubset(of: invariants), "\(found)")
        for violation in found["violations"].array {
            #expect(violation["queue"] == JSON(queue) && violation["repaired"] == false)
            #expect(violation["message"].string?.isEmpty == false)
        }
        if let job = damage.job {
            #expect(found["violations"].array.contains { $0["job"] == JSON("\(queue)/\(job)") }, "\(found)")
        }
        #expect(try keys(of: queue, redis) == damaged)

        let repaired = try check(client, queue, repair: true)
        #expect(repaired["healthy"] == true, "\(repaired)")
        #expect(repaired["repaired"].number > 0 && repaired["repaired"] == repaired["violations_total"])
        // Jobs that went back to processing are due at once and come back.
        try eventually(within: 5, "a healthy store") { try check(client, queue)["healthy"] == true }
        try expectConservation(client, queue)
        #expect(try InvariantChecker.violations(in: redis).filter { $0.queue == queue } == [])
    }

    @Test func aJobThatWasLostComesToItsWorkerAgain() throws {
        let redis = try Stage.current.redis()
        let client = try Backend.redis.connect()
        let worker = try Backend.redis.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue)
        try redis.command("DEL", "jobq:{\(queue)}:queued")
        try worker.startWaiting(queue)
        #expect(try check(client, queue, repair: true)["repaired"].number > 0)
        #expect(try worker.receive()["jobs"][0]["job"] == JSON(job))
    }

    /// More than the reply tells one by one, and more than one step looks at. They are new arrivals of their priority.
    @Test func manyLostJobsComeBackByTheirPriority() throws {
        let redis = try Stage.current.redis()
        let client = try Backend.redis.connect()
        let queue = freshQueue()
        let jobs = try client.enqueueMany(queue, 700)
        let first = try client.enqueue(queue, ["priority": 9])
        try redis.command("DEL", "jobq:{\(queue)}:queued")
        let reply = try check(client, queue, repair: true)
        #expect(reply["violations_total"].number >= 701 && reply["violations"].array.count == 100)
        #expect(reply["healthy"] == true)
        var claimed: [String] = []
        while case let batch = try client.claim(queue, ["max": 100]).map({ $0["job"].name }), !batch.isEmpty {
            claimed += batch
        }
        #expect(claimed.first == first)
        #expect(claimed.dropFirst().sorted() == jobs.sorted())
        try expectConservation(client, queue)
    }

    @Test func aUniqueKeyWithoutAHolderIsFreed() throws {
        let redis = try Stage.current.redis()
        let client = try Backend.redis.connect()
        let queue = freshQueue()
        let holder = try client.enqueue(queue, ["unique": ["key": "held"]])
        try redis.command("DEL", "jobq:{\(queue)}:unique:held")
        try redis.command("SET", "jobq:{\(queue)}:unique:stray", "nobody")
        #expect(try check(client, queue)["violations_total"].number >= 2)
        #expect(try check(client, queue, repair: true)["healthy"] == true)
        #expect(try redis.command("EXISTS", "jobq:{\(queue)}:unique:stray").int == 0)
        #expect(try client.enqueue(queue, ["unique": ["key": "held"]]) == holder)
    }

    @Test func withoutAQueueAllAreChecked() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let client = try daemon.connect()
        let queues = try (0..<3).map { _ in try mixed(client) }
        try redis.command("ZREM", "jobq:{\(queues[0])}:queued", "a")
        try redis.command("DEL", "jobq:{\(queues[2])}:job:b")
        let found = try client.call("check")
        let places = Set(found["violations"].array.compactMap { $0["queue"].string })
        #expect(places == [queues[0], queues[2]])
        #expect(try client.call("check", ["repair": true])["healthy"] == true)
        #expect(try client.call("check")["violations_total"] == 0)
        #expect(try InvariantChecker.violations(in: redis) == [])
    }

    /// The check walks in steps, and jobs move between them: what only looks like damage is none.
    @Test func aCheckWhileOthersWorkFindsNothing() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let (client, worker) = (try daemon.connect(), try daemon.connect())
        let queue = "busy"
        try client.enqueueMany(queue, 1000, ["unique": nil])
        try client.send(["op": "check", "id": 1, "queue": JSON(queue), "repair": true])
        for number in 0..<200 {
            try worker.enqueue(queue, ["unique": ["key": JSON("k\(number)")], "expires_in_ms": 60_000])
            let claimed = try worker.claim(queue, ["max": 2])
            try worker.complete(claimed[0])
            try worker.fail(claimed[1], ["retry_in_ms": 0])
            if number % 20 == 0 {
                let reply = try client.receive()
                #expect(reply["violations_total"] == 0, "\(reply)")
                try client.send(["op": "check", "id": 1, "queue": JSON(queue), "repair": true])
            }
        }
        #expect(try client.receive()["violations_total"] == 0)
        try expectConservation(client, queue)
    }

    @Test(arguments: [(#""queue":".a""#, "queue"), (#""repair":1"#, "repair"), (#""job":"a/1""#, "job")])
    func aWrongRequestIsABadRequest(_ member: String, _ field: String) throws {
        let error = try Backend.memory.connect().request(text: #"{"op":"check",\#(member)}"#)["error"]
        #expect(error["code"] == "bad_request" && error["field"] == JSON(field))
    }

    /// The queue's keys without their times to live.
    private func keys(of queue: String, _ redis: RedisServer) throws -> [String: Keyspace.Value] {
        try Keyspace(of: redis).values.filter { $0.key.hasPrefix("jobq:{\(queue)}:") }
    }
}
