// Looking and steering: list with cursors, queues, stats, info, ping, pause and resume, reclaim. Each test works on a
// queue of its own on the suite's daemons, with both stores. Requeue, removal, configure and check have
// suites of their own.

import Foundation
import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct AdministrationTests {
    @Test(
        arguments: Backend.allCases,
        ["queued", "scheduled", "retrying", "processing", "completed", "dead", "cancelled", "expired"])
    func aListIsReadPageByPage(on backend: Backend, _ state: String) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        var expected = try fill(client, queue, state, 17)
        // Newest first in the histories; otherwise in the order of their time, which is the end of the record for the
        // cancelled and expired.
        if state == "completed" || state == "dead" { expected.reverse() }
        var found: [String] = []
        var cursor: JSON = nil
        var pages = 0
        repeat {
            let reply = try client.call(
                "list", ["queue": JSON(queue), "state": JSON(state), "limit": 5, "cursor": cursor])
            #expect(reply["jobs"].array.count <= 5)
            for job in reply["jobs"].array {
                #expect(job["state"] == JSON(state))
                #expect(!job.has("payload") && !job.has("result") && !job.has("token"))
                #expect(job["queue"] == JSON(queue) && job.has("attempts") && job.has("enqueued_at"))
            }
            found += reply["jobs"].array.compactMap { $0["job"].string }
            cursor = reply["cursor"]
            pages += 1
        } while !cursor.isNull && pages < 20
        #expect(found == expected)
        #expect(pages <= 5)
    }

    @Test(arguments: Backend.allCases)
    func aListByTypeShowsOnlyThatType(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        for number in 0..<30 { try client.enqueue(queue, ["type": JSON(number % 3 == 0 ? "mail" : "other")]) }
        var found = 0
        var cursor: JSON = nil
        repeat {
            let reply = try client.call(
                "list", ["queue": JSON(queue), "state": "queued", "type": "mail", "limit": 4, "cursor": cursor])
            #expect(reply["jobs"].array.allSatisfy { $0["type"] == "mail" })
            found += reply["jobs"].array.count
            cursor = reply["cursor"]
        } while !cursor.isNull
        #expect(found == 10)
    }

    @Test(arguments: Backend.allCases)
    func jobsThatComeBetweenPagesRepeatNothing(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let jobs = try client.enqueueMany(queue, 10)
        let first = try client.call("list", ["queue": JSON(queue), "state": "queued", "limit": 5])
        try client.enqueue(queue, ["front": true])
        try client.enqueue(queue, ["priority": 50])
        let second = try client.call(
            "list", ["queue": JSON(queue), "state": "queued", "limit": 5, "cursor": first["cursor"]])
        let seen = (first["jobs"].array + second["jobs"].array).compactMap { $0["job"].string }
        #expect(seen == jobs)
    }

    @Test(arguments: Backend.allCases)
    func aCursorThatWasNeverGivenOutIsABadRequest(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.enqueue(queue)
        let error = try client.refused("list", ["queue": JSON(queue), "state": "queued", "cursor": "made up"])
        #expect(error["code"] == "bad_request")
        #expect(error["field"] == "cursor")
    }

    @Test(arguments: Backend.allCases, ["queued", "retrying", "completed", "dead", "cancelled", "expired"])
    func aMadeUpCursorBreaksNothing(on backend: Backend, _ state: String) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        _ = try fill(client, queue, state, 2)
        for cursor in [
            "x", "0", "-1", "9 x", "99999999999999999999999", "99999999999999999999-1", "1-99999999999999999999",
            "1e400 a", "5:a", "(0-0", "+", "-9 \u{1}",
        ] {
            let reply = try client.request([
                "op": "list", "queue": JSON(queue), "state": JSON(state), "cursor": JSON(cursor),
            ])
            #expect(reply["error"]["code"] != "internal", "\(cursor)")
            #expect(reply["jobs"].array.count <= 2, "\(cursor)")
        }
    }

    @Test(arguments: Backend.allCases, ["stats", "resume", "reclaim", "list"])
    func aQueueThatDoesNotExistIsNotFound(on backend: Backend, _ op: String) throws {
        let client = try backend.connect()
        var request: JSON = ["queue": "no-such-queue"]
        if op == "list" { request["state"] = "queued" }
        #expect(try client.refused(op, request)["code"] == "not_found")
    }

    @Test(arguments: Backend.allCases)
    func aPausedQueueGivesNothingUntilItIsResumed(on backend: Backend) throws {
        let client = try backend.connect()
        let worker = try backend.connect()
        let (paused, open) = (freshQueue("paused"), freshQueue("open"))
        try client.enqueue(paused)
        let reply = try client.call("pause", ["create": true, "queue": JSON(paused)])
        #expect(reply["paused"] == true)
        #expect(try client.claim(paused).isEmpty)
        try client.enqueue(open)
        #expect(try client.call("claim", ["queues": [JSON(paused), JSON(open)]])["jobs"][0]["queue"] == JSON(open))
        #expect(try client.call("enqueue", ["queue": JSON(paused)])["state"] == "queued")
        try worker.startWaiting(paused)
        #expect(try worker.staysSilent(for: 0.15))
        let seconds = try elapsed { () throws in
            #expect(try client.call("resume", ["queue": JSON(paused)])["paused"] == false)
            #expect(try worker.receive()["jobs"].array.count == 1)
        }
        #expect(seconds < 0.9)
    }

    @Test(arguments: Backend.allCases)
    func aPauseWithAnEndEndsByItself(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.enqueue(queue)
        let until = Int(Date().timeIntervalSince1970 * 1000) + 400
        #expect(
            try client.call("pause", ["create": true, "queue": JSON(queue), "until": JSON(until)])["until"]
                == JSON(until))
        #expect(try client.claim(queue).isEmpty)
        let claimed = try client.claimOne(queue)
        let late = try client.record(claimed["job"].string!)["claimed_at"].int! - until
        #expect(late >= 0 && late < 1000, "\(late) ms")
    }

    @Test(arguments: Backend.allCases)
    func pauseMakesAQueueAndWorkUnderWayGoesOn(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.call("pause", ["create": true, "queue": JSON(queue)])
        #expect(try find(queue, client)["paused"] == true)
        try client.call("resume", ["queue": JSON(queue)])
        try client.enqueue(queue)
        let claimed = try client.claimOne(queue)
        try client.call("pause", ["create": true, "queue": JSON(queue)])
        #expect(try client.complete(claimed)["state"] == "completed")
    }

    @Test(arguments: Backend.allCases)
    func queuesShowsDepthAndTheAgeOfTheOldestJob(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.enqueueMany(queue, 3)
        try client.enqueue(queue, ["delay_ms": 60_000])
        _ = try client.claimOne(queue)
        for ending in [JobEnding.cancelled, .cancelled, .deleted] { try ending.bring(newJobOf: queue, client) }
        try eventually(within: 3, "an age of 50 ms") { try find(queue, client)["latency_ms"].int! >= 50 }
        let shown = try find(queue, client)
        #expect(shown["depth"]["queued"] == 2)
        #expect(shown["depth"]["scheduled"] == 1)
        #expect(shown["depth"]["processing"] == 1)
        #expect(shown["depth"]["cancelled"] == 2 && shown["depth"]["expired"] == 0)
        #expect(shown["paused"] == false)
        #expect(shown["latency_ms"].int! < 10_000)
    }

    @Test(arguments: Backend.allCases)
    func statsCountsEveryTransitionAndNothingIsLost(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.enqueueMany(queue, 20)
        var claimed = try client.claim(queue, ["max": 20])
        for _ in 0..<5 { try client.complete(claimed.removeFirst()) }
        for _ in 0..<4 { try client.fail(claimed.removeFirst(), ["retry": false]) }
        for _ in 0..<3 { try client.fail(claimed.removeFirst(), ["retry_in_ms": 60_000]) }
        for _ in 0..<2 { try client.release(claimed.removeFirst()) }
        for _ in 0..<2 { try client.release(claimed.removeFirst(), ["delay_ms": 60_000]) }
        let stats = try client.stats(queue)
        let depth: [String: JSON] = [
            "queued": 2, "scheduled": 2, "retrying": 3, "processing": 4, "completed": 5, "dead": 4,
        ]
        for (state, count) in depth { #expect(stats["depth"][state] == count, "\(state) in \(stats)") }
        let totals: [String: JSON] = [
            "enqueued": 20, "claimed": 20, "completed": 5, "failed": 7, "retried": 3, "dead": 4, "released": 4,
            "reclaimed": 0, "expired": 0, "cancelled": 0, "requeued": 0, "deleted": 0,
        ]
        for (name, count) in totals { #expect(stats["totals"][name] == count, "\(name) in \(stats)") }
        try expectConservation(client, queue)
        let all = try client.call("stats")
        #expect(all["totals"]["enqueued"].int! >= 20)
        #expect(all["depth"]["dead"].int! >= 4)
    }

    @Test(arguments: Backend.allCases)
    func reclaimSweepsOneQueueOrAll(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.enqueue(queue)
        for request: JSON in [["queue": JSON(queue)], [:]] {
            let reply = try client.call("reclaim", request)
            for name in ["reclaimed", "promoted", "expired"] { #expect(reply[name].int != nil, "\(reply)") }
        }
    }

    @Test(arguments: Backend.allCases)
    func pingTellsTheTimeAndInfoTheState(on backend: Backend) throws {
        let client = try backend.connect()
        let now = Date().timeIntervalSince1970 * 1000
        #expect(abs(Double(try client.call("ping")["at"].int ?? 0) - now) < 10_000)
        #expect(abs(Double(try client.call("ping", ["store": true])["at"].int ?? 0) - now) < 10_000)
        let info = try client.call("info")
        #expect(info["version"].string?.isEmpty == false)
        #expect(info["protocol"] == 1)
        #expect(info["pid"].int == Int(try backend.daemon().pid))
        #expect(info["uptime_ms"].int != nil)
        #expect(info["store"] == JSON(backend.rawValue))
        for count in ["connections", "workers", "waiting_claims", "connections_dropped"] {
            #expect(info[count].int != nil, "\(count) in \(info)")
        }
        if backend == .redis {
            #expect(info["redis"]["state"] == "ready")
            #expect(info["redis"]["role"] == "master")
            #expect(info["redis"]["version"].string?.first?.isNumber == true)
            #expect(info["redis"]["address"].string?.contains("redis.sock") == true)
        }
    }

    @Test func infoCountsConnectionsWorkersAndWaitingClaims() throws {
        let daemon = try Daemon(.memory)
        let client = try daemon.connect()
        let workers = try (0..<3).map { _ in try daemon.connect() }
        try workers[0].call("hello", ["worker": "a"])
        try workers[1].call("hello", ["worker": "b"])
        try workers[2].send(["op": "claim", "queue": "q", "wait_ms": 60_000])
        try eventually(within: 3, "what info counts") {
            let info = try client.call("info")
            return info["connections"] == 4 && info["workers"] == 2 && info["waiting_claims"] == 1
        }
    }

    /// The entry of a queue in `queues`.
    private func find(_ queue: String, _ client: LineClient) throws -> JSON {
        try client.call("queues")["queues"].array.first { $0["queue"] == JSON(queue) } ?? nil
    }

    /// Brings `count` jobs into a state, one after the other; their names in the order it happened.
    private func fill(_ client: LineClient, _ queue: String, _ state: String, _ count: Int) throws -> [String] {
        try (0..<count).map { number in
            let later = JSON(3_600_000 + number * 1000)
            if let ending = JobEnding(rawValue: state) { return try ending.bring(newJobOf: queue, client) }
            let job = try client.enqueue(queue, state == "scheduled" ? ["delay_ms": later] : [:])
            guard !["queued", "scheduled"].contains(state) else { return job }
            let claimed = try client.claimOne(queue, ["lease_ms": later])
            switch state {
            case "dead": try client.fail(claimed, ["retry": false])
            case "retrying": try client.fail(claimed, ["retry_in_ms": later])
            default: break
            }
            return job
        }
    }
}
