// `since`: what a subscriber that comes later, or comes back, gets from the log before it hears of what happens next.

import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct ReplayTests {
    @Test(arguments: Backend.allCases)
    func whatHappenedDuringADisconnectFollowsWithoutHoleOrDouble(on backend: Backend) throws {
        let (client, queue) = (try backend.connect(), freshQueue())
        let first = try backend.connect()
        try first.subscribe(queue, events: ["enqueued"])
        let before = try client.enqueueMany(queue, 5)
        let seen = try first.events(3)
        first.close()
        let missed = try client.enqueueMany(queue, 5)
        let second = try backend.connect()
        try second.subscribe(queue, events: ["enqueued"], since: seen[2]["seq"].string!)
        let after = try client.enqueueMany(queue, 5)
        let events = try second.events(12)
        #expect(events.map { $0["job"].string } == before.suffix(2) + missed + after)
        #expect(areInOrder(events))
        #expect(try second.staysSilent(for: 0.1))
    }

    @Test(arguments: Backend.allCases)
    func fromTheBeginningAllThatIsLoggedIsToldOfAllQueuesThatMatch(on backend: Backend) throws {
        let (client, watcher, name) = (try backend.connect(), try backend.connect(), freshQueue())
        var expected: [String] = []
        for number in 0..<10 {
            let queue = "\(name)-\(number)"
            let job = try client.enqueue(queue)
            try client.complete(client.claimOne(queue))
            expected.append("completed \(job)")
        }
        try client.fail(Self.claimed(client, "\(name)-other"), ["retry": false])
        try watcher.subscribe("\(name)-?", events: ["completed", "dead"], since: "0-0")
        #expect(try watcher.events(10).map(\.told).sorted() == expected.sorted())
        #expect(try watcher.staysSilent(for: 0.1))
    }

    @Test(arguments: Backend.allCases)
    func aLongLogIsReplayedPageByPageWhileMoreHappens(on backend: Backend) throws {
        let (client, watcher, queue) = (try backend.connect(), try backend.connect(), freshQueue())
        let jobs = try client.enqueueMany(queue, 1_000)
        func end(_ count: Int) throws {
            for job in try client.claim(queue, ["max": JSON(count)]) { try client.complete(job) }
        }
        for _ in 0..<8 { try end(100) }
        try watcher.subscribe(queue, events: ["completed"], since: "0")
        for _ in 0..<2 { try end(100) }
        let events = try watcher.events(1_000)
        #expect(events.map { $0["job"].string } == jobs)
        #expect(areInOrder(events))
        #expect(try watcher.staysSilent(for: 0.1))
    }

    @Test(arguments: Backend.allCases)
    func withoutSinceNothingOldIsTold(on backend: Backend) throws {
        let (client, watcher, queue) = (try backend.connect(), try backend.connect(), freshQueue())
        try client.complete(Self.claimed(client, queue))
        try watcher.subscribe(queue)
        let job = try client.enqueue(queue)
        #expect(try watcher.event().told == "enqueued \(job)")
    }

    @Test(arguments: Backend.allCases)
    func aReplayWaitsForASubscriberThatDoesNotReadAndLosesNothing(on backend: Backend) throws {
        let (client, watcher, name) = (try backend.connect(), try backend.connect(), freshQueue())
        var all: Set<String> = []
        // Over 1 MB of lines: more than the sockets' buffers and what the daemon keeps.
        for number in 0..<2 {
            let queue = "\(name)-\(number)"
            let observer = try backend.connect()
            try observer.subscribe(queue, events: ["enqueued"])
            for _ in 0..<4 { all.formUnion(try client.enqueueMany(queue, 1_000)) }
        }
        try watcher.subscribe("\(name)-*", events: ["enqueued"], since: "0-0")
        // Others are served while it does not read.
        for _ in 0..<20 { #expect(try client.call("ping", ["store": true])["ok"] == true) }
        let events = try watcher.events(8_000)
        #expect(Set(events.compactMap { $0["job"].string }) == all)
        #expect(areInOrder(events))
    }

    private static func claimed(_ client: LineClient, _ queue: String) throws -> JSON {
        try client.enqueue(queue)
        return try client.claimOne(queue)
    }
}
