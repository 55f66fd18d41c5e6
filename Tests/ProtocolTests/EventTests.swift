// Events: every kind with its members, which of them a subscriber gets, in which order, and from when on. What happens to
// those who do not read is in the suite on slow subscribers, what a lost Redis means in that on event troubles.

import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct EventTests {
    // MARK: Kinds

    @Test(arguments: Backend.allCases)
    func aJobThatIsDoneIsEnqueuedClaimedAndCompleted(on backend: Backend) throws {
        let (client, watcher, queue) = (try backend.connect(), try backend.connect(), freshQueue())
        try watcher.subscribe(queue)
        let job = try client.enqueue(queue)
        try client.complete(client.claimOne(queue))
        let events = try watcher.events(3)
        #expect(events.map(\.told) == ["enqueued \(job)", "claimed \(job)", "completed \(job)"])
        #expect(events.map { $0["attempt"] } == [nil, 1, 1])
        #expect(events.allSatisfy { $0["queue"] == JSON(queue) })
        #expect(areInOrder(events))
        let record = try client.record(job)
        #expect(events[0]["at"] == record["enqueued_at"])
        #expect(events[1]["at"] == record["claimed_at"])
        #expect(events[2]["at"] == record["finished_at"])
        // No other members than these.
        #expect(events[0].object.keys.sorted() == ["at", "event", "job", "queue", "seq"])
        #expect(events[2].object.keys.sorted() == ["at", "attempt", "event", "job", "queue", "seq"])
    }

    @Test(arguments: Backend.allCases)
    func aJobForLaterSaysWhenItRuns(on backend: Backend) throws {
        let (client, watcher, queue) = (try backend.connect(), try backend.connect(), freshQueue())
        try watcher.subscribe(queue)
        let job = try client.enqueue(queue, ["delay_ms": 3_600_000])
        let event = try watcher.event()
        #expect(event.told == "enqueued \(job)")
        #expect(event["run_at"] == (try client.record(job))["run_at"])
    }

    @Test(arguments: Backend.allCases)
    func failuresAreRetryingAndThenDeadWithTheReason(on backend: Backend) throws {
        let (client, watcher, queue) = (try backend.connect(), try backend.connect(), freshQueue())
        try watcher.subscribe(queue, events: ["retrying", "dead"])
        let job = try client.enqueue(queue, ["max_attempts": 2])
        let runAt = try client.fail(client.claimOne(queue), ["retry_in_ms": 1])["run_at"]
        try client.fail(client.claimOne(queue))
        let events = try watcher.events(2)
        #expect(events.map(\.told) == ["retrying \(job)", "dead \(job)"])
        #expect(events.map { $0["attempt"] } == [1, 2])
        #expect(events[0]["run_at"] == runAt)
        #expect(events[1]["reason"] == "failed")
    }

    @Test(arguments: Backend.allCases)
    func aLeaseThatEndsIsReclaimedAndAtLastDead(on backend: Backend) throws {
        let (client, watcher, queue) = (try backend.connect(), try backend.connect(), freshQueue())
        try watcher.subscribe(queue, events: ["reclaimed", "dead"])
        let job = try client.enqueue(queue, ["max_attempts": 2])
        _ = try client.claimOne(queue, ["lease_ms": 100])
        let reclaimed = try watcher.event()
        #expect(reclaimed.told == "reclaimed \(job)")
        #expect(reclaimed["reason"] == "lease_expired")
        #expect(reclaimed["attempt"] == 1)
        _ = try client.claimOne(queue, ["lease_ms": 100])
        let dead = try watcher.event()
        #expect(dead.told == "dead \(job)")
        #expect(dead["reason"] == "lease_expired")
        #expect(dead["attempt"] == 2)
    }

    @Test(arguments: Backend.allCases)
    func aWorkerThatIsGoneIsTheReasonToo(on backend: Backend) throws {
        let (client, watcher, queue) = (try backend.connect(), try backend.connect(), freshQueue())
        try watcher.subscribe(queue, events: ["reclaimed"])
        let job = try client.enqueue(queue)
        let worker = try backend.connect()
        try worker.call("hello", ["worker": "w", "grace_ms": 0])
        _ = try worker.claimOne(queue)
        worker.close()
        let event = try watcher.event()
        #expect(event.told == "reclaimed \(job)")
        #expect(event["reason"] == "worker_gone")
    }

    @Test(arguments: Backend.allCases)
    func releasedJobsAreToldOf(on backend: Backend) throws {
        let (client, watcher, queue) = (try backend.connect(), try backend.connect(), freshQueue())
        try watcher.subscribe(queue, events: ["released"])
        let job = try client.enqueue(queue)
        try client.release(client.claimOne(queue))
        let runAt = try client.release(client.claimOne(queue), ["delay_ms": 3_600_000])["run_at"]
        let events = try watcher.events(2)
        #expect(events.map(\.told) == ["released \(job)", "released \(job)"])
        #expect(events.map { $0["run_at"] } == [nil, runAt])
    }

    @Test(arguments: Backend.allCases)
    func cancelledJobsCarryTheReason(on backend: Backend) throws {
        let (client, watcher, queue) = (try backend.connect(), try backend.connect(), freshQueue())
        try watcher.subscribe(queue, events: ["cancelled"])
        let jobs = try client.enqueueMany(queue, 2)
        try client.call("cancel", ["job": JSON(jobs[1]), "reason": "no longer \"needed\""])
        let claimed = try client.claimOne(queue)
        try client.call("cancel", ["job": JSON(jobs[0])])
        try client.fail(claimed)
        let events = try watcher.events(2)
        #expect(events.map(\.told) == ["cancelled \(jobs[1])", "cancelled \(jobs[0])"])
        #expect(events.map { $0["reason"] } == ["no longer \"needed\"", nil])
        #expect(events.map { $0["attempt"] } == [nil, 1])
    }

    @Test(arguments: Backend.allCases)
    func expiredAndDeletedJobsAreToldOf(on backend: Backend) throws {
        let (client, watcher, queue) = (try backend.connect(), try backend.connect(), freshQueue())
        try watcher.subscribe(queue, events: ["expired", "deleted"])
        let short = try client.enqueue(queue, ["expires_in_ms": 1])
        #expect(try watcher.event().told == "expired \(short)")
        let long = try client.enqueue(queue)
        try client.call("delete", ["job": JSON(long)])
        let deleted = try watcher.event()
        #expect(deleted.told == "deleted \(long)")
        #expect(deleted["reason"] == "queued")
    }

    @Test(arguments: Backend.allCases)
    func manyJobsOfOneRequestAreOneEventEachInOrder(on backend: Backend) throws {
        let (client, watcher, queue) = (try backend.connect(), try backend.connect(), freshQueue())
        try watcher.subscribe(queue, events: ["enqueued"])
        let jobs = try client.enqueueMany(queue, 1_000)
        let events = try watcher.events(1_000)
        #expect(events.map { $0["job"].string } == jobs)
        #expect(areInOrder(events))
    }

    // MARK: Which of them

    @Test(arguments: Backend.allCases)
    func onlyQueuesThatMatchAPatternAreTold(on backend: Backend) throws {
        let (client, watcher, name) = (try backend.connect(), try backend.connect(), freshQueue())
        try watcher.subscribe("\(name)-mail.*", "\(name)-x?", "\(name)", events: ["enqueued"])
        let others = ["-mail", "-x", "-x12", "-other"]
        let mine = ["-mail.", "-mail.a.b", "-x1", "", "-xy"]
        for suffix in others { try client.enqueue(name + suffix) }
        for suffix in mine { try client.enqueue(name + suffix) }
        #expect(Set(try watcher.events(5).map { $0["queue"].string }) == Set(mine.map { name + $0 }))
        #expect(try watcher.staysSilent(for: 0.1))
    }

    @Test(arguments: Backend.allCases)
    func aQueueThatMatchesSeveralPatternsIsToldOnce(on backend: Backend) throws {
        let (client, watcher, queue) = (try backend.connect(), try backend.connect(), freshQueue())
        try watcher.subscribe("*", queue, "\(queue)*", events: ["enqueued"])
        let jobs = try client.enqueueMany(queue, 3)
        var mine: [String] = []
        // Tests beside this one have queues of their own.
        while mine.count < 3 {
            let event = try watcher.event()
            if event["queue"] == JSON(queue) { mine.append(event["job"].string ?? "") }
        }
        #expect(mine == jobs)
        try client.complete(client.claimOne(queue))
        let last = try client.enqueue(queue)
        var event = try watcher.event()
        while event["queue"] != JSON(queue) { event = try watcher.event() }
        #expect(event["job"] == JSON(last))
    }

    @Test(arguments: Backend.allCases)
    func onlyKindsAskedForAreTold(on backend: Backend) throws {
        let (client, watcher, queue) = (try backend.connect(), try backend.connect(), freshQueue())
        let other = try backend.connect()
        try watcher.subscribe(queue, events: ["completed", "released"])
        try other.subscribe(queue)
        let job = try client.enqueue(queue)
        try client.release(client.claimOne(queue))
        try client.complete(client.claimOne(queue))
        #expect(try watcher.events(2).map(\.told) == ["released \(job)", "completed \(job)"])
        #expect(
            try other.events(5).map { $0["event"] } == ["enqueued", "claimed", "released", "claimed", "completed"])
        #expect(try watcher.staysSilent(for: 0.1))
    }

    @Test(arguments: Backend.allCases)
    func manySubscribersGetTheSameLines(on backend: Backend) throws {
        let (client, queue) = (try backend.connect(), freshQueue())
        let watchers = try (0..<50).map { _ in try backend.connect() }
        for watcher in watchers { try watcher.subscribe(queue) }
        try client.enqueueMany(queue, 10)
        let lines = try watchers.map { watcher in try (0..<10).map { _ in try watcher.readLine() } }
        #expect(lines.allSatisfy { $0 == lines[0] })
        #expect(Set(lines[0]).count == 10)
    }

    // MARK: Sessions

    @Test(arguments: Backend.allCases)
    func aSubscribersOwnRequestsAreServedBesideItsEvents(on backend: Backend) throws {
        let (client, queue) = (try backend.connect(), freshQueue())
        try client.subscribe(queue, events: ["enqueued"])
        let payload = String(repeating: "x", count: 20_000)
        for round in 0..<20 {
            var requests = ""
            for id in 0..<10 {
                let name = "\(round)-\(id)"
                requests += "{\"op\":\"enqueue\",\"id\":\(id),\"queue\":\"\(queue)\",\"job_id\":\"\(name)\","
                requests += "\"payload\":\"\(payload)\"}\n"
                requests += "{\"op\":\"list\",\"id\":\(10 + id),\"queue\":\"\(queue)\",\"state\":\"queued\"}\n"
            }
            try client.sendRaw(requests)
            // Each line is one whole value, else this throws.
            let lines = try (0..<30).map { _ in try client.receive() }
            #expect(Set(lines.compactMap { $0["id"].int }) == Set(0..<20))
            #expect(Set(lines.compactMap(\.told)).isSuperset(of: (0..<10).map { "enqueued \(queue)/\(round)-\($0)" }))
        }
    }

    @Test(arguments: Backend.allCases)
    func afterUnsubscribeNothingIsTold(on backend: Backend) throws {
        let (client, watcher, queue) = (try backend.connect(), try backend.connect(), freshQueue())
        #expect(try watcher.call("unsubscribe") == ["ok": true])
        try watcher.subscribe(queue)
        try client.enqueue(queue)
        _ = try watcher.event()
        #expect(try watcher.call("unsubscribe") == ["ok": true])
        try client.enqueue(queue)
        #expect(try watcher.staysSilent(for: 0.1))
        #expect(try watcher.call("ping")["ok"] == true)
    }

    @Test(arguments: Backend.allCases)
    func anotherSubscribeReplacesTheFirst(on backend: Backend) throws {
        let (client, watcher, name) = (try backend.connect(), try backend.connect(), freshQueue())
        try watcher.subscribe("\(name)-a", "\(name)-b")
        try watcher.subscribe("\(name)-b", "\(name)-c", events: ["enqueued"])
        for suffix in ["-a", "-b", "-c"] { try client.enqueue(name + suffix) }
        try client.complete(client.claimOne("\(name)-b"))
        try client.enqueue("\(name)-c")
        let events = try watcher.events(3)
        #expect(Set(events.map { $0["event"] }.map(\.description)) == ["\"enqueued\""])
        #expect(events.compactMap { $0["queue"].string }.sorted() == ["\(name)-b", "\(name)-c", "\(name)-c"])
        #expect(try backend.connect().call("info")["subscriptions"].int! >= 1)
    }

    @Test(arguments: Backend.allCases)
    func subscribesSentAtOnceAreAllAnsweredAndTheLastHolds(on backend: Backend) throws {
        let (client, watcher, name) = (try backend.connect(), try backend.connect(), freshQueue())
        var lines = ""
        for id in 0..<5 {
            lines += "{\"op\":\"subscribe\",\"id\":\(id),\"queues\":[\"\(name)-\(id)\"],\"events\":[\"enqueued\"]}\n"
        }
        try watcher.sendRaw(lines)
        #expect(Set(try (0..<5).map { _ in try watcher.receive()["id"].int }) == Set(0..<5))
        for id in 0..<5 { try client.enqueue("\(name)-\(id)") }
        #expect(try watcher.event()["queue"] == JSON("\(name)-4"))
        #expect(try watcher.staysSilent(for: 0.1))
    }

    @Test(arguments: Backend.allCases)
    func aSubscriberThatSendsNoMoreGoesOnHearing(on backend: Backend) throws {
        let (client, watcher, queue) = (try backend.connect(), try backend.connect(), freshQueue())
        try watcher.send(["op": "subscribe", "queues": [JSON(queue)]])
        watcher.shutdownWrite()
        #expect(try watcher.receive() == ["ok": true])
        let job = try client.enqueue(queue)
        #expect(try watcher.event().told == "enqueued \(job)")
        let before = try client.call("info")["connections"].int!
        watcher.close()
        try eventually(within: 5, "the connection's end") { try client.call("info")["connections"].int! < before }
    }

    @Test func aDaemonThatStopsEndsItsSubscribers() throws {
        let daemon = try Daemon(.memory)
        let watcher = try daemon.connect()
        try watcher.subscribe("*")
        let process = daemon.process
        let seconds = try elapsed { () throws in
            #expect(try daemon.terminate() == .exited(0))
            #expect(try watcher.readToEnd() == [])
        }
        #expect(process.end != nil)
        #expect(seconds < 3)
    }

    // MARK: Bad input

    @Test(arguments: [
        (#"{"op":"subscribe","queues":[]}"#, "queues"), (#"{"op":"subscribe","queues":"a"}"#, "queues"),
        (#"{"op":"subscribe","queues":["a/b"]}"#, "queues"), (#"{"op":"subscribe","queues":[""]}"#, "queues"),
        (#"{"op":"subscribe","events":[]}"#, "events"), (#"{"op":"subscribe","events":["done"]}"#, "events"),
        (#"{"op":"subscribe","events":["overflow"]}"#, "events"), (#"{"op":"subscribe","events":"dead"}"#, "events"),
        (#"{"op":"subscribe","since":"now"}"#, "since"), (#"{"op":"subscribe","since":"1-2-3"}"#, "since"),
        (#"{"op":"subscribe","since":7}"#, "since"), (#"{"op":"subscribe","since":""}"#, "since"),
        (#"{"op":"subscribe","queue":"a"}"#, "queue"), (#"{"op":"unsubscribe","queues":["a"]}"#, "queues"),
    ]) func whatIsNoSubscriptionIsRefused(_ line: String, _ field: String) throws {
        let reply = try Backend.memory.connect().request(text: line)
        #expect(reply["error"]["code"] == "bad_request", "\(reply)")
        #expect(reply["error"]["field"] == JSON(field), "\(reply)")
    }
}
