// The loop itself: turns and their ends, deferred work, timers, exit.

import Glibc
import Harness
import Reactor
import Testing

@Suite(.timeLimit(.minutes(1))) struct LoopTests {
    @Test func actionsRunInOrderAfterEachSource() throws {
        let loop = try Loop()
        var order: [String] = []
        loop.atTurnEnd { order.append("first") }
        loop.atTurnEnd { order.append("second") }
        loop.deferred { order.append("source") }
        try loop.turnWhileBusy()
        #expect(order == ["source", "first", "second"])
    }

    @Test func actionThatMakesWorkForAnEarlierOneGetsAnotherRound() throws {
        let loop = try Loop()
        var order: [String] = []
        loop.atTurnEnd { order.append("first") }
        loop.atTurnEnd {
            order.append("second")
            if order.count == 2 { loop.askForTurnEnd() }
        }
        loop.deferred {}
        let turns = try loop.turnWhileBusy()
        #expect(turns == 1)
        #expect(order == ["first", "second", "first", "second"])
    }

    @Test func cancelledActionDoesNotRun() throws {
        let loop = try Loop()
        var runs = 0
        let action = loop.atTurnEnd { runs += 1 }
        loop.deferred {}
        try loop.turnWhileBusy()
        action.cancel()
        loop.deferred {}
        try loop.turnWhileBusy()
        #expect(runs == 1)
    }

    @Test func actionsThatNeverRestDoNotHoldTheLoop() throws {
        let loop = try Loop()
        var rounds = 0
        var fired = false
        loop.atTurnEnd {
            rounds += 1
            loop.askForTurnEnd()
        }
        let timer = loop.timer { fired = true }
        timer.arm(after: 1_000)
        loop.deferred {}
        try loop.turn(until: "the timer fires") { fired }
        #expect(rounds > 0)
    }

    @Test func workGatheredOutsideATurnGetsATurn() throws {
        let loop = try Loop()
        var ended = 0
        loop.atTurnEnd { ended += 1 }
        loop.askForTurnEnd()
        #expect(ended == 0)
        try loop.turn(until: "a turn ends") { ended == 1 }
    }

    @Test func deferredWorkRunsOnceAndInALaterTurn() throws {
        let loop = try Loop()
        var runs: [Int] = []
        loop.deferred {
            runs.append(1)
            loop.deferred { runs.append(2) }
        }
        #expect(runs.isEmpty)
        _ = try loop.runOnce(timeout: 0)
        #expect(runs == [1])
        try loop.turnWhileBusy()
        #expect(runs == [1, 2])
    }

    @Test func runGivesTheExitCodeAndEndsTheTurnFirst() throws {
        let loop = try Loop()
        var ended = 0
        loop.atTurnEnd { ended += 1 }
        loop.deferred { loop.exit(78) }
        #expect(try loop.run() == 78)
        // Once before the first wait, once after the turn that asked for the exit.
        #expect(ended == 2)
    }

    @Test func brokenPipeIsAnErrorAndNotASignal() throws {
        let loop = try Loop()
        var ends: [Int32] = [-1, -1]
        #expect(pipe(&ends) == 0)
        close(ends[0])
        #expect(write(ends[1], "x", 1) == -1)
        #expect(errno == EPIPE)
        close(ends[1])
        withExtendedLifetime(loop) {}
    }

    @Test func errorsKeepTheirCodeAndCall() {
        let error = SystemError(EADDRINUSE, "bind")
        #expect(error.code == EADDRINUSE)
        #expect(error.description == "bind: Address already in use (98)")
    }
}

