// What the daemon believes of the Redis server's clock, and when it stops believing it.

import Testing

@testable import Broker

@Suite struct ServerClockTests {
    @Test func dueTimesAreTranslatedThroughTheLastAnswer() {
        var clock = ServerClock()
        #expect(clock.monotonicUs(of: 1_000) == 0)
        let stepped = clock.observe(now: 1_700_000_000_000, askedAt: 9_999_000, answeredAt: 10_000_000)
        #expect(!stepped)
        #expect(clock.monotonicUs(of: 1_700_000_000_250) == 10_250_000)
    }

    @Test func timesBeforeTheBootOfThisHostAreDueAtOnce() {
        var clock = ServerClock()
        _ = clock.observe(now: 1_700_000_000_000, askedAt: 0, answeredAt: 1_000)
        #expect(clock.monotonicUs(of: 1_600_000_000_000) == 0)
    }

    @Test func stepForwardPausesReclaimingForTheLongestLease() {
        var clock = ServerClock()
        clock.note(leaseMs: 45_000)
        _ = clock.observe(now: 1_000_000, askedAt: 1_000_000, answeredAt: 1_000_100)
        let stepped = clock.observe(now: 1_007_000, askedAt: 2_000_000, answeredAt: 2_000_100)
        #expect(stepped)
        #expect(!clock.mayReclaim(at: 2_000_100))
        #expect(!clock.mayReclaim(at: 2_000_100 + 44_999_999))
        #expect(clock.mayReclaim(at: 2_000_100 + 45_000_000))
    }

    @Test func smallDriftAndStepsBackAreNoSteps() {
        var clock = ServerClock()
        _ = clock.observe(now: 1_000_000, askedAt: 1_000_000, answeredAt: 1_000_100)
        let drift = clock.observe(now: 1_005_500, askedAt: 2_000_000, answeredAt: 2_000_100)
        let back = clock.observe(now: 900_000, askedAt: 3_000_000, answeredAt: 3_000_100)
        #expect(!drift)
        #expect(!back)
        #expect(clock.mayReclaim(at: 3_000_100))
    }

    @Test func answerThatTookTooLongSaysNothing() {
        var clock = ServerClock()
        _ = clock.observe(now: 1_000_000, askedAt: 1_000_000, answeredAt: 1_000_100)
        // The server stood still for eight seconds: its answer carries an old time.
        let late = clock.observe(now: 1_000_500, askedAt: 1_500_000, answeredAt: 9_500_000)
        #expect(!late)
        let next = clock.observe(now: 1_009_000, askedAt: 10_000_000, answeredAt: 10_000_100)
        #expect(!next)
    }

    @Test func leaseBeyondTenMinutesDoesNotStopReclaimingForLonger() {
        var clock = ServerClock()
        clock.note(leaseMs: 86_400_000)
        #expect(clock.longestLeaseMs == 600_000)
    }
}
