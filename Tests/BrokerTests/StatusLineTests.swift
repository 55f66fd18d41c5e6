// The line for `systemctl status`.

import Store
import Testing

@testable import Broker

@Suite struct StatusLineTests {
    private let redis = StoreStatus(kind: "redis", address: "unix:///r", state: .ready, version: "7.0.15")

    @Test func itSaysWhoIsThereAndWhereTheJobsAre() {
        #expect(
            StatusLine(connections: 1, workers: 0, waitingClaims: 1, store: redis).text
                == "Serving 1 connection, 0 workers, 1 waiting claim; Redis 7.0.15 at unix:///r")
        #expect(
            StatusLine(connections: 12, workers: 2, held: 5, store: redis).text
                == "Serving 12 connections, 2 workers with 5 jobs, 0 waiting claims; Redis 7.0.15 at unix:///r")
    }

    @Test func itSaysWhatIsNotAsUsual() {
        #expect(
            StatusLine(isFull: true, connections: 9, store: redis).text.hasPrefix(
                "Serving 9 connections, no room for more, "))
        #expect(
            StatusLine(isDraining: true, addressProblem: "/s does not exist", connections: 1, store: redis).text
                .hasPrefix("Unreachable, /s does not exist: 1 connection, "))
        #expect(
            StatusLine(isDraining: true, store: redis).text.hasPrefix("Draining, no new work is taken: 0 connections, ")
        )
        #expect(
            StatusLine(isStopping: true, isDraining: true, store: redis).text.hasPrefix("Stopping: 0 connections, "))
    }

    @Test func itSaysWhyRedisIsAway() {
        var away = redis
        away.state = .connecting
        #expect(StatusLine(store: away).text.hasSuffix("; Redis at unix:///r is away: connecting"))
        away.problem = "connection refused"
        #expect(StatusLine(store: away).text.hasSuffix("; Redis at unix:///r is away: connection refused"))
        let memory = StoreStatus(kind: "memory", address: "memory", state: .ready)
        #expect(StatusLine(store: memory).text.hasSuffix("; jobs in memory only"))
    }
}
