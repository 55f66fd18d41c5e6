// The beats of daemons: what they find out of gaps and of a server's clock that was set, and what all of them agree on.

import Harness
import Store
import Testing

@Suite(.serialized, .timeLimit(.minutes(2)))
struct BeatTests {
    private let fixture: StoreFixture

    init() throws {
        fixture = try StoreFixture()
        try fixture.enqueue(ids: "1")
    }

    private func beat(_ last: BeatReply? = nil, elapsedMs: Int64 = 0, leaseMs: Int64 = 0) throws -> BeatReply {
        let told = last.map { Beat.Last(now: $0.now, moved: $0.moved, elapsedMs: elapsedMs) }
        return try fixture.wait { $0.beat(Beat(last: told, longestLeaseMs: leaseMs), then: $1) }
    }

    /// The last beat of all daemons was so long ago by the server's clock; negative: it is set back by that.
    private func seen(agoMs: Int64) throws {
        let now = try beat().now
        try fixture.server.command("HSET", "jobq:clock", "seen", String(now - agoMs))
    }

    // MARK: Gaps

    @Test func withoutAGapNothingIsPaused() throws {
        _ = try beat()
        try fixture.server.command("HDEL", "jobq:clock", "paused_until")
        let first = try beat(leaseMs: 60_000)
        let second = try beat(first, elapsedMs: 1_000)
        #expect(second.pausedUntil == nil && second.gapMs == 0 && second.steppedBackMs == 0)
        #expect(second.queues == 1)
    }

    @Test func anEmptyStoreHasNothingToPause() throws {
        let empty = try StoreFixture()
        let reply = try empty.wait { $0.beat(Beat(last: nil, longestLeaseMs: 0), then: $1) }
        #expect(reply.pausedUntil == nil && reply.queues == 0)
    }

    @Test func queuesOfAVersionWithoutBeatsGetTheLengthOfAnOrdinaryLease() throws {
        let reply = try beat()
        #expect(reply.pausedUntil == reply.now + 30_000)
    }

    @Test func aGapPausesForTheLongestLeaseThatWasGiven() throws {
        try forget()
        _ = try beat(leaseMs: 20_000)
        _ = try beat(leaseMs: 2_000)
        try seen(agoMs: 15_000)
        let reply = try beat()
        #expect(reply.gapMs >= 15_000 && reply.gapMs < 16_000)
        #expect(reply.pausedUntil == reply.now + 20_000)
        // Another daemon, which was cut off by the same gap, learns of the same pause.
        let other = try beat()
        #expect(other.gapMs == 0)
        #expect(other.pausedUntil == reply.pausedUntil)
    }

    @Test func aShortGapPausesForTenTimesItsLength() throws {
        try forget()
        _ = try beat(leaseMs: 3_600_000)
        try seen(agoMs: 4_000)
        let reply = try beat()
        #expect(reply.pausedUntil == reply.now + 10 * reply.gapMs)
    }

    @Test func whatADaemonKnowsOfItsOwnLastBeatIsNoGap() throws {
        try forget()
        let first = try beat(leaseMs: 20_000)
        try fixture.server.command("HDEL", "jobq:clock", "seen")
        #expect(try beat(first, elapsedMs: 0).pausedUntil == nil)
    }

    @Test func withoutLeasesAGapPausesNothing() throws {
        try forget()
        _ = try beat()
        try seen(agoMs: 60_000)
        #expect(try beat().pausedUntil == nil)
    }

    @Test func aFullRedisAnswersBeats() throws {
        try forget()
        let first = try beat(leaseMs: 20_000)
        try fixture.server.command("CONFIG", "SET", "maxmemory", "1")
        let second = try beat(first, elapsedMs: 1_000)
        #expect(second.pausedUntil == nil && second.queues == 1)
    }

    @Test func aRedisThatRefusesAllWritesIsAsOneThatIsAway() throws {
        try forget()
        let first = try beat(leaseMs: 20_000)
        try fixture.server.command("CONFIG", "SET", "min-replicas-to-write", "1")
        let refused = try fixture.result {
            $0.beat(
                Beat(last: .init(now: first.now, moved: 0, elapsedMs: 0), longestLeaseMs: 0), then: $1)
        }
        #expect(throws: StoreFailure.self) { _ = try refused.get() }
        try fixture.server.command("CONFIG", "SET", "min-replicas-to-write", "0")
        try fixture.server.command("HSET", "jobq:clock", "seen", String(first.now - 9_000))
        let old = BeatReply(now: first.now - 9_000)
        // After a refusal the store sends nothing for a moment.
        var reply: BeatReply?
        try eventually(within: 5, "a beat is answered") {
            reply = try? beat(old, elapsedMs: 9_000)
            return reply != nil
        }
        #expect(reply?.pausedUntil != nil)
    }

