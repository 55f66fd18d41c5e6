// Shows that the invariant checker finds each kind of violation in a keyspace written by hand, and none in a sound one.

import Harness
import Testing

@Suite struct InvariantCheckerTests {
    private var keys = Keyspace()
    private let base = "jobq:{q}:"

    /// One job in each state, with a first attempt behind those that have one.
    init() {
        let history = #"{"attempt":1,"worker":"w","started_at":1,"ended_at":2,"outcome":"failed"}"#
        func put(_ id: String, _ fields: [String: String]) {
            keys.values["\(base)job:\(id)"] = .hash(["max_attempts": "3", "enqueued_at": "1"].merging(fields) { $1 })
        }
        put("q1", ["state": "queued"])
        put("s1", ["state": "scheduled", "run_at": "99"])
        put("r1", ["state": "retrying", "run_at": "98", "attempts": "1", "token": "10-a", "history": history])
        put("p1", ["state": "processing", "attempts": "2", "token": "11-b", "history": history])
        put(
            "c1", ["state": "completed", "attempts": "1", "token": "12-c", "finished_at": "1000", "keep_ms": "3600000"])
        put("x1", ["state": "cancelled", "finished_at": "1000", "keep_ms": "5000"])
        put("x2", ["state": "expired", "finished_at": "1000", "expires_at": "1000", "unique": "k2"])
        put("u1", ["state": "queued", "expires_at": "9000", "unique": "k1", "unique_until": "done"])
        put("d1", ["state": "dead", "attempts": "1", "token": "13-d", "history": history, "dead_entry": "5-0"])
        keys.values["\(base)queued"] = .sortedSet(["q1": 1, "u1": 2])
        keys.values["\(base)scheduled"] = .sortedSet(["s1": 99])
        keys.values["\(base)retrying"] = .sortedSet(["r1": 98])
        keys.values["\(base)processing"] = .sortedSet(["p1": 97])
        keys.values["\(base)cancelled"] = .sortedSet(["x1": 6000])
        keys.values["\(base)expired"] = .sortedSet(["x2": 7000])
        keys.values["\(base)expiry"] = .sortedSet(["u1": 9000])
        keys.values["\(base)unique:k1"] = .string("u1")
        keys.values["\(base)policy"] = .hash(["tracked": "1"])
        keys.values["\(base)completed"] = .list(["c1", "gone"])
        keys.values["\(base)dead"] = .stream([.init(id: "5-0", fields: ["job": "q/d1"])])
        keys.values["\(base)counters"] = .hash([
            "enqueued": "10", "completed": "2", "dead": "1", "cancelled": "1", "expired": "1", "token": "13",
            "seq": "2",
        ])
        keys.expiries["\(base)job:c1"] = 1000 + 3_600_000
    }

    private mutating func count(_ name: String, _ value: Int) {
        var counters = keys.hash("\(base)counters")
        counters[name] = String(value)
        keys.values["\(base)counters"] = .hash(counters)
    }

    private var found: [Int] { InvariantChecker.violations(in: keys).map(\.invariant).sorted() }

    private mutating func change(_ id: String, _ field: String, to value: String?) {
        var fields = keys.hash("\(base)job:\(id)")
        fields[field] = value
        keys.values["\(base)job:\(id)"] = .hash(fields)
    }

    @Test func aSoundKeyspaceHasNoViolation() {
        #expect(InvariantChecker.violations(in: keys).map(\.description) == [])
    }

    @Test mutating func aJobInTwoPlacesIsFound() {
        keys.values["\(base)scheduled"] = .sortedSet(["s1": 99, "q1": 99])
        #expect(found == [2, 6, 6])
    }

    @Test mutating func aJobInNoPlaceIsFound() {
        keys.values["\(base)retrying"] = nil
        #expect(found == [2, 6, 6])
    }

    @Test mutating func aStateThatIsNotThePlaceIsFound() {
        change("q1", "state", to: "processing")
        #expect(found == [2, 3])
    }

    @Test mutating func aDeadLetterWithoutItsEntryIsFound() {
        keys.values["\(base)dead"] = .stream([])
        #expect(found == [2, 6])
        keys.values["\(base)dead"] = .stream([.init(id: "6-0", fields: ["job": "q/d1"])])
        #expect(found == [2])
    }

    @Test mutating func aTokenOfTwoJobsIsFound() {
        change("p1", "token", to: "10-a")
        #expect(found == [3])
    }

    @Test mutating func processingWithoutATokenIsFound() {
        change("p1", "token", to: nil)
        #expect(found == [3])
    }

    @Test mutating func aTokenBeyondTheCounterIsFound() {
        change("p1", "token", to: "14-b")
        #expect(found == [3])
    }

    @Test mutating func moreAttemptsThanAllowedAreFound() {
        change("q1", "attempts", to: "4")
        #expect(found == [5, 5])
    }

