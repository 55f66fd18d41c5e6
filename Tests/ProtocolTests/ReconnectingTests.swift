// JobqClient's `ReconnectingConnection` over restarts of the daemon: what was claimed stays, what was asked is answered, and
// nothing happens twice. A fake stands in where a daemon would have to die at one certain moment.

import Foundation
import Glibc
import Harness
import JobqClient
import Testing
import Wire

@Suite(.timeLimit(.minutes(1))) struct ReconnectingTests {
    private let redis: RedisServer
    private let daemon: Daemon

    init() throws {
        redis = try RedisServer()
        daemon = try Daemon(.redis(redis))
    }

    private func connect(_ worker: String? = nil, patienceMs: Int64 = 10_000) throws -> ReconnectingConnection {
        try ReconnectingConnection(
            path: daemon.socketPath, identity: worker.map { .init(worker: $0, push: true, graceMs: 0) },
            patienceMs: patienceMs)
    }

    @Test func aJobIsClaimedBeforeARestartAndCompletedAfterIt() throws {
        let jobq = try connect("w")
        _ = try jobq.enqueue(JobToEnqueue(queue: "q"))
        let job = try #require(try jobq.claim(ClaimOptions(["q"])).first)
        try daemon.restart()
        try jobq.complete(job)
        #expect(try jobq.get(job.job)["state"]?.string == "completed")
    }

    @Test func aClaimThatWaitsOverARestartGetsTheJobThatComesThen() throws {
        let jobq = try connect("w")
        nonisolated(unsafe) var claimed: Result<[ClaimedJob], any Error>?
        let done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            claimed = Result { try jobq.claim(ClaimOptions(["q"], waitMs: 20_000)) }
            done.signal()
        }
        let client = try daemon.connect()
        try eventually { try client.call("info")["waiting_claims"] == 1 }
        try daemon.restart()
        let observer = try daemon.connect()
        try eventually { try observer.call("info")["waiting_claims"] == 1 }
        let job = try observer.enqueue("q")
        #expect(done.wait(timeout: .now() + 10) == .success)
        #expect(try claimed?.get().first?.job == job)
    }

    @Test func leasesAreRenewedAndTheWorkerIsWatchedAgainAfterARestart() throws {
        let client = try daemon.connect()
        try client.enqueue("q", ["lease_ms": 900])
        var jobq: ReconnectingConnection? = try connect("w")
        let job = try #require(try jobq?.claim(ClaimOptions(["q"])).first)
        try daemon.restart()
        let observer = try daemon.connect()
        try eventually(within: 8, "its job in its hands again") {
            try observer.call("workers")["workers"][0]["jobs"].array.count == 1
        }
        #expect(try observer.claim("q", ["wait_ms": 1_500]).isEmpty)
        #expect(jobq?.hasLost(job) == false)
        jobq?.close()
        jobq = nil
        let seconds = try elapsed { () throws in #expect(try observer.claimOne("q")["attempt"] == 2) }
        #expect(seconds < 0.8)
    }

    @Test func aLostLeaseIsKnown() throws {
        let jobq = try connect("w")
        _ = try jobq.enqueue(JobToEnqueue(queue: "q", jobID: "a"))
        let job = try #require(try jobq.claim(ClaimOptions(["q"], leaseMs: 300)).first)
        // Somebody else ends it with the same token: the claim is over.
        try daemon.connect().call("release", ["job": "q/a", "token": JSON(job.token)])
        try eventually { jobq.hasLost(job) }
        #expect(throws: ProtocolError.self) { try jobq.complete(job) }
    }

    @Test func patienceEndsWithTheReasonWhileTheDaemonIsAway() throws {
        let jobq = try connect(patienceMs: 200)
        daemon.kill()
        #expect {
            try jobq.ping()
        } throws: {
            if case ConnectionError.connect = $0 { true } else { false }
        }
        try daemon.start()
        try jobq.ping(store: true)
    }

    @Test func anEnqueueWhoseAnswerWasLostMakesOneJob() throws {
        let between = try LossyRelay(to: daemon.socketPath)
        let jobq = try ReconnectingConnection(path: between.path)
        between.cutAfterNextRequest()
        let jobs = try jobq.enqueue([
            JobToEnqueue(queue: "q"), JobToEnqueue(queue: "q", jobID: "mine"), JobToEnqueue(queue: "r"),
        ])
        #expect(between.cuts == 1)
        let outcomes = try jobs.map { try $0.get() }
        // What was given an id here is not called a duplicate of itself; a name that the caller chose is.
        #expect(outcomes.map(\.isDuplicate) == [false, true, false])
        let client = try daemon.connect()
        #expect(try client.stats("q")["totals"]["enqueued"] == 2)
        #expect(try client.stats("r")["totals"]["enqueued"] == 1)
    }
}

/// Hands lines to a daemon and its answers back; can cut the connection when the daemon has a request and its answer is on
/// its way. One connection at a time.
private final class LossyRelay: @unchecked Sendable {
    let path: String
    private let directory: TemporaryDirectory
    private let target: String
    private let listener: Int32
    private let lock = NSLock()
    private var isCutting = false
    private var count = 0

    init(to target: String) throws {
        self.target = target
        directory = try TemporaryDirectory()
        path = directory.file("relay.sock")
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0, listen(listener, 8) == 0 else { throw HarnessError("relay: \(errno)") }
        Thread.detachNewThread { [self] in
            while true {
                let peer = accept(listener, nil, nil)
                guard peer >= 0 else { return }
                serve(peer)
                close(peer)
            }
        }
    }

    deinit { close(listener) }

    var cuts: Int { lock.withLock { count } }
    func cutAfterNextRequest() { lock.withLock { isCutting = true } }

    private func serve(_ peer: Int32) {
        guard let jobqd = try? LineClient(target) else { return }
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while read(peer, &byte, 1) == 1 {
            line.append(byte)
            guard byte == 0x0A else { continue }
            guard (try? jobqd.sendRaw(line)) != nil, let answer = try? jobqd.readLineBytes() else { return }
            line = []
            let isCut = lock.withLock {
                defer { isCutting = false }
                if isCutting { count += 1 }
                return isCutting
            }
            if isCut { return }
            let bytes = answer + [0x0A]
            guard send(peer, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else { return }
        }
    }
}
