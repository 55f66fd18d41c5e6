// What a worker finds that comes back to a daemon which does not know it any more, because it was killed and started again
// on the same Redis: what it extends is in its hands again, so that its end is noticed at once.

import Foundation
import Harness
import Testing

@Suite(.timeLimit(.minutes(1))) struct ResumeTests {
    private let redis: RedisServer
    private let daemon: Daemon

    init() throws {
        redis = try RedisServer()
        daemon = try Daemon(.redis(redis))
    }

    /// A job that was claimed by a worker of the daemon's last life, and that worker's session.
    private func claimedBeforeRestart(_ hello: JSON = [:]) throws -> (job: String, claimed: JSON, session: JSON) {
        let client = try daemon.connect()
        let job = try client.enqueue("q")
        let session = try client.call("hello", ["worker": "w", "grace_ms": 0])["session"]
        let claimed = try client.claimOne("q", ["lease_ms": 60_000])
        try daemon.restart()
        return (job, claimed, session)
    }

    @Test(arguments: [nil, 30_000])
    func aJobThatIsExtendedWithTheSessionFromBeforeIsInItsWorkersHandsAgain(leaseMs: Int?) throws {
        let (job, claimed, session) = try claimedBeforeRestart()
        let worker = try daemon.connect()
        try worker.call("hello", ["worker": "w", "grace_ms": 0, "session": session])
        try worker.extend(claimed, leaseMs.map { ["lease_ms": JSON($0)] } ?? [:])
        let observer = try daemon.connect()
        #expect(try observer.claim("q").isEmpty)
        worker.close()
        let seconds = try elapsed { () throws in #expect(try observer.claimOne("q")["attempt"] == 2) }
        #expect(seconds < 2)
        #expect(try observer.record(job)["history"][0]["outcome"] == "worker_gone")
    }

    @Test func whoDidNotComeBackWithASessionTakesNothingIntoItsHands() throws {
        let (job, claimed, _) = try claimedBeforeRestart()
        let (named, nameless) = (try daemon.connect(), try daemon.connect())
        try named.call("hello", ["worker": "another", "grace_ms": 0])
        try named.extend(claimed)
        try nameless.extend(claimed)
        named.close()
        nameless.close()
        let observer = try daemon.connect()
        #expect(try observer.claim("q", ["wait_ms": 300]).isEmpty)
        #expect(try observer.state(job) == "processing")
        try observer.complete(claimed)
    }

    @Test func aJobInAnotherWorkersHandsStaysThere() throws {
        let holder = try daemon.connect()
        let job = try holder.enqueue("q")
        try holder.call("hello", ["worker": "holder", "grace_ms": 0])
        let claimed = try holder.claimOne("q")
        let other = try daemon.connect()
        try other.call("hello", ["worker": "other", "grace_ms": 0, "session": "from-before"])
        try other.extend(claimed)
        other.close()
        let observer = try daemon.connect()
        #expect(try observer.claim("q", ["wait_ms": 300]).isEmpty)
        #expect(try observer.state(job) == "processing")
        holder.close()
        #expect(try observer.claimOne("q")["attempt"] == 2)
    }

    @Test func aWorkerThatCameBackIsToldOfRequestsToCancelItsJobs() throws {
        let (job, claimed, session) = try claimedBeforeRestart()
        let canceller = try daemon.connect()
        try canceller.call("cancel", ["job": JSON(job), "reason": "asked while nobody held it"])
        let worker = try HearingWorker(daemon, "w", ["session": session])
        #expect(try worker.call("extend", LineClient.proof(claimed))["cancel_requested"] == true)
        #expect(
            try worker.event() == event("cancel", claimed, ["reason": "asked while nobody held it"]))
    }

    @Test func aStaleTokenIsNotAdopted() throws {
        let (_, claimed, session) = try claimedBeforeRestart()
        let worker = try daemon.connect()
        try worker.call("hello", ["worker": "w", "grace_ms": 0, "session": session])
        try worker.complete(claimed)
        #expect(try worker.refused("extend", LineClient.proof(claimed))["code"] == "lease_lost")
        worker.close()
        try eventually { try daemon.connect().call("info")["workers"] == 0 }
    }
}
