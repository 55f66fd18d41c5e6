// Claims by pattern: which queues they find, in which order, and when these appear later.

import Foundation
import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct PatternClaimTests {
    private static func json(_ queues: [String]) -> JSON { .array(queues.map { JSON.string($0) }) }

    private func claim(_ client: LineClient, _ queues: [String], _ members: JSON = [:]) throws -> [JSON] {
        var members = members
        members["queues"] = Self.json(queues)
        return try client.call("claim", members)["jobs"].array
    }

    @Test(arguments: Backend.allCases)
    func aPatternFindsJobsOfEveryQueueThatMatchesAndOfNoOther(on backend: Backend) throws {
        let client = try backend.connect()
        let base = freshQueue("tenant")
        for name in ["a", "b", "c"] { try client.enqueue("\(base).\(name)") }
        try client.enqueue("other-\(base)")
        var found: Set<String> = []
        for _ in 0..<3 { found.insert(try claim(client, ["\(base).*"]).first?["queue"].string ?? "none") }
        #expect(found == ["\(base).a", "\(base).b", "\(base).c"])
        #expect(try claim(client, ["\(base).*"]).isEmpty)
        #expect(try claim(client, ["\(base).?"], ["wait_ms": 50]).isEmpty)
    }

    @Test(arguments: Backend.allCases)
    func aWaitingClaimGetsAJobOfAQueueThatAppears(on backend: Backend) throws {
        let (worker, client) = (try backend.connect(), try backend.connect())
        let base = freshQueue("later")
        try client.enqueue("\(base).known")
        _ = try claim(client, ["\(base).*"])
        try worker.send(["op": "claim", "id": 1, "queues": Self.json(["\(base).*"]), "wait_ms": 30_000])
        _ = try worker.request(["op": "ping", "id": 2, "store": true])
        try client.enqueue("\(base).new")
        #expect(try worker.receive()["jobs"][0]["queue"] == JSON("\(base).new"))
    }

    @Test func aQueueOfAnotherDaemonIsFoundToo() throws {
        let redis = try RedisServer()
        let (first, second) = (try Daemon(.redis(redis)), try Daemon(.redis(redis)))
        let (worker, client) = (try first.connect(), try second.connect())
        try worker.send(["op": "claim", "id": 1, "queues": ["far.*"], "wait_ms": 30_000])
        _ = try worker.request(["op": "ping", "id": 2, "store": true])
        try client.enqueue("far.away")
        #expect(try worker.receive()["jobs"][0]["queue"] == "far.away")
        // Known now, and listened to: the next job needs no look at the list.
        try worker.send(["op": "claim", "id": 3, "queues": ["far.*"], "wait_ms": 30_000])
        _ = try worker.request(["op": "ping", "id": 4, "store": true])
        try client.enqueue("far.away")
        #expect(try worker.receive()["jobs"].array.count == 1)
    }

    @Test(arguments: Backend.allCases)
    func strictGoesByThePlaceOfThePatternAndItsQueuesTakeTurns(on backend: Backend) throws {
        let client = try backend.connect()
        let base = freshQueue("turns")
        for name in ["a", "b"] { try client.enqueueMany("\(base).\(name)", 4) }
        try client.enqueueMany("\(base)-urgent", 2)
        try client.enqueueMany("\(base)-low", 1)
        let queues = ["\(base)-urgent", "\(base).*", "\(base)-low"]
        let order = try (0..<11).map { _ in try claim(client, queues).first?["queue"].string ?? "" }
        #expect(order[0..<2].allSatisfy { $0 == "\(base)-urgent" })
        #expect(order[10] == "\(base)-low")
        for pair in stride(from: 2, to: 10, by: 2) {
            #expect(Set(order[pair..<(pair + 2)]) == ["\(base).a", "\(base).b"])
        }
    }

    @Test(arguments: Backend.allCases)
    func weightedGivesEachQueueOfAPatternItsShare(on backend: Backend) throws {
        let client = try backend.connect()
        let base = freshQueue("fair")
        for name in ["a", "b"] { try client.enqueueMany("\(base).\(name)", 300) }
        try client.enqueueMany("\(base)-vip", 300)
        var counts: [String: Int] = [:]
        let weights = JSON.object(["\(base)-vip": 2])
        for _ in 0..<400 {
            let jobs = try claim(
                client, ["\(base).*", "\(base)-vip"], ["strategy": "weighted", "weights": weights])
            counts[jobs.first?["queue"].string ?? "", default: 0] += 1
        }
        for (queue, share) in [("\(base).a", 100), ("\(base).b", 100), ("\(base)-vip", 200)] {
            #expect(abs(counts[queue, default: 0] - share) <= 10, "\(queue) \(counts)")
        }
    }

    @Test(arguments: Backend.allCases)
    func aPausedQueueIsPassedOverAndFoundWhenItIsResumed(on backend: Backend) throws {
        let (worker, client) = (try backend.connect(), try backend.connect())
        let base = freshQueue("paused")
        try client.enqueue("\(base).a")
        try client.call("pause", ["queue": JSON("\(base).a")])
        #expect(try claim(worker, ["\(base).*"]).isEmpty)
        try worker.send(["op": "claim", "id": 1, "queues": Self.json(["\(base).*"]), "wait_ms": 30_000])
        _ = try worker.request(["op": "ping", "id": 2, "store": true])
        try client.call("resume", ["queue": JSON("\(base).a")])
        #expect(try worker.receive()["jobs"][0]["queue"] == JSON("\(base).a"))
    }

    @Test(arguments: Backend.allCases)
    func nextMayNameAPatternAndAWaitingOneIsCancelled(on backend: Backend) throws {
        let client = try backend.connect()
        let base = freshQueue("next")
        try client.enqueueMany("\(base).a", 1)
        try client.enqueueMany("\(base).b", 1)
        let first = try #require(try claim(client, ["\(base).*"]).first)
        let second = try client.complete(first, ["next": ["queues": Self.json(["\(base).*"])]])
        #expect(second["jobs"].array.count == 1)
        try client.send(["op": "claim", "id": 7, "queues": Self.json(["\(base).*"]), "wait_ms": 30_000])
        #expect(try client.request(["op": "cancel_wait", "target": 7])["error"]["code"] == "cancelled")
        #expect(try client.receive()["cancelled"] == true)
    }

    @Test func aBadPatternIsRefusedWithWhatIsValid() throws {
        let client = try Backend.memory.connect()
        for bad in ["te nant.*", "a/*", ""] {
            let error = try client.refused("claim", ["queues": [JSON(bad)]])
            #expect(error["code"] == "bad_request" && error["field"] == "queues")
        }
        #expect(try client.refused("claim", ["queue": "tenant.*"])["field"] == "queue")
    }
}
