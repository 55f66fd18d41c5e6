// When a lease has something to say: a third before its end, and after it until the store has told what it is worth.

import Testing

@testable import Broker

@Suite struct LeasePeriodTests {
    /// What `#expect` may call: it takes no mutating functions.
    @dynamicMemberLookup private final class Box {
        var value: LeasePeriod
        init(_ value: LeasePeriod) { self.value = value }
        subscript<Member>(dynamicMember member: KeyPath<LeasePeriod, Member>) -> Member { value[keyPath: member] }
        func passed(at now: UInt64) -> LeasePeriod.Action? { value.passed(at: now) }
        func isLongOver(at now: UInt64) -> Bool { value.isLongOver(at: now) }
    }
    private static let second: UInt64 = 1_000_000
    /// 30 s from second 100 on; the server calls its end 5,000.
    private let lease = Box(LeasePeriod(lengthUs: 30 * second, until: 5_000, at: 100 * second))
    private let end = 130 * second
    private var asked: UInt64 { end + LeasePeriod.askAfterUs }

    @Test func itIsQuietUntilAThirdIsLeft() {
        #expect(lease.nextTime == 120 * Self.second)
        #expect(lease.passed(at: 120 * Self.second - 1) == nil)
        #expect(lease.passed(at: 120 * Self.second) == .sayExpiring(leftMs: 10_000))
    }

    @Test func whatIsLeftCountsFromTheTimeOfSaying() {
        #expect(lease.passed(at: 127 * Self.second) == .sayExpiring(leftMs: 3_000))
    }

    @Test func theEndIsAnnouncedOnce() {
        _ = lease.passed(at: 120 * Self.second)
        #expect(lease.passed(at: 125 * Self.second) == nil)
        #expect(lease.nextTime == asked)
    }

    @Test func afterTheEndTheStoreIsAskedAndNothingElseHappensBeforeItsAnswer() {
        _ = lease.passed(at: 120 * Self.second)
        #expect(lease.passed(at: end) == nil)
        #expect(lease.passed(at: asked) == .ask)
        #expect(lease.nextTime == nil)
        #expect(lease.passed(at: asked + Self.second) == nil)
    }

    @Test func aLoopThatWasKeptFromItsWorkAnnouncesNothingBelated() {
        #expect(lease.passed(at: end) == nil)
        #expect(lease.nextTime == asked)
        #expect(lease.passed(at: asked + 5) == .ask)
    }

    @Test func eachRenewalBeginsAPeriodOfItsOwn() {
        _ = lease.passed(at: 120 * Self.second)
        lease.value.renewed(lengthUs: 6 * Self.second, until: 6_000, at: 121 * Self.second)
        #expect(lease.end == 127 * Self.second)
        #expect(lease.nextTime == 125 * Self.second)
        #expect(lease.passed(at: 125 * Self.second) == .sayExpiring(leftMs: 2_000))
    }

    @Test func theLengthOfARenewalThatDidNotSayItFollowsFromTheServersTimes() {
        // Ten seconds later than the end known so far, of which twenty are left.
        #expect(lease.value.lengthUs(until: 15_000, serverNow: nil, at: 110 * Self.second) == 30 * Self.second)
        // Answers were late, so the server's clock looks slow: that does not make the lease longer.
        #expect(lease.value.lengthUs(until: 15_000, serverNow: -16_000, at: 110 * Self.second) == 30 * Self.second)
        // The server's clock was set forward by an hour before the renewal.
        let forward = lease.value.lengthUs(until: 3_615_000, serverNow: 3_585_000, at: 110 * Self.second)
        #expect(forward == 30 * Self.second)
        // It was set back: the store will be asked too early.
        #expect(lease.value.lengthUs(until: -3_585_000, serverNow: -3_615_000, at: 110 * Self.second) == 0)
    }

    @Test func aRenewalWhileTheStoreIsAskedCounts() {
        _ = lease.passed(at: asked)
        lease.value.renewed(lengthUs: 30 * Self.second, until: 9_000, at: asked)
        // The answer is from before: the claim stood until the old time.
        lease.value.stillHeld(until: 5_000, end: end, at: asked + 10)
        #expect(lease.end == asked + 30 * Self.second)
        #expect(lease.nextTime == asked + 20 * Self.second)
    }

    @Test func aLeaseThatWasRenewedElsewhereIsWatchedToItsNewEnd() {
        _ = lease.passed(at: 120 * Self.second)
        _ = lease.passed(at: asked)
        lease.value.stillHeld(until: 25_000, end: end + 20 * Self.second, at: asked)
        #expect(lease.nextTime == end + 10 * Self.second)
        #expect(lease.passed(at: end + 10 * Self.second) == .sayExpiring(leftMs: 10_000))
    }

    @Test func anAnswerThatSaysNothingNewDoesNotBeginAPeriod() {
        _ = lease.passed(at: 120 * Self.second)
        lease.value.stillHeld(until: 5_000, end: end + 3, at: 121 * Self.second)
        #expect(lease.end == end)
        #expect(lease.passed(at: 122 * Self.second) == nil)
    }

    @Test func untilTheStoreHasReclaimedItIsAskedLessAndLessOften() {
        var now = asked
        var pauses: [UInt64] = []
        for _ in 0..<6 {
            #expect(lease.passed(at: now) == .ask)
            lease.value.stillHeld(until: 5_000, end: end, at: now)
            let next = lease.nextTime!
            pauses.append(next - now)
            #expect(lease.passed(at: next - 1) == nil)
            now = next
        }
        #expect(pauses == [20_000, 80_000, 320_000, 1_000_000, 1_000_000, 1_000_000])
    }

    @Test func aStoreThatDoesNotAnswerIsAskedAgain() {
        #expect(lease.passed(at: asked) == .ask)
        lease.value.notAnswered(at: asked + 5 * Self.second)
        let next = lease.nextTime!
        #expect(next > asked + 5 * Self.second && next <= asked + 6 * Self.second)
        #expect(lease.passed(at: next) == .ask)
    }

    @Test func whatNobodyHeardIsSaidAgain() {
        _ = lease.passed(at: 120 * Self.second)
        lease.value.sayAgain()
        #expect(lease.passed(at: 123 * Self.second) == .sayExpiring(leftMs: 7_000))
        // What was not said yet is not said earlier.
        lease.value.renewed(lengthUs: 30 * Self.second, until: 6_000, at: 124 * Self.second)
        lease.value.sayAgain()
        #expect(lease.passed(at: 125 * Self.second) == nil)
    }

    @Test func anUnwatchedLeaseIsAskedAboutOnceItIsLongOver() {
        let long = end + LeasePeriod.longOverUs
        #expect(!lease.isLongOver(at: long - 1))
        #expect(lease.isLongOver(at: long))
        // Not twice for one answer, and again when the claim still stands.
        #expect(!lease.isLongOver(at: long + 1))
        lease.value.stillHeld(until: 5_000, end: end, at: long + 2)
        #expect(!lease.isLongOver(at: long + 3))
        #expect(lease.isLongOver(at: long + Self.second))
    }
}
