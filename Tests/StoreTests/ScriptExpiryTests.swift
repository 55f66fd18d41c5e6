// What time does to jobs that nobody started, and to records of jobs that ended: expiry and retention in the sweep, and the
// way back into `expiry` by a release.

import Harness
import Store
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ScriptExpiryTests {
    private let past: ServerTime = 1_000
    private let future: ServerTime = 4_000_000_000_000

    // MARK: Expiry

    @Test func jobsThatWereNeverStartedExpireAtTheirTime() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(
            NewJob(id: "q", payload: bytes("1")), NewJob(id: "s", payload: bytes("1"), start: .delay(90_000)),
            NewJob(id: "gone", payload: bytes("1"), keepMs: 0), NewJob(id: "later", payload: bytes("1")))
        try fixture.letExpire("q", at: past)
        try fixture.letExpire("s", at: past)
        try fixture.letExpire("gone", at: past)
        try fixture.letExpire("later", at: future)
        try fixture.give("q", unique: "k")
        let swept = try fixture.sweep()
        #expect(swept.expired == 3)
        #expect(swept.promoted == 0)
        #expect(swept.claimable)
        #expect(!swept.more)
        #expect(
            try fixture.keyspace() == """
                counters hash enqueued=4|expired=3|seq=4
                events stream [[ENTRY, [events, expired gone 0
                expired q 0
                expired s 0]]]
                expired zset q|T|s|T
                expiry zset later|4000000000000
                job:later hash enqueued_at=T|expires_at=4000000000000|max_attempts=3|payload=1|state=queued
                job:q hash enqueued_at=T|expires_at=1000|finished_at=T|max_attempts=3|payload=1|state=expired|unique=k|\
                unique_until=done
                job:s hash enqueued_at=T|expires_at=1000|finished_at=T|max_attempts=3|payload=1|run_at=T|score=2|state=expired
                jobq:queues set email
                policy hash tracked=1
                queued zset later|4
                """)
        let kept = try #require(try fixture.server.command("ZSCORE", "jobq:{email}:expired", "q").string)
        #expect(swept.nextDue == Int64(kept))
        #expect(Int64(kept)! - Int64(try fixture.record("q")["finished_at"]!)! == 3_600_001)
        #expect(violations(in: fixture.server).isEmpty)
        #expect(try fixture.sweep().expired == 0)
    }

    @Test func aJobThatIsDueToStartAndToExpireExpires() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(NewJob(id: "1", payload: bytes("1"), start: .at(future)))
        try fixture.shift("1", in: "scheduled", by: -Int(future) + 500)
        try fixture.letExpire("1", at: past)
        let swept = try fixture.sweep()
        #expect(swept.promoted == 0)
        #expect(swept.expired == 1)
        #expect(!swept.claimable)
        #expect(try fixture.members("queued") + fixture.members("scheduled") + fixture.members("expiry") == [])
        #expect(try fixture.get("1")?.state == .expired)
    }

    @Test func theNextExpiryIsWhatTheSweepIsDueFor() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1", "2")
        try fixture.letExpire("1", at: future)
        try fixture.letExpire("2", at: future + 5)
        #expect(try fixture.sweep().nextDue == future)
    }

    /// What a started job has left in the set by mistake only leaves it.
    @Test func startedJobsAndNamesWithoutARecordDoNotExpire() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "p", "b")
        let jobs = try fixture.claim(2)
        _ = try fixture.workerGone([jobs[1].claim])
        for id in ["p", "b", "x"] { try fixture.server.command("ZADD", "jobq:{email}:expiry", "1", id) }
        let swept = try fixture.sweep()
        #expect(swept.expired == 0)
        #expect(try fixture.members("expiry").isEmpty)
        #expect(try fixture.members("queued") == ["b"])
        #expect(try fixture.members("processing") == ["p"])
        #expect(try fixture.log() == ["reclaimed b 1 - worker_gone"])
    }

    @Test func aHundredJobsExpireInAStep() throws {
        let fixture = try StoreFixture()
        let jobs = (0..<150).map { NewJob(id: "\($0)", payload: bytes("1")) }
        _ = try fixture.wait { $0.enqueue(jobs, queue: "email", then: $1) }
        for job in jobs { try fixture.letExpire(job.id, at: past) }
        let steps = try (0..<2).map { _ in try fixture.sweep() }
        #expect(steps.map(\.expired) == [100, 50])
        #expect(steps.map(\.more) == [true, false])
        #expect(steps[0].nextDue == past)
        #expect(try fixture.members("queued").isEmpty)
        #expect(violations(in: fixture.server).isEmpty)
    }

    @Test(arguments: [Int64?.none, 9_000])
    func aReleaseOfTheFirstAttemptLetsTheJobExpireAgain(delay: Int64?) throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1", "2")
        let first = try fixture.claim(2)
        _ = try fixture.workerGone([first[1].claim])
        let second = try fixture.claim()
        try fixture.letExpire("1", at: future, waiting: false)
        try fixture.letExpire("2", at: future, waiting: false)
        _ = try fixture.release([first[0].claim, second[0].claim, first[0].claim], delayMs: delay)
        // The other one has an attempt that counts: it started.
        #expect(try fixture.members("expiry") == ["1"])
        #expect(
            try fixture.server.command("ZSCORE", "jobq:{email}:expiry", "1").string == "4000000000000")
        #expect(violations(in: fixture.server).isEmpty)
    }

    @Test func aJobThatIsReleasedAfterItsTimeExpiresWithTheNextSweep() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1")
        let job = try #require(try fixture.claim().first)
        try fixture.letExpire("1", at: past, waiting: false)
        #expect(try fixture.release([job.claim]) == [.done(.queued, runAt: nil)])
        #expect(try fixture.sweep().expired == 1)
        // What was said of the release stays said.
        #expect(try fixture.release([job.claim]) == [.done(.queued, runAt: nil)])
        #expect(try fixture.get("1")?.state == .expired)
    }

    // MARK: Retention

    @Test(arguments: ["cancelled", "expired"])
    func recordsOfEndedJobsGoAtTheirTime(state: String) throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1", "2", "3")
        for (id, until) in [("1", past), ("2", future)] {
            try fixture.server.command("ZREM", "jobq:{email}:queued", id)
            try fixture.set("state", of: id, to: state)
            try fixture.server.command("ZADD", "jobq:{email}:\(state)", String(until), id)
        }
        // Names without a record, or with one that says otherwise, only leave the set.
        try fixture.server.command("ZADD", "jobq:{email}:\(state)", "1", "3", "2", "x")
        let swept = try fixture.sweep()
        #expect(swept.nextDue == future)
        #expect(try fixture.members(state) == ["2"])
        #expect(try ["1", "2", "3"].map { try fixture.exists($0) } == [false, true, true])
        #expect(try fixture.log().isEmpty)
    }

    /// A queue in which nothing waits any more still has records to forget.
    @Test func recordsGoFromAQueueThatIsIdleOtherwise() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1")
        let job = try #require(try fixture.claim().first)
        try fixture.flag("1")
        _ = try fixture.fail([job.claim])
        let until = try #require(try fixture.server.command("ZSCORE", "jobq:{email}:cancelled", "1").string)
        #expect(try fixture.sweep().nextDue == Int64(until))
        try fixture.shift("1", in: "cancelled", by: -3_700_000)
        #expect(try fixture.sweep().nextDue == nil)
        #expect(try !fixture.exists("1"))
        #expect(try fixture.sweep() == Swept())
    }

    @Test func aHundredRecordsGoInAStep() throws {
        let fixture = try StoreFixture()
        for id in 0..<150 {
            try fixture.set("state", of: "\(id)", to: "expired")
            try fixture.server.command("ZADD", "jobq:{email}:expired", "\(id)", "\(id)")
        }
        let steps = try (0..<2).map { _ in try fixture.sweep() }
        #expect(steps.map(\.more) == [true, false])
        #expect(steps.map(\.nextDue) == [100, nil])
        #expect(try fixture.server.command("KEYS", "jobq:{email}:job:*").strings.isEmpty)
    }

    private func bury(_ fixture: StoreFixture, _ ids: ClosedRange<Int>) throws {
        let jobs = ids.map { NewJob(id: "\($0)", payload: bytes("1")) }
        _ = try fixture.wait { $0.enqueue(jobs, queue: "email", then: $1) }
        for _ in stride(from: 0, to: jobs.count, by: 100) {
            _ = try fixture.fail(try fixture.claim(100).map(\.claim), retry: false)
        }
    }

    @Test func deadLettersBeyondTheirNumberGoTheOldestFirst() throws {
        let fixture = try StoreFixture()
        try bury(fixture, 1...5)
        #expect(try fixture.sweep().nextDue == nil)
        #expect(try fixture.list(.dead)?.jobs.count == 5)
        try fixture.setPolicy("dead_keep_count", "2")
        let swept = try fixture.sweep()
        #expect(!swept.more)
        #expect(swept.nextDue == nil)
        #expect(try fixture.list(.dead)?.jobs.map(\.id) == ["5", "4"])
        #expect(try (1...5).map { try fixture.exists("\($0)") } == [false, false, false, true, true])
        #expect(try fixture.log().suffix(3) == ["deleted 1 1 - dead", "deleted 2 1 - dead", "deleted 3 1 - dead"])
        // They were counted when they died.
        #expect(try fixture.counters()["dead"] == "5")
        #expect(try fixture.counters()["deleted"] == nil)
        try fixture.setPolicy("dead_keep_count", "0")
        _ = try fixture.sweep()
        #expect(try fixture.list(.dead)?.jobs.isEmpty == true)
    }

    @Test func deadLettersGoAfterTheirTime() throws {
        let fixture = try StoreFixture()
        try bury(fixture, 1...1)
        try fixture.setPolicy("dead_keep_ms", "60000")
        let entry = try #require(try fixture.record("1")["dead_entry"])
        let died = try #require(Int64(entry.split(separator: "-")[0]))
        #expect(try fixture.sweep().nextDue == died + 60_001)
        #expect(try fixture.exists("1"))
        // The time is that of the entry: one that is older.
        try fixture.server.command("DEL", "jobq:{email}:dead")
        try fixture.server.command("XADD", "jobq:{email}:dead", "1000-7", "job", "email/1", "payload", "1")
        try fixture.server.command("XADD", "jobq:{email}:dead", "1001-0", "job", "email/2", "payload", "1")
        try fixture.server.command("XADD", "jobq:{email}:dead", "4000000000000-0", "job", "email/3", "payload", "1")
        try fixture.set("dead_entry", of: "1", to: "1000-7")
        // A record that is somewhere else by now stays.
        try fixture.set("state", of: "2", to: "queued")
        #expect(try fixture.sweep().nextDue == 4_000_000_060_001)
        #expect(try !fixture.exists("1"))
        #expect(try fixture.exists("2"))
        #expect(try fixture.server.command("XLEN", "jobq:{email}:dead").int == 1)
        #expect(try fixture.log().suffix(1) == ["deleted 1 1 - dead"])
    }

    /// Of the two limits the one that takes more away counts.
    @Test(arguments: [(3, 4), (1, 2), (3, 2), (4, 4)])
    func bothLimitsOfDeadLettersHold(old: Int, many: Int) throws {
        let fixture = try StoreFixture()
        for number in 1...6 {
            try fixture.server.command(
                "XADD", "jobq:{email}:dead", number <= old ? "\(number)-0" : "400000000000\(number)-0", "job",
                "email/\(number)", "payload", "1")
        }
        try fixture.setPolicy("dead_keep_ms", "60000")
        try fixture.setPolicy("dead_keep_count", String(6 - many))
        _ = try fixture.sweep()
        #expect(try fixture.server.command("XLEN", "jobq:{email}:dead").int == 6 - max(old, many))
    }

    @Test func aHundredDeadLettersGoInAStep() throws {
        let fixture = try StoreFixture()
        try bury(fixture, 1...250)
        try fixture.setPolicy("dead_keep_count", "20")
        let steps = try (0..<3).map { _ in try fixture.sweep() }
        #expect(steps.map(\.more) == [true, true, false])
        #expect(try fixture.server.command("XLEN", "jobq:{email}:dead").int == 20)
        try fixture.setPolicy("dead_keep_ms", "0")
        #expect(try fixture.sweep().more == false)
        #expect(try fixture.server.command("XLEN", "jobq:{email}:dead").int == 0)
        #expect(try fixture.server.command("KEYS", "jobq:{email}:job:*").strings.isEmpty)
    }

    @Test func aFullRedisForgetsWhatIsDue() throws {
        let fixture = try StoreFixture()
        try bury(fixture, 1...3)
        try fixture.enqueue(ids: "q")
        try fixture.letExpire("q", at: past)
        try fixture.setPolicy("dead_keep_count", "1")
        try fixture.server.command("CONFIG", "SET", "maxmemory", "1000")
        #expect(try fixture.sweep().expired == 1)
        #expect(try fixture.list(.dead)?.jobs.map(\.id) == ["3"])
        #expect(try fixture.get("q")?.state == .expired)
    }

    // MARK: Order

    @Test func withTheNewestFirstARetriedJobComesBeforeAllOthers() throws {
        let fixture = try StoreFixture()
        try fixture.setPolicy("order", "lifo")
        try fixture.enqueue(ids: "1", "2", "3", "4")
        let jobs = try fixture.claim(2)
        _ = try fixture.fail(jobs.map(\.claim), retryInMs: 60_000)
        for job in jobs { try fixture.shift(job.id, in: "retrying", by: -70_000) }
        let others = try fixture.members("queued")
        #expect(try fixture.sweep().promoted == 2)
        #expect(Set(try fixture.members("queued").prefix(2)) == Set(jobs.map(\.id)))
        #expect(try fixture.members("queued").suffix(2) == others[...])
        #expect(try fixture.members("queued").prefix(2).elementsEqual(jobs.map(\.id).sorted().reversed()))
    }
}