    /// As after a start on an empty store.
    private func forget() throws {
        try fixture.server.command("DEL", "jobq:clock")
        try fixture.server.command("HSET", "jobq:clock", "seen", String(try beat().now))
        try fixture.server.command("HDEL", "jobq:clock", "paused_until", "longest", "longest_until")
    }

    // MARK: The right to reclaim

    @Test func aSweepThatComesTooLateReclaimsNothing() throws {
        _ = try fixture.claim(leaseMs: 100)
        try fixture.shift("1", in: "processing", by: -1_000)
        let now = try beat().now
        let late = try fixture.wait { $0.sweep(queue: "email", reclaimingUntil: now - 1, then: $1) }
        #expect(late.reclaimed == 0)
        let timely = try fixture.wait { $0.sweep(queue: "email", reclaimingUntil: now + 3_000, then: $1) }
        #expect(timely.reclaimed == 1)
    }

    // MARK: A clock that was set back

    private static let hour: Int64 = 3_600_000

    /// What was put there an hour ago by a clock that was an hour ahead stands there so.
    private func putAhead(_ id: String, in set: String, by milliseconds: Int64 = hour) throws {
        try fixture.server.command("ZINCRBY", "jobq:{email}:\(set)", String(milliseconds), id)
    }

    private func score(_ id: String, _ set: String) throws -> Int64? {
        try fixture.server.command("ZSCORE", "jobq:{email}:\(set)", id).string.flatMap { Int64($0) }
    }

    private func field(_ name: String, of id: String) throws -> String? {
        try fixture.server.command("HGET", "jobq:{email}:job:\(id)", name).string
    }

    private func turnBack(byMs: Int64 = hour) throws -> BeatReply {
        try seen(agoMs: -byMs)
        let reply = try beat()
        #expect(abs(reply.steppedBackMs - byMs) < 500)
        try fixture.drive(within: 20, "all queues moved") {
            (try? fixture.server.command("ZCARD", "jobq:moving").int) == 0
        }
        return reply
    }

