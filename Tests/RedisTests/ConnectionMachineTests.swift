// The states of a connection, without sockets and clocks.

import Testing

@testable import Redis

@Suite struct ConnectionMachineTests {
    private let one = SocketAddress(path: "/one")!
    private let two = SocketAddress(path: "/two")!

    private func machine() -> ConnectionMachine {
        ConnectionMachine(timeoutMs: 5_000, firstRetryMs: 50, longestRetryMs: 2_000)
    }

    private func ready() -> ConnectionMachine {
        var machine = machine()
        _ = machine.start()
        _ = machine.resolved([one], now: 0)
        _ = machine.connected(now: 0)
        _ = machine.greeted(now: 0)
        return machine
    }

    @Test func startLeadsThroughAllStatesToReady() {
        var machine = machine()
        #expect(machine.start() == .resolve)
        #expect(machine.resolved([one], now: 100) == .connect(one, deadline: 5_000_100))
        #expect(machine.connected(now: 200) == .greet(deadline: 5_000_200))
        #expect(machine.greeted(now: 0) == .announce)
        #expect(machine.state == .ready)
        #expect(machine.problem == nil)
        #expect(machine.timesReady == 1)
    }

    @Test func allAddressesAreTriedAndShareTheTime() {
        var machine = machine()
        _ = machine.start()
        #expect(machine.resolved([one, two], now: 0) == .connect(one, deadline: 2_500_000))
        #expect(machine.failed("refused", now: 1_000, random: 0) == .connect(two, deadline: 2_501_000))
        #expect(machine.failed("refused", now: 2_000, random: 0) == .pause(until: 52_000))
        #expect(machine.failures == 1)
    }

    @Test func handshakeThatFailsGoesOnWithTheNextAddress() {
        var machine = machine()
        _ = machine.start()
        _ = machine.resolved([one, two], now: 0)
        _ = machine.connected(now: 0)
        #expect(machine.failed("READONLY", now: 10, random: 0) == .connect(two, deadline: 5_000_010))
        #expect(machine.problem == "READONLY")
    }

    @Test func pausesDoubleUpToTheLongest() {
        var machine = machine()
        _ = machine.start()
        var pauses: [UInt64] = []
        for _ in 0..<8 {
            guard case .pause(let until) = machine.failed("away", now: 0, random: 0) else { break }
            pauses.append(until / 1_000)
            _ = machine.retry()
        }
        #expect(pauses == [50, 100, 200, 400, 800, 1_600, 2_000, 2_000])
    }

    @Test func chanceShortensAPauseByAtMostAHalf() {
        var machine = machine()
        _ = machine.start()
        #expect(machine.failed("away", now: 0, random: 0.999_999) == .pause(until: 25_000))
    }

    @Test func lossOfAReadyLinkBeginsAgainWithTheShortestPause() {
        var machine = ready()
        #expect(machine.failed("closed", now: 1_000, random: 0) == .pause(until: 51_000))
        #expect(machine.problem == "closed")
        #expect(machine.retry() == .resolve)
    }

    @Test func eventsOfAnotherStateDoNothing() {
        var machine = ready()
        #expect(machine.start() == .none)
        #expect(machine.resolved([one], now: 0) == .none)
        #expect(machine.connected(now: 0) == .none)
        #expect(machine.greeted(now: 0) == .none)
        #expect(machine.retry() == .none)
        #expect(machine.state == .ready)
        var idle = self.machine()
        #expect(idle.failed("x", now: 0, random: 0) == .none)
    }

    @Test func stopIsFinalFromEveryState() {
        var machine = ready()
        #expect(machine.stop() == .close)
        #expect(machine.stop() == .none)
        #expect(machine.start() == .none)
        #expect(machine.retry() == .none)
        #expect(machine.failed("x", now: 0, random: 0) == .none)
        #expect(machine.state == .stopped)
    }

    @Test func aServerThatLetsUsInAndBreaksOffAtOnceIsCalledEverMoreSlowly() {
        var machine = ready()
        var now: UInt64 = 0
        var pauses: [UInt64] = []
        for _ in 0..<6 {
            now += 1_000
            guard case .pause(let until) = machine.failed("NOPERM", now: now, random: 0) else { break }
            pauses.append((until - now) / 1_000)
            now = until
            _ = machine.retry()
            _ = machine.resolved([one], now: now)
            _ = machine.connected(now: now)
            _ = machine.greeted(now: now)
        }
        #expect(pauses == [50, 100, 200, 400, 800, 1_600])
        // One that lasted is well again.
        now += 2_000_000
        #expect(machine.failed("closed", now: now, random: 0) == .pause(until: now + 50_000))
    }

    @Test func aRefusalIsKeptUntilTheNextAttemptEnds() {
        var machine = ready()
        #expect(!machine.isRefused)
        _ = machine.failed("it lacks ZADD", isRefusal: true, now: 1_000, random: 0)
        #expect(machine.isRefused)
        _ = machine.retry()
        #expect(machine.isRefused)
        _ = machine.failed("connection refused", now: 2_000, random: 0)
        #expect(!machine.isRefused)
    }
}