    @Test mutating func anAttemptWithoutItsOutcomeIsFound() {
        change("r1", "history", to: nil)
        #expect(found == [5])
        change("r1", "history", to: #"{"attempt":1,"outcome":"released"}"#)
        #expect(found == [5])
    }

    @Test mutating func aJobThatWasCountedAndIsNotThereIsFound() {
        keys.values["\(base)job:q1"] = nil
        keys.values["\(base)queued"] = .sortedSet(["u1": 2])
        #expect(found == [6])
    }

    @Test mutating func aSetThatNamesARecordThatIsGoneIsFound() {
        keys.values["\(base)job:q1"] = nil
        #expect(found == [6, 8])
    }

    @Test mutating func retentionThatIsMissingTooLongOrMisplacedIsFound() {
        keys.expiries["\(base)job:c1"] = nil
        #expect(found == [8])
        keys.expiries["\(base)job:c1"] = 1000 + 3_600_000 + 2000
        #expect(found == [8])
        keys.expiries["\(base)job:c1"] = 5
        keys.expiries["\(base)job:q1"] = 5
        #expect(found == [8])
    }

    @Test mutating func anEndedJobInNoPlaceOrWithoutARecordIsFound() {
        keys.values["\(base)cancelled"] = nil
        #expect(found == [2])
        keys.values["\(base)cancelled"] = .sortedSet(["x1": 6000, "x2": 6000, "gone": 6000])
        #expect(found == [2, 8])
    }

    @Test mutating func anEndedJobThatIsKeptTooLongIsFound() {
        keys.values["\(base)cancelled"] = .sortedSet(["x1": 7001])
        #expect(found == [8])
        keys.values["\(base)cancelled"] = .sortedSet(["x1": 7000])
        keys.expiries["\(base)job:x1"] = 7000
        #expect(found == [8])
    }

    @Test mutating func anExpiryThatIsMissingWrongOrOverIsFound() {
        keys.values["\(base)expiry"] = nil
        #expect(found == [8])
        keys.values["\(base)expiry"] = .sortedSet(["u1": 9001])
        #expect(found == [8])
        keys.values["\(base)expiry"] = .sortedSet(["u1": 9000, "gone": 1, "x2": 1000])
        #expect(found == [8, 8])
    }

    @Test mutating func aUniqueKeyWithoutItsHolderIsFound() {
        for holder in ["gone", "x2", "q1"] {
            keys.values["\(base)unique:k2"] = .string(holder)
            #expect(found == [8], "\(holder)")
        }
    }

    @Test mutating func aUniqueKeyThatIsKeptAfterTheClaimIsFound() {
        change("p1", "unique", to: "k3")
        change("p1", "unique_until", to: "claimed")
        change("p1", "claimed_at", to: "5")
        #expect(found == [])
        keys.values["\(base)unique:k3"] = .string("p1")
        #expect(found == [8])
    }

    @Test mutating func aHolderWithoutItsUniqueKeyIsFoundUnlessItMayBeWithout() {
        keys.values["\(base)unique:k1"] = nil
        #expect(found == [8])
        change("u1", "unique_loose", to: "1")
        #expect(found == [])
    }

    @Test mutating func aQueueThatDoesNotSayWhatItsJobsNeedIsFound() {
        keys.values["\(base)policy"] = nil
        #expect(found == [8])
    }

    @Test mutating func aPlaceBeyondTheCountersIsFound() {
        keys.values["\(base)queued"] = .sortedSet(["q1": 3, "u1": -1])
        #expect(found == [9, 9])
        count("seq", 3)
        count("front", 1)
        #expect(found == [])
        change("p1", "score", to: "-351843720888316")
        #expect(found == [9])
        count("seq", 4)
        #expect(found == [])
    }

    @Test mutating func aDeadLetterThatWasRemovedIsMissedUnlessTheLogTellsOfIt() {
        keys.values["\(base)job:d1"] = nil
        keys.values["\(base)dead"] = nil
        #expect(found == [6])
        keys.values["\(base)events"] = .stream([
            .init(id: "6-1", fields: ["events": "deleted c0 1 - completed\ndeleted d1 1 - dead"])
        ])
        #expect(found == [])
        // One of those that were requeued may have been cancelled before, none of those that died.
        count("requeued", 1)
        count("enqueued", 9)
        #expect(found == [])
        keys.values["\(base)events"] = .stream([
            .init(id: "6-1", fields: ["events": "deleted d1 1 - dead\ndeleted d0 1 - dead"])
        ])
        #expect(found == [6])
    }

    @Test func itReadsTheKeysOfARealServerAndNoOthers() throws {
        let server = try RedisServer()
        try server.command("SET", "other", "1")
        try server.command("HSET", "jobq:{q}:job:a", "state", "queued", "max_attempts", "3")
        try server.command("PEXPIRE", "jobq:{q}:job:a", "60000")
        try server.command("ZADD", "jobq:{q}:queued", "-35184372088831", "a", "2", "b")
        try server.command("XADD", "jobq:{q}:dead", "7-1", "job", "q/x")
        try server.command("RPUSH", "jobq:{q}:completed", "c", "d")
        try server.command("SADD", "jobq:queues", "q")
        let keys = try Keyspace(of: server)
        #expect(keys.values.count == 5 && keys.queues() == ["q"])
        #expect(keys.sortedSet("jobq:{q}:queued") == ["a": -35_184_372_088_831, "b": 2])
        #expect(keys.stream("jobq:{q}:dead") == [.init(id: "7-1", fields: ["job": "q/x"])])
        #expect(keys.list("jobq:{q}:completed") == ["c", "d"])
        #expect(abs((keys.expiries["jobq:{q}:job:a"] ?? 0) - keys.now - 60_000) < 5_000)
        // a has a time to live, b and x have no record, the counters know nothing, also not of the places of a and b.
        let found = InvariantChecker.violations(in: keys).map(\.invariant)
        #expect(Set(found) == [6, 8, 9] && found.filter { $0 == 8 }.count == 3)
    }
}
