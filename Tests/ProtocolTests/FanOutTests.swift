// Topics: a publish puts one job into every bound queue, each with a life of its own, and is safe to repeat.

import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct FanOutTests {
    /// A topic that is bound to so many new queues; their names in order.
    private func topic(_ client: LineClient, queues count: Int) throws -> (topic: String, queues: [String]) {
        let topic = freshQueue("topic")
        let queues = (0..<count).map { "\(topic)-q\($0)" }
        // Bound in another order than they are answered in.
        for queue in queues.reversed() {
            let reply = try client.call("bind", ["topic": JSON(topic), "queue": JSON(queue)])
            #expect(reply["topic"] == JSON(topic) && reply["queue"] == JSON(queue))
        }
        return (topic, queues)
    }

    @Test(arguments: Backend.allCases)
    func everyBoundQueueGetsAJobWithOneID(on backend: Backend) throws {
        let client = try backend.connect()
        let (topic, queues) = try topic(client, queues: 3)
        let reply = try client.call(
            "publish", ["topic": JSON(topic), "payload": ["n": 1], "type": "order", "priority": 7, "max_attempts": 2])
        let id = try #require(reply["job_id"].string)
        #expect(id.count == 26)
        #expect(reply["jobs"] == JSON(queues.map { ["job": JSON("\($0)/\(id)"), "state": "queued"] }))
        for queue in queues {
            let claimed = try client.claimOne(queue)
            #expect(claimed["job"] == JSON("\(queue)/\(id)") && claimed["payload"] == ["n": 1])
            #expect(claimed["type"] == "order" && claimed["max_attempts"] == 2)
        }
    }

    @Test(arguments: Backend.allCases)
    func eachQueueHasItsOwnProgress(on backend: Backend) throws {
        let client = try backend.connect()
        let (topic, queues) = try topic(client, queues: 3)
        let id = try client.call("publish", ["topic": JSON(topic)])["job_id"].name
        try client.complete(client.claimOne(queues[0]))
        try client.fail(client.claimOne(queues[1]), ["retry": false])
        let states = try queues.map { try client.state("\($0)/\(id)") }
        #expect(states == ["completed", "dead", "queued"])
        for queue in queues { try expectConservation(client, queue) }
    }

    @Test(arguments: Backend.allCases)
    func aTopicWithoutQueuesTakesNothing(on backend: Backend) throws {
        let client = try backend.connect()
        let reply = try client.call("publish", ["topic": JSON(freshQueue())])
        #expect(reply["jobs"] == [])
        #expect(reply["job_id"].string?.isEmpty == false)
    }

    @Test(arguments: Backend.allCases)
    func bindingsAreListedAndEndWithUnbind(on backend: Backend) throws {
        let client = try backend.connect()
        let (topic, queues) = try topic(client, queues: 2)
        func listed() throws -> JSON? {
            try client.call("topics")["topics"].array.first { $0["topic"] == JSON(topic) }
        }
        #expect(try listed() == ["topic": JSON(topic), "queues": JSON(queues.map { JSON($0) })])
        let reply = try client.call("unbind", ["topic": JSON(topic), "queue": JSON(queues[0])])
        #expect(reply["topic"] == JSON(topic) && reply["queue"] == JSON(queues[0]))
        #expect(try client.call("publish", ["topic": JSON(topic)])["jobs"].array.count == 1)
        try client.call("unbind", ["topic": JSON(topic), "queue": JSON(queues[1])])
        #expect(try listed() == nil)
        #expect(try client.call("publish", ["topic": JSON(topic)])["jobs"] == [])
        let names = try client.call("topics")["topics"].array.compactMap { $0["topic"].string }
        #expect(names == names.sorted())
    }

    @Test(arguments: Backend.allCases)
    func aBindingIsMadeOnceAndEndedOnce(on backend: Backend) throws {
        let client = try backend.connect()
        let (topic, queues) = try topic(client, queues: 1)
        let binding: JSON = ["topic": JSON(topic), "queue": JSON(queues[0])]
        let again = try client.refused("bind", binding)
        #expect(again["code"] == "bad_request" && again["field"] == "queue")
        #expect(try client.call("publish", ["topic": JSON(topic)])["jobs"].array.count == 1)
        try client.call("unbind", binding)
        #expect(try client.refused("unbind", binding)["code"] == "not_found")
        #expect(try client.refused("unbind", ["topic": "no-such-topic", "queue": "q"])["code"] == "not_found")
        try client.call("bind", binding)
    }

    @Test(arguments: Backend.allCases)
    func aQueueMayBeBoundToSeveralTopics(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let topics = ["one", "two"].map { freshQueue($0) }
        for topic in topics { try client.call("bind", ["topic": JSON(topic), "queue": JSON(queue)]) }
        for topic in topics { try client.call("publish", ["topic": JSON(topic), "payload": JSON(topic)]) }
        #expect(try client.claim(queue, ["max": 9]).map { $0["payload"] } == topics.map { JSON($0) })
    }

    @Test(arguments: Backend.allCases)
    func aFullQueueDoesNotKeepTheOthersFromTheirJob(on backend: Backend) throws {
        let client = try backend.connect()
        let (topic, queues) = try topic(client, queues: 3)
        try client.call("configure", ["create": true, "queue": JSON(queues[1]), "max_len": 1])
        try client.enqueue(queues[1])
        let first = try client.call("publish", ["topic": JSON(topic), "payload": 1])
        let id = first["job_id"].name
        #expect(first["jobs"][0] == ["job": JSON("\(queues[0])/\(id)"), "state": "queued"])
        #expect(first["jobs"][1]["queue"] == JSON(queues[1]) && first["jobs"][1]["ok"] == false)
        let error = first["jobs"][1]["error"]
        #expect(error["code"] == "queue_full" && error["retryable"] == true && error["retry_after_ms"] == 1000)
        #expect(first["jobs"][2]["state"] == "queued")
        // Repeated under its id when there is room: only the missing one comes.
        try client.complete(client.claimOne(queues[1]))
        try client.complete(client.claimOne(queues[0]))
        let again = try client.call("publish", ["topic": JSON(topic), "payload": 1, "job_id": JSON(id)])
        #expect(again["job_id"] == JSON(id))
        #expect(again["jobs"][0] == ["job": JSON("\(queues[0])/\(id)"), "state": "completed", "duplicate": true])
        #expect(again["jobs"][1] == ["job": JSON("\(queues[1])/\(id)"), "state": "queued"])
        #expect(again["jobs"][2] == ["job": JSON("\(queues[2])/\(id)"), "state": "queued", "duplicate": true])
        for (queue, count) in zip(queues, [1, 2, 1]) {
            #expect(try client.stats(queue)["totals"]["enqueued"].int == count)
            try expectConservation(client, queue)
        }
    }

    @Test(arguments: Backend.allCases)
    func aUniqueKeyIsHeldInEachQueueByItself(on backend: Backend) throws {
        let client = try backend.connect()
        let (topic, queues) = try topic(client, queues: 2)
        let holder = try client.enqueue(queues[0], ["unique": ["key": "k"]])
        let request: JSON = ["topic": JSON(topic), "unique": ["key": "k"], "delay_ms": 60_000]
        let jobs = try client.call("publish", request)["jobs"]
        #expect(jobs[0] == ["job": JSON(holder), "state": "queued", "duplicate": true])
        #expect(jobs[1]["state"] == "scheduled" && !jobs[1].has("duplicate"))
    }

    @Test(arguments: Backend.allCases)
    func aPublishWakesWaitingClaims(on backend: Backend) throws {
        let client = try backend.connect()
        let (topic, queues) = try topic(client, queues: 2)
        let workers = try queues.map { queue in
            let worker = try backend.connect()
            try worker.startWaiting(queue)
            return worker
        }
        let seconds = try elapsed { () throws in
            try client.call("publish", ["topic": JSON(topic), "payload": "now"])
            for worker in workers { #expect(try worker.receive()["jobs"][0]["payload"] == "now") }
        }
        #expect(seconds < 0.9)
    }

    @Test func bindingsAreTheSameForEveryDaemonAndOutliveThem() throws {
        let client = try Backend.redis.connect()
        let other = try Daemon(.redis(try Stage.current.redis()))
        let (topic, queues) = try topic(client, queues: 2)
        #expect(try other.connect().call("publish", ["topic": JSON(topic)])["jobs"].array.count == 2)
        try other.connect().call("unbind", ["topic": JSON(topic), "queue": JSON(queues[0])])
        #expect(try client.call("publish", ["topic": JSON(topic)])["jobs"].array.count == 1)
        try other.restart()
        let listed = try other.connect().call("topics")["topics"].array.first { $0["topic"] == JSON(topic) }
        #expect(listed?["queues"] == [JSON(queues[1])])
    }

    @Test(arguments: [
        (#"{"op":"publish"}"#, "topic"), (#"{"op":"publish","topic":"a b"}"#, "topic"),
        (#"{"op":"publish","topic":"t","queue":"q"}"#, "queue"), (#"{"op":"publish","topic":"t","jobs":[{}]}"#, "jobs"),
        (#"{"op":"publish","topic":"t","priority":101}"#, "priority"), (#"{"op":"bind","topic":"t"}"#, "queue"),
        (#"{"op":"bind","queue":"q"}"#, "topic"), (#"{"op":"bind","topic":"t","queue":"*"}"#, "queue"),
        (#"{"op":"unbind","topic":".t","queue":"q"}"#, "topic"), (#"{"op":"topics","topic":"t"}"#, "topic"),
    ])
    func aWrongRequestIsABadRequestThatNamesTheMember(_ line: String, _ field: String) throws {
        let error = try Backend.memory.connect().request(text: line)["error"]
        #expect(error["code"] == "bad_request" && error["field"] == JSON(field))
    }
}
