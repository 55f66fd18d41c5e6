// What the daemon believes of the store's clock, and when it may reclaim expired leases.

import Store
import Testing

@testable import Broker

@Suite struct ServerClockTests {
    @Test func dueTimesAreTranslatedThroughTheLastAnswer() {
        let clock = ServerClock()
        #expect(clock.monotonicUs(of: 1_000) == 0)
        clock.observe(now: 1_700_000_000_000, askedAt: 9_999_000, answeredAt: 10_000_000)
        #expect(clock.monotonicUs(of: 1_700_000_000_250) == 10_250_000)
    }

    @Test func timesBeforeTheBootOfThisHostAreDueAtOnce() {
        let clock = ServerClock()
        clock.observe(now: 1_700_000_000_000, askedAt: 0, answeredAt: 1_000)
        #expect(clock.monotonicUs(of: 1_600_000_000_000) == 0)
    }

    @Test func answerThatTookTooLongSaysNothing() {
        let clock = ServerClock()
        clock.observe(now: 1_000_000, askedAt: 1_000_000, answeredAt: 1_000_100)
        // The server stood still for eight seconds: its answer carries an old time.
        clock.observe(now: 1_000_500, askedAt: 1_500_000, answeredAt: 9_500_000)
        #expect(clock.now(at: 2_000_100) == 1_001_000)
    }

    // MARK: The right to reclaim

    /// Answers a beat at once; `now` is the store's time, `at` the loop's.
    private func beat(
        _ clock: ServerClock, now: ServerTime, at: UInt64, pausedUntil: ServerTime? = nil, gap: Int64 = 0,
        back: Int64 = 0
    ) -> ServerClock.News? {
        clock.answered(
            BeatReply(now: now, pausedUntil: pausedUntil, gapMs: gap, steppedBackMs: back, moved: back),
            askedAt: at, at: at)
    }

    @Test func onlyABeatThatIsASecondYoungerThanTheFirstGivesTheRight() {
        let clock = ServerClock()
        #expect(clock.reclaimingUntil == nil)
        #expect(beat(clock, now: 50_000, at: 1_000_000) == nil)
        #expect(clock.reclaimingUntil == nil)
        #expect(beat(clock, now: 50_500, at: 1_500_000) == nil)
        #expect(clock.reclaimingUntil == nil)
        #expect(beat(clock, now: 51_000, at: 2_000_000) == nil)
        #expect(clock.reclaimingUntil == 51_000 + ServerClock.rightMs)
        clock.connectionWasLost()
        #expect(clock.reclaimingUntil == nil)
        #expect(beat(clock, now: 53_000, at: 4_000_000) == nil)
        #expect(clock.reclaimingUntil == nil)
    }

    @Test func whileTheStorePausesNothingIsReclaimedAndItIsSaidOnce() {
        let clock = ServerClock()
        _ = beat(clock, now: 50_000, at: 1_000_000)
        #expect(
            beat(clock, now: 58_000, at: 9_000_000, pausedUntil: 68_000, gap: 8_000)
                == .gap(ms: 8_000, pauseMs: 10_000))
        #expect(clock.reclaimingUntil == nil)
        #expect(beat(clock, now: 59_000, at: 10_000_000, pausedUntil: 68_000) == nil)
        #expect(clock.pausedUntil == 68_000)
        #expect(beat(clock, now: 69_000, at: 20_000_000) == .resumed)
        #expect(clock.reclaimingUntil == 72_000)
    }

    @Test func aGapThatTheOwnClockKnowsNothingOfIsAStepForward() {
        let clock = ServerClock()
        _ = beat(clock, now: 50_000, at: 1_000_000)
        #expect(
            beat(clock, now: 3_651_000, at: 2_000_000, pausedUntil: 3_661_000, gap: 3_601_000)
                == .setForward(byMs: 3_600_000, pauseMs: 10_000))
    }

    @Test func aStepBackIsSaidAndPausesNothing() {
        let clock = ServerClock()
        _ = beat(clock, now: 5_000_000, at: 1_000_000)
        _ = beat(clock, now: 5_001_000, at: 2_000_000)
        #expect(beat(clock, now: 1_402_000, at: 3_000_000, back: 3_600_000) == .setBack(byMs: 3_600_000))
        #expect(clock.reclaimingUntil == 1_402_000 + ServerClock.rightMs)
        #expect(clock.now(at: 3_000_000) == 1_402_000)
        let next = clock.beat(at: 4_000_000)
        #expect(next.last == Beat.Last(now: 1_402_000, moved: 3_600_000, elapsedMs: 1_000))
    }

    // MARK: The longest lease

    @Test func theLongestLeaseIsTheLongestThatMayStillRun() {
        var leases = LongestLease()
        #expect(leases.longest(at: 0) == 0)
        leases.note(2_000, at: 0)
        leases.note(86_400_000, at: 0)
        leases.note(45_000, at: 1_000_000)
        #expect(leases.longest(at: 2_000_000) == 86_400_000)
        #expect(leases.longest(at: 86_400_000_000) == 0)
        leases.note(30_000, at: 86_400_000_000)
        leases.note(100, at: 86_400_000_000)
        #expect(leases.longest(at: 86_400_050_000) == 30_000)
    }

    @Test func theStoreIsToldAtOnceOfALongerLease() {
        let clock = ServerClock()
        #expect(clock.note(leaseMs: 2_000, at: 1_000_000))
        #expect(clock.beat(at: 1_000_000) == Beat(last: nil, longestLeaseMs: 2_000))
        let again = clock.note(leaseMs: 2_000, at: 1_500_000)
        #expect(!again)
        let longer = clock.note(leaseMs: 2_001, at: 1_500_000)
        #expect(longer)
    }

    @Test func leasesThatEndedSinceTheLastBeatAreToldStill() {
        let clock = ServerClock()
        _ = beat(clock, now: 50_000, at: 1_000_000)
        _ = clock.note(leaseMs: 2_000, at: 1_500_000)
        #expect(clock.beat(at: 9_000_000).longestLeaseMs == 2_000)
        _ = beat(clock, now: 58_000, at: 9_000_000)
        #expect(clock.beat(at: 10_000_000).longestLeaseMs == 0)
    }
}
