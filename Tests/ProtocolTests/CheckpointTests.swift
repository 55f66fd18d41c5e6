// What a worker leaves in its job: a checkpoint for the next attempt, and lines for the log. Both byte for byte.

import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct CheckpointTests {
    @Test(arguments: Backend.allCases)
    func aCheckpointIsHandedToTheNextAttempts(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.enqueue(queue, ["max_attempts": 9])
        var claimed = try client.claimOne(queue)
        #expect(!claimed.has("checkpoint"))
        try client.extend(claimed, ["checkpoint": ["row": 17]])
        try client.fail(claimed, ["retry_in_ms": 1])
        claimed = try client.claimOne(queue)
        #expect(claimed["checkpoint"] == ["row": 17])
        try client.extend(claimed, ["progress": 0.5])
        try client.release(claimed)
        claimed = try client.claimOne(queue, ["lease_ms": 100])
        #expect(claimed["checkpoint"] == ["row": 17])
        try client.extend(claimed, ["checkpoint": ["row": 18], "lease_ms": 100])
        claimed = try client.claimOne(queue)
        #expect(claimed["checkpoint"] == ["row": 18])
        #expect(try client.record(claimed["job"].name)["checkpoint"] == ["row": 18])
    }

    @Test(arguments: Backend.allCases)
    func aCheckpointOutlivesDeathAndRequeue(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue)
        let claimed = try client.claimOne(queue)
        try client.extend(claimed, ["checkpoint": "half"])
        try client.fail(claimed, ["retry": false])
        #expect(try client.record(job)["checkpoint"] == "half")
        try client.call("requeue", ["job": JSON(job)])
        #expect(try client.claimOne(queue)["checkpoint"] == "half")
    }

    @Test(
        arguments: Backend.allCases,
        ["{\"b\":1.10,  \"a\":2,\"b\":3}", "12345678901234567890", "\"\\u00e9\\/\"", "null", "[ ]"])
    func aCheckpointPassesByteForByte(on backend: Backend, _ value: String) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.enqueue(queue)
        let claimed = try client.claimOne(queue)
        let reply = try client.request(
            text: #"{"op":"extend","job":\#(claimed["job"]),"token":\#(claimed["token"]),"checkpoint":\#(value)}"#)
        #expect(reply["ok"] == true)
        try client.sendRaw("{\"op\":\"get\",\"job\":\(claimed["job"])}\n")
        #expect(try client.readLine().contains("\"checkpoint\":\(value)"))
        try client.release(claimed)
        try client.sendRaw("{\"op\":\"claim\",\"queue\":\"\(queue)\"}\n")
        #expect(try client.readLine().contains("\"checkpoint\":\(value)"))
    }

    @Test(arguments: Backend.allCases)
    func theNextClaimOfACompletionHasItToo(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.enqueueMany(queue, 2)
        let (first, second) = (try client.claimOne(queue), try client.claimOne(queue))
        try client.extend(first, ["checkpoint": [1, 2]])
        try client.release(first)
        let reply = try client.complete(second, ["next": ["queue": JSON(queue)]])
        #expect(reply["jobs"][0]["checkpoint"] == [1, 2])
    }

    @Test(arguments: Backend.allCases)
    func aLogIsShownOldestFirst(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue)
        #expect(!(try client.record(job).has("log")))
        let claimed = try client.claimOne(queue)
        let line = #""row \u00e9\t\"q\"""#
        let proof = #""job":\#(claimed["job"]),"token":\#(claimed["token"])"#
        #expect(try client.request(text: #"{"op":"extend",\#(proof),"log":\#(line)}"#)["ok"] == true)
        try client.extend(claimed, ["log": "two", "progress": 2])
        try client.release(claimed)
        let again = try client.claimOne(queue)
        try client.extend(again, ["log": "three"])
        #expect(try client.record(job)["log"] == ["row \u{E9}\t\"q\"", "two", "three"])
        try client.sendRaw("{\"op\":\"get\",\"job\":\(claimed["job"])}\n")
        #expect(try client.readLine().contains("\"log\":[\(line),\"two\",\"three\"]"))
        try client.complete(again)
        #expect(try client.record(job)["log"].array.count == 3)
    }

    @Test(arguments: Backend.allCases)
    func aLogKeepsItsLastHundredLines(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue)
        let claimed = try client.claimOne(queue)
        for number in 0..<257 { try client.extend(claimed, ["log": JSON("line \(number)")]) }
        #expect(try client.record(job)["log"] == JSON((157..<257).map { JSON("line \($0)") }))
    }

    @Test(arguments: Backend.allCases)
    func aListShowsNeither(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.enqueue(queue, ["unique": ["key": "k"]])
        try client.extend(client.claimOne(queue), ["log": "one", "checkpoint": 1])
        let listed = try client.call("list", ["queue": JSON(queue), "state": "processing"])["jobs"][0]
        #expect(!listed.has("log") && !listed.has("checkpoint"))
        #expect(listed["unique"] == "k")
    }

    @Test(arguments: Backend.allCases)
    func aStaleTokenLeavesNothing(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue)
        let stale = try client.claimOne(queue)
        try client.release(stale)
        let claimed = try client.claimOne(queue)
        let error = try client.refused("extend", LineClient.proof(stale, ["log": "x", "checkpoint": 1]))
        #expect(error["code"] == "lease_lost")
        let record = try client.record(job)
        #expect(!record.has("log") && !record.has("checkpoint"))
        #expect(!claimed.has("checkpoint"))
    }

    @Test(arguments: Backend.allCases)
    func manyExtensionsHaveTheirOwn(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let jobs = try client.enqueueMany(queue, 3)
        let claimed = try client.claim(queue, ["max": 3])
        let items = claimed.enumerated().map {
            LineClient.proof($1, ["checkpoint": JSON($0), "log": JSON("of \($0)")])
        }
        // Twice the same job in one request: both lines, the last checkpoint.
        let again = LineClient.proof(claimed[0], ["checkpoint": 9, "log": "again"])
        let replies = try client.call("extend", ["jobs": JSON(items + [again])])["jobs"].array
        #expect(replies.allSatisfy { $0["ok"] == true })
        let records = try jobs.map { try client.record($0) }
        #expect(records.map { $0["checkpoint"] } == [9, 1, 2])
        #expect(records.map { $0["log"] } == [["of 0", "again"], ["of 1"], ["of 2"]])
    }

    @Test(arguments: [
        ("log", "\"\(String(repeating: "l", count: 4097))\""), ("log", #""a\nb""#), ("log", "5"), ("log", #""\r""#),
        ("checkpoint", "\"\(String(repeating: "c", count: 65_536))\""),
    ])
    func whatIsTooLongOrNoLineIsABadRequest(_ member: String, _ value: String) throws {
        let client = try Backend.memory.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue)
        let claimed = try client.claimOne(queue)
        let proof = #""job":\#(claimed["job"]),"token":\#(claimed["token"])"#
        let error = try client.request(text: #"{"op":"extend",\#(proof),"\#(member)":\#(value)}"#)["error"]
        #expect(error["code"] == "bad_request" && error["field"] == JSON(member))
        #expect(!(try client.record(job).has(member)))
    }
}
