// What the reading scripts show: get, list with its cursors, statistics. They write nothing.

import Harness
import Store
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ScriptListTests {
    @Test func getShowsTheWholeRecordButNotTheToken() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(
            NewJob(id: "1", payload: bytes("{\"a\":1e2}"), type: "t", priority: -3, maxAttempts: 5, meta: bytes("{}")))
        let job = try #require(try fixture.claim(worker: "w").first)
        _ = try fixture.extend([job.claim], progress: "0.5")
        let before = try fixture.keyspace()
        let record = try #require(try fixture.get("1"))
        var expected = JobRecord(
            id: "1", state: .processing, maxAttempts: 5, payload: bytes("{\"a\":1e2}"), enqueuedAt: job.enqueuedAt)
        expected.type = "t"
        expected.priority = -3
        expected.attempts = 1
        expected.meta = bytes("{}")
        expected.progress = bytes("0.5")
        expected.worker = "w"
        expected.claimedAt = job.leaseUntil - 30_001
        expected.leaseUntil = record.leaseUntil
        #expect(record == expected)
        #expect(try #require(record.leaseUntil) >= job.leaseUntil)
        #expect(try fixture.get("2") == nil)
        #expect(try fixture.keyspace() == before)
    }

    @Test func getShowsWhatWorkersAndAdministratorsLeftInTheRecord() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(NewJob(id: "1", payload: bytes("1"), unique: UniqueKey(key: "k"), expiresInMs: 60_000))
        let expiresAt = Int64(try fixture.record("1")["expires_at"] ?? "")
        #expect(try fixture.get("1")?.expiresAt == expiresAt)
        let job = try #require(try fixture.claim().first)
        let key = "jobq:{email}:job:1"
        try fixture.server.command("HSET", key, "cancel", "", "checkpoint", "[1.0]", "logs", "2")
        try fixture.server.command("HSET", key, "log:1", "\"two\"", "log:0", "\"one\"")
        let record = try #require(try fixture.get("1"))
        #expect(record.unique == "k")
        #expect(record.expiresAt == nil)
        #expect(record.cancelRequested)
        #expect(record.checkpoint == bytes("[1.0]"))
        #expect(record.log == [bytes("\"one\""), bytes("\"two\"")])
        // A listing shows neither checkpoint nor log.
        let row = try #require(try fixture.list(.processing)?.jobs.first)
        #expect(row.unique == "k")
        #expect(row.cancelRequested)
        #expect(row.checkpoint == nil && row.log.isEmpty)
        _ = try fixture.complete([job.claim])
        #expect(try fixture.get("1")?.cancelRequested == false)
        #expect(try fixture.get("1")?.checkpoint == bytes("[1.0]"))
    }

    @Test func logShowsItsLastHundredLinesOldestFirst() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1")
        let key = "jobq:{email}:job:1"
        let lines = (103..<203).map { ["log:\($0 % 100)", "\"\($0)\""] }
        try fixture.server.command(["HSET", key, "logs", "203"] + lines.shuffled().joined())
        let log = try #require(try fixture.get("1")).log
        #expect(log == (103..<203).map { bytes("\"\($0)\"") })
    }

    @Test func cancelledAndExpiredJobsAreListedByWhenTheyGo() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "c1", "c2", "c3", "e1")
        for (id, state, until) in [
            ("c1", "cancelled", "3000"), ("c2", "cancelled", "1000"), ("c3", "cancelled", "2000"),
            ("e1", "expired", "1"),
        ] {
            try fixture.server.command("ZREM", "jobq:{email}:queued", id)
            try fixture.server.command("HSET", "jobq:{email}:job:\(id)", "state", state, "reason", "because")
            try fixture.server.command("ZADD", "jobq:{email}:\(state)", until, id)
        }
        let page = try #require(try fixture.list(.cancelled, limit: 2))
        #expect(page.jobs.map(\.id) == ["c2", "c3"])
        #expect(page.jobs.map(\.reason) == ["because", "because"])
        let rest = try #require(try fixture.list(.cancelled, limit: 2, cursor: page.cursor))
        #expect(rest.jobs.map(\.id) == ["c1"])
        #expect(rest.cursor == nil)
        #expect(try fixture.list(.expired)?.jobs.map(\.id) == ["e1"])
        let depth = try #require(try fixture.statistics()).depth
        #expect(depth.cancelled == 3)
        #expect(depth.expired == 1)
    }

    @Test func listShowsEachStateInItsOrder() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "c1", "c2", "d1", "d2", "r2", "r1", "p2", "p1", "q1", "q2")
        try fixture.enqueue(
            NewJob(id: "s2", payload: bytes("1"), start: .delay(9_000)),
            NewJob(id: "s1", payload: bytes("1"), start: .delay(5_000)))
        let jobs = try fixture.claim(8).map(\.claim)
        _ = try fixture.complete(Array(jobs[0..<2]))
        _ = try fixture.fail(Array(jobs[2..<4]), retry: false)
        _ = try fixture.fail([jobs[4]], retryInMs: 9_000)
        _ = try fixture.fail([jobs[5]], retryInMs: 5_000)
        _ = try fixture.extend([jobs[6]], leaseMs: 80_000)
        func ids(_ state: JobState) throws -> [String]? { try fixture.list(state)?.jobs.map(\.id) }
        #expect(try ids(.queued) == ["q1", "q2"])
        #expect(try ids(.scheduled) == ["s1", "s2"])
        #expect(try ids(.retrying) == ["r1", "r2"])
        #expect(try ids(.processing) == ["p1", "p2"])
        #expect(try ids(.completed) == ["c2", "c1"])
        #expect(try ids(.dead) == ["d2", "d1"])
        #expect(try ids(.cancelled) == [])
        #expect(try ids(.expired) == [])
        let processing = try #require(try fixture.list(.processing)).jobs
        #expect(processing.allSatisfy { $0.leaseUntil != nil && $0.payload.isEmpty && $0.attempts == 1 })
        let scheduled = try #require(try fixture.list(.scheduled)).jobs
        #expect(scheduled.allSatisfy { $0.runAt != nil })
        #expect(
            try fixture.wait { $0.list(queue: "none", state: .queued, type: nil, limit: 1, cursor: nil, then: $1) }
                == nil)
    }

    @Test(arguments: [JobState.queued, .scheduled, .dead, .completed])
    func pagesHoldEveryJobOnce(state: JobState) throws {
        let fixture = try StoreFixture()
        let jobs = (0..<7).map {
            NewJob(id: "j\($0)", payload: bytes("1"), start: state == .scheduled ? .at(4_000_000_000_000) : .now)
        }
        _ = try fixture.wait { $0.enqueue(jobs, queue: "email", then: $1) }
        if state == .dead { _ = try fixture.fail(try fixture.claim(7).map(\.claim), retry: false) }
        if state == .completed { _ = try fixture.complete(try fixture.claim(7).map(\.claim)) }
        var cursor: String?
        var pages: [[String]] = []
        repeat {
            let page = try #require(try fixture.list(state, limit: 3, cursor: cursor))
            pages.append(page.jobs.map(\.id))
            cursor = page.cursor
        } while cursor != nil
        #expect(pages.map(\.count) == [3, 3, 1])
        let all = pages.flatMap { $0 }
        #expect(all == (state == .dead || state == .completed ? jobs.map(\.id).reversed() : jobs.map(\.id)))
    }

    @Test func cursorHoldsWhenJobsAroundItComeAndGo() throws {
        let fixture = try StoreFixture()
        // Many of one score, so that the ids decide; of several lengths and with all characters that ids have.
        let names = ["-", ".", "0", "00", "0A", ":", "A", "AA", "Z", "_", "a", "aa", "b", "zz"]
        let jobs = names.map { NewJob(id: $0, payload: bytes("1"), start: .at(4_000_000_000_000)) }
        _ = try fixture.wait { $0.enqueue(jobs, queue: "email", then: $1) }
        for (index, name) in names.enumerated() {
            let page = try #require(try fixture.list(.scheduled, limit: index + 1))
            #expect(page.jobs.last?.id == name)
            guard let cursor = page.cursor else { continue }
            let rest = Array(names[(index + 1)...])
            #expect(try fixture.list(.scheduled, cursor: cursor)?.jobs.map(\.id) == rest)
            try fixture.server.command("ZREM", "jobq:{email}:scheduled", name)
            #expect(try fixture.list(.scheduled, cursor: cursor)?.jobs.map(\.id) == rest)
            try fixture.server.command("ZADD", "jobq:{email}:scheduled", "4000000000000", name, "3", "early")
            #expect(try fixture.list(.scheduled, cursor: cursor)?.jobs.map(\.id) == rest)
            try fixture.server.command("ZREM", "jobq:{email}:scheduled", "early")
        }
    }

    @Test func textThatIsNoCursorIsTheBeginning() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1", "2")
        _ = try fixture.fail([try #require(try fixture.claim().first).claim], retry: false)
        for text in ["x", "1", "inf 1", "1e3 2", "%s %d", "nan x"] {
            #expect(try fixture.list(.queued, cursor: text)?.jobs.map(\.id) == ["2"])
            #expect(try fixture.list(.dead, cursor: "x\(text)")?.jobs.map(\.id) == ["1"])
            #expect(try fixture.list(.completed, cursor: "-\(text)")?.jobs.isEmpty == true)
        }
    }

    @Test func typeFilterLooksAtFiveHundredJobsAPage() throws {
        let fixture = try StoreFixture()
        let jobs = (0..<700).map { NewJob(id: "\($0)", payload: bytes("1"), type: $0 % 350 == 349 ? "rare" : "common") }
        _ = try fixture.wait { $0.enqueue(jobs, queue: "email", then: $1) }
        let first = try #require(try fixture.list(.queued, type: "rare"))
        #expect(first.jobs.map(\.id) == ["349"])
        let second = try #require(try fixture.list(.queued, type: "rare", cursor: first.cursor))
        #expect(second.jobs.map(\.id) == ["699"])
        #expect(second.cursor == nil)
        #expect(try fixture.list(.queued, type: "none", limit: 1)?.jobs.isEmpty == true)
    }

    @Test func exactlyFiveHundredJobsAreOnePageWithoutCursor() throws {
        let fixture = try StoreFixture()
        _ = try fixture.wait {
            $0.enqueue((0..<500).map { NewJob(id: "\($0)", payload: bytes("1")) }, queue: "email", then: $1)
        }
        let page = try #require(try fixture.list(.queued, limit: 500))
        #expect(page.jobs.count == 500)
        #expect(page.cursor == nil)
    }

    @Test func pageOfHeavyRecordsEndsEarly() throws {
        let fixture = try StoreFixture()
        let meta = bytes("\"\(String(repeating: "m", count: 300_000))\"")
        _ = try fixture.wait {
            $0.enqueue((0..<6).map { NewJob(id: "\($0)", payload: bytes("1"), meta: meta) }, queue: "email", then: $1)
        }
        let page = try #require(try fixture.list(.queued))
        #expect(page.jobs.map(\.id) == ["0", "1", "2", "3"])
        #expect(try fixture.list(.queued, cursor: page.cursor)?.jobs.map(\.id) == ["4", "5"])
    }

    @Test func completedRecordsThatEndedAreLeftOut() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1", "2", "3")
        _ = try fixture.complete(try fixture.claim(3).map(\.claim))
        try fixture.server.command("DEL", "jobq:{email}:job:2")
        #expect(try fixture.list(.completed)?.jobs.map(\.id) == ["3", "1"])
        #expect(try fixture.statistics()?.depth.completed == 3)
    }

    @Test func statisticsCountEveryPlaceAndTotal() throws {
        let fixture = try StoreFixture()
        #expect(try fixture.statistics() == nil)
        try fixture.enqueue(ids: "1", "2", "3", "4", "5", "6")
        try fixture.enqueue(NewJob(id: "7", payload: bytes("1"), start: .delay(9_000)))
        let jobs = try fixture.claim(5).map(\.claim)
        _ = try fixture.complete([jobs[0]])
        _ = try fixture.fail([jobs[1]], retryInMs: 9_000)
        _ = try fixture.fail([jobs[2]], retry: false)
        _ = try fixture.release([jobs[3]])
        try fixture.wait { $0.pause(queue: "email", until: 4_000_000_000_000, then: $1) }
        let before = try fixture.keyspace()
        let statistics = try #require(try fixture.statistics())
        var depth = Depth()
        depth.queued = 2
        depth.scheduled = 1
        depth.retrying = 1
        depth.processing = 1
        depth.completed = 1
        depth.dead = 1
        #expect(statistics.depth == depth)
        var totals = Totals()
        totals.enqueued = 7
        totals.claimed = 5
        totals.completed = 1
        totals.failed = 2
        totals.retried = 1
        totals.dead = 1
        totals.released = 1
        #expect(statistics.totals == totals)
        #expect(statistics.paused)
        #expect(statistics.pausedUntil == 4_000_000_000_000)
        #expect(try fixture.keyspace() == before)
        #expect(try fixture.wait { $0.queues(then: $1) } == ["email"])
    }

    @Test func latencyIsTheAgeOfTheOldestOverAllPriorities() throws {
        let fixture = try StoreFixture()
        for priority in [-100, -1, 0, 1, 100] {
            try fixture.enqueue(
                NewJob(id: "n\(priority)", payload: bytes("1"), priority: priority),
                NewJob(id: "f\(priority)", payload: bytes("1"), priority: priority, front: true))
        }
        #expect(try #require(try fixture.statistics()).latencyMs < 10_000)
        for name in ["n-100", "f-100", "n-1", "f-1", "n0", "f0", "n1", "f1", "n100", "f100"] {
            let key = "jobq:{email}:job:\(name)"
            let enqueued = try #require(try fixture.server.command("HGET", key, "enqueued_at").int)
            try fixture.server.command("HSET", key, "enqueued_at", String(enqueued - 3_600_000))
            let latency = try #require(try fixture.statistics()).latencyMs
            #expect((3_600_000..<3_610_000).contains(latency), "\(name)")
            try fixture.server.command("HSET", key, "enqueued_at", String(enqueued))
        }
    }
}
