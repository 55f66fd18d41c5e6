// What workers that ask for events are told about their leases, and that workers who do not are not. What is the broker's
// alone is tried on one store only, since it takes its time.

import Foundation
import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct LeaseEventTests {
    /// The next event is `lease_expiring`; how much it says is left.
    private func left(_ worker: HearingWorker, _ claimed: JSON) throws -> Int {
        let told = try worker.event()
        let left = told["left_ms"]
        #expect(told == event("lease_expiring", claimed, ["left_ms": left]))
        return left.int ?? -1
    }

    /// What `workers` says about one.
    private func entry(_ client: LineClient, _ worker: HearingWorker) throws -> JSON {
        try client.call("workers")["workers"].array.first { $0["session"] == worker.session } ?? .null
    }

    @Test(arguments: Backend.allCases)
    func aThirdBeforeTheEndAndAtTheEndTheWorkerIsTold(on backend: Backend) throws {
        let observer = try backend.connect()
        let queue = freshQueue()
        let worker = try HearingWorker(try backend.daemon())
        try observer.enqueue(queue)
        let claimed = try worker.claimOne(queue, ["lease_ms": 1_500])
        let start = ContinuousClock.now
        let left = try left(worker, claimed)
        #expect(left > 0 && left <= 500, "\(left)")
        #expect(start.duration(to: .now) > .milliseconds(900))
        #expect(try worker.event() == event("lease_lost", claimed))
        #expect(start.duration(to: .now) > .milliseconds(1_400))
        #expect(try entry(observer, worker)["held"] == 0)
        #expect(try observer.claimOne(queue)["attempt"] == 2)
        #expect(try worker.hearsNothing(for: 0.2))
    }

    @Test(arguments: Backend.allCases)
    func everyExtendBeginsAPeriodOfItsOwnOverWhicheverConnectionItComes(on backend: Backend) throws {
        let observer = try backend.connect()
        let queue = freshQueue()
        let worker = try HearingWorker(try backend.daemon())
        try observer.enqueue(queue)
        let claimed = try worker.claimOne(queue, ["lease_ms": 1_500])
        for _ in 0..<2 {
            let left = try left(worker, claimed)
            #expect(left > 0 && left <= 500, "\(left)")
            // Without lease_ms: as long as it was.
            try observer.extend(claimed)
        }
        #expect(try left(worker, claimed) > 0)
        try observer.extend(claimed, ["lease_ms": 900])
        let last = try left(worker, claimed)
        #expect(last > 0 && last <= 300, "\(last)")
        #expect(try worker.call("complete", LineClient.proof(claimed))["state"] == "completed")
        #expect(try worker.hearsNothing(for: 0.6))
    }

    @Test func anExtendMayMakeTheLeaseShorter() throws {
        let observer = try Backend.redis.connect()
        let queue = freshQueue()
        let worker = try HearingWorker(try Backend.redis.daemon())
        try observer.enqueue(queue)
        let claimed = try worker.claimOne(queue, ["lease_ms": 3_600_000])
        try worker.call("extend", LineClient.proof(claimed, ["lease_ms": 900]))
        let left = try left(worker, claimed)
        #expect(left > 0 && left <= 300, "\(left)")
        #expect(try worker.event() == event("lease_lost", claimed))
    }

    @Test(arguments: ["complete", "fail", "release"])
    func whoEndsItsJobInTimeHearsNothing(_ end: String) throws {
        let observer = try Backend.redis.connect()
        let queue = freshQueue()
        let worker = try HearingWorker(try Backend.redis.daemon())
        try observer.enqueue(queue)
        let claimed = try worker.claimOne(queue, ["lease_ms": 900])
        try worker.call(end, LineClient.proof(claimed))
        #expect(try entry(observer, worker)["held"] == 0)
        #expect(try worker.hearsNothing(for: 1.2))
    }

    @Test func eachOfManyJobsHasItsOwnLease() throws {
        let observer = try Backend.redis.connect()
        let queue = freshQueue()
        let worker = try HearingWorker(try Backend.redis.daemon())
        try observer.enqueueMany(queue, 250)
        var tokens: Set<String> = []
        for _ in 0..<3 {
            let jobs = try worker.call("claim", ["queue": JSON(queue), "max": 100, "lease_ms": 2_400])["jobs"].array
            tokens.formUnion(jobs.compactMap { $0["token"].string })
        }
        #expect(tokens.count == 250)
        var told: [String: [String]] = [:]
        for _ in 0..<500 {
            let event = try worker.event()
            told[event["token"].string ?? "", default: []].append(event["event"].string ?? "")
        }
        #expect(Set(told.keys) == tokens)
        #expect(told.values.allSatisfy { $0 == ["lease_expiring", "lease_lost"] })
    }

    @Test func withoutPushNobodyIsTold() throws {
        let worker = try Backend.redis.connect()
        let queue = freshQueue()
        try worker.call("hello", ["worker": "deaf"])
        try worker.enqueue(queue)
        _ = try worker.claimOne(queue, ["lease_ms": 300])
        #expect(try worker.staysSilent(for: 0.8))
    }

    @Test(arguments: Backend.allCases)
    func anExtendThatComesTooLateIsAnsweredAndNotTold(on backend: Backend) throws {
        let observer = try backend.connect()
        let queue = freshQueue()
        let worker = try HearingWorker(try backend.daemon(), freshQueue("worker"), ["push": false])
        let job = try observer.enqueue(queue)
        let claimed = try worker.claimOne(queue, ["lease_ms": 100])
        try eventually(within: 5, "the lease's end") { try observer.state(job) == "queued" }
        #expect(try entry(observer, worker)["held"] == 1)
        #expect(try observer.refused("extend", LineClient.proof(claimed))["code"] == "lease_lost")
        #expect(try entry(observer, worker)["held"] == 0)
        try worker.hello()
        #expect(try worker.hearsNothing(for: 0.2))
    }

    @Test(arguments: Backend.allCases)
    func aLeaseThatEndedWhileTheWorkerWasAwayIsToldWhenItIsBack(on backend: Backend) throws {
        let observer = try backend.connect()
        let queue = freshQueue()
        let worker = try HearingWorker(try backend.daemon())
        let job = try observer.enqueue(queue)
        let claimed = try worker.claimOne(queue, ["lease_ms": 300])
        worker.client.close()
        try eventually(within: 5, "the lease's end") { try observer.state(job) == "queued" }
        let again = try HearingWorker(try backend.daemon(), worker.name, ["session": worker.session])
        #expect(again.session == worker.session)
        #expect(try again.event() == event("lease_lost", claimed))
        #expect(try entry(observer, again)["held"] == 0)
    }

    @Test func aLeaseThatWasRenewedOverAnotherDaemonIsNotLost() throws {
        let redis = try Stage.current.redis()
        let other = try Daemon(.redis(redis))
        let queue = freshQueue()
        let observer = try Backend.redis.connect()
        let worker = try HearingWorker(other)
        try observer.enqueue(queue)
        let claimed = try worker.claimOne(queue, ["lease_ms": 900])
        #expect(try left(worker, claimed) > 0)
        try observer.extend(claimed, ["lease_ms": 2_000])
        // The daemon learns of the renewal when it asks at the old end.
        let next = try worker.event()
        #expect(next["event"] == "lease_expiring")
        #expect(try worker.event() == event("lease_lost", claimed))
        #expect(try observer.claimOne(queue)["attempt"] == 2)
    }

    @Test func claimsThatAreLongOverAreForgottenAlsoWithoutPush() throws {
        let backend = Backend.memory
        let observer = try backend.connect()
        let queue = freshQueue()
        let worker = try HearingWorker(try backend.daemon(), freshQueue("worker"), ["push": false])
        try observer.enqueueMany(queue, 3)
        let long = try worker.claimOne(queue, ["lease_ms": 60_000])
        _ = try worker.claimOne(queue, ["lease_ms": 100])
        _ = try worker.claimOne(queue, ["lease_ms": 100])
        #expect(try entry(observer, worker)["held"] == 3)
        try eventually(within: 30, "forgetting") { try entry(observer, worker)["held"] == 1 }
        #expect(try entry(observer, worker)["jobs"] == [long["job"]])
        #expect(try worker.hearsNothing(for: 0))
    }
}
