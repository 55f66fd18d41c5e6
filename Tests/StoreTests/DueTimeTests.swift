// Nothing is due early: times to come, held against a clock outside of Redis that has microseconds.

import Glibc
import Testing
import Wire

@testable import Store

@Suite(.timeLimit(.minutes(1))) struct DueTimeTests {
    /// Microseconds since the epoch, by the clock that the server on this host reads too.
    private static var micros: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }

    /// How much later than asked for, in µs, counted from just before the call; each call in another part of a millisecond.
    private func lateness(of delayMs: Int64, _ call: () throws -> ServerTime?) throws -> Int64 {
        let before = Self.micros
        let due = try #require(try call())
        return due * 1_000 - before - delayMs * 1_000
    }

    @Test func delaysLeasesAndBackoffsNeverEndEarly() throws {
        let fixture = try StoreFixture()
        for round in 0..<50 {
            let (delayed, worked) = ("d\(round)", "w\(round)")
            #expect(
                try lateness(of: 60_000) {
                    try fixture.enqueue(NewJob(id: delayed, payload: bytes("1"), start: .delay(60_000)))[0].runAt
                } >= 0)
            #expect(
                try lateness(of: 70_000) {
                    try fixture.enqueue(NewJob(id: worked, payload: bytes("1"), expiresInMs: 70_000))
                    return try fixture.get(worked)?.expiresAt
                } >= 0)
            var claimed: ClaimedJob?
            #expect(
                try lateness(of: 30_000) {
                    claimed = try fixture.claim().first
                    return claimed?.leaseUntil
                } >= 0)
            let claim = try #require(claimed).claim
            #expect(try fixture.get(worked)?.leaseUntil == claimed?.leaseUntil)
            #expect(
                try lateness(of: 40_000) {
                    guard case .extended(let until, _) = try fixture.extend([claim], leaseMs: 40_000)[0] else {
                        return nil
                    }
                    return until
                } >= 0)
            let last = try lateness(of: 500) {
                let outcome =
                    round.isMultiple(of: 2)
                    ? try fixture.fail([claim], retryInMs: 500)[0] : try fixture.release([claim], delayMs: 500)[0]
                guard case .done(_, let runAt) = outcome else { return nil }
                return runAt
            }
            #expect(last >= 0)
            _ = try fixture.wait { $0.cancel(worked, reason: nil, queue: fixture.queue, then: $1) }
        }
    }

    @Test func handedOverJobsHaveTheirWholeLeaseToo() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "first")
        #expect(try fixture.claim().count == 1)
        for round in 0..<50 {
            var found: ClaimedJob?
            #expect(
                try lateness(of: 20_000) {
                    fixture.store.enqueue([NewJob(id: "\(round)", payload: bytes("1"))], queue: fixture.queue) { _ in }
                    let request = ClaimRequest(max: 1, leaseMs: 20_000)
                    found = try fixture.wait { $0.claim(request, queue: fixture.queue, patient: false, then: $1) }
                        .jobs.first
                    return found?.leaseUntil
                } >= 0)
            #expect(try fixture.get("\(round)")?.leaseUntil == found?.leaseUntil)
        }
    }

    @Test func aJobIsNeverSeenBeforeItsTime() throws {
        let fixture = try StoreFixture()
        for round in 0..<20 {
            let due = Self.micros + 3_000
            try fixture.enqueue(NewJob(id: "\(round)", payload: bytes("1"), start: .delay(3)))
            try fixture.drive("the job") { try! fixture.sweep().promoted == 1 }
            #expect(Self.micros >= due)
        }
    }
}
