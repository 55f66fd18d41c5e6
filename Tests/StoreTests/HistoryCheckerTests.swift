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

    mutating func enqueue(
        _ job: String, key: String?, untilClaimed: Bool = false, expiresInMs: Int? = nil,
        _ outcome: HistoryEvent.Outcome = .acknowledged
    ) {
        let terms = HistoryEvent.Terms(key: key, untilClaimed: untilClaimed, expiresInMs: expiresInMs)
        add(.enqueue(job: job, terms: terms), outcome)
    }

    mutating func claim(
        _ job: String, _ token: Int, attempt: Int = 1, of maximum: Int = 3, sight: HistoryEvent.Sight = .init()
    ) {
        add(.claim(job: job, token: "\(token)-x", attempt: attempt, maxAttempts: maximum, sight: sight))
    }

    mutating func checkpoint(
        _ job: String, _ token: Int, _ value: String, _ outcome: HistoryEvent.Outcome = .acknowledged
    ) {
        add(.checkpoint(job: job, token: "\(token)-x", value: value), outcome)
    }

    /// Time passes.
    mutating func pass(seconds: UInt64) { clock += seconds * 1_000_000_000 }

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

    // MARK: Cancelled and expired

    @Test mutating func aJobThatWasCancelledStaysSo() {
        script.enqueue("q/a", "q/b", "q/c")
        script.add(.cancel(job: "q/a", ended: true))
        script.add(.cancel(job: "q/b", ended: true))
        script.add(.cancel(job: "q/c", ended: true))
        script.claim("q/c", 1)
        #expect(
            script.kinds(["q/a": "cancelled", "q/b": "queued", "q/c": "cancelled"]) == [
                .cancelUndone, .claimedAfterCancel,
            ])
    }

    @Test mutating func aRunningJobThatIsToBeCancelledMayBeCompletedButNotRetriedOrBuried() {
        script.enqueue("q/a", "q/b", "q/c", "q/d")
        for (token, job) in ["q/a", "q/b", "q/c", "q/d"].enumerated() {
            script.claim(job, token + 1)
            script.add(.cancel(job: job, ended: false))
        }
        script.complete("q/a", 1)
        let states = ["q/b": "cancelled", "q/c": "processing", "q/d": "dead"]
        #expect(script.kinds(states) == [.cancelUndone])
        script.claim("q/c", 5, attempt: 2)
        #expect(script.kinds(states) == [.cancelUndone, .claimedAfterCancel])
    }

    @Test mutating func anEndThatNobodyAskedForIsFound() {
        script.enqueue("q/a", "q/b")
        script.add(.cancel(job: "q/a", ended: true), .refused)
        script.enqueue("q/c", key: nil, expiresInMs: 5)
        let states = ["q/a": "cancelled", "q/b": "expired", "q/c": "expired"]
        #expect(script.kinds(states, drained: true) == [.unexplainedEnd, .unexplainedEnd])
    }

    @Test mutating func cancelledAndExpiredJobsAreCounted() {
        script.enqueue("q/a", "q/b")
        script.enqueue("q/c", key: nil, expiresInMs: 5)
        script.add(.cancel(job: "q/a", ended: true))
        script.add(.cancel(job: "q/b", ended: false), .unknown)
        let states = ["q/a": "cancelled", "q/b": "cancelled", "q/c": "expired"]
        #expect(script.kinds(states, counters: ["enqueued": 3, "cancelled": 2, "expired": 1]).isEmpty)
        #expect(script.kinds(states, counters: ["enqueued": 3, "cancelled": 3, "expired": 1]) == [.countersDisagree])
        #expect(script.kinds(states, counters: ["enqueued": 3, "cancelled": 0, "expired": 1]) == [.countersDisagree])
        #expect(script.kinds(states, counters: ["enqueued": 3, "cancelled": 1, "expired": 2]) == [.countersDisagree])
    }

    @Test mutating func aFirstAttemptAfterItsExpiryIsFound() {
        script.enqueue("q/a", key: nil, expiresInMs: 50)
        script.enqueue("q/b", key: nil, expiresInMs: 50)
        script.enqueue("q/c", key: nil, expiresInMs: 50)
        script.claim("q/a", 1, sight: .init(enqueuedAt: 1000, claimedAt: 1049))
        script.claim("q/a", 2, attempt: 2, sight: .init(enqueuedAt: 1000, claimedAt: 2000))
        script.claim("q/b", 3, sight: .init(enqueuedAt: 1000, claimedAt: 1051))
        let states = ["q/a": "processing", "q/b": "processing", "q/c": "expired"]
        #expect(script.kinds(states) == [.claimedTooLate])
    }

    // MARK: Unique keys

    @Test mutating func aKeyThatGoesFromHolderToHolderIsRight() {
        script.enqueue("q/a", key: "k")
        script.add(.duplicate(job: "q/x", holder: "q/a", key: "k"))
        script.claim("q/a", 1)
        script.complete("q/a", 1)
        script.enqueue("q/b", key: "k")
        script.enqueue("r/c", key: "k")
        script.add(.cancel(job: "q/b", ended: true))
        script.enqueue("q/d", key: "k")
        script.add(.duplicate(job: "q/y", holder: "q/d", key: "k"))
        let states = ["q/a": "completed", "q/b": "cancelled", "r/c": "queued", "q/d": "queued"]
        #expect(script.kinds(states).isEmpty)
    }

    @Test(arguments: ["queued", "completed", "cancelled", "expired"])
    mutating func twoHoldersAtOnceAreFound(_ end: String) {
        script.enqueue("q/a", key: "k", expiresInMs: 5000)
        script.enqueue("q/b", key: "k")
        script.pass(seconds: 6)
        script.claim("q/a", 1)
        script.complete("q/a", 1, .unknown)
        script.add(.cancel(job: "q/a", ended: true), .unknown)
        #expect(script.kinds(["q/a": end, "q/b": "queued"]) == [.keyTwice])
    }

    @Test mutating func whatMayHaveEndedBeforeIsNoSecondHolder() {
        script.enqueue("q/a", key: "k")
        script.add(.cancel(job: "q/a", ended: false), .unknown)
        script.enqueue("q/b", key: "k", expiresInMs: 0)
        script.enqueue("q/c", key: "k", .unknown)
        script.enqueue("q/d", key: "k")
        #expect(
            script.kinds(["q/a": "cancelled", "q/b": "expired", "q/c": "dead", "q/d": "queued"]).isEmpty)
        script.enqueue("q/e", key: "c", untilClaimed: true)
        script.enqueue("q/f", key: "c", untilClaimed: true)
        #expect(
            script.kinds([
                "q/a": "cancelled", "q/b": "expired", "q/c": "dead", "q/d": "queued", "q/e": "queued", "q/f": "queued",
            ]).isEmpty)
    }

    @Test mutating func aKeyThatIsHeldByAJobThatEndedIsFound() {
        script.enqueue("q/a", key: "k")
        script.claim("q/a", 1)
        script.add(.duplicate(job: "q/x", holder: "q/a", key: "k"))
        script.complete("q/a", 1)
        script.add(.duplicate(job: "q/y", holder: "q/a", key: "k"))
        #expect(script.kinds(["q/a": "completed"]) == [.keyNotFreed])
    }

    @Test mutating func aKeyThatIsHeldAfterTheClaimItLastsUntilIsFound() {
        script.enqueue("q/a", key: "k", untilClaimed: true)
        script.add(.duplicate(job: "q/x", holder: "q/a", key: "k"))
        script.claim("q/a", 1)
        script.add(.duplicate(job: "q/y", holder: "q/a", key: "k"))
        #expect(script.kinds(["q/a": "processing"]) == [.keyNotFreed])
    }

    @Test mutating func aHolderThatNeverHadTheKeyIsFound() {
        script.enqueue("q/a", key: "other")
        script.add(.duplicate(job: "q/x", holder: "q/a", key: "k"))
        script.add(.duplicate(job: "q/y", holder: "q/b", key: "k"))
        #expect(script.kinds(["q/a": "queued"]) == [.invented, .invented])
    }

    // MARK: Checkpoints

    @Test mutating func aClaimSeesTheLastCheckpoint() {
        script.enqueue("q/a")
        script.claim("q/a", 1)
        script.checkpoint("q/a", 1, "one")
        script.checkpoint("q/a", 1, "two")
        script.checkpoint("q/a", 1, "no", .refused)
        script.claim("q/a", 2, attempt: 2, sight: .init(checkpoint: "two"))
        script.checkpoint("q/a", 2, "three", .unknown)
        var forgetful = script
        for seen in ["two", "three"] {
            var later = script
            later.claim("q/a", 3, attempt: 3, sight: .init(checkpoint: seen))
            #expect(later.kinds(["q/a": "processing"]).isEmpty)
        }
        for seen in ["one", "no", nil] {
            var later = script
            later.claim("q/a", 3, attempt: 3, sight: .init(checkpoint: seen))
            #expect(later.kinds(["q/a": "processing"]) == [.checkpointLost])
        }
        forgetful.checkpoint("q/a", 2, "four")
        forgetful.claim("q/a", 3, attempt: 3, sight: .init(checkpoint: "two"))
        #expect(forgetful.kinds(["q/a": "processing"]) == [.checkpointLost])
    }

    @Test mutating func aCheckpointThatNobodyStoredIsFound() {
        script.enqueue("q/a")
        script.claim("q/a", 1)
        script.checkpoint("q/a", 1, "one", .unknown)
        script.claim("q/a", 2, attempt: 2)
        #expect(script.kinds(["q/a": "processing"]).isEmpty)
        script.claim("q/a", 3, attempt: 3, sight: .init(checkpoint: "two"))
        #expect(script.kinds(["q/a": "processing"]) == [.checkpointLost])
    }

    // MARK: Waits

    @Test mutating func aWaitThatSaysSomethingElseThanTheRecordIsFound() {
        script.enqueue("q/a", "q/b")
        script.add(.cancel(job: "q/a", ended: true))
        script.add(.wait(job: "q/a", state: "cancelled"))
        script.add(.wait(job: "q/b", state: "dead"))
        #expect(script.kinds(["q/a": "cancelled", "q/b": "dead"]).isEmpty)
        script.add(.wait(job: "q/b", state: "completed"))
        #expect(script.kinds(["q/a": "cancelled", "q/b": "dead"]) == [.waitedWrong])
    }

    @Test mutating func aWaitThatNobodyEndsIsFound() {
        script.enqueue("q/a")
        script.claim("q/a", 1)
        script.complete("q/a", 1)
        script.pass(seconds: 60)
        script.add(.wait(job: "q/a", state: "completed"))
        #expect(script.kinds(["q/a": "completed"]).isEmpty)
        let last = script.events.removeLast()
        script.events.append(HistoryEvent(last.call, last.outcome, began: 1, ended: last.ended))
        #expect(script.kinds(["q/a": "completed"]) == [.waitedTooLong])
    }
}