@Suite(.timeLimit(.minutes(1))) struct LoopTimerTests {
    @Test func firesWithinAMillisecondMostly() throws {
        let loop = try Loop()
        var lateness: [UInt64] = []
        for _ in 0..<21 {
            let due = loop.now + 5_000
            var fired: UInt64?
            let timer = loop.timer { fired = loop.now }
            timer.arm(at: due)
            try loop.turn(until: "the timer fires") { fired != nil }
            #expect(fired! >= due)
            lateness.append(fired! - due)
        }
        // The median: the machine may be busy with other tests.
        #expect(lateness.sorted()[10] < 20_000, "lateness in µs: \(lateness.sorted())")
    }

    @Test func firesOnceAndCanBeArmedAgainInItsHandler() throws {
        let loop = try Loop()
        var count = 0
        var timer: LoopTimer?
        timer = loop.timer {
            #expect(timer?.isArmed == false)
            count += 1
            if count < 3 { timer?.arm(after: 100) }
        }
        timer?.arm(after: 100)
        #expect(timer?.isArmed == true)
        try loop.turn(until: "three times") { count == 3 }
        #expect(timer?.isArmed == false)
        #expect(try loop.runOnce(timeout: 2_000) == false)
    }

    @Test func timeThatHasPassedFiresAtOnce() throws {
        let loop = try Loop()
        var fired = false
        let timer = loop.timer { fired = true }
        timer.arm(at: 1)
        try loop.turnWhileBusy()
        #expect(fired)
    }

    @Test func armingAgainMovesTheTime() throws {
        let loop = try Loop()
        var fired = false
        let timer = loop.timer { fired = true }
        timer.arm(after: 60_000_000)
        timer.arm(after: 1_000)
        try loop.turn(until: "the timer fires") { fired }
        timer.arm(after: 1_000)
        timer.arm(after: 60_000_000)
        fired = false
        #expect(try loop.runOnce(timeout: 5_000) == false)
        #expect(timer.isArmed)
    }

    @Test func disarmedOrDroppedTimerIsSilent() throws {
        let loop = try Loop()
        var fired = 0
        let disarmed = loop.timer { fired += 1 }
        var dropped: LoopTimer? = loop.timer { fired += 1 }
        disarmed.arm(after: 500)
        dropped?.arm(after: 500)
        disarmed.disarm()
        dropped = nil
        #expect(dropped == nil)
        #expect(try loop.runOnce(timeout: 5_000) == false)
        #expect(fired == 0)
    }

    @Test func droppedInItsOwnHandlerItEndsQuietly() throws {
        let loop = try Loop()
        var fired = 0
        var timer: LoopTimer?
        timer = loop.timer {
            timer = nil
            fired += 1
        }
        timer?.arm(after: 10)
        try loop.turn(until: "the timer fires") { fired == 1 }
        #expect(timer == nil)
    }

    @Test func endlessDelayDoesNotOverflow() throws {
        let loop = try Loop()
        let timer = loop.timer {}
        timer.arm(after: UInt64.max)
        #expect(timer.isArmed)
        #expect(try loop.runOnce(timeout: 0) == false)
    }
}

/// How long turns are, and work that is spread over them.
@Suite(.timeLimit(.minutes(1))) struct LoopTurnTests {
    @Test func eachTurnIsTimedWithWhatItsEndDoes() throws {
        let loop = try Loop()
        loop.atTurnEnd { usleep(30_000) }
        loop.deferred {}
        try loop.turnWhileBusy()
        #expect(loop.longestTurnUs >= 30_000)
        #expect(loop.turns.count == 1 && loop.turns.sumUs == loop.longestTurnUs)
    }

    @Test func workInPiecesLetsOthersHaveTheirTurn() throws {
        let loop = try Loop()
        var steps = 0
        var stepsBeforeTheOther: Int?
        loop.deferred {
            loop.inPieces {
                steps += 1
                usleep(2_000)
                return steps < 50
            }
            loop.deferred { stepsBeforeTheOther = stepsBeforeTheOther ?? steps }
        }
        try loop.turn(until: "all steps are taken") { steps == 50 }
        #expect(try #require(stepsBeforeTheOther) < 10)
        #expect(loop.turns.count > 10)
    }

    @Test func deferredActionsThatTakeLongAreSpreadOverTurnsInTheirOrder() throws {
        let loop = try Loop()
        var done: [Int] = []
        for number in 0..<20 {
            loop.deferred {
                usleep(3_000)
                done.append(number)
            }
        }
        try loop.turn(until: "all have run") { done.count == 20 }
        #expect(done == Array(0..<20) && loop.turns.count >= 5)
    }
}
