// Listeners: whose path it is, who may connect, passed descriptors, and what happens when descriptors run out.

import Foundation
import Glibc
import Harness
import Logging
import Reactor
import Testing

/// The mode bits and group of a file; nil when it is not there.
private func owner(_ path: String) -> (mode: UInt32, group: UInt32)? {
    var status = stat()
    return lstat(path, &status) == 0 ? (status.st_mode & 0o777, status.st_gid) : nil
}

/// A client that connects and says nothing.
private func connected(to path: String) throws -> UnixSocket { try UnixSocket(path: path) }

@Suite(.timeLimit(.minutes(1))) struct ListenerTests {
    @Test func acceptsAndKnowsThePeer() throws {
        let folder = try TemporaryDirectory()
        let loop = try Loop()
        let listener = try Listener(loop: loop, path: folder.file("s"))
        var accepted: [(Int32, PeerCredentials)] = []
        listener.onAccept = { accepted.append(($0, $1)) }
        let clients = try (0..<100).map { _ in try connected(to: folder.file("s")) }
        try loop.turn(until: "all are accepted") { accepted.count == clients.count }
        #expect(accepted.allSatisfy { $0.1.pid == getpid() })
        #expect(accepted.allSatisfy { fcntl($0.0, F_GETFD) == FD_CLOEXEC && fcntl($0.0, F_GETFL) & O_NONBLOCK != 0 })
        for (fd, _) in accepted { close(fd) }
        #expect(listener.path == folder.file("s"))
    }

    @Test(arguments: [0o600, 0o660, 0o666, 0o200] as [UInt16]) func modeIsAsAsked(mode: UInt16) throws {
        let folder = try TemporaryDirectory()
        let listener = try Listener(loop: Loop(), path: folder.file("s"), mode: mode)
        #expect(owner(folder.file("s"))?.mode == UInt32(mode))
        listener.close()
    }

    @Test func groupIsTakenByNameOrNumber() throws {
        let folder = try TemporaryDirectory()
        let group = try #require(getgrgid(getgid()))
        let byName = try Listener(
            loop: Loop(), path: folder.file("a"), group: String(cString: group.pointee.gr_name))
        let byNumber = try Listener(loop: Loop(), path: folder.file("b"), group: "\(getgid())")
        #expect(owner(folder.file("a"))?.group == getgid())
        #expect(owner(folder.file("b"))?.group == getgid())
        #expect(throws: ListenError.noSuchGroup(name: "no-such-group")) {
            _ = try Listener(loop: Loop(), path: folder.file("c"), group: "no-such-group")
        }
        #expect(owner(folder.file("c")) == nil)
        withExtendedLifetime((byName, byNumber)) {}
    }

    @Test func umaskOfTheProcessStaysAsItWas() throws {
        let folder = try TemporaryDirectory()
        let before = umask(0o022)
        umask(before)
        let listener = try Listener(loop: Loop(), path: folder.file("s"), mode: 0o600)
        let after = umask(before)
        #expect(after == before)
        listener.close()
    }

    @Test func liveSocketIsNotStolen() throws {
        let folder = try TemporaryDirectory()
        let path = folder.file("s")
        let loop = try Loop()
        let first = try Listener(loop: loop, path: path)
        #expect(throws: ListenError.inUse(path: path)) { _ = try Listener(loop: loop, path: path) }
        var accepted = 0
        first.onAccept = { fd, _ in
            accepted += 1
            close(fd)
        }
        let client = try connected(to: path)
        // The probe of the second listener and the client.
        try loop.turn(until: "both are accepted") { accepted == 2 }
        withExtendedLifetime(client) {}
    }

    @Test func socketWithAFullBacklogIsLive() throws {
        let folder = try TemporaryDirectory()
        let path = folder.file("s")
        let first = try Listener(loop: Loop(), path: path, backlog: 0)
        let client = try connected(to: path)
        #expect(throws: ListenError.inUse(path: path)) { _ = try Listener(loop: Loop(), path: path) }
        withExtendedLifetime((first, client)) {}
    }

    @Test func abandonedSocketIsReplaced() throws {
        let folder = try TemporaryDirectory()
        let path = folder.file("s")
        let dead = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #expect(withUnixAddress(path) { bind(dead, $0, $1) } == 0)
        #expect(listen(dead, 1) == 0)
        close(dead)
        let loop = try Loop()
        let listener = try Listener(loop: loop, path: path)
        var accepted = 0
        listener.onAccept = { fd, _ in
            accepted += 1
            close(fd)
        }
        let client = try connected(to: path)
        try loop.turn(until: "it is accepted") { accepted == 1 }
        withExtendedLifetime(client) {}
    }

    @Test func whatIsNoSocketIsLeftAlone() throws {
        let folder = try TemporaryDirectory()
        let path = try folder.write("precious", to: "s")
        #expect(throws: ListenError.notASocket(path: path)) { _ = try Listener(loop: Loop(), path: path) }
        #expect(folder.read("s") == "precious")
    }

    @Test func pathsUpTo107BytesWorkAndLongerOnesAreRefusedInWords() throws {
        let folder = try TemporaryDirectory()
        let room = 107 - folder.path.utf8.count - 1
        let longest = folder.file(String(repeating: "x", count: room))
        let listener = try Listener(loop: Loop(), path: longest)
        #expect(owner(longest) != nil)
        listener.close()
        let error = #expect(throws: ListenError.self) { _ = try Listener(loop: Loop(), path: longest + "y") }
        #expect(error == .pathTooLong(path: longest + "y", bytes: 108))
        #expect(error?.description.contains("at most 107") == true)
    }

    @Test func missingDirectoryIsASystemErrorWithThePath() throws {
        let folder = try TemporaryDirectory()
        let path = folder.file("none/s")
        #expect(throws: ListenError.system(path: path, SystemError(ENOENT, "bind"))) {
            _ = try Listener(loop: Loop(), path: path)
        }
    }

    @Test func ownPathIsRemovedAtTheEndAndAnothersIsNot() throws {
        let folder = try TemporaryDirectory()
        let path = folder.file("s")
        var listener: Listener? = try Listener(loop: Loop(), path: path)
        listener = nil
        #expect(owner(path) == nil)
        listener = try Listener(loop: Loop(), path: path)
        unlink(path)
        let successor = try Listener(loop: Loop(), path: path)
        listener?.close()
        #expect(owner(path) != nil)
        successor.close()
        #expect(owner(path) == nil)
    }

    @Test func passedDescriptorIsUsedAndItsPathStays() throws {
        let folder = try TemporaryDirectory()
        let path = folder.file("s")
        let passed = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #expect(withUnixAddress(path) { bind(passed, $0, $1) } == 0)
        #expect(listen(passed, 8) == 0)
        let loop = try Loop()
        let listener = try Listener(loop: loop, fd: passed)
        var accepted = 0
        listener.onAccept = { fd, _ in
            accepted += 1
            close(fd)
        }
        let client = try connected(to: path)
        try loop.turn(until: "it is accepted") { accepted == 1 }
        listener.close()
        #expect(owner(path) != nil)
        withExtendedLifetime(client) {}
    }

    @Test func passedDescriptorMustListen() throws {
        let pair = try Pair()
        #expect(throws: ListenError.notListening(fd: pair.ours)) { _ = try Listener(loop: Loop(), fd: pair.ours) }
        close(pair.ours)
    }

    @Test func pausedListenerLetsPeersWait() throws {
        let folder = try TemporaryDirectory()
        let loop = try Loop()
        let listener = try Listener(loop: loop, path: folder.file("s"))
        var accepted = 0
        listener.onAccept = { fd, _ in
            accepted += 1
            close(fd)
            listener.pause()
        }
        let clients = try (0..<3).map { _ in try connected(to: folder.file("s")) }
        try loop.turnWhileBusy()
        #expect(accepted == 1)
        listener.resume()
        try loop.turnWhileBusy()
        #expect(accepted == 2)
        withExtendedLifetime(clients) {}
    }

    @Test func withoutAHandlerConnectionsAreClosed() throws {
        let folder = try TemporaryDirectory()
        let loop = try Loop()
        let listener = try Listener(loop: loop, path: folder.file("s"))
        let client = try connected(to: folder.file("s"))
        try loop.turnWhileBusy()
        #expect(try client.read(until: Deadline(after: 5)) == [])
        withExtendedLifetime(listener) {}
    }

    /// What the test of exhausted descriptors saw, on its own thread.
    private struct Exhaustion: Sendable {
        var turnsWhileExhausted = 0
        var wasExhausted = false
        var acceptedAfterwards = 0
        var warnings = 0
        var isExhaustedAfterwards = true
    }

    @Test func outOfDescriptorsTheListenerRestsAndThenGoesOn() async throws {
        let folder = try TemporaryDirectory()
        let path = folder.file("s")
        let seen = try await withOwnDescriptors {
            var seen = Exhaustion()
            let log = try Pair(type: SOCK_DGRAM)
            let sink = LogSink(descriptor: log.ours)
            let loop = try Loop()
            let listener = try Listener(
                loop: loop, path: path, logger: Logger(label: "test") { JournalLogHandler(label: $0, sink: sink) })
            listener.onAccept = { _, _ in seen.acceptedAfterwards += 1 }
            let clients = try (0..<3).map { _ in try connected(to: path) }
            var taken: [Int32] = []
            while case let fd = dup(2), fd >= 0 { taken.append(fd) }
            // 100 ms, 200 ms: long enough for the second attempt to fail too.
            let end = loop.now + 250_000
            while loop.now < end {
                if try loop.runOnce(timeout: 10_000) { seen.turnsWhileExhausted += 1 }
            }
            seen.wasExhausted = listener.isExhausted
            for fd in taken { close(fd) }
            try loop.turn(until: "the waiting peers are accepted") { seen.acceptedAfterwards == 3 }
            seen.isExhaustedAfterwards = listener.isExhausted
            while case let line = log.receiveOnce(), !line.isEmpty {
                if line.contains("Too many open files") && line.hasPrefix("<4>") { seen.warnings += 1 }
            }
            withExtendedLifetime((clients, listener)) {}
            return seen
        }
        #expect(seen.wasExhausted)
        #expect(seen.turnsWhileExhausted <= 6)
        #expect(seen.acceptedAfterwards == 3)
        #expect(!seen.isExhaustedAfterwards)
        #expect(seen.warnings == 1)
    }
}
