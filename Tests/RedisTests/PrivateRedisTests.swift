// The daemon's own redis-server: its settings, its deaths, and who may use its directory.

import Foundation
import Harness
import Logging
import Reactor
import Testing

@testable import Redis

@Suite(.serialized, .timeLimit(.minutes(2))) struct PrivateRedisTests {
    /// A started server and a link to it.
    private final class Owner {
        let bench: Bench
        let server: PrivateRedis
        let link: RedisLink
        var failure: String?
        var kind: PrivateRedisFailure?

        init(_ bench: Bench, _ directory: String, executable: String = "redis-server", patienceMs: Int64 = 5_000) throws
        {
            self.bench = bench
            server = try PrivateRedis(
                loop: bench.loop, stateDirectory: directory, logger: bench.logger, executable: executable,
                patienceMs: patienceMs)
            link = bench.link(try bench.configuration("\(server.address)"))
            server.onFailure = { [weak self] in
                self?.failure = $0.reason
                self?.kind = $0
            }
            server.lastHeardAt = { [link] in link.lastHeardAt }
            server.start()
            link.start()
        }

        func waitUntilReady() throws {
            try bench.run(until: "ready") { link.isReady }
            server.served()
        }

        func stop() throws {
            var isGone = false
            server.stop { isGone = true }
            #expect(!isGone)
            try bench.run(until: "the server ended") { isGone }
            link.stop()
        }
    }

    private func isRunning(_ pid: Int32) -> Bool { kill(pid, 0) == 0 }

    @Test func serverIsStartedPrivatePersistentAndWithoutPort() throws {
        let directory = try TemporaryDirectory()
        let bench = try Bench()
        let owner = try Owner(bench, directory.file("state"))
        try owner.waitUntilReady()
        let wanted = [
            ("port", "0"), ("appendonly", "yes"), ("appendfsync", "everysec"), ("maxmemory-policy", "noeviction"),
            ("save", ""), ("hash-max-listpack-value", "1024"), ("unixsocketperm", "600"),
        ]
        for (name, value) in wanted {
            #expect(try bench.ask(owner.link, "CONFIG", "GET", name) == .list([.value(name), .value(value)]))
        }
        #expect(owner.link.facts?.warnings == [])
        let files = FileManager.default
        let mode = { (name: String) in
            try files.attributesOfItem(atPath: directory.file(name))[.posixPermissions] as? Int
        }
        #expect(try mode("state") == 0o700)
        #expect(try mode("state/redis.sock") == 0o600)
        #expect(try mode("state/lock") == 0o600)
        try owner.stop()
    }

    @Test func stoppedServerHasWrittenEverythingAndTheNextOneFindsIt() throws {
        let directory = try TemporaryDirectory()
        let bench = try Bench()
        let first = try Owner(bench, directory.path)
        try first.waitUntilReady()
        #expect(try bench.ask(first.link, "SET", "kept", "yes") == .value("OK"))
        let pid = try #require(first.server.pid)
        try first.stop()
        #expect(!isRunning(pid))
        #expect(first.server.pid == nil)
        let second = try Owner(bench, directory.path)
        try second.waitUntilReady()
        #expect(try bench.ask(second.link, "GET", "kept") == .value("yes"))
        try second.stop()
    }

    @Test func killedServerIsStartedAgain() throws {
        let directory = try TemporaryDirectory()
        let bench = try Bench()
        let owner = try Owner(bench, directory.path)
        try owner.waitUntilReady()
        for round in 1...3 {
            let pid = try #require(owner.server.pid)
            kill(pid, SIGKILL)
            try bench.run(until: "a new server") { owner.link.reconnects == round && owner.link.isReady }
            #expect(owner.server.pid != pid)
        }
        #expect(bench.log.text.contains("and is started again"))
        try owner.stop()
    }

    @Test func secondDaemonIsRefusedWithThePidOfTheFirst() throws {
        let directory = try TemporaryDirectory()
        let bench = try Bench()
        let first = try Owner(bench, directory.path)
        try first.waitUntilReady()
        let second = try Owner(bench, directory.path, patienceMs: 100)
        try bench.run(until: "the refusal") { second.failure != nil }
        #expect(second.failure == "another jobqd (pid \(getpid())) uses \(directory.path)")
        #expect(first.link.isReady && first.server.pid != nil && second.server.pid == nil)
        second.link.stop()
        try first.stop()
    }

    @Test func directoryIsWaitedForWhileAnotherLeavesIt() throws {
        let directory = try TemporaryDirectory()
        let bench = try Bench()
        let first = try Owner(bench, directory.path)
        try first.waitUntilReady()
        let second = try Owner(bench, directory.path, patienceMs: 20_000)
        #expect(second.server.pid == nil)
        try first.stop()
        try bench.run(until: "the second runs") { second.server.pid != nil && second.link.isReady }
        #expect(second.failure == nil)
        try second.stop()
    }

    /// The kernel sends the signal when the thread that started the child ends, so a thread can play the daemon that
    /// is killed; what it owned is leaked, as nothing of a killed process is cleaned up.
    @Test func serverEndsWithItsDaemonAndItsDirectoryIsFreeOnlyThen() throws {
        let directory = try TemporaryDirectory()
        nonisolated(unsafe) var pid: Int32 = 0
        nonisolated(unsafe) var problem: (any Error)?
        let isOver = DispatchSemaphore(value: 0)
        let thread = Thread { [path = directory.path] in
            do {
                let bench = try Bench()
                let owner = try Owner(bench, path)
                _ = Unmanaged.passRetained(owner)
                try owner.waitUntilReady()
                pid = owner.server.pid ?? 0
            } catch { problem = error }
            isOver.signal()
        }
        thread.start()
        isOver.wait()
        if let problem { throw problem }
        try eventually(within: 10, "the end of redis-server") { !isRunning(pid) || isZombie(pid) }
    }

    private func isZombie(_ pid: Int32) -> Bool {
        let status = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
        return status.split(separator: ")").last?.hasPrefix(" Z") ?? true
    }

    /// A lock that an older redis-server still has, although its daemon is gone.
    @Test func olderServerThatStillWritesKeepsTheDirectoryBusy() throws {
        let directory = try TemporaryDirectory()
        let log = open(directory.file("redis.log"), O_WRONLY | O_CREAT | O_APPEND, 0o600)
        #expect(flock(log, LOCK_EX) == 0)
        let bench = try Bench()
        let owner = try Owner(bench, directory.path, patienceMs: 20_000)
        try bench.run(until: "it is told") { bench.log.text.contains("an older redis-server") }
        #expect(owner.server.pid == nil)
        close(log)
        try bench.run(until: "it runs") { owner.server.pid != nil && owner.link.isReady }
        try owner.stop()
    }

    @Test func descriptorsOfALockPassToTheServer() throws {
        let directory = try TemporaryDirectory()
        let bench = try Bench()
        let owner = try Owner(bench, directory.path)
        try owner.waitUntilReady()
        let pid = try #require(owner.server.pid)
        let target = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/1")
        #expect(target == directory.file("redis.log"))
        try owner.stop()
    }

    @Test func missingExecutableIsAFailureInWords() throws {
        let directory = try TemporaryDirectory()
        let bench = try Bench()
        let owner = try Owner(bench, directory.path, executable: "no-such-redis-server")
        try bench.run(until: "the failure") { owner.failure != nil }
        #expect(owner.failure?.contains("there is no no-such-redis-server in PATH") == true)
        var isGone = false
        owner.server.stop { isGone = true }
        try bench.run(until: "the end") { isGone }
    }

    @Test func serverThatEndsBeforeItServesIsAFailureAfterThreeTries() throws {
        let directory = try TemporaryDirectory()
        let bench = try Bench()
        let owner = try Owner(bench, directory.path, executable: "false")
        try bench.run(until: "the failure") { owner.failure != nil }
        #expect(owner.failure == "redis-server ended 3 times before it served (exit status 1)")
        #expect(bench.log.count(.error) == 2)
        owner.link.stop()
    }

    @Test func whatTheServerSaidLastIsPartOfTheReason() throws {
        let directory = try TemporaryDirectory()
        let folder = directory.file("appendonlydir")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try "this is no manifest\n".write(
            toFile: folder + "/appendonly.aof.manifest", atomically: false, encoding: .utf8)
        let bench = try Bench()
        let owner = try Owner(bench, directory.path)
        try bench.run(until: "the failure") { owner.failure != nil }
        #expect(owner.failure?.contains("AOF manifest") == true, "\(owner.failure ?? "")")
        guard case .ends = owner.kind else {
            Issue.record("\(String(describing: owner.kind))")
            return
        }
        owner.link.stop()
    }

    @Test func serverThatDoesNotAnswerIsReplaced() throws {
        let directory = try TemporaryDirectory()
        let bench = try Bench()
        let owner = try Owner(bench, directory.path)
        try owner.waitUntilReady()
        let pid = try #require(owner.server.pid)
        kill(pid, SIGSTOP)
        // Somebody asks now and then, as the daemon's beat does.
        let deadline = Deadline(after: 60)
        while owner.server.pid == pid || !owner.link.isReady {
            try #require(!deadline.hasPassed, "it was not replaced\n\(bench.log.text)")
            owner.link.send(CommandBuffer("PING")) { _ in }
            owner.link.flush()
            _ = try bench.loop.runOnce(timeout: 100_000)
        }
        #expect(bench.log.text.contains("has not answered for 30 s"))
        try owner.stop()
    }

    @Test func unusableDirectoryIsAFailureInWords() throws {
        let directory = try TemporaryDirectory()
        let bench = try Bench()
        let owner = try Owner(bench, directory.file("none/state"))
        try bench.run(until: "the failure") { owner.failure != nil }
        #expect(owner.failure?.contains("mkdir") == true)
        guard case .unusable = owner.kind else {
            Issue.record("\(String(describing: owner.kind))")
            return
        }
        #expect(throws: RedisAddressError.self) {
            try PrivateRedis(
                loop: bench.loop, stateDirectory: "/tmp/" + String(repeating: "x", count: 100), logger: bench.logger)
        }
    }
}
