// The many forms of the token operations, and `next`: one round trip a job. Shown are the order of the answers, that
// one bad item refuses all, that one lost lease does not, and where the claimed jobs stand. The single forms have their
// own suites.

import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct BatchTests {
    @Test(arguments: Backend.allCases)
    func manyCompletionsAreAnsweredOneByOneInTheirOrder(on backend: Backend) throws {
        let client = try backend.connect()
        let (first, second) = (freshQueue("one"), freshQueue("two"))
        try client.enqueueMany(first, 50)
        try client.enqueueMany(second, 50)
        let claimed = try client.claim(first, ["max": 50]) + client.claim(second, ["max": 50])
        var items = claimed.enumerated().map { LineClient.proof($1, ["result": JSON($0)]) }
        items.insert(["job": "nowhere/1", "token": "1-a"], at: 10)
        items.insert(["job": claimed[0]["job"], "token": "1-a"], at: 20)
        let replies = try client.call("complete", ["jobs": JSON(items)])["jobs"].array
        #expect(replies.count == 102)
        for (index, reply) in replies.enumerated() {
            switch index {
            case 10:
                #expect(reply["ok"] == false)
                #expect(reply["error"]["code"] == "not_found")
            case 20: #expect(reply["error"]["code"] == "lease_lost")
            default:
                #expect(reply["ok"] == true)
                #expect(reply["state"] == "completed")
            }
        }
        #expect(try client.record(claimed[7]["job"].string!)["result"] == 7)
        #expect(try client.stats(first)["totals"]["completed"] == 50)
    }

    @Test(arguments: Backend.allCases)
    func manyFailuresReleasesAndExtensionsWorkAlike(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.enqueueMany(queue, 3)
        let claimed = try client.claim(queue, ["max": 3])
        let extended = try client.call("extend", ["jobs": JSON(claimed.map { LineClient.proof($0, ["progress": 1]) })])[
            "jobs"
        ].array
        #expect(extended.allSatisfy { $0["ok"] == true && $0["lease_until"].int != nil })
        let released = try client.call("release", ["jobs": [LineClient.proof(claimed[0])]])["jobs"]
        #expect(released == [["ok": true, "state": "queued"]])
        let failures: JSON = [
            LineClient.proof(claimed[1], ["retry": false, "error": "x"]),
            LineClient.proof(claimed[2], ["retry_in_ms": 5000]), LineClient.proof(claimed[0]),
        ]
        let failed = try client.call("fail", ["jobs": failures])["jobs"]
        #expect(failed[0]["state"] == "dead")
        #expect(failed[1]["state"] == "retrying" && failed[1]["run_at"].int != nil)
        #expect(failed[2]["error"]["code"] == "lease_lost")
        #expect(failed[2]["error"]["state"] == "queued")
    }

    @Test(arguments: Backend.allCases)
    func aJobTwiceInOneRequestIsCompletedOnce(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.enqueue(queue)
        let proof = LineClient.proof(try client.claimOne(queue))
        let replies = try client.call("complete", ["jobs": [proof, proof]])["jobs"]
        #expect(replies == [["ok": true, "state": "completed"], ["ok": true, "state": "completed"]])
        #expect(try client.stats(queue)["totals"]["completed"] == 1)
    }

    @Test(arguments: ["complete", "fail", "extend", "release"])
    func anInvalidItemRefusesTheWholeRequest(_ op: String) throws {
        let client = try Backend.memory.connect()
        let good: JSON = ["job": "a/b", "token": "1-a"]
        let error = try client.refused(op, ["jobs": [good, ["job": "a/b"], good]])
        #expect(error["code"] == "bad_request")
        #expect(error["index"] == 1)
        #expect(error["field"] == "token")
        #expect(
            try client.refused(op, ["jobs": [good, ["job": "a/b", "token": "1-a", "zeal": 1]]])["field"] == "zeal")
        #expect(try client.refused(op, ["jobs": []])["code"] == "bad_request")
        #expect(try client.refused(op, ["jobs": JSON(Array(repeating: good, count: 1001))])["code"] == "bad_request")
        #expect(try client.refused(op, ["jobs": [good], "job": "a/b", "token": "1-a"])["code"] == "bad_request")
        #expect(try client.call(op, ["jobs": JSON(Array(repeating: good, count: 1000))])["jobs"].array.count == 1000)
    }

    @Test(arguments: Backend.allCases, ["complete", "fail"])
    func nextGivesTheNextJobInTheSameReply(on backend: Backend, _ op: String) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let jobs = try client.enqueueMany(queue, 10, ["max_attempts": 1])
        var claimed = try client.claimOne(queue)
        for number in 1..<10 {
            let reply = try client.call(op, LineClient.proof(claimed, ["next": ["queue": JSON(queue)]]))
            #expect(reply["state"] == (op == "complete" ? "completed" : "dead"))
            #expect(reply["jobs"].array.count == 1)
            claimed = reply["jobs"][0]
            #expect(claimed["job"] == JSON(jobs[number]))
        }
        let last = try client.call(op, LineClient.proof(claimed, ["next": ["queue": JSON(queue)]]))
        #expect(last["jobs"] == [])
    }

    @Test(arguments: Backend.allCases)
    func theCompletionTakesEffectAtOnceThoughTheReplyWaits(on backend: Backend) throws {
        let client = try backend.connect()
        let other = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue)
        let claimed = try client.claimOne(queue)
        var request = LineClient.proof(claimed, ["next": ["queues": [JSON(queue)], "wait_ms": 10_000, "max": 5]])
        request["op"] = "complete"
        try client.send(request)
        try eventually(within: 2, "completed") { try other.state(job) == "completed" }
        #expect(try client.staysSilent(for: 0.05))
        try other.enqueue(queue, ["payload": "next"])
        let reply = try client.receive()
        #expect(reply["state"] == "completed")
        #expect(reply["jobs"][0]["payload"] == "next")
    }

    @Test(arguments: Backend.allCases)
    func nextOfManyStandsBesideTheOutcomes(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.enqueueMany(queue, 6)
        let claimed = try client.claim(queue, ["max": 3])
        let reply = try client.call(
            "complete",
            ["jobs": JSON(claimed.map { LineClient.proof($0) }), "next": ["queue": JSON(queue), "max": 100]])
        #expect(reply["jobs"].array.map { $0["state"] } == ["completed", "completed", "completed"])
        #expect(reply["next"]["jobs"].array.map { $0["payload"] } == [3, 4, 5])
    }

    @Test func nextIsCheckedBeforeAnythingHappens() throws {
        let client = try Backend.memory.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue)
        let claimed = try client.claimOne(queue)
        for next: JSON in [[:], ["queue": "a b"], ["queue": "a", "max": 0], ["queue": "a", "op": "claim"], 7] {
            let error = try client.refused("complete", LineClient.proof(claimed, ["next": next]))
            #expect(error["code"] == "bad_request")
            #expect(error["field"].string?.isEmpty == false)
        }
        #expect(try client.state(job) == "processing")
    }

    @Test(arguments: Backend.allCases)
    func aRefusedCompletionStillClaimsOrSaysWhy(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue)
        let reply = try client.request([
            "op": "complete", "job": JSON(job), "token": "1-a", "next": ["queue": JSON(queue), "wait_ms": 5000],
        ])
        #expect(reply["ok"] == false)
        #expect(reply["error"]["code"] == "lease_lost")
        // No job may be lost on the way: either it came with the reply, or it is still there.
        if reply["jobs"].array.isEmpty {
            #expect(try client.claimOne(queue)["attempt"] == 1)
        }
    }
}
