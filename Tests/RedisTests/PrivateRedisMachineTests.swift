// The states of the daemon's own redis-server, without processes and clocks.

import Testing

@testable import Redis

@Suite struct PrivateRedisMachineTests {
    private func running() -> PrivateRedisMachine {
        var machine = PrivateRedisMachine(patienceMs: 1_000)
        _ = machine.start(now: 0)
        _ = machine.locked(now: 0)
        machine.served()
        return machine
    }

    @Test func freeDirectoryIsTakenAndTheServerStarted() {
        var machine = PrivateRedisMachine(patienceMs: 1_000)
        #expect(machine.start(now: 0) == .lock)
        #expect(machine.locked(now: 5) == .spawn)
        #expect(machine.state == .running(since: 5))
    }

    @Test func busyDirectoryIsWaitedForAndThenRefused() {
        var machine = PrivateRedisMachine(patienceMs: 1_000)
        _ = machine.start(now: 0)
        #expect(machine.lockIsBusy(now: 0) == .sleep(until: 50_000))
        #expect(machine.timePassed(now: 50_000) == .lock)
        #expect(machine.lockIsBusy(now: 1_000_000) == .refuse)
        #expect(machine.state == .stopped)
    }

    @Test func deadServerIsStartedAtOnceAndThenWithGrowingPauses() {
        var machine = running()
        var pauses: [UInt64] = []
        for _ in 0..<10 {
            guard case .sleep(let until) = machine.ended(now: 0) else { break }
            pauses.append(until / 1_000)
            #expect(machine.timePassed(now: 0) == .spawn)
        }
        #expect(pauses == [0, 50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000])
    }

    @Test func serverThatNeverServesIsGivenUpAfterThreeTries() {
        var machine = PrivateRedisMachine(patienceMs: 1_000)
        _ = machine.start(now: 0)
        _ = machine.locked(now: 0)
        for _ in 0..<2 {
            guard case .sleep = machine.ended(now: 0) else { return }
            #expect(machine.timePassed(now: 0) == .spawn)
        }
        #expect(machine.ended(now: 0) == .refuse)
        #expect(machine.state == .stopped)
    }

    @Test func silentServerIsKilledAndStartedAgain() {
        var machine = running()
        #expect(machine.isSilent() == .kill)
        #expect(machine.ended(now: 50_000_000) == .sleep(until: 50_000_000))
        #expect(machine.timePassed(now: 50_000_000) == .spawn)
        #expect(machine.stop(now: 60_000_000) == .terminate(deadline: 63_000_000))
        #expect(machine.isSilent() == .none)
    }

    @Test func wordsOfALogAreToldWithoutTimesAndPids() {
        let log = "77:C 30 Nov 2026 23:00:00.000 # Fatal: no\n77:M 30 Nov 2026 23:00:00.001 * and more\n\nraw words\n"
        #expect(LastWords.text(Array(log.utf8)) == "Fatal: no; and more; raw words")
        #expect(LastWords.text([]) == nil)
        #expect(LastWords.text(Array((String(repeating: "x", count: 5_000)).utf8))?.utf8.count == 160)
        // A long warning of the start does not hide the end.
        let start = "1:M 30 Nov 2026 23:00:00.000 # WARNING Memory overcommit must be enabled!\n"
        #expect(LastWords.text(Array((start + log).utf8)) == "Fatal: no; and more; raw words")
        #expect(LastWords.text(Array(start.utf8)) == nil)
        #expect(LastWords.fullDisk("/proc") != nil && LastWords.fullDisk("/nowhere") == nil)
    }

    @Test func longLifeForgivesEarlierFailures() {
        var machine = running()
        _ = machine.ended(now: 0)
        _ = machine.timePassed(now: 0)
        #expect(machine.ended(now: 20_000_000) == .sleep(until: 20_000_000))
    }

    @Test func stopAsksFirstAndKillsAtTheDeadline() {
        var machine = running()
        #expect(machine.stop(now: 0) == .terminate(deadline: 3_000_000))
        #expect(machine.stop(now: 1) == .none)
        #expect(machine.timePassed(now: 3_000_000) == .kill)
        #expect(machine.ended(now: 3_000_001) == .finish)
        #expect(machine.state == .stopped)
    }

    @Test func stopWhileNoServerRunsIsOverAtOnce() {
        var machine = running()
        _ = machine.ended(now: 0)
        #expect(machine.stop(now: 0) == .finish)
        #expect(machine.timePassed(now: 0) == .none)
    }
}
