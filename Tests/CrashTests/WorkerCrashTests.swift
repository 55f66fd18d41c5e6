// Workers die: processes that claim and complete as fast as they can and are killed in the midst of it. Each writes
// down what it was told, line by line and unbuffered, so that its word survives it and can be compared with the
// records.

import Foundation
import Harness
import Testing

@Suite(.serialized, .timeLimit(.minutes(2))) struct WorkerCrashTests {
    @Test func killedWorkersLoseNoJobAndDoNoneTwice() throws {
        let seed = SeededRandom.seed(#function)
        var random = SeededRandom(seed)
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let client = try daemon.connect()
        let directory = try TemporaryDirectory()
        let total = 3000
        var jobs: [String] = []
        for _ in 0..<(total / 500) {
            jobs += try client.enqueueMany("killed", 500, ["max_attempts": 1000, "lease_ms": 60_000])
        }

        var number = 0
        func worker() throws -> (process: ServerProcess, log: String) {
            number += 1
            let log = "worker-\(number)"
            let process = try ServerProcess(
                "python3", ["-c", Self.script, daemon.socketPath, "w\(number)"], log: directory.file(log))
            return (process, log)
        }
        var workers = try (0..<4).map { _ in try worker() }
        for _ in 0..<30 {
            try pass(Double.random(in: 0.05...0.25, using: &random))
            let victim = Int.random(in: 0..<workers.count, using: &random)
            // One that has not completed anything may not have begun.
            try eventually(within: 20, "a worker that works") {
                let isDone = try client.stats("killed")["totals"]["completed"].int == total
                return isDone || !directory.read(workers[victim].log).isEmpty
            }
            workers[victim].process.kill()
            workers[victim] = try worker()
        }
        // With leases of a minute, only the noticed death of the workers can bring their jobs back in time.
        try eventually(within: 30, "all done") {
            try client.stats("killed")["totals"]["completed"].int == total
        }
        for worker in workers { worker.process.kill() }

        var completed: [String: Set<String>] = [:]
        var gone = 0
        for file in 1...number {
            for line in directory.read("worker-\(file)").split(separator: "\n") where line.hasPrefix("completed ") {
                let words = line.split(separator: " ").map(String.init)
                completed[words[1], default: []].insert(words[2])
            }
        }
        for job in jobs {
            let record = try client.record(job)
            #expect(record["state"] == "completed")
            #expect((completed[job] ?? []).count <= 1)
            let outcomes = record["history"].array.compactMap { $0["outcome"].string }
            #expect(outcomes.last == "completed")
            // Released: claimed for a worker that was gone before the answer could be sent.
            #expect(outcomes.dropLast().allSatisfy { $0 == "worker_gone" || $0 == "released" }, "\(outcomes)")
            gone += outcomes.count { $0 == "worker_gone" }
        }
        #expect(completed.count > total * 9 / 10)
        let totals = try client.stats("killed")["totals"]
        #expect(totals["reclaimed"].int == gone)
        #expect(gone > 5)
        let violations = try InvariantChecker.violations(in: redis)
        #expect(violations.isEmpty, "\(violations.prefix(10))")
    }

    /// Claims up to 3, works a moment, completes; says so when it was told `ok`.
    private static let script = """
        import json, os, random, socket, sys, time
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(sys.argv[1])
        lines = peer.makefile("rw")
        def call(request):
            print(json.dumps(request), file=lines, flush=True)
            return json.loads(lines.readline())
        assert call({"op": "hello", "worker": sys.argv[2], "grace_ms": 600000})["ok"]
        while True:
            for job in call({"op": "claim", "queue": "killed", "wait_ms": 5000, "max": random.randint(1, 3)})["jobs"]:
                time.sleep(random.random() * 0.004)
                reply = call({"op": "complete", "job": job["job"], "token": job["token"]})
                word = "completed" if reply["ok"] else "refused"
                os.write(1, f"{word} {job['job']} {job['token']}\\n".encode())
        """
}
