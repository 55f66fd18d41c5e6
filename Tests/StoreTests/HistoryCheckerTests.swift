// Shows that the history checker finds each kind of violation, and does not find any where calls merely overlap.

import Harness
import Testing

/// Events in the making: each call takes one tick, the next begins after it.
private struct Script {
    var events: [HistoryEvent] = []
    private var clock: UInt64 = 0

    mutating func add(_ call: HistoryEvent.Call, _ outcome: HistoryEvent.Outcome = .acknowledged) {
        events.append(HistoryEvent(call, outcome, began: clock + 1, ended: clock + 2))
        clock += 2
    }

    mutating func enqueue(_ jobs: String...) { for job in jobs { add(.enqueue(job: job)) } }

    mutating func claim(_ job: String, _ token: Int, attempt: Int = 1, of maximum: Int = 3) {
        add(.claim(job: job, token: "\(token)-x", attempt: attempt, maxAttempts: maximum))
    }

    mutating func complete(_ job: String, _ token: Int, _ outcome: HistoryEvent.Outcome = .acknowledged) {
        add(.complete(job: job, token: "\(token)-x"), outcome)
    }

    func kinds(
        _ states: [String: String] = [:], counters: [String: Int]? = nil, drained: Bool = false
    ) -> [HistoryChecker.Violation.Kind] {
        let final = HistoryChecker.Final(states: states, counters: counters.map { ["q": $0] } ?? [:])
        return HistoryChecker.violations(in: events, final: final, drained: drained, inOrder: true).map(\.kind)
    }
}

@Suite struct HistoryCheckerTests {
    private var script = Script()

    @Test mutating func anHonestHistoryHasNoViolation() {
        script.enqueue("q/a", "q/b", "q/c")
        script.claim("q/a", 1)
        script.complete("q/a", 1, .unknown)
        script.complete("q/a", 1)
        script.claim("q/b", 2)
        script.claim("q/b", 3, attempt: 2)
        script.complete("q/b", 2, .refused)
        script.complete("q/b", 3)
        let counters = ["enqueued": 3, "claimed": 3, "completed": 2]
        #expect(script.kinds(["q/c": "queued", "q/b": "completed"], counters: counters).isEmpty)
    }

    @Test mutating func anAcknowledgedJobThatIsNowhereIsLost() {
        script.enqueue("q/a")
        script.claim("q/a", 1)
        #expect(script.kinds() == [.lost])
    }

    @Test mutating func anUnansweredEnqueueMayBeThereOrNot() {
        script.add(.enqueue(job: "q/a"), .unknown)
        #expect(script.kinds().isEmpty)
        #expect(script.kinds(["q/a": "queued"]).isEmpty)
    }

    @Test mutating func afterDrainingNothingMayWait() {
        script.enqueue("q/a", "q/b")
        #expect(script.kinds(["q/a": "processing", "q/b": "dead"], drained: true) == [.unfinished])
    }

    @Test mutating func aJobNobodyEnqueuedIsInvented() {
        script.add(.enqueue(job: "q/b"), .refused)
        script.claim("q/a", 1)
        #expect(script.kinds(["q/b": "queued"]) == [.invented, .invented])
    }

    @Test mutating func twoCompletionsWithDifferentTokensAreFound() {
        script.enqueue("q/a")
        script.claim("q/a", 1)
        script.claim("q/a", 2, attempt: 2)
        script.complete("q/a", 1)
        script.complete("q/a", 2)
        #expect(script.kinds() == [.completedTwice])
    }

    @Test mutating func aClaimAfterTheCompletionIsFound() {
        script.enqueue("q/a")
        script.claim("q/a", 1)
        script.complete("q/a", 1)
        script.claim("q/a", 2, attempt: 2)
        #expect(script.kinds() == [.claimedAfterCompletion])
    }

    @Test mutating func aTokenGivenTwiceIsFound() {
        script.enqueue("q/a", "q/b")
        script.claim("q/a", 1)
        script.claim("q/b", 1)
        #expect(script.kinds(["q/a": "processing", "q/b": "processing"]) == [.tokenReused])
    }

    @Test mutating func aTokenSmallerThanAnEarlierOneIsFound() {
        script.enqueue("q/b", "q/a")
        script.claim("q/a", 9)
        script.claim("q/b", 8)
        #expect(script.kinds(["q/a": "processing", "q/b": "processing"]) == [.tokenShrank])
    }

    @Test mutating func tokensOfOverlappingClaimsMayComeInAnyOrder() {
        script.enqueue("q/b", "q/a")
        for (job, token) in [("q/a", "9-x"), ("q/b", "8-x")] {
            let call = HistoryEvent.Call.claim(job: job, token: token, attempt: 1, maxAttempts: 3)
            script.events.append(HistoryEvent(call, .acknowledged, began: 100, ended: 110))
        }
        #expect(script.kinds(["q/a": "processing", "q/b": "processing"]).isEmpty)
    }

    @Test mutating func anAttemptBeyondTheMaximumIsFound() {
        script.enqueue("q/a")
        script.claim("q/a", 1, attempt: 4)
        #expect(script.kinds(["q/a": "processing"]) == [.tooManyAttempts])
    }

    @Test mutating func anAttemptThatWasNotCountedIsFoundUnlessTheJobWasReleased() {
        script.enqueue("q/a")
        script.claim("q/a", 1)
        script.claim("q/a", 2)
        #expect(script.kinds(["q/a": "processing"]) == [.attemptRepeated])
        script.add(.release(job: "q/a", token: "1-x"), .unknown)
        #expect(script.kinds(["q/a": "processing"]).isEmpty)
    }

    @Test mutating func jobsClaimedAgainstTheirOrderOfArrivalAreFound() {
        script.enqueue("q/a", "q/b")
        script.claim("q/b", 1)
        script.claim("q/a", 2)
        #expect(script.kinds(["q/a": "processing", "q/b": "processing"]) == [.outOfOrder])
    }

    @Test mutating func jobsOfOtherPrioritiesOrWithADelayKeepNoOrder() {
        script.add(.enqueue(job: "q/a", priority: -1))
        script.add(.enqueue(job: "q/d", ordered: false))
        script.enqueue("q/b")
        script.claim("q/b", 1)
        script.claim("q/d", 2)
        script.claim("q/a", 3)
        #expect(script.kinds(["q/a": "processing", "q/b": "processing", "q/d": "processing"]).isEmpty)
    }

    @Test mutating func countersBelowOrAboveWhatClientsSawAreFound() {
        script.enqueue("q/a", "q/b")
        script.claim("q/a", 1)
        script.complete("q/a", 1)
        let states = ["q/b": "queued"]
        #expect(script.kinds(states, counters: ["enqueued": 2, "claimed": 5, "completed": 1]).isEmpty)
        #expect(script.kinds(states, counters: ["enqueued": 2, "claimed": 1, "completed": 0]) == [.countersDisagree])
        #expect(script.kinds(states, counters: ["enqueued": 3, "claimed": 1, "completed": 1]) == [.countersDisagree])
        #expect(script.kinds(states, counters: ["enqueued": 2, "claimed": 0, "completed": 1]) == [.countersDisagree])
    }
}