    @Test func dueTimesFollowAClockThatWasSetBack() throws {
        try fixture.enqueue(
            NewJob(id: "later", payload: bytes("1"), start: .delay(50_000)),
            NewJob(id: "mortal", payload: bytes("1"), expiresInMs: 70_000))
        _ = try fixture.claim(leaseMs: 30_000)
        let before = try ["processing": "1", "scheduled": "later", "expiry": "mortal"].map { set, id in
            (set, id, try #require(try score(id, set)))
        }
        for (set, id, _) in before { try putAhead(id, in: set) }
        let ahead = try #require(try score("mortal", "expiry"))
        try fixture.server.command("HSET", "jobq:{email}:job:mortal", "expires_at", String(ahead))
        // Made long ago, by their records: by the clock of before.
        try fixture.server.command("HINCRBY", "jobq:{email}:job:1", "claimed_at", String(Self.hour))
        try fixture.server.command("HINCRBY", "jobq:{email}:job:later", "enqueued_at", String(Self.hour))
        let reply = try turnBack()
        for (set, id, due) in before {
            let moved = try #require(try score(id, set))
            #expect(abs(moved - (due + Self.hour - reply.steppedBackMs)) == 0, "\(set)")
        }
        #expect(try field("expires_at", of: "mortal") == String(score("mortal", "expiry") ?? 0))
        #expect(try fixture.server.command("KEYS", "*moving*").strings.isEmpty)
    }

    @Test func whatTheNewClockMadeStaysWhereItIs() throws {
        try fixture.enqueue(NewJob(id: "later", payload: bytes("1"), start: .delay(7_200_000)))
        _ = try fixture.claim(leaseMs: 30_000)
        let (lease, start) = (try score("1", "processing"), try score("later", "scheduled"))
        // The last beat was half a second before: what was made since may be by either clock.
        let now = try beat()
        try fixture.server.command("HSET", "jobq:clock", "seen", String(now.now + Self.hour))
        _ = try beat(
            BeatReply(now: now.now + Self.hour - 3_000), elapsedMs: 3_000)
        try fixture.drive(within: 20, "all queues moved") {
            (try? fixture.server.command("ZCARD", "jobq:moving").int) == 0
        }
        #expect(try score("1", "processing") == lease)
        #expect(try score("later", "scheduled") == start)
    }

    @Test func pausesUniqueKeysAndRecordsFollowToo() throws {
        _ = try fixture.enqueue("held", unique: UniqueKey(key: "k", ttlMs: 40_000), start: .delay(90_000))
        let done = try #require(try fixture.claim().first)
        _ = try fixture.complete([done.claim])
        let until = try beat().now + 60_000
        try fixture.wait { $0.pause(queue: "email", until: until + Self.hour, then: $1) }
        for (key, ttl) in [("unique:k", 40_000), ("job:1", 3_600_000)] {
            try fixture.server.command("PEXPIRE", "jobq:{email}:\(key)", String(Int64(ttl) + Self.hour))
        }
        try putAhead("held", in: "unique_ends")
        try fixture.server.command("HINCRBY", "jobq:{email}:job:1", "finished_at", String(Self.hour))
        _ = try turnBack()
        func left(_ key: String) throws -> Int { try fixture.server.command("PTTL", "jobq:{email}:\(key)").int ?? 0 }
        #expect((30_000...41_000).contains(try left("unique:k")))
        #expect((3_590_000...3_601_000).contains(try left("job:1")))
        let paused = try fixture.server.command("HGET", "jobq:{email}:policy", "paused").string.flatMap { Int64($0) }
        #expect(abs((paused ?? 0) - until) < 500)
    }

    @Test func aLargeQueueMovesInBoundedStepsAndOnlyOnce() throws {
        let jobs = (0..<1_000).map { NewJob(id: "d\($0)", payload: bytes("1"), start: .at(4_000_000_000_000)) }
        _ = try fixture.wait { $0.enqueue(jobs, queue: "email", then: $1) }
        // By the clock of before.
        let ahead = "for i = 0, 999 do redis.call('HINCRBY', 'jobq:{email}:job:d' .. i, 'enqueued_at', 3600000) end"
        try fixture.server.command("EVAL", ahead, "0")
        let reply = try turnBack()
        let scores = try fixture.server.command("ZRANGE", "jobq:{email}:scheduled", "0", "-1", "WITHSCORES").strings
        let distinct = Set(stride(from: 1, to: scores.count, by: 2).map { scores[$0] })
        #expect(distinct == [String(4_000_000_000_000 - reply.steppedBackMs)])
        #expect(scores.count == 2_000)
    }

    @Test func aStepThatADeadDaemonNoticedIsCarriedOutByTheNext() throws {
        _ = try fixture.claim(leaseMs: 30_000)
        try putAhead("1", in: "processing")
        try fixture.server.command("HINCRBY", "jobq:{email}:job:1", "claimed_at", String(Self.hour))
        let lease = try #require(try score("1", "processing"))
        let now = try beat().now
        // It had enlisted the queue, and no more.
        try fixture.server.command(
            "HSET", "jobq:clock", "moved", String(Self.hour), "moved_since", String(now), "seen", String(now))
        try fixture.server.command("ZADD", "jobq:moving", "0", "email")
        #expect(try beat().queuesToMove == 1)
        try fixture.drive(within: 20, "all queues moved") {
            (try? fixture.server.command("ZCARD", "jobq:moving").int) == 0
        }
        #expect(try score("1", "processing") == lease - Self.hour)
        _ = try beat()
        #expect(try score("1", "processing") == lease - Self.hour)
    }

    @Test func aDaemonThatComesLaterDoesNotTakeTheSameStepForAnother() throws {
        let before = try beat()
        let step = try turnBack()
        // It was connected last before the step, by the clock of then.
        let late = try beat(BeatReply(now: before.now + Self.hour, moved: 0), elapsedMs: 1_000)
        #expect(late.steppedBackMs == 0)
        #expect(late.moved == step.moved)
    }

    // MARK: Looks

    @Test func aLookFindsWhatIsDueOrCanBeClaimedInManyQueues() throws {
        let names = (0..<100).map { "q\($0)" }
        for index in [3, 50] {
            _ = try fixture.wait { $0.enqueue([NewJob(id: "1", payload: bytes("1"))], queue: names[index], then: $1) }
        }
        let later = [NewJob(id: "2", payload: bytes("1"), start: .delay(1_000))]
        _ = try fixture.wait { $0.enqueue(later, queue: names[7], then: $1) }
        _ = try fixture.wait {
            $0.enqueue([NewJob(id: "3", payload: bytes("1"), start: .delay(60_000))], queue: names[8], then: $1)
        }
        try fixture.wait { $0.pause(queue: names[50], until: nil, then: $1) }
        let looks = try fixture.wait { $0.look(at: names, reclaimingUntil: .max, then: $1) }
        #expect(looks.map(\.index) == [3, 7])
        #expect(looks[0].claimable && looks[0].due == nil)
        let runAt = try fixture.server.command("ZSCORE", "jobq:{q7}:scheduled", "2").string
        #expect(!looks[1].claimable && looks[1].due.map(String.init) == runAt)
    }

    @Test func anExpiredLeaseIsDueOnlyForWhoMayReclaim() throws {
        _ = try fixture.claim(leaseMs: 100)
        try fixture.shift("1", in: "processing", by: -1_000)
        #expect(try fixture.wait { $0.look(at: ["email"], reclaimingUntil: nil, then: $1) }.isEmpty)
        #expect(try fixture.wait { $0.look(at: ["email"], reclaimingUntil: .max, then: $1) }.count == 1)
    }

    @Test func aKeyOfAnotherTypeDoesNotHideTheOtherQueues() throws {
        try fixture.server.command("SET", "jobq:{broken}:processing", "x")
        let looks = try fixture.wait { $0.look(at: ["broken", "email"], reclaimingUntil: .max, then: $1) }
        #expect(looks.map(\.index) == [1])
    }
}
