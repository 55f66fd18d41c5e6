// The process at the other end of a connection: its end, its unit, and a pid that is somebody else's by now.

import Glibc
import Harness
import Testing

@testable import Reactor

@Suite(.timeLimit(.minutes(1))) struct PeerProcessTests {
    /// A connection that another process has made.
    private final class Visitor {
        let loop: Loop
        let set: ConnectionSet
        let process: ServerProcess
        let stream: ByteStream
        private let directory: TemporaryDirectory
        private let listener: Listener

        init() throws {
            loop = try Loop()
            set = try ConnectionSet(loop: loop)
            directory = try TemporaryDirectory()
            listener = try Listener(loop: loop, path: directory.file("socket"))
            // Standard input of its own, that stays open: at its end socat would go.
            let pair = try Pair()
            process = try ServerProcess(
                "socat", ["STDIN", "UNIX-CONNECT:\(directory.file("socket"))"], standardInput: pair.ours)
            var fd: Int32 = -1
            listener.onAccept = { accepted, _ in fd = accepted }
            try loop.turn(until: "it has connected") { fd >= 0 }
            stream = try set.adopt(fd: fd)
            #expect(stream.peer.pid == process.pid)
            withExtendedLifetime(pair) {}
        }
    }

    @Test func endOfAForeignProcessIsNoticed() throws {
        let visitor = try Visitor()
        var exits = 0
        let watch = try #require(ProcessWatch(loop: visitor.loop, peerOf: visitor.stream) { exits += 1 })
        #expect(!watch.hasEnded && exits == 0)
        visitor.process.kill()
        #expect(watch.hasEnded)
        try visitor.loop.turn(until: "its end is noticed") { exits == 1 }
        #expect(ProcessWatch.isGone(visitor.process.pid))
    }

    @Test func aProcessThatHasEndedIsNotWatchedAndHasNoUnit() throws {
        let visitor = try Visitor()
        visitor.process.kill()
        #expect(visitor.stream.isOpen)
        #expect(ProcessWatch(loop: visitor.loop, peerOf: visitor.stream) {} == nil)
        #expect(visitor.stream.peerUnit == .unknown)
    }

    @Test func aLivingProcessHasAUnitOrIsKnownToHaveNone() throws {
        let visitor = try Visitor()
        #expect(visitor.stream.peerUnit != .unknown)
        #expect(visitor.process.isRunning)
    }

    @Test func aProcessThatStartedAfterTheConnectionIsNotItsPeer() throws {
        let process = try ServerProcess("sleep", ["600"])
        let now = PeerUnit.bootTime
        let started = try #require(PeerUnit.startTime(of: process.pid))
        #expect(started <= now && now - started < 10_000_000)
        #expect(try #require(PeerUnit.startTime(of: getpid())) <= started)
        process.kill()
        #expect(PeerUnit.startTime(of: process.pid) == nil)
    }

    @Test func whoCannotBeNamedIsNeitherWatchedNorGone() throws {
        #expect(PeerUnit(ofSocket: -1, pid: 0, acceptedAt: .max) == .unknown)
        #expect(!ProcessWatch.isGone(0))
        #expect(!ProcessWatch.isGone(getpid()))
    }
}

@Suite struct DescriptorLimitTests {
    @Test(arguments: [(1_024, 992, 1_008), (524_288, 524_256, 524_272), (60, 28, 44), (30, 10, 20)])
    func clientsLeaveAReserveOfWhichAdministratorsLeaveHalf(limit: Int, clients: Int, administrators: Int) {
        #expect(DescriptorLimit.bound(for: .client, limit: limit) == clients)
        #expect(DescriptorLimit.bound(for: .administrator, limit: limit) == administrators)
    }

    @Test func aDescriptorBelowTheBoundIsAllowed() {
        let bound = Int32(clamping: DescriptorLimit.bound(for: .client))
        #expect(DescriptorLimit.allows(bound - 1, for: .client) && !DescriptorLimit.allows(bound, for: .client))
        #expect(DescriptorLimit.allows(bound, for: .administrator))
    }
}
