// The example workers, run as a user would run them: each completes jobs, fails what it cannot do, keeps its lease with
// a heartbeat, loses its job when it is killed, and outlives the daemon and its Redis.

import Foundation
import Harness
import Testing

/// One of examples/.
enum ExampleWorker: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case bash, python, node, c, swift
    var testDescription: String { rawValue }

    private static let examples = BuiltProducts.packageDirectory + "/examples"

    /// Starts it for queue `q`; C is compiled first. The Swift one must have been built (`make test` does).
    func start(_ daemon: Daemon) throws -> RunningExample {
        let folder = try TemporaryDirectory()
        let program =
            switch self {
            case .bash: Self.examples + "/worker.sh"
            case .python: Self.examples + "/worker.py"
            case .node: Self.examples + "/worker.js"
            case .c: try Self.compile(into: folder)
            case .swift: BuiltProducts.packageDirectory + "/.build/examples/debug/worker"
            }
        let arguments = [daemon.socketPath, "q", rawValue]
        return RunningExample(
            process: try ServerProcess(program, arguments, log: folder.file("log")), folder: folder)
    }

    private static func compile(into folder: TemporaryDirectory) throws -> String {
        let program = folder.file("worker")
        let arguments = ["-O2", "-Wall", "-Wextra", "-Werror", "-o", program, examples + "/worker.c", "-ljansson"]
        let result = try Program.run("cc", arguments)
        guard result.status == 0 else { throw HarnessError(result.errors) }
        return program
    }
}

/// A worker and the folder that it runs from.
struct RunningExample {
    let process: ServerProcess
    let folder: TemporaryDirectory
}

@Suite(.serialized, .timeLimit(.minutes(3))) struct ExampleTests {
    @Test(arguments: ExampleWorker.allCases)
    func workerCompletesJobsAndFailsWhatItCannotDo(worker: ExampleWorker) throws {
        let daemon = try Daemon(.memory)
        let client = try daemon.connect()
        let once: JSON = ["max_attempts": 1, "payload": ["needs": "/nonexistent"]]
        let jobs = try [
            client.enqueue("q", ["payload": ["to": "ada", "ms": 5]]), client.enqueue("q", ["payload": ["a list"]]),
            client.enqueue("q", once),
            client.enqueue("q", ["payload": ["ms": 1, "needs": "/"], "type": "last"]),
        ]
        let running = try worker.start(daemon)
        try eventually(within: 20, "the last job done; the worker says: \(running.process.log)") {
            try client.state(jobs[3]) == "completed"
        }
        for job in [jobs[0], jobs[1], jobs[3]] {
            let record = try client.record(job)
            #expect(record["state"] == "completed")
            #expect(record["result"]["by"].string == worker.rawValue)
            #expect(record["worker"].string == worker.rawValue)
        }
        let failed = try client.record(jobs[2])
        #expect(failed["state"] == "dead")
        #expect(failed["error"].description.contains("such file") || failed["error"].description.contains("not there"))
        #expect(running.process.isRunning)
        running.process.kill()
    }

    @Test(arguments: ExampleWorker.allCases)
    func killedWorkerLosesItsJobAtOnce(worker: ExampleWorker) throws {
        let daemon = try Daemon(.memory)
        let client = try daemon.connect()
        let job = try client.enqueue("q", ["payload": ["ms": 60_000]])
        let running = try worker.start(daemon)
        try eventually(within: 20, "the job claimed") { try client.state(job) == "processing" }
        running.process.kill()
        try eventually(within: 5, "the job back in its queue") { try client.state(job) == "queued" }
        #expect(try client.record(job)["history"][0]["outcome"] == "worker_gone")
    }

    @Test(arguments: ExampleWorker.allCases)
    func heartbeatKeepsALeaseShorterThanTheWork(worker: ExampleWorker) throws {
        let daemon = try Daemon(.memory)
        let client = try daemon.connect()
        let job = try client.enqueue("q", ["payload": ["ms": 5000], "lease_ms": 2000])
        let running = try worker.start(daemon)
        try eventually(within: 20, "the job completed") { try client.state(job) == "completed" }
        #expect(try client.record(job)["attempts"] == 1)
        running.process.kill()
    }

    @Test(arguments: ExampleWorker.allCases)
    func workerGoesOnAfterARestartOfTheDaemon(worker: ExampleWorker) throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        let client = try daemon.connect()
        let job = try client.enqueue("q", ["payload": ["ms": 2_000], "lease_ms": 3_000])
        let running = try worker.start(daemon)
        try eventually(within: 20, "the job claimed") { try client.state(job) == "processing" }
        try daemon.restart()
        let observer = try daemon.connect()
        let next = try observer.enqueue("q")
        try eventually(within: 20, "both done: \(running.process.log)") { try observer.state(next) == "completed" }
        #expect(try observer.record(job)["state"] == "completed")
        #expect(try observer.record(job)["attempts"] == 1)
        // And once more while it waits for a job, with a daemon that stays away for a while.
        daemon.kill()
        try daemon.start()
        let last = try daemon.connect().enqueue("q")
        try eventually(within: 20, "the last one done: \(running.process.log)") {
            try daemon.connect().state(last) == "completed"
        }
        #expect(running.process.isRunning)
        running.process.kill()
    }

    /// Redis hangs for half a lease, while one worker works and another waits for a job.
    @Test(arguments: ExampleWorker.allCases)
    func anOutageOfRedisShorterThanTheLeaseCostsNoAttempt(worker: ExampleWorker) throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis), arguments: ["--request-timeout-ms", "300"])
        let client = try daemon.connect()
        let job = try client.enqueue("q", ["payload": ["ms": 7_000], "lease_ms": 4_000])
        let workers = try (0..<2).map { _ in try worker.start(daemon) }
        try eventually(within: 20, "the job claimed") { try client.state(job) == "processing" }
        try eventually(within: 20, "the other one waits") { try client.call("info")["waiting_claims"] == 1 }
        redis.suspend()
        try eventually(within: 10, "requests are refused") {
            try client.request(["op": "ping", "store": true])["error"]["code"] == "store_unavailable"
        }
        // Both ask in vain now: the one that renews its lease, and the one that claims.
        try eventually(within: 10, "one more refusal") {
            try client.request(["op": "get", "job": JSON(job)])["error"]["retryable"] == true
        }
        redis.resume()
        let logs = { workers.map(\.process.log).joined(separator: "\n") }
        try eventually(within: 30, "the job done: \(logs())") {
            try client.request(["op": "get", "job": JSON(job)])["job"]["state"] == "completed"
        }
        #expect(try client.record(job)["attempts"] == 1)
        for one in workers { #expect(one.process.isRunning, "\(one.process.log)") }
        for one in workers { one.process.kill() }
    }
}
