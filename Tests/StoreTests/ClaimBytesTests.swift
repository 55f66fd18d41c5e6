// How long the answer of a claim gets: as many jobs as have room in it, one of any size, and the rest stays where it was.

import Harness
import Store
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ClaimBytesTests {
    private static let payload = Array("\"\(String(repeating: "x", count: 99_998))\"".utf8)

    private func jobs(_ count: Int, expiresInMs: Int64? = nil) -> [NewJob] {
        (0..<count).map { number in
            let id = "\(number + 100)"
            return NewJob(id: id, payload: Self.payload, expiresInMs: expiresInMs)
        }
    }

    /// How a queue hands jobs out: as plain jobs, as such with more than that, or by age.
    enum Way: CaseIterable { case plain, tracked, aged }

    private func fixture(_ way: Way, jobs count: Int) throws -> StoreFixture {
        let fixture = try StoreFixture()
        if way == .aged {
            var change = PolicyChange()
            change.agingMs = .set(3_600_000)
            _ = try fixture.wait { $0.configure(change, queue: "email", then: $1) }
        }
        for job in jobs(count, expiresInMs: way == .tracked ? 3_600_000 : nil) { try fixture.enqueue(job) }
        return fixture
    }

    @Test(arguments: Way.allCases)
    func aClaimTakesWhatHasRoomAndLeavesTheRest(way: Way) throws {
        let fixture = try fixture(way, jobs: 60)
        let first = try fixture.claim(100)
        // Each counts 100,000 bytes and 1 KiB.
        #expect(first.count == ClaimRequest.maximumBytes / 101_024)
        #expect(first.map(\.id) == (100..<100 + first.count).map(String.init))
        #expect(first.map(\.attempt) == first.map { _ in 1 })
        let second = try fixture.claim(100)
        #expect(second.map(\.id) == (100 + first.count..<160).map(String.init))
        #expect(try fixture.server.command("ZCARD", "jobq:{email}:queued").int == 0)
        #expect(try fixture.server.command("ZCARD", "jobq:{email}:processing").int == 60)
        #expect(try fixture.server.command("HGET", "jobq:{email}:counters", "claimed").string == "60")
    }

    @Test(arguments: Way.allCases)
    func aJobOfAnySizeIsHandedOut(way: Way) throws {
        let fixture = try StoreFixture()
        let large = Array("\"\(String(repeating: "x", count: 5 << 20))\"".utf8)
        let expiry: Int64? = way == .tracked ? 3_600_000 : nil
        for id in ["1", "2"] { try fixture.enqueue(NewJob(id: id, payload: large, expiresInMs: expiry)) }
        #expect(try fixture.claim(10).map(\.id) == ["1"])
        #expect(try fixture.claim(10).map(\.id) == ["2"])
        #expect(try fixture.claim(10).isEmpty)
    }

    @Test func claimsOfOneTurnAreFilledInOrderAndNoneIsLeftOutForItsRoom() throws {
        let fixture = try fixture(.plain, jobs: 60)
        var found: [[String]] = [[], [], []]
        var left = 3
        for index in 0..<3 {
            let request = ClaimRequest(max: index == 1 ? 2 : 50)
            fixture.store.claim(request, queue: "email", patient: false) {
                found[index] = (try? $0.get().jobs.map(\.id)) ?? ["failed"]
                left -= 1
            }
        }
        try fixture.drive { left == 0 }
        #expect(found[1].count == 2 && found[0].count > 10 && found[2].count > 10, "\(found.map(\.count))")
        #expect(found.flatMap { $0 }.sorted() == (100..<160).map(String.init))
    }

    @Test func aClaimThatIsCutSaysSo() throws {
        let fixture = try fixture(.plain, jobs: 45)
        let claimed = try fixture.wait { $0.claim(ClaimRequest(max: 100), queue: "email", patient: false, then: $1) }
        #expect(claimed.isCut)
        let rest = try fixture.wait { $0.claim(ClaimRequest(max: 100), queue: "email", patient: false, then: $1) }
        #expect(!rest.isCut && claimed.jobs.count + rest.jobs.count == 45)
    }

    @Test func noScriptCallAnswersWithMuchMoreThanHalfAMegabyte() throws {
        let fixture = try fixture(.plain, jobs: 40)
        try fixture.server.command("CONFIG", "RESETSTAT")
        _ = try fixture.claim(100)
        let calls = try fixture.server.command("INFO", "commandstats").string ?? ""
        // Five jobs have room in one; the ninth finds that there is no more room.
        #expect(calls.contains("cmdstat_evalsha:calls=9,"), "\(calls)")
    }

    @Test func largeJobsThatMeetAWaitingClaimAreBoundedToo() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "0")
        _ = try fixture.claim()
        var (claimed, left): ([String], Int) = ([], 2)
        fixture.store.claim(ClaimRequest(max: 100), queue: "email", patient: true) {
            claimed = (try? $0.get().jobs.map(\.id)) ?? ["failed"]
            left -= 1
        }
        fixture.store.enqueue(jobs(50), queue: "email") { _ in left -= 1 }
        try fixture.drive { left == 0 }
        #expect(claimed.count == ClaimRequest.maximumBytes / 101_024)
        #expect(try fixture.server.command("ZCARD", "jobq:{email}:queued").int == 50 - claimed.count)
    }

    @Test func theModelBoundsAClaimInTheSameWay() {
        let bench = ModelBench()
        for job in jobs(60) { bench.enqueue(job) }
        let most = ClaimRequest.maximumBytes / 101_024
        #expect(bench.claim(100).map(\.id) == (100..<100 + most).map(String.init))
        #expect(bench.claim(100).count == 60 - most)
        let large = Array("\"\(String(repeating: "x", count: 5 << 20))\"".utf8)
        for id in ["l1", "l2"] { bench.enqueue(NewJob(id: id, payload: large)) }
        #expect(bench.claim(10).map(\.id) == ["l1"] && bench.claim(10).map(\.id) == ["l2"])
    }
}
