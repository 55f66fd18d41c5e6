// How streams end: by the peer, by halves, by us, in the middle of a turn and all at once. The end is told exactly once.

import Glibc
import Harness
import Reactor
import Testing

@Suite(.timeLimit(.minutes(1))) struct StreamEndTests {
    @Test func peerThatClosesIsAHangup() throws {
        let all = try Connections()
        let (pair, stream, recorder) = try all.stream()
        pair.close()
        try all.loop.turnWhileBusy()
        #expect(recorder.reason == .hangup)
        #expect(recorder.events == ["closed"])
        #expect(!stream.isOpen)
        #expect(stream.delegate == nil)
        #expect(all.set.count == 0)
    }

    @Test func lastWordsOfAPeerThatClosedAreRead() throws {
        let all = try Connections()
        let (pair, _, recorder) = try all.stream()
        let words = String(repeating: "z", count: 150_000)
        pair.send(words)
        pair.close()
        try all.loop.turnWhileBusy()
        #expect(recorder.received.count == words.utf8.count)
        #expect(recorder.events == ["closed"])
        #expect(recorder.reason == .hangup)
    }

    @Test func peerThatClosesWithOurAnswerUnreadIsAHangup() throws {
        let all = try Connections()
        let (pair, stream, recorder) = try all.stream()
        stream.write(Array("never read".utf8))
        try all.loop.turnWhileBusy()
        pair.close()
        try all.loop.turnWhileBusy()
        #expect(recorder.reason == .hangup)
    }

    @Test func writingToAPeerThatIsGoneIsAHangup() throws {
        let all = try Connections()
        let (pair, stream, recorder) = try all.stream()
        stream.write(Array("x".utf8))
        pair.close()
        try all.loop.turnWhileBusy()
        #expect(recorder.reason == .hangup)
        stream.write(Array("y".utf8))
        stream.resumeReading()
        stream.closeAfterFlush()
        stream.close()
        try all.loop.turnWhileBusy()
        #expect(recorder.events == ["closed"])
    }

    @Test func halfClosedPeerStillGetsItsAnswerAndNothingSpins() throws {
        let all = try Connections()
        let (pair, stream, recorder) = try all.stream()
        pair.send("question")
        shutdown(pair.theirs, Int32(SHUT_WR))
        #expect(try all.loop.turnWhileBusy() <= 3)
        #expect(recorder.text == "question")
        #expect(recorder.events == ["end of input"])
        #expect(stream.isOpen)
        #expect(try all.loop.runOnce(timeout: 1_000) == false)
        stream.write(Array("answer".utf8))
        stream.closeAfterFlush()
        try all.loop.turnWhileBusy()
        #expect(pair.receiveText() == "answer")
        #expect(pair.receive() == nil)
        #expect(recorder.events == ["end of input", "closed"])
        #expect(recorder.reason == .closedByUs)
    }

    @Test func halfClosedPeerThatGoesIsAHangup() throws {
        let all = try Connections()
        let (pair, _, recorder) = try all.stream()
        shutdown(pair.theirs, Int32(SHUT_WR))
        try all.loop.turnWhileBusy()
        #expect(recorder.events == ["end of input"])
        pair.close()
        try all.loop.turnWhileBusy()
        #expect(recorder.reason == .hangup)
    }

    @Test(arguments: [false, true]) func pausedStreamNoticesThatItsPeerIsGone(withInputWaiting: Bool) throws {
        let all = try Connections()
        let (pair, stream, recorder) = try all.stream()
        stream.pauseReading()
        if withInputWaiting { pair.send("waits") }
        try all.loop.turnWhileBusy()
        pair.close()
        try all.loop.turnWhileBusy()
        #expect(recorder.reason == .hangup)
        #expect(recorder.received.isEmpty)
    }

    @Test func endOfInputWaitsUntilReadingResumes() throws {
        let all = try Connections()
        let (pair, stream, recorder) = try all.stream()
        stream.pauseReading()
        shutdown(pair.theirs, Int32(SHUT_WR))
        try all.loop.turnWhileBusy()
        #expect(recorder.events.isEmpty)
        stream.resumeReading()
        try all.loop.turnWhileBusy()
        #expect(recorder.events == ["end of input"])
        stream.resumeReading()
        #expect(try all.loop.turnWhileBusy() <= 1)
        #expect(recorder.events == ["end of input"])
    }

    @Test func ownCloseIsToldAtTheEndOfTheTurn() throws {
        let all = try Connections()
        let (pair, stream, recorder) = try all.stream()
        recorder.onRead = { stream, _ in
            stream.write(Array("lost".utf8))
            stream.close()
            stream.close()
            #expect(recorder.events.isEmpty)
        }
        pair.send("x")
        #expect(try all.loop.turnWhileBusy() <= 2)
        #expect(recorder.events == ["closed"])
        #expect(recorder.reason == .closedByUs)
        #expect(pair.receive() == nil)
        #expect(!stream.isOpen)
    }

    @Test func closeOutsideATurnIsToldSoon() throws {
        let all = try Connections()
        let (_, stream, recorder) = try all.stream()
        stream.close()
        try all.loop.turn(until: "the end is told") { recorder.reason != nil }
        #expect(recorder.reason == .closedByUs)
    }

    @Test func closeAfterFlushWaitsForAPeerThatReadsSlowly() throws {
        let all = try Connections()
        let (pair, stream, recorder) = try all.stream()
        stream.write([UInt8](repeating: 1, count: 1 << 20))
        stream.closeAfterFlush()
        stream.write([2])
        try all.loop.turnWhileBusy()
        #expect(recorder.reason == nil)
        var got: [UInt8] = []
        try all.loop.turn(until: "the end is told") {
            got += pair.receive() ?? []
            return recorder.reason != nil
        }
        got += pair.receive() ?? []
        #expect(got.count == 1 << 20)
        #expect(recorder.events == ["closed"])
    }

    @Test func streamsMayBeClosedByOthersInTheSameTurn() throws {
        let all = try Connections()
        var made: [(Pair, ByteStream, Recorder)] = []
        for _ in 0..<20 { made.append(try all.stream()) }
        // Whoever is first closes everyone; events fetched for the others are then of streams that are gone.
        for (_, _, recorder) in made {
            recorder.onRead = { _, _ in for other in made { other.1.close() } }
        }
        for (pair, _, _) in made { pair.send("x") }
        try all.loop.turnWhileBusy()
        #expect(made.map { $0.2.chunks.count }.reduce(0, +) == 1)
        #expect(made.allSatisfy { $0.2.events == ["closed"] })
        #expect(all.set.count == 0)
    }

    @Test func manyStreamsDroppedAndMadeInOneTurnStayApart() throws {
        let all = try Connections()
        var late: [(Pair, ByteStream, Recorder)] = []
        var early: [(Pair, ByteStream, Recorder)] = []
        for _ in 0..<50 { early.append(try all.stream()) }
        for (_, _, recorder) in early {
            // The new socket gets the descriptor's number of the one just closed.
            recorder.onRead = { stream, _ in
                stream.close()
                if let made = try? all.stream() { late.append(made) }
            }
        }
        for (pair, _, _) in early { pair.send("x") }
        early.removeAll { _, stream, _ in stream.peer.pid == 0 }
        try all.loop.turnWhileBusy()
        #expect(early.allSatisfy { $0.2.events == ["closed"] })
        #expect(late.count == 50)
        #expect(late.allSatisfy { $0.2.received.isEmpty && $0.1.isOpen })
        for (pair, _, _) in late { pair.send("y") }
        try all.loop.turnWhileBusy()
        #expect(late.allSatisfy { $0.2.text == "y" })
        #expect(all.set.count == 50)
    }

    @Test func answersGivenAtTheEndOfATurnStillLeaveInIt() throws {
        let all = try Connections()
        let (first, firstStream, firstRecorder) = try all.stream()
        let (second, secondStream, _) = try all.stream()
        // Registered after the set's own action, as a store's flush may be.
        var pending = false
        all.loop.atTurnEnd {
            if pending { secondStream.write(Array("gone".utf8)) }
            pending = false
        }
        firstRecorder.onClose = { _ in
            pending = true
        }
        first.close()
        #expect(try all.loop.turnWhileBusy() == 1)
        #expect(second.receiveText() == "gone")
        withExtendedLifetime(firstStream) {}
    }

    @Test func streamThatOutlivesItsSetIsHarmless() throws {
        let loop = try Loop()
        var set: ConnectionSet? = try ConnectionSet(loop: loop)
        let pair = try Pair()
        let stream = try #require(try set?.adopt(fd: pair.ours))
        stream.write([1])
        set = nil
        stream.write([2])
        stream.pauseReading()
        stream.resumeReading()
        stream.closeAfterFlush()
        stream.close()
        try loop.turnWhileBusy()
        #expect(!stream.isOpen)
    }

    @Test func delegateThatDropsTheSetInACallbackIsHarmless() throws {
        let loop = try Loop()
        var set: ConnectionSet? = try ConnectionSet(loop: loop)
        let pairs = try (0..<3).map { _ in try Pair() }
        let recorder = Recorder()
        recorder.onRead = { _, _ in set = nil }
        for pair in pairs {
            try set?.adopt(fd: pair.ours).delegate = recorder
            pair.send("x")
        }
        try loop.turnWhileBusy()
        #expect(set == nil)
        // The end: those who were not read yet have their connection reset.
        #expect(pairs.allSatisfy { ($0.receive() ?? []).isEmpty })
        #expect(recorder.events.isEmpty)
    }

    @Test func endedStreamsAreFreed() throws {
        let all = try Connections()
        weak var weakStream: ByteStream?
        weak var weakRecorder: Recorder?
        do {
            let (pair, stream, recorder) = try all.stream()
            weakStream = stream
            weakRecorder = recorder
            pair.close()
        }
        try all.loop.turnWhileBusy()
        #expect(weakStream == nil)
        #expect(weakRecorder == nil)
    }

    @Test func droppedSetClosesItsConnections() throws {
        let loop = try Loop()
        var set: ConnectionSet? = try ConnectionSet(loop: loop)
        let pair = try Pair()
        _ = try set?.adopt(fd: pair.ours)
        set = nil
        #expect(pair.receive() == nil)
        loop.deferred {}
        try loop.turnWhileBusy()
    }

    @Test func adoptingWhatIsNoSocketFails() throws {
        let all = try Connections()
        #expect(throws: SystemError(EBADF, "epoll_ctl")) { _ = try all.set.adopt(fd: -1) }
        #expect(all.set.count == 0)
    }
}
