// The arithmetic of the waits between attempts.

import Store
import Testing

@Suite struct BackoffTests {
    @Test func exponentialDoublesWithEachAttempt() {
        let backoff = Backoff(kind: .exponential, baseMs: 1_000, maxMs: 3_600_000, jitter: 0)
        let delays = (1...5).map { backoff.delayMs(afterAttempt: $0, random: 0.9) }
        #expect(delays == [1_000, 2_000, 4_000, 8_000, 16_000])
    }

    @Test func linearGrowsByTheBase() {
        let backoff = Backoff(kind: .linear, baseMs: 250, maxMs: 3_600_000, jitter: 0)
        #expect((1...4).map { backoff.delayMs(afterAttempt: $0, random: 0) } == [250, 500, 750, 1_000])
    }

    @Test func fixedStaysTheSame() {
        let backoff = Backoff(kind: .fixed, baseMs: 700, maxMs: 3_600_000, jitter: 0)
        #expect([1, 2, 900].map { backoff.delayMs(afterAttempt: $0, random: 0) } == [700, 700, 700])
    }

    @Test(arguments: Backoff.Kind.allCases) func noDelayIsLongerThanTheCap(_ kind: Backoff.Kind) {
        let backoff = Backoff(kind: kind, baseMs: 86_400_000, maxMs: 5_000, jitter: 0)
        for attempt in [1, 2, 62, 63, 64, 1_000] {
            #expect(backoff.delayMs(afterAttempt: attempt, random: 0) == 5_000)
        }
    }

    @Test func theThousandthAttemptDoesNotOverflow() {
        let backoff = Backoff(kind: .exponential, baseMs: 86_400_000, maxMs: 31_536_000_000, jitter: 0)
        #expect(backoff.delayMs(afterAttempt: 1_000, random: 0) == 31_536_000_000)
    }

    @Test func jitterTakesAwayItsShareAtMost() {
        let backoff = Backoff(kind: .fixed, baseMs: 1_000, maxMs: 3_600_000, jitter: 0.5)
        #expect(backoff.delayMs(afterAttempt: 1, random: 0) == 1_000)
        #expect(backoff.delayMs(afterAttempt: 1, random: 0.5) == 750)
        #expect(backoff.delayMs(afterAttempt: 1, random: 0.999_999) == 500)
    }

    @Test func fullJitterMayTakeAlmostAll() {
        let backoff = Backoff(kind: .fixed, baseMs: 1_000, maxMs: 1_000, jitter: 1)
        #expect(backoff.delayMs(afterAttempt: 1, random: 0.999_5) == 0)
        #expect(backoff.delayMs(afterAttempt: 1, random: 0.25) == 750)
    }

    @Test func aBaseOfZeroRetriesAtOnce() {
        let backoff = Backoff(kind: .exponential, baseMs: 0, maxMs: 1_000, jitter: 0.5)
        #expect(backoff.delayMs(afterAttempt: 3, random: 0.3) == 0)
    }

    @Test func defaultsAreThoseOfTheProtocol() {
        #expect(Backoff() == Backoff(kind: .exponential, baseMs: 1_000, maxMs: 3_600_000, jitter: 0.5))
    }
}
