// Sessions: what `hello` answers, and what becomes of a worker's jobs when its connection or its process ends. The
// peers that die are Python processes, for only a process can be killed; those that only close their connection are
// this process.

import Foundation
import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct HelloTests {
    @Test(arguments: Backend.allCases)
    func helloTellsTheServersNameVersionAndLimits(on backend: Backend) throws {
        let reply = try backend.connect().call("hello", ["protocol": 1, "worker": "mailer-3"])
        #expect(reply["server"] == "jobqd")
        #expect(reply["protocol"] == 1)
        #expect(reply["version"].string?.isEmpty == false)
        #expect(reply["session"].string?.isEmpty == false)
        #expect(reply["limits"]["line_bytes"] == 1_048_576)
        #expect(reply["limits"]["in_flight"] == 256)
        #expect(reply["limits"]["wait_ms"] == 600_000)
        #expect(reply["limits"]["batch"].int != nil)
    }

    @Test func anotherProtocolVersionIsUnsupportedAndOursIsListed() throws {
        let client = try Backend.memory.connect()
        let error = try client.refused("hello", ["protocol": 2])
        #expect(error["code"] == "unsupported_protocol")
        #expect(error["supported"] == [1])
        #expect(error["retryable"] == false)
        try client.call("hello")
    }

    @Test func sessionsDiffer() throws {
        let sessions = try (0..<50).map { _ in
            try Backend.memory.connect().call("hello", ["worker": "w"])["session"].string
        }
        #expect(Set(sessions).count == 50)
    }

    @Test(arguments: Backend.allCases)
    func theWorkersNameStandsInRecordAndHistory(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.call("hello", ["worker": "näme \"3\""])
        let job = try client.enqueue(queue)
        let claimed = try client.claimOne(queue)
        #expect(try client.record(job)["worker"] == "näme \"3\"")
        try client.fail(claimed)
        #expect(try client.record(job)["history"][0]["worker"] == "näme \"3\"")
    }

    @Test(arguments: Backend.allCases)
    func jobsOfAKilledWorkerAreBackAtOnce(on backend: Backend) throws {
        let queue = freshQueue()
        let observer = try backend.connect()
        try observer.enqueueMany(queue, 3)
        let worker = try Peer(backend, queue, hello: ["worker": "victim", "grace_ms": 600_000], max: 2)
        try observer.send(["op": "claim", "queue": JSON(queue), "wait_ms": 10_000, "max": 3])
        #expect(try observer.receive()["jobs"].array.map { $0["payload"] } == [2])
        try observer.send(["op": "claim", "queue": JSON(queue), "wait_ms": 10_000, "max": 1])
        let seconds = try elapsed { () throws in
            worker.process.kill()
            let claimed = try observer.receive()["jobs"][0]
            #expect(claimed["attempt"] == 2)
            let history = try observer.record(claimed["job"].string!)["history"]
            #expect(history[0]["outcome"] == "worker_gone")
            #expect(history[0]["worker"] == "victim")
        }
        #expect(seconds < 1, "\(seconds)")
        #expect(try observer.claimOne(queue)["attempt"] == 2)
        #expect(try observer.stats(queue)["totals"]["reclaimed"] == 2)
    }

    @Test(arguments: Backend.allCases)
    func aWorkerKilledOnItsLastAttemptLeavesADeadLetter(on backend: Backend) throws {
        let queue = freshQueue()
        let observer = try backend.connect()
        let job = try observer.enqueue(queue, ["max_attempts": 1])
        let worker = try Peer(backend, queue, hello: ["worker": "poisoned"], max: 1)
        worker.process.kill()
        try eventually(within: 3, "the dead letter") { try observer.state(job) == "dead" }
        #expect(try observer.record(job)["reason"] == "worker_gone")
    }

    @Test(arguments: Backend.allCases)
    func withoutHelloALeaseOutlivesItsKilledClaimer(on backend: Backend) throws {
        let queue = freshQueue()
        let observer = try backend.connect()
        let job = try observer.enqueue(queue)
        let worker = try Peer(backend, queue, hello: nil, max: 1)
        worker.process.kill()
        #expect(try observer.claim(queue, ["wait_ms": 300]).isEmpty)
        #expect(try observer.state(job) == "processing")
        #expect(try observer.complete(["job": JSON(job), "token": JSON(worker.tokens[0])])["state"] == "completed")
    }

    @Test(arguments: Backend.allCases)
    func keepLeavesTheJobsOfAKilledWorkerToTheirLease(on backend: Backend) throws {
        let queue = freshQueue()
        let observer = try backend.connect()
        let job = try observer.enqueue(queue)
        let worker = try Peer(backend, queue, hello: ["worker": "keeper", "on_disconnect": "keep"], max: 1)
        worker.process.kill()
        #expect(try observer.claim(queue, ["wait_ms": 300]).isEmpty)
        #expect(try observer.state(job) == "processing")
    }

    @Test(arguments: Backend.allCases)
    func aWorkerThatOnlyLostItsConnectionHasItsGrace(on backend: Backend) throws {
        let queue = freshQueue()
        let observer = try backend.connect()
        let job = try observer.enqueue(queue)
        let worker = try backend.connect()
        try worker.call("hello", ["worker": "w", "grace_ms": 400])
        _ = try worker.claimOne(queue)
        worker.close()
        let seconds = try elapsed { () throws in
            #expect(try observer.claimOne(queue)["attempt"] == 2)
        }
        #expect(seconds > 0.35 && seconds < 1.5, "\(seconds)")
        #expect(try observer.record(job)["history"][0]["outcome"] == "worker_gone")
    }

    @Test(arguments: Backend.allCases)
    func aWorkerThatComesBackWithItsSessionKeepsItsJobs(on backend: Backend) throws {
        let queue = freshQueue()
        let observer = try backend.connect()
        try observer.enqueue(queue)
        let worker = try backend.connect()
        let session = try worker.call("hello", ["worker": "w", "grace_ms": 300])["session"]
        let claimed = try worker.claimOne(queue)
        worker.close()
        let again = try backend.connect()
        #expect(try again.call("hello", ["worker": "w", "grace_ms": 300, "session": session])["session"] == session)
        #expect(try observer.claim(queue, ["wait_ms": 700]).isEmpty)
        // It is watched again: the next loss of the connection has its own grace.
        again.close()
        #expect(try observer.claimOne(queue)["attempt"] == 2)
        #expect(try observer.refused("complete", LineClient.proof(claimed))["code"] == "lease_lost")
    }

    @Test(arguments: Backend.allCases)
    func graceZeroGivesJobsBackWhenTheConnectionEnds(on backend: Backend) throws {
        let queue = freshQueue()
        let observer = try backend.connect()
        try observer.enqueue(queue)
        let worker = try backend.connect()
        try worker.call("hello", ["worker": "w", "grace_ms": 0])
        _ = try worker.claimOne(queue)
        worker.close()
        let seconds = try elapsed { () throws in #expect(try observer.claimOne(queue)["attempt"] == 2) }
        #expect(seconds < 1)
    }

    @Test(arguments: Backend.allCases)
    func thousandsOfJobsOfOneWorkerAllGoBack(on backend: Backend) throws {
        let queue = freshQueue()
        let observer = try backend.connect()
        let worker = try backend.connect()
        try worker.call("hello", ["worker": "hoarder", "grace_ms": 0])
        for _ in 0..<3 { try observer.enqueueMany(queue, 1000) }
        for _ in 0..<30 { #expect(try worker.claim(queue, ["max": 100, "lease_ms": 60_000]).count == 100) }
        worker.close()
        try eventually(within: 3, "all back") { try observer.stats(queue)["depth"]["queued"] == 3000 }
        #expect(try observer.stats(queue)["totals"]["reclaimed"] == 3000)
        #expect(try observer.claim(queue, ["max": 100]).map { $0["payload"].int } == Array(0..<100))
    }

    @Test(arguments: Backend.allCases)
    func aSecondHelloWithTheSessionTakesTheJobsFromTheFirstConnection(on backend: Backend) throws {
        let queue = freshQueue()
        let observer = try backend.connect()
        let job = try observer.enqueue(queue)
        let (old, new) = (try backend.connect(), try backend.connect())
        let session = try old.call("hello", ["worker": "w", "grace_ms": 0])["session"]
        _ = try old.claimOne(queue)
        #expect(try new.call("hello", ["worker": "w", "grace_ms": 0, "session": session])["session"] == session)
        old.close()
        #expect(try observer.claim(queue, ["wait_ms": 200]).isEmpty)
        #expect(try observer.state(job) == "processing")
        new.close()
        #expect(try observer.claimOne(queue)["attempt"] == 2)
    }

    @Test(arguments: Backend.allCases)
    func anUnknownSessionIsANewOne(on backend: Backend) throws {
        let client = try backend.connect()
        let session = try client.call("hello", ["worker": "w", "session": "from-before-a-restart"])["session"]
        #expect(session.string?.isEmpty == false && session != "from-before-a-restart")
    }

    @Test(arguments: Backend.allCases)
    func aJobThatWentOnToAnotherWorkerStaysWithItWhenTheFirstDies(on backend: Backend) throws {
        let queue = freshQueue()
        let observer = try backend.connect()
        let job = try observer.enqueue(queue)
        let worker = try backend.connect()
        try worker.call("hello", ["worker": "late", "grace_ms": 0])
        _ = try worker.claimOne(queue, ["lease_ms": 100])
        let second = try observer.claimOne(queue)
        #expect(second["attempt"] == 2)
        worker.close()
        #expect(try observer.claim(queue, ["wait_ms": 200]).isEmpty)
        #expect(try observer.state(job) == "processing")
        #expect(try observer.complete(second)["state"] == "completed")
    }

    @Test(arguments: Backend.allCases)
    func whatTheWorkerEndedItselfIsNotTouchedWhenItDies(on backend: Backend) throws {
        let queue = freshQueue()
        let observer = try backend.connect()
        let jobs = try observer.enqueueMany(queue, 3)
        let worker = try Peer(backend, queue, hello: ["worker": "w"], max: 3)
        // Tokens are good over any connection, so the observer ends two of them.
        try observer.complete(["job": JSON(jobs[0]), "token": JSON(worker.tokens[0])])
        try observer.fail(["job": JSON(jobs[1]), "token": JSON(worker.tokens[1])], ["retry_in_ms": 60_000])
        worker.process.kill()
        #expect(try observer.claimOne(queue)["job"] == JSON(jobs[2]))
        #expect(try observer.state(jobs[0]) == "completed")
        #expect(try observer.state(jobs[1]) == "retrying")
        #expect(try observer.stats(queue)["totals"]["reclaimed"] == 1)
    }

    @Test(arguments: Backend.allCases)
    func aKilledWorkersWaitingClaimTakesNothing(on backend: Backend) throws {
        let queue = freshQueue()
        let observer = try backend.connect()
        try observer.enqueue(queue)
        let worker = try Peer(backend, queue, hello: ["worker": "w"], max: 1, thenWait: true)
        worker.process.kill()
        #expect(try observer.claimOne(queue)["attempt"] == 2)
        try observer.enqueue(queue)
        #expect(try observer.claimOne(queue)["attempt"] == 1)
    }
}

/// A worker process that claims and then holds what it has until it is killed.
private struct Peer {
    let process: ServerProcess
    let tokens: [String]
    private let directory: TemporaryDirectory

    init(_ backend: Backend, _ queue: String, hello: JSON?, max: Int, thenWait: Bool = false) throws {
        directory = try TemporaryDirectory()
        let script = """
            import json, socket, sys, time
            peer = socket.socket(socket.AF_UNIX)
            peer.connect(sys.argv[1])
            lines = peer.makefile("rw")
            def call(request):
                print(json.dumps(request), file=lines, flush=True)
                return json.loads(lines.readline())
            hello = json.loads(sys.argv[3])
            if hello is not None:
                assert call({"op": "hello", **hello})["ok"]
            jobs = call({"op": "claim", "queue": sys.argv[2], "max": int(sys.argv[4]), "lease_ms": 60000})["jobs"]
            if sys.argv[5] == "true":
                print(json.dumps({"op": "claim", "id": 1, "queue": sys.argv[2], "wait_ms": 60000}), file=lines, flush=True)
            print(json.dumps([job["token"] for job in jobs]), flush=True)
            time.sleep(600)
            """
        let log = directory.file("log")
        process = try ServerProcess(
            "python3",
            [
                "-c", script, try backend.daemon().socketPath, queue, (hello ?? .null).description, "\(max)",
                "\(thenWait)",
            ],
            log: log)
        let started = process
        let line = try eventualValue(within: 10, "the worker's tokens: \(started.log)") { () -> String? in
            guard started.isRunning else { throw HarnessError("worker: \(started.log)") }
            return started.log.contains("\n") ? started.log : nil
        }
        tokens = try JSON(parsing: line.utf8).array.compactMap(\.string)
        guard tokens.count == max else { throw HarnessError("the worker has \(tokens.count) jobs") }
    }
}
