// Single sources: descriptors, signals, processes that are not ours.

import Foundation
import Glibc
import Harness
import Reactor
import Testing

@Suite(.timeLimit(.minutes(1))) struct FDSourceTests {
    @Test func reportsWhatIsAskedFor() throws {
        let loop = try Loop()
        let pair = try Pair()
        var seen: [Interest] = []
        let source = loop.watch(fd: pair.ours, interest: []) { seen.append($0) }
        pair.send("x")
        #expect(try loop.runOnce(timeout: 1_000) == false)
        source.interest = .readable
        _ = try loop.runOnce(timeout: 0)
        #expect(seen == [.readable])
        source.interest = .writable
        _ = try loop.runOnce(timeout: 0)
        #expect(seen.last == .writable)
        close(pair.ours)
    }

    @Test func halfCloseAndFullCloseLookDifferent() throws {
        let loop = try Loop()
        let pair = try Pair()
        var seen: Interest = []
        let source = loop.watch(fd: pair.ours, interest: [.readable, .hangup]) { seen = $0 }
        shutdown(pair.theirs, Int32(SHUT_WR))
        _ = try loop.runOnce(timeout: 0)
        #expect(seen == [.readable, .hangup])
        source.interest = []
        pair.close()
        _ = try loop.runOnce(timeout: 0)
        #expect(seen.contains(.closed))
        source.isEnabled = false
        #expect(try loop.runOnce(timeout: 1_000) == false)
        close(pair.ours)
    }

    @Test func droppedSourceIsSilentAndLeavesTheDescriptor() throws {
        let loop = try Loop()
        let pair = try Pair()
        var source: FDSource? = loop.watch(fd: pair.ours, interest: .readable) { _ in Issue.record("called") }
        pair.send("x")
        source = nil
        #expect(source == nil)
        #expect(try loop.runOnce(timeout: 1_000) == false)
        #expect(fcntl(pair.ours, F_GETFD) >= 0)
        close(pair.ours)
    }
}

@Suite(.timeLimit(.minutes(1))) struct SignalSourceTests {
    @Test(arguments: [SIGTERM, SIGINT, SIGHUP]) func signalOfThisThreadArrivesAsATurn(number: Int32) throws {
        try keepingSignalMask {
            let loop = try Loop()
            var count = 0
            let source = loop.signal(number) { count += 1 }
            // To this thread only: for the process, a thread of the test library could be hit.
            pthread_kill(pthread_self(), number)
            try loop.turn(until: "the signal arrives") { count == 1 }
            withExtendedLifetime(source) {}
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct PeerCredentialsTests {
    @Test func peerOfASocketPairIsThisProcess() throws {
        let pair = try Pair()
        #expect(PeerCredentials(ofSocket: pair.ours) == PeerCredentials(pid: getpid(), uid: getuid(), gid: getgid()))
        close(pair.ours)
    }

    @Test func otherDescriptorsHaveNoPeer() {
        #expect(PeerCredentials(ofSocket: -1).pid == 0)
    }
}
