// What the check script finds and repairs: each kind of violation is made by hand, found by its number, and put right.

import Harness
import Store
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ScriptCheckTests {
    private static let base = "jobq:{email}:"

    /// What is found, as `8 id` (or `6` alone), sorted.
    private func found(_ violations: [StoreViolation]) -> [String] {
        violations.map { ["\($0.invariant)", $0.job].compactMap(\.self).joined(separator: " ") }.sorted()
    }

    /// A queue with a job in every state, of which some have a unique key or may expire, and nothing wrong.
    private func sound() throws -> StoreFixture {
        let fixture = try StoreFixture()
        _ = try fixture.fill()
        try fixture.enqueue(NewJob(id: "front", payload: bytes("1"), priority: 5, front: true))
        try fixture.letExpire("scheduled", at: 4_000_000_000_000)
        try fixture.give("queued", unique: "k")
        try fixture.give("processing", unique: "p")
        #expect(try fixture.check(repair: false).violations == [])
        #expect(violations(in: fixture.server) == [])
        return fixture
    }

    /// Makes the damage, then expects: just this is found and nothing changed; the harness's checker finds something
    /// too; a repair finds it again, and after it neither finds anything. `report` when a repair spares later findings.
    private func expect(
        _ repaired: [String], report reported: [String]? = nil, harness: Bool = true,
        after damage: (StoreFixture) throws -> Void
    ) throws -> StoreFixture {
        let fixture = try sound()
        try damage(fixture)
        #expect(harness == !violations(in: fixture.server).isEmpty)
        let before = try fixture.keyspace()
        let report = try fixture.check(repair: false)
        #expect(found(report.violations) == (reported ?? repaired).sorted(), "\(report.violations)")
        #expect(report.violations.allSatisfy { !$0.isRepaired && !$0.what.isEmpty })
        #expect(try fixture.keyspace() == before)
        let repair = try fixture.check(repair: true)
        #expect(found(repair.violations) == repaired.sorted(), "\(repair.violations)")
        #expect(repair.violations.allSatisfy { $0.isRepaired })
        #expect(try fixture.check(repair: false).violations == [])
        #expect(violations(in: fixture.server) == [])
        return fixture
    }

    private func members(_ fixture: StoreFixture) throws -> [String: [String]] {
        let sets = ["queued", "scheduled", "retrying", "processing", "expiry", "cancelled", "expired"]
        return try Dictionary(uniqueKeysWithValues: sets.map { ($0, try fixture.members($0).sorted()) })
    }

    // MARK: Nothing is wrong

    @Test func soundQueueStaysAsItIs() throws {
        let fixture = try sound()
        let before = try fixture.keyspace()
        let step = try fixture.check(repair: true)
        #expect(step.violations == [])
        // Names in the sets of states and in `expiry`, a letter, records, strings.
        #expect(step.checked == 7 + 1 + 1 + 9 + 2)
        #expect(try fixture.keyspace() == before)
    }

    @Test func unknownQueueIsNone() throws {
        let fixture = try StoreFixture()
        #expect(try fixture.checkIfThere(repair: true) == nil)
        #expect(try fixture.keyspace().isEmpty)
    }

    /// Also with a cursor that never was one.
    @Test func stepsAreBounded() throws {
        let fixture = try StoreFixture()
        let jobs = (0..<1_300).map { NewJob(id: "\($0)", payload: bytes("1")) }
        for part in [jobs[..<650], jobs[650...]] {
            _ = try fixture.wait { $0.enqueue(Array(part), queue: "email", then: $1) }
        }
        let odd = CheckPart.indexes(cursor: "nonsense")
        let first = try #require(try fixture.wait { $0.check(queue: "email", repair: true, part: odd, then: $1) })
        #expect(first.checked == 500)
        var steps: [Int] = []
        let all = try #require(try fixture.checkIfThere(repair: true) { steps.append($0.checked) })
        #expect(all.violations == [])
        #expect(steps.allSatisfy { $0 <= 500 })
        #expect(steps.prefix(3) == [500, 500, 300])
        // SCAN may show a key twice.
        #expect(steps.reduce(0, +) >= 2_600)
    }

    @Test func workGoesOnWhileItIsChecked() throws {
        let fixture = try StoreFixture()
        try fixture.configure { $0.maxAttempts = .set(2) }
        var random = Xoshiro(seed: 7)
        func roll(_ count: UInt64) -> Int { Int(random.next() % count) }
        var (cursor, pages): (String?, String?)
        for round in 0..<400 {
            let jobs = (0..<4).map { index in
                NewJob(
                    id: "\(round)-\(index)", payload: bytes("1"), priority: roll(3), front: roll(4) == 0,
                    start: roll(4) == 0 ? .delay(1) : .now, keepMs: roll(5) == 0 ? 0 : nil,
                    unique: roll(2) == 0
                        ? UniqueKey(
                            key: "k\(roll(9))", until: roll(2) == 0 ? .done : .claimed, ttlMs: roll(3) == 0 ? 2 : nil)
                        : nil,
                    expiresInMs: roll(3) == 0 ? Int64(roll(2)) * 3_600_000 + 1 : nil)
            }
            _ = try fixture.wait { $0.enqueue(jobs, queue: "email", then: $1) }
            if roll(2) == 0 { _ = try fixture.cancel("\(round)-\(roll(4))") }
            if roll(3) == 0 { _ = try fixture.delete("\(round)-\(roll(4))") }
            let claims = try fixture.claim(2).map(\.claim)
            switch roll(6) {
            case 0: _ = try fixture.complete(claims)
            case 1: _ = try fixture.fail(claims, retry: roll(2) == 0, retryInMs: Int64(roll(3)))
            case 2: _ = try fixture.release(claims, delayMs: roll(2) == 0 ? 1 : nil)
            case 3: _ = try fixture.workerGone(claims)
            case 4: for claim in claims { _ = try fixture.cancel(claim.id) }
            default: break
            }
            if roll(3) == 0 { _ = try fixture.sweep() }
            let other = "\(roll(UInt64(round + 1)))-\(roll(4))"
            if roll(2) == 0 { _ = try fixture.wait { $0.requeue(other, queue: "email", then: $1) } }
            if roll(8) == 0 { _ = try fixture.purge([.dead, .completed, .queued][roll(3)], limit: 3) }
            let page = try fixture.wait { $0.keyPage(queue: "email", cursor: pages, then: $1) }
            pages = page.cursor
            for part in [.indexes(cursor: cursor), .keys(page.keys.prefix(200).map(\.end)), CheckPart.totals] {
                let step = try #require(
                    try fixture.wait { $0.check(queue: "email", repair: true, part: part, then: $1) })
                if !step.violations.isEmpty { Issue.record("round \(round): \(step.violations)") }
                if case .indexes = part { cursor = step.cursor }
            }
        }
        #expect(violations(in: fixture.server) == [])
    }

    /// The prefix may have characters that mean something in a pattern.
    @Test func recordsAreFoundUnderAnyPrefix() throws {
        let prefix = #"a[b]*?^\c"#
        let fixture = try StoreFixture(keyPrefix: prefix)
        try fixture.enqueue(ids: "1")
        try fixture.server.command("PEXPIRE", "\(prefix):{email}:job:1", "60000")
        // A prefix of somebody else, which the pattern would match if it were taken for one.
        try fixture.server.command("SET", #"abxy^\c:{email}:unique:k"#, "2")
        let before = try fixture.server.command("DBSIZE").int
        #expect(found(try fixture.check(repair: true).violations) == ["8 1"])
        #expect(try fixture.check(repair: true).violations == [])
        #expect(try fixture.server.command("PTTL", "\(prefix):{email}:job:1").int == -1)
        #expect(try fixture.server.command("DBSIZE").int == before)
    }

    // MARK: 8: names without a record

    @Test(arguments: ["queued", "scheduled", "retrying", "processing"])
    func nameWithoutARecordCountsAsDeleted(set: String) throws {
        let fixture = try expect(["8 \(set)"]) {
            try $0.server.command("DEL", "\(Self.base)job:\(set)")
            try $0.server.command("DEL", "\(Self.base)unique:k", "\(Self.base)unique:p", "\(Self.base)expiry")
            try $0.server.command("HDEL", "\(Self.base)job:scheduled", "expires_at")
            for id in ["queued", "processing"] where id != set {
                try $0.server.command("HDEL", "\(Self.base)job:\(id)", "unique")
            }
        }
        #expect(try fixture.members(set).filter { $0 == set } == [])
        #expect(try fixture.counters()["deleted"] == "1")
        #expect(try fixture.events().last == "deleted \(set) 0 - \(set)")
    }

    @Test(arguments: ["cancelled", "expired", "expiry"])
    func nameWithoutARecordLeavesTheSet(set: String) throws {
        let fixture = try expect(["8 x"]) { try $0.server.command("ZADD", "\(Self.base)\(set)", "5", "x") }
        #expect(!(try fixture.members(set).contains("x")))
        #expect(try fixture.counters()["deleted"] == nil)
    }

    @Test func letterWithoutARecordIsRemoved() throws {
        let fixture = try expect(["8 x"]) {
            try $0.server.command("XADD", "\(Self.base)dead", "*", "job", "email/x", "payload", "1")
        }
        #expect(try fixture.server.command("XLEN", "\(Self.base)dead").int == 1)
    }

    // MARK: 2: one place, which the state says

    @Test(arguments: ["queued", "scheduled", "retrying", "processing", "cancelled", "expired"])
    func jobThatStandsNowhereIsPutBack(state: String) throws {
        // Without its place conservation does not hold, before it is put back.
        let isOpen = state != "cancelled" && state != "expired"
        let fixture = try expect(["2 \(state)"], report: (isOpen ? ["6"] : []) + ["2 \(state)"]) {
            try $0.server.command("ZREM", "\(Self.base)\(state)", state)
        }
        #expect(try fixture.members(state).contains(state))
        #expect(try fixture.record(state)["state"] == state)
        let record = try #require(try fixture.get(state))
        let score = try fixture.server.command("ZSCORE", "\(Self.base)\(state)", state).int.map(Int64.init)
        switch state {
        case "scheduled", "retrying": #expect(score == record.runAt)
        case "processing": #expect(try fixture.sweep().reclaimed == 1)
        case "cancelled", "expired": #expect(score == record.finishedAt.map { $0 + 3_600_001 })
        default: #expect(try fixture.claim(3).map(\.id).contains("queued"))
        }
    }

    /// Back at its old place if its record knows that, and the other hosts are told.
    @Test func queuedJobComesBackToItsOldPlace() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1", "2", "3")
        _ = try fixture.release(try fixture.claim(1).map(\.claim))
        try fixture.server.command("DEL", "\(Self.base)queued")
        let listener = try ChannelListener(fixture.server, channel: "\(Self.base)queued")
        #expect(found(try fixture.check(repair: true).violations) == ["2 1", "2 2", "2 3"])
        #expect(try fixture.members("queued").first == "1")
        #expect(try listener.next() == "-a")
        #expect(violations(in: fixture.server) == [])
        #expect(try fixture.claim(3).count == 3)
    }

    @Test func deadJobWithoutItsLetterGetsANewOne() throws {
        let fixture = try expect(["2 dead"]) { try $0.server.command("XTRIM", "\(Self.base)dead", "MAXLEN", "0") }
        let entry = try #require(try fixture.server.command("XRANGE", "\(Self.base)dead", "-", "+").array.first)
        #expect(
            entry.array[1].strings == [
                "job", "email/dead", "type", "", "reason", "failed", "attempts", "1", "error", "", "payload", "1",
            ])
        #expect(try fixture.record("dead")["dead_entry"] == entry.array[0].string)
        #expect(try fixture.wait { $0.requeue("dead", queue: "email", then: $1) } == .requeued)
        #expect(violations(in: fixture.server) == [])
    }

    @Test func letterThatTheRecordDoesNotNameIsTheOneIfThereIsNoOther() throws {
        _ = try expect(["2 dead"], report: ["2 dead", "2 dead"]) {
            try $0.server.command("HSET", "\(Self.base)job:dead", "dead_entry", "nonsense")
        }
        let fixture = try expect(["2 dead"]) {
            try $0.server.command("XADD", "\(Self.base)dead", "*", "job", "email/dead", "payload", "1")
        }
        #expect(try fixture.server.command("XLEN", "\(Self.base)dead").int == 1)
    }

    @Test func letterOfALivingJobIsRemoved() throws {
        let fixture = try expect(["2 queued"]) {
            try $0.server.command("XADD", "\(Self.base)dead", "*", "job", "email/queued", "payload", "1")
        }
        #expect(try fixture.server.command("XLEN", "\(Self.base)dead").int == 1)
    }

    @Test(arguments: [
        ("scheduled", "queued"), ("processing", "queued"), ("queued", "retrying"), ("retrying", "processing"),
        ("cancelled", "queued"), ("queued", "completed"), ("retrying", "dead"), ("expired", "cancelled"),
    ])
    func jobInAFurtherPlaceLeavesIt(set: String, id: String) throws {
        let isOpen = set != "cancelled" && set != "expired"
        let fixture = try expect(["2 \(id)"], report: (isOpen ? ["6"] : []) + ["2 \(id)"]) {
            try $0.server.command("ZADD", "\(Self.base)\(set)", "1", id)
        }
        #expect(!(try fixture.members(set).contains(id)))
        #expect(try fixture.record(id)["state"] == id)
    }

    /// The place is wrong and the right one is empty: both are put right in one step.
    @Test func jobInAWrongPlaceChangesIt() throws {
        let fixture = try expect(["2 queued", "2 queued"]) {
            try $0.server.command("ZREM", "\(Self.base)queued", "queued")
            try $0.server.command("ZADD", "\(Self.base)scheduled", "5", "queued")
        }
        #expect(try fixture.members("queued").contains("queued"))
    }

    @Test func jobWithoutAStateIsQueued() throws {
        for state in ["", "nonsense"] {
            let fixture = try expect(["2 retrying", "2 retrying"]) {
                try $0.server.command("HSET", "\(Self.base)job:retrying", "state", state)
            }
            #expect(try fixture.get("retrying")?.state == .queued)
        }
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1")
        try fixture.server.command("HSET", "\(Self.base)job:x", "progress", "1")
        #expect(found(try fixture.check(repair: true).violations) == ["2 x", "6"])
        #expect(try fixture.check(repair: true).violations == [])
        #expect(violations(in: fixture.server) == [])
        #expect(try fixture.claim(2).map(\.id) == ["1", "x"])
    }

    // MARK: 3: tokens

    @Test func processingWithoutATokenGoesBackToItsQueue() throws {
        let fixture = try expect(["3 processing"]) {
            try $0.server.command("HDEL", "\(Self.base)job:processing", "token")
        }
        let record = try #require(try fixture.get("processing"))
        #expect(record.state == .queued && record.attempts == 0)
        #expect(try fixture.members("queued").contains("processing"))
    }

    @Test func tokenCounterIsNotBehindAToken() throws {
        let fixture = try expect(["3 processing"]) {
            try $0.server.command("HSET", "\(Self.base)job:processing", "token", "8000000000000000-feed")
        }
        #expect(try fixture.counters()["token"] == "8000000000000000")
    }

    // MARK: 6: conservation

    @Test(arguments: [("enqueued", -3, "enqueued"), ("enqueued", 3, "deleted"), ("completed", 2, "enqueued")])
    func countersAreRaisedUntilTheyAgree(counter: String, by: Int, raised: String) throws {
        var before = 0
        let fixture = try expect(["6"]) {
            before = Int(try $0.counters()[raised] ?? "0") ?? 0
            try $0.server.command("HINCRBY", "\(Self.base)counters", counter, "\(by)")
            if counter == raised { before += by }
        }
        #expect(try fixture.counters()[raised] == "\(before + abs(by))")
    }

    @Test func lostCountersAreMadeAgain() throws {
        let fixture = try StoreFixture()
        _ = try fixture.fill()
        try fixture.server.command("DEL", "\(Self.base)counters")
        let violations = try fixture.check(repair: true).violations
        #expect(Set(found(violations).map { $0.prefix(1) }) == ["3", "6", "9"])
        #expect(try fixture.check(repair: true).violations == [])
        let totals = try #require(try fixture.statistics()).totals
        #expect(totals.enqueued == 4 && totals.deleted == 0)
        // What is new is behind what was there.
        try fixture.enqueue(ids: "new")
        #expect(try fixture.members("queued") == ["queued", "new"])
    }

    // MARK: 8: retention

    @Test func completedRecordWithoutAnEndGetsOne() throws {
        let fixture = try expect(["8 completed"]) {
            try $0.server.command("PERSIST", "\(Self.base)job:completed")
        }
        let left = try #require(try fixture.server.command("PTTL", "\(Self.base)job:completed").int)
        #expect((3_590_000...3_600_000).contains(left))
    }

    @Test func recordThatIsKeptTooLongGoesAtItsTime() throws {
        let fixture = try expect(["8 completed"]) {
            try $0.server.command("HSET", "\(Self.base)job:completed", "keep_ms", "60000")
        }
        let left = try #require(try fixture.server.command("PTTL", "\(Self.base)job:completed").int)
        #expect((50_000...60_000).contains(left))
        let other = try expect(["8 cancelled"]) {
            try $0.server.command("HSET", "\(Self.base)job:cancelled", "keep_ms", "60000")
        }
        let end = try other.server.command("ZSCORE", "\(Self.base)cancelled", "cancelled").int.map(Int64.init)
        #expect(end == (try other.get("cancelled")?.finishedAt).map { $0 + 60_001 })
    }

    @Test(arguments: ["queued", "processing", "dead", "cancelled"])
    func recordThatMustNotGoStays(id: String) throws {
        let fixture = try expect(["8 \(id)"]) { try $0.server.command("PEXPIRE", "\(Self.base)job:\(id)", "60000") }
        #expect(try fixture.server.command("PTTL", "\(Self.base)job:\(id)").int == -1)
    }

    // MARK: 8: expiry and unique keys

    @Test func expiryIsWhatTheRecordSays() throws {
        _ = try expect(["8 scheduled"]) { try $0.server.command("DEL", "\(Self.base)expiry") }
        _ = try expect(["8 scheduled"]) { try $0.server.command("ZADD", "\(Self.base)expiry", "5000", "scheduled") }
        let fixture = try expect(["8 dead", "8 processing"]) {
            try $0.set("expires_at", of: "processing", to: "5000")
            try $0.server.command("ZADD", "\(Self.base)expiry", "5000", "processing", "6000", "dead")
        }
        #expect(try members(fixture)["expiry"] == ["scheduled"])
    }

    @Test func stringOfAUniqueKeyWithoutItsHolderIsDeleted() throws {
        let fixture = try expect(["8 dead", "8 gone", "8 queued"]) {
            try $0.server.command("SET", "\(Self.base)unique:a", "gone")
            try $0.server.command("SET", "\(Self.base)unique:b", "queued")
            try $0.server.command("SET", "\(Self.base)unique:c:\nd", "dead")
            try $0.server.command("HSET", "\(Self.base)job:dead", "unique", "c:\nd", "unique_until", "done")
        }
        #expect(try fixture.holder(of: "k") == "queued")
        #expect(try fixture.server.command("KEYS", "\(Self.base)unique:*").array.count == 2)
    }

    @Test func keyUntilTheClaimIsNotHeldAfterIt() throws {
        let fixture = try expect(["8 processing"]) {
            try $0.set("unique_until", of: "processing", to: "claimed")
        }
        #expect(try fixture.holder(of: "p") == nil)
    }

    @Test func holderGetsItsKeyBackUnlessItMayBeWithoutIt() throws {
        let fixture = try expect(["8 queued"]) { try $0.server.command("DEL", "\(Self.base)unique:k") }
        #expect(try fixture.holder(of: "k") == "queued")
        try fixture.server.command("DEL", "\(Self.base)unique:k")
        try fixture.set("unique_loose", of: "queued", to: "1")
        #expect(try fixture.check(repair: true).violations == [])
        #expect(try fixture.holder(of: "k") == nil)
    }

    @Test func ofTwoHoldersTheOneThatTheStringNamesHasTheKey() throws {
        let fixture = try expect(["8 front"]) { try $0.give("front", unique: "k", holding: false) }
        #expect(try fixture.holder(of: "k") == "queued")
        #expect(try fixture.record("front")["unique_loose"] == "1")
    }

    @Test func queueSaysWhatItsJobsNeed() throws {
        let fixture = try sound()
        try fixture.server.command("HDEL", "\(Self.base)policy", "tracked")
        #expect(!violations(in: fixture.server).isEmpty)
        let found = try fixture.check(repair: true).violations
        #expect(found.map(\.invariant) == [8])
        #expect(try fixture.check(repair: true).violations == [])
        #expect(violations(in: fixture.server) == [])
    }

    // MARK: 9: places

    @Test func countersOfPlacesAreNotBehindThem() throws {
        let fixture = try expect(["9 front", "9 scheduled"], report: ["9 front", "9 queued", "9 scheduled"]) {
            try $0.server.command(
                "ZADD", "\(Self.base)queued", "70", "queued", "\(-5 * 35_184_372_088_832 - 60)", "front")
            try $0.set("score", of: "scheduled", to: "80")
        }
        #expect(try fixture.counters()["seq"] == "80")
        #expect(try fixture.counters()["front"] == "60")
    }
}