@Suite struct EventCheckerTests {
    private func kinds(_ events: [(String, String, String)], _ states: [String: String]) -> [EventChecker.Violation
        .Kind]
    {
        let events = events.map { EventChecker.Event(kind: $0.0, job: $0.1, seq: $0.2) }
        return EventChecker.violations(in: events, states: states).map(\.kind)
    }

    @Test func everyEndToldOnceInOrderIsRight() {
        let events = [("completed", "q/a", "9-1000"), ("dead", "q/b", "10-0"), ("retrying", "q/c", "10-1")]
        #expect(kinds(events, ["q/a": "completed", "q/b": "dead", "q/c": "retrying"]).isEmpty)
    }

    @Test func anEndThatIsMissingIsFound() {
        #expect(kinds([], ["q/a": "completed", "q/b": "queued"]) == [.missed])
        #expect(kinds([("dead", "q/a", "1-0")], ["q/a": "completed"]) == [.missed])
    }

    @Test func anEventThatComesAgainIsFound() {
        let events = [("completed", "q/a", "1-0"), ("completed", "q/a", "1-0")]
        #expect(kinds(events, ["q/a": "completed"]) == [.seqTwice, .toldTwice])
        #expect(kinds([("dead", "q/a", "1-0"), ("dead", "q/a", "1-1")], ["q/a": "dead"]) == [.toldTwice])
    }

    @Test func eventsAgainstTheirOrderAreFound() {
        let events = [("dead", "q/a", "10-0"), ("dead", "q/b", "9-5"), ("dead", "q/c", "9-6")]
        #expect(kinds(events, ["q/a": "dead", "q/b": "dead", "q/c": "dead"]) == [.outOfOrder, .outOfOrder])
    }

    @Test func anEndThatNeverWasIsFound() {
        #expect(kinds([("dead", "q/a", "1-0")], ["q/a": "queued"]) == [.invented])
        #expect(kinds([("dead", "q/a", "1-0")], [:]) == [.invented])
        #expect(kinds([("dead", "q/a", "x")], ["q/a": "dead"]) == [.noSeq])
    }
}
