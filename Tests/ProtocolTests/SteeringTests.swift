// `workers`, `quiet`, `resume` of workers, `drain`: what an administrator sees of the workers and tells them. Tests that
// concern all workers of a daemon, or end its work, have a daemon of their own.

import Foundation
import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct SteeringTests {
    private func entries(_ client: LineClient, _ name: String) throws -> [JSON] {
        try client.call("workers")["workers"].array.filter { $0["worker"] == JSON(name) }
    }

    // MARK: workers

    @Test(arguments: Backend.allCases)
    func workersAreShownWithWhoTheyAreAndWhatTheyHold(on backend: Backend) throws {
        let observer = try backend.connect()
        let queue = freshQueue()
        let before = try observer.call("ping", ["store": true])["at"].int!
        let worker = try HearingWorker(try backend.daemon())
        let jobs = try observer.enqueueMany(queue, 3)
        let claimed = try worker.call("claim", ["queue": JSON(queue), "max": 3])["jobs"].array
        let shown = try #require(try entries(observer, worker.name).first)
        #expect(shown["session"] == worker.session)
        #expect(shown["pid"] == JSON(Int(getpid())))
        #expect(shown["uid"] == JSON(Int(getuid())))
        #expect(shown["gid"] == JSON(Int(getgid())))
        #expect(shown["connected"] == true)
        #expect(shown["push"] == true)
        #expect(shown["quiet"] == false)
        #expect(shown["held"] == 3)
        #expect(Set(shown["jobs"].array.compactMap(\.string)) == Set(jobs))
        // A unit is a name or not there at all.
        #expect(!shown.has("unit") || shown["unit"].string?.contains(".") == true)
        let since = try #require(shown["since_at"].int)
        let after = try observer.call("ping", ["store": true])["at"].int!
        #expect(since >= before - 1_000 && since <= after + 1_000)
        try worker.call("complete", LineClient.proof(claimed[1]))
        #expect(try entries(observer, worker.name)[0]["held"] == 2)
        #expect(try entries(observer, worker.name)[0]["jobs"].array.count == 2)
    }

    @Test(arguments: Backend.allCases)
    func ofAHoarderAHundredJobsAreNamed(on backend: Backend) throws {
        let observer = try backend.connect()
        let queue = freshQueue()
        let worker = try HearingWorker(try backend.daemon())
        try observer.enqueueMany(queue, 150)
        for count in [100, 50] {
            #expect(try worker.call("claim", ["queue": JSON(queue), "max": 100])["jobs"].array.count == count)
        }
        let shown = try entries(observer, worker.name)[0]
        #expect(shown["held"] == 150)
        #expect(shown["jobs"].array.count == 100)
    }

    @Test func onlyNamedWorkersAreShownByNameAndTheLostOnesDuringTheirGrace() throws {
        let daemon = try Daemon(.memory)
        let observer = try daemon.connect()
        #expect(try observer.call("workers")["workers"] == [])
        let workers = try ["b", "c", "a"].map { try HearingWorker(daemon, $0) }
        _ = try HearingWorker(daemon, "", ["worker": nil])
        // Only who holds jobs has a grace.
        try observer.enqueue("q")
        _ = try workers[0].client.claimOne("q")
        let deaf = try daemon.connect()
        try deaf.call("hello", ["worker": "a"])
        let shown = try observer.call("workers")["workers"].array
        #expect(shown.map { $0["worker"] } == ["a", "a", "b", "c"])
        #expect(shown.count { $0["push"] == true } == 3)
        #expect(try observer.call("info")["workers"] == 4)
        workers[0].client.close()
        try eventually(within: 5, "the end") { try entries(observer, "b")[0]["connected"] == false }
        #expect(try entries(observer, "b")[0]["pid"] == JSON(Int(getpid())))
        // Without grace a worker is gone when its connection is.
        try deaf.call("hello", ["worker": "a", "grace_ms": 0])
        deaf.close()
        try eventually(within: 5, "the end") { try entries(observer, "a").count == 1 }
    }

    @Test func hundredsOfWorkersAreAllShown() throws {
        let daemon = try Daemon(.memory)
        let workers = try (0..<250).map { number in
            let client = try daemon.connect()
            try client.call("hello", ["worker": JSON("w-\(number)")])
            return client
        }
        let shown = try daemon.connect().call("workers")["workers"].array
        #expect(Set(shown.compactMap { $0["worker"].string }).count == workers.count)
        #expect(shown.allSatisfy { $0["connected"] == true && $0["push"] == false })
    }

    // MARK: quiet and resume

    @Test(arguments: Backend.allCases, [true, false])
    func aQuietWorkerGetsNothingUntilItIsResumed(on backend: Backend, push: Bool) throws {
        let observer = try backend.connect()
        let queue = freshQueue()
        let worker = try HearingWorker(try backend.daemon(), freshQueue("worker"), ["push": .bool(push)])
        #expect(try observer.call("quiet", ["worker": JSON(worker.name)])["workers"] == 1)
        if push { #expect(try worker.event() == ["event": "quiet"]) }
        #expect(try entries(observer, worker.name)[0]["quiet"] == true)
        try observer.enqueue(queue)
        #expect(try worker.call("claim", ["queue": JSON(queue)])["jobs"] == [])
        let seconds = try elapsed { () throws in
            #expect(try worker.call("claim", ["queue": JSON(queue), "wait_ms": 300])["jobs"] == [])
        }
        #expect(seconds >= 0.29)
        #expect(try observer.call("resume", ["worker": JSON(worker.name)])["workers"] == 1)
        if push { #expect(try worker.event() == ["event": "resume"]) }
        #expect(try entries(observer, worker.name)[0]["quiet"] == false)
        #expect(try worker.claimOne(queue)["attempt"] == 1)
    }

    @Test(arguments: Backend.allCases)
    func waitingClaimsOfAQuietWorkerAreServedByNobodyAndThenByTheResume(on backend: Backend) throws {
        let observer = try backend.connect()
        let (queue, other) = (freshQueue(), freshQueue())
        let worker = try HearingWorker(try backend.daemon())
        try worker.client.send([
            "op": "claim", "id": 1, "queues": [JSON(other), JSON(queue)], "wait_ms": 60_000,
        ])
        try worker.call("ping", ["store": true])
        try observer.call("quiet", ["worker": JSON(worker.name)])
        #expect(try worker.event() == ["event": "quiet"])
        try observer.enqueueMany(queue, 2)
        #expect(try worker.hearsNothing(for: 0.3))
        // Another worker's claim is not held up by it.
        #expect(try observer.claimOne(queue)["payload"] == 0)
        try observer.call("resume", ["worker": JSON(worker.name)])
        #expect(try worker.event() == ["event": "resume"])
        let reply = try worker.reply()
        #expect(reply["id"] == 1)
        #expect(reply["jobs"][0]["payload"] == 1)
    }

    @Test(arguments: Backend.allCases)
    func aWaitingClaimOfAQuietWorkerEndsEmptyAtItsTime(on backend: Backend) throws {
        let observer = try backend.connect()
        let queue = freshQueue()
        let worker = try HearingWorker(try backend.daemon())
        try worker.client.send(["op": "claim", "id": 1, "queue": JSON(queue), "wait_ms": 700])
        try worker.call("ping", ["store": true])
        try observer.call("quiet", ["worker": JSON(worker.name)])
        #expect(try worker.event() == ["event": "quiet"])
        try observer.enqueue(queue)
        let reply = try worker.reply()
        #expect(reply["ok"] == true)
        #expect(reply["id"] == 1)
        #expect(reply["jobs"] == [])
        #expect(try observer.stats(queue)["depth"]["queued"] == 1)
    }

    @Test(arguments: Backend.allCases)
    func aQuietWorkerMayEndWhatItHasButGetsNoNext(on backend: Backend) throws {
        let observer = try backend.connect()
        let queue = freshQueue()
        let worker = try HearingWorker(try backend.daemon())
        try observer.enqueueMany(queue, 3)
        let (first, second) = (try worker.claimOne(queue), try worker.claimOne(queue))
        try observer.call("quiet", ["worker": JSON(worker.name)])
        for (op, claimed, state) in [("complete", first, "completed"), ("fail", second, "retrying")] {
            try worker.call("extend", LineClient.proof(claimed))
            let reply = try worker.call(op, LineClient.proof(claimed, ["next": ["queue": JSON(queue)]]))
            #expect(reply["state"] == JSON(state))
            #expect(reply["jobs"] == [])
        }
        #expect(try observer.stats(queue)["depth"]["queued"] == 1)
    }

    @Test(arguments: Backend.allCases)
    func aQuietWorkerStaysQuietOverItsSession(on backend: Backend) throws {
        let observer = try backend.connect()
        let queue = freshQueue()
        let worker = try HearingWorker(try backend.daemon())
        try observer.call("quiet", ["worker": JSON(worker.name)])
        #expect(try worker.event() == ["event": "quiet"])
        worker.client.close()
        let again = try HearingWorker(try backend.daemon(), worker.name, ["session": worker.session])
        #expect(again.session == worker.session)
        #expect(try again.event() == ["event": "quiet"])
        try observer.enqueue(queue)
        #expect(try again.call("claim", ["queue": JSON(queue)])["jobs"] == [])
        // A claim that waited before its connection took over the session is quiet with it.
        let third = try backend.connect()
        try third.send(["op": "claim", "id": 1, "queue": JSON(freshQueue("empty")), "wait_ms": 60_000])
        let members: JSON = ["worker": JSON(worker.name), "session": worker.session]
        try third.call("hello", members)
        try observer.call("resume", ["worker": JSON(worker.name)])
        #expect(try third.claimOne(queue)["attempt"] == 1)
    }

    @Test func patternsAreForAllWhoseNameMatches() throws {
        let daemon = try Daemon(.memory)
        let observer = try daemon.connect()
        let workers = try ["mailer-1", "mailer-2", "report-1"].map { try HearingWorker(daemon, $0) }
        #expect(try observer.call("quiet", ["worker": "mailer-*"])["workers"] == 2)
        for worker in workers[..<2] { #expect(try worker.event() == ["event": "quiet"]) }
        #expect(try workers[2].hearsNothing(for: 0.2))
        #expect(try observer.call("quiet")["workers"] == 3)
        #expect(try workers[2].event() == ["event": "quiet"])
        // Who knows it already is not told again.
        #expect(try workers[0].hearsNothing(for: 0.2))
        #expect(try observer.call("resume", ["worker": "*"])["workers"] == 3)
        for worker in workers { #expect(try worker.event() == ["event": "resume"]) }
        #expect(try observer.call("quiet", ["worker": "nobody-*"])["workers"] == 0)
        for op in ["quiet", "resume"] {
            let error = try observer.refused(op, ["worker": "nobody"])
            #expect(error["code"] == "not_found")
            #expect(error["field"] == "worker")
        }
    }

    @Test(arguments: Backend.allCases)
    func aQuietWorkerIsToldOfItsJobsAllTheSame(on backend: Backend) throws {
        let observer = try backend.connect()
        let queue = freshQueue()
        let worker = try HearingWorker(try backend.daemon())
        let job = try observer.enqueue(queue)
        let claimed = try worker.claimOne(queue)
        try observer.call("quiet", ["worker": JSON(worker.name)])
        #expect(try worker.event() == ["event": "quiet"])
        try observer.call("cancel", ["job": JSON(job)])
        #expect(try worker.event() == event("cancel", claimed))
    }

    // MARK: drain

    @Test func aDrainingDaemonTakesNoNewWorkAndLetsItsWorkersFinish() throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let observer = try daemon.connect()
        let worker = try HearingWorker(daemon)
        let waiting = try daemon.connect()
        let jobs = try observer.enqueueMany("q", 4)
        let claimed = try (0..<4).map { _ in try worker.claimOne("q") }
        try waiting.startWaiting("q")
        let reply = try observer.call("drain")
        #expect(reply["draining"] == true)
        #expect(reply["workers"] == 1)
        #expect(reply["held"] == 4)
        #expect(try worker.event() == ["event": "quiet"])
        let answer = try waiting.receive()
        #expect(answer["ok"] == true)
        #expect(answer["jobs"] == [])
        for (op, members) in [
            ("claim", ["queue": "q"]), ("enqueue", ["queue": "q"]), ("publish", ["topic": "t"]),
        ] as [(String, JSON)] {
            let error = try observer.refused(op, members)
            #expect(error["code"] == "draining")
            #expect(error["retryable"] == true)
        }
        #expect(try worker.call("extend", LineClient.proof(claimed[0]))["lease_until"].int != nil)
        let completed = try worker.call("complete", LineClient.proof(claimed[0], ["next": ["queue": "q"]]))
        #expect(completed["state"] == "completed")
        #expect(completed["jobs"] == [])
        #expect(try worker.call("fail", LineClient.proof(claimed[1]))["state"] == "retrying")
        #expect(try worker.call("release", LineClient.proof(claimed[2]))["state"] == "queued")
        #expect(try observer.state(jobs[3]) == "processing")
        #expect(try observer.call("drain")["held"] == 1)
        #expect(try observer.call("info")["draining"] == true)
        // Its own daemon does not give work; another one does, and a restart ends it.
        let other = try Daemon(.redis(redis))
        #expect(try other.connect().claimOne("q")["job"] == JSON(jobs[2]))
        #expect(try daemon.terminate() == .exited(0))
        try daemon.start()
        let again = try daemon.connect()
        #expect(try again.call("info")["draining"] == false)
        try again.enqueue("fresh")
        #expect(try again.claimOne("fresh")["attempt"] == 1)
    }

    @Test func whoComesToADrainingDaemonIsToldToBeQuiet() throws {
        let daemon = try Daemon(.memory)
        let observer = try daemon.connect()
        try observer.call("drain")
        let worker = try HearingWorker(daemon)
        #expect(try worker.event() == ["event": "quiet"])
        #expect(try entries(observer, worker.name)[0]["quiet"] == true)
        #expect(try observer.refused("resume", ["worker": JSON(worker.name)])["code"] == "draining")
        #expect(try worker.hearsNothing(for: 0.2))
        #expect(try daemon.terminate() == .exited(0))
    }
}
