// What a plain job costs: the commands of the scripts that it passes through. Whoever adds one has to say so here.

import Harness
import Store
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ScriptCostTests {
    /// The commands that `body` makes the server carry out, as `name count`, without those around the scripts.
    private func commands(_ fixture: StoreFixture, _ body: () throws -> Void) throws -> String {
        try fixture.server.command("CONFIG", "RESETSTAT")
        try body()
        let statistics = try fixture.server.command("INFO", "commandstats").string ?? ""
        return statistics.split(separator: "\r\n").compactMap { line -> String? in
            guard let match = line.firstMatch(of: #/^cmdstat_([^:]+):calls=(\d+)/#) else { return nil }
            return match.1.hasPrefix("config") ? nil : "\(match.1) \(match.2)"
        }.sorted().joined(separator: ", ")
    }

    /// A queue that some jobs went through, and that nobody listens to.
    private func quiet() throws -> StoreFixture {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "first", "second")
        _ = try fixture.complete(try fixture.claim(2).map(\.claim))
        try fixture.tellAll(false)
        return fixture
    }

    @Test func plainJobCostsTheseCommands() throws {
        let fixture = try quiet()
        try fixture.enqueue(ids: "0")
        #expect(
            try commands(fixture) { try fixture.enqueue(ids: "1") } == """
                evalsha 1, exists 1, hgetall 1, hincrby 2, hset 1, time 1, zadd 1, zcard 1
                """)
        var claim: Claim?
        #expect(
            try commands(fixture) { claim = try fixture.claim().first?.claim } == """
                evalsha 1, hgetall 1, hmget 2, hset 2, time 1, zadd 1, zcard 1, zrangebyscore 1, zremrangebyrank 1
                """)
        let held = try #require(claim)
        #expect(
            try commands(fixture) { _ = try fixture.complete([held]) } == """
                evalsha 1, hgetall 1, hincrby 1, hmget 1, hset 1, llen 1, lpush 1, pexpire 1, publish 1, time 1, xadd 1, zrem 1
                """)
    }

    @Test func jobsOfOneCallShareAllButTheirRecords() throws {
        let fixture = try quiet()
        try fixture.enqueue(ids: "0")
        #expect(
            try commands(fixture) { try fixture.enqueue(ids: "1", "2", "3", "4") } == """
                evalsha 1, exists 1, hgetall 1, hincrby 2, hset 4, time 1, zadd 1, zcard 1
                """)
        var claims: [Claim] = []
        #expect(
            try commands(fixture) { claims = try fixture.claim(5).map(\.claim) } == """
                evalsha 1, hgetall 1, hmget 6, hset 6, time 1, zadd 1, zcard 1, zrangebyscore 1, zremrangebyrank 1
                """)
        #expect(
            try commands(fixture) { _ = try fixture.complete(claims) } == """
                evalsha 1, hgetall 1, hincrby 1, hmget 5, hset 5, llen 1, lpush 1, pexpire 5, publish 1, time 1, xadd 1, zrem 1
                """)
    }

    @Test func plainJobsOfAQueueWithOthersCostNoFurtherCommandEach() throws {
        let fixture = try quiet()
        try fixture.enqueue(NewJob(id: "0", payload: bytes("1"), unique: UniqueKey(key: "k"), expiresInMs: 60_000))
        try fixture.enqueue(ids: "1", "2", "3")
        _ = try fixture.claim()
        var claims: [Claim] = []
        #expect(
            try commands(fixture) { claims = try fixture.claim(3).map(\.claim) } == """
                evalsha 1, hgetall 1, hmget 4, hset 4, time 1, zadd 1, zcard 2, zrangebyscore 1, zrem 1
                """)
        #expect(
            try commands(fixture) { _ = try fixture.complete(claims) } == """
                evalsha 1, hgetall 1, hincrby 1, hmget 3, hset 3, llen 1, lpush 1, pexpire 3, publish 1, time 1, xadd 1, zrem 1
                """)
    }
}
