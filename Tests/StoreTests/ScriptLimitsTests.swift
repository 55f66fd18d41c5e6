// What a queue's policy does to its jobs: the greatest length, newest first, and jobs that rise while they wait.

import Harness
import Store
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ScriptLimitsTests {
    private let new = Enqueued(state: .queued, duplicate: false)

    private func job(_ id: String, _ priority: Int = 0, front: Bool = false, unique: String? = nil) -> NewJob {
        NewJob(
            id: id, payload: bytes("1"), priority: priority, front: front, unique: unique.map { UniqueKey(key: $0) })
    }

    // MARK: max_len

    @Test func waitingJobsOfAllKindsCountAndWhatIsBeyondIsRefused() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "r", "p")
        let claims = try fixture.claim(2).map(\.claim)
        _ = try fixture.fail([claims[0]], retryInMs: 60_000)
        try fixture.enqueue(NewJob(id: "s", payload: bytes("1"), start: .delay(60_000)))
        try fixture.enqueue(ids: "q")
        try fixture.setPolicy("max_len", "5")
        #expect(try fixture.enqueue(job("1"), job("2", 7), job("3"), job("4", 7)) == [new, new, .refused, .refused])
        #expect(try fixture.record("3").isEmpty)
        #expect(try fixture.counters()["enqueued"] == "6")
        let before = try fixture.keyspace()
        #expect(try fixture.enqueue(job("5"), job("5"), job("6", unique: "k")) == [.refused, .refused, .refused])
        #expect(try fixture.keyspace() == before)
        _ = try fixture.complete([claims[1]])
        #expect(try fixture.enqueue(job("5")) == [.refused])
        _ = try fixture.claim()
        #expect(try fixture.enqueue(job("5"), job("6")) == [new, .refused])
    }

    @Test func duplicatesAreNeverRefused() throws {
        let fixture = try StoreFixture()
        try fixture.setPolicy("max_len", "1")
        #expect(
            try fixture.enqueue(job("1", unique: "k"), job("1"), job("2", unique: "k"), job("3")) == [
                new, Enqueued(state: .queued, duplicate: true),
                Enqueued(state: .queued, duplicate: true, holder: "1"), .refused,
            ])
        // A limit that was lowered below what is there.
        try fixture.setPolicy("max_len", "0")
        #expect(try fixture.enqueue(job("2"), job("1")) == [.refused, Enqueued(state: .queued, duplicate: true)])
    }

    // MARK: order

    @Test func newestComeFirstWithinTheirPriority() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(job("old"))
        try fixture.setPolicy("order", "lifo")
        try fixture.enqueue(job("a"), job("high-a", 1), job("b", front: true))
        try fixture.enqueue(job("c"), job("high-b", 1))
        #expect(try fixture.members("queued") == ["high-b", "high-a", "c", "b", "a", "old"])
        #expect(try fixture.counters() == ["enqueued": "6", "seq": "1", "front": "5"])
        try fixture.setPolicy("order", "fifo")
        try fixture.enqueue(job("last"))
        #expect(try fixture.members("queued").last == "last")
    }

    // MARK: aging_ms

    /// Lets a job have waited so many milliseconds.
    private func age(_ fixture: StoreFixture, _ id: String, _ milliseconds: Int, field: String = "enqueued_at") throws {
        let key = "jobq:{email}:job:\(id)"
        let now = try fixture.server.command("TIME").array.compactMap { Int($0.string ?? "") }
        try fixture.server.command("HSET", key, field, "\(now[0] * 1_000 + now[1] / 1_000 - milliseconds)")
    }

    @Test func jobThatWaitedLongGoesBeforeHigherPriorities() throws {
        let fixture = try StoreFixture()
        try fixture.setPolicy("aging_ms", "100000")
        try fixture.enqueue(job("l1"), job("l2"), job("l3"), job("m1", 1), job("m2", 1), job("h1", 3), job("h2", 3))
        try fixture.enqueue(job("lowest", -100))
        // Heights: l1 0+3, l2 0+2, l3 0+1, m1 1+1, m2 1+0, h1 3, h2 3, lowest −100+101.
        try age(fixture, "l1", 350_000)
        try age(fixture, "l2", 250_000)
        try age(fixture, "l3", 150_000)
        try age(fixture, "m1", 150_000)
        try age(fixture, "lowest", 10_150_000)
        #expect(try fixture.claim(2).map(\.id) == ["h1", "h2"])
        #expect(try fixture.claim(1).map(\.id) == ["l1"])
        // Equal heights: the higher priority first. Only the first of a priority counts.
        #expect(try fixture.claim(4).map(\.id) == ["m1", "l2", "m2", "l3"])
        #expect(try fixture.members("queued") == ["lowest"])
        #expect(try fixture.record("l1")["score"] == "1")
        #expect(try fixture.claim(3).map(\.id) == ["lowest"])
        #expect(try fixture.members("queued").isEmpty)
    }

    @Test func waitingCountsFromWhenAJobCouldRun() throws {
        let fixture = try StoreFixture()
        try fixture.setPolicy("aging_ms", "100000")
        try fixture.enqueue(job("retried"), job("high", 1))
        try age(fixture, "retried", 900_000)
        try age(fixture, "retried", 50_000, field: "run_at")
        #expect(try fixture.claim(2).map(\.id) == ["high", "retried"])
    }

    @Test func agedClaimPassesByWhatIsGoneAndLetsWhatIsOverExpire() throws {
        let fixture = try StoreFixture()
        try fixture.setPolicy("aging_ms", "100000")
        try fixture.enqueue(job("gone", 5), job("a", 5), job("b"), job("c"))
        try fixture.enqueue(NewJob(id: "late", payload: bytes("1"), priority: 5, front: true, expiresInMs: 60_000))
        try fixture.server.command("DEL", "jobq:{email}:job:gone")
        try age(fixture, "late", 1, field: "expires_at")
        try age(fixture, "c", 9_000_000)
        #expect(try fixture.claim(2).map(\.id) == ["a", "b"])
        #expect(try fixture.members("expired") == ["late"])
        #expect(try fixture.members("queued") == ["c"])
        #expect(try fixture.members("processing") == ["a", "b"])
    }

    @Test func allPrioritiesTakeTurns() throws {
        let fixture = try StoreFixture()
        try fixture.setPolicy("aging_ms", "100000")
        let jobs = (-100...100).flatMap { [job("a\($0)", $0), job("b\($0)", $0)] }
        _ = try fixture.wait { $0.enqueue(jobs, queue: "email", then: $1) }
        // Each first one as high as the highest.
        for priority in -100...100 { try age(fixture, "a\(priority)", (100 - priority) * 100_000 + 50_000) }
        let claimed = try fixture.claim(100).map(\.id) + fixture.claim(100).map(\.id) + fixture.claim(3).map(\.id)
        #expect(
            claimed.sorted()
                == ((-100...100).map { "a\($0)" } + ["b100", "b99"]).sorted())
        #expect(Array(claimed.prefix(2)) == ["a100", "b100"])
    }
}
