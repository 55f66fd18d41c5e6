// Streams in their set: reading, writing once a turn, fairness, pausing, bounds. How they end is in StreamEndTests.

import Glibc
import Harness
import Reactor
import Testing

@Suite(.timeLimit(.minutes(1))) struct ByteStreamTests {
    @Test func bytesArriveAndAnswersGoBackInTheSameTurn() throws {
        let all = try Connections()
        let (pair, _, recorder) = try all.stream()
        recorder.onRead = { stream, bytes in stream.write(bytes) }
        pair.send("hello\n")
        #expect(try all.loop.turnWhileBusy() == 1)
        #expect(recorder.text == "hello\n")
        #expect(pair.receiveText() == "hello\n")
    }

    @Test func writesOfOneTurnLeaveTogether() throws {
        let all = try Connections()
        // A socket that keeps message boundaries shows how often it was written to.
        let (pair, stream, recorder) = try all.stream(type: SOCK_SEQPACKET)
        recorder.onRead = { stream, _ in
            for word in ["a", "b", "c"] { stream.write(Array(word.utf8)) }
        }
        pair.send("x")
        try all.loop.turnWhileBusy()
        #expect(pair.receiveOnce() == "abc")
        stream.write(Array("later".utf8))
        #expect(pair.receiveOnce() == "")
        try all.loop.turnWhileBusy()
        #expect(pair.receiveOnce() == "later")
    }

    @Test func peerIsKnown() throws {
        let all = try Connections()
        let (_, stream, _) = try all.stream()
        #expect(stream.peer.pid == getpid())
        #expect(all.set.count == 1)
    }

    @Test func connectionThatSendsALotDoesNotStarveAnother() throws {
        let all = try Connections()
        let (busy, _, busyRecorder) = try all.stream()
        let (quiet, _, quietRecorder) = try all.stream()
        var room: Int32 = 1 << 20
        setsockopt(busy.theirs, SOL_SOCKET, SO_SNDBUF, &room, socklen_t(MemoryLayout<Int32>.size))
        busy.send(String(repeating: "x", count: 200_000))
        quiet.send("me too")
        _ = try all.loop.runOnce(timeout: 0)
        #expect(busyRecorder.chunks.count == 1)
        #expect(busyRecorder.chunks.allSatisfy { $0 <= ConnectionSet.readSize })
        #expect(quietRecorder.text == "me too")
        try all.loop.turnWhileBusy()
        #expect(busyRecorder.received.count > ConnectionSet.readSize)
    }

    @Test func thousandReadyConnectionsAreAllServed() throws {
        let all = try Connections()
        var streams: [(Pair, ByteStream, Recorder)] = []
        for i in 0..<1_000 {
            let made = try all.stream()
            made.2.onRead = { stream, bytes in stream.write(bytes) }
            made.0.send("\(i)")
            streams.append(made)
        }
        let turns = try all.loop.turnWhileBusy()
        #expect(turns < 10)
        for (i, made) in streams.enumerated() { #expect(made.0.receiveText() == "\(i)") }
    }

    @Test func pausedStreamReadsNothingAndDoesNotSpin() throws {
        let all = try Connections()
        let (pair, stream, recorder) = try all.stream()
        stream.pauseReading()
        pair.send("one")
        #expect(try all.loop.turnWhileBusy() <= 2)
        #expect(recorder.received.isEmpty)
        stream.resumeReading()
        try all.loop.turnWhileBusy()
        #expect(recorder.text == "one")
        pair.send("two")
        try all.loop.turnWhileBusy()
        #expect(recorder.text == "onetwo")
    }

    @Test func pauseInsideReadTakesEffectAtOnce() throws {
        let all = try Connections()
        let (pair, stream, recorder) = try all.stream()
        recorder.onRead = { stream, _ in stream.pauseReading() }
        pair.send("one")
        try all.loop.turnWhileBusy()
        pair.send("two")
        try all.loop.turnWhileBusy()
        #expect(recorder.text == "one")
        stream.resumeReading()
        try all.loop.turnWhileBusy()
        #expect(recorder.text == "onetwo")
    }

    @Test func whatTheSocketDoesNotTakeWaitsAndDrains() throws {
        let all = try Connections()
        let (pair, stream, recorder) = try all.stream()
        let sent = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        stream.write(sent)
        try all.loop.turnWhileBusy()
        #expect(stream.unsentBytes > 0)
        #expect(recorder.events.isEmpty)
        // Full and not read: the loop rests.
        #expect(try all.loop.runOnce(timeout: 1_000) == false)
        var got: [UInt8] = []
        try all.loop.turn(until: "everything has arrived") {
            got += pair.receive() ?? []
            return got.count == sent.count
        }
        #expect(got == sent)
        try all.loop.turnWhileBusy()
        #expect(stream.unsentBytes == 0)
        #expect(recorder.events == ["drained"])
        #expect(try all.loop.runOnce(timeout: 1_000) == false)
    }

    @Test func shortAnswersAreNotReportedAsDrained() throws {
        let all = try Connections()
        let (pair, stream, recorder) = try all.stream()
        stream.write(Array("short".utf8))
        try all.loop.turnWhileBusy()
        #expect(pair.receiveText() == "short")
        #expect(recorder.events.isEmpty)
    }

    @Test func peerThatNeverReadsIsDroppedAtTheLimitAndCounted() throws {
        let all = try Connections()
        let (pair, stream, recorder) = try all.stream()
        let line = [UInt8](repeating: UInt8(ascii: "x"), count: 10_000)
        var written = 0
        while recorder.reason == nil && written < 10 << 20 {
            stream.write(line)
            written += line.count
            try all.loop.turnWhileBusy()
        }
        #expect(recorder.reason == .overflow)
        #expect(recorder.events == ["closed"])
        // The limit, the last write and what the socket itself holds.
        #expect(written >= 4 << 20 && written < 5 << 20)
        #expect(all.set.droppedForOutput == 1)
        #expect(all.set.count == 0)
        #expect(stream.unsentBytes == 0)
        #expect(!(pair.receive() ?? []).isEmpty)
        #expect(pair.receive() == nil)
    }

    @Test func oneAnswerLargerThanTheLimitReachesAPeerThatReads() throws {
        let all = try Connections()
        let (pair, stream, recorder) = try all.stream(limit: 100_000)
        let answer = [UInt8](repeating: UInt8(ascii: "y"), count: 1 << 20)
        stream.write(answer)
        var got = 0
        try all.loop.turn(until: "all of it has arrived") {
            got += pair.receive()?.count ?? 0
            return got == answer.count
        }
        #expect(recorder.reason == nil)
    }

    @Test func aPeerThatTakesNothingOfALargeAnswerIsDroppedAndOneThatReadsSlowlyIsNot() throws {
        let all = try Connections()
        let (deaf, _, deafRecorder) = try all.answered(bytes: 2 << 20)
        let (slow, slowStream, slowRecorder) = try all.answered(bytes: 2 << 20)
        let (small, _, smallRecorder) = try all.answered(bytes: 900_000)
        let begin = all.loop.now
        try all.loop.turn(until: "the deaf one is dropped") {
            // Enough that the socket takes more, each time.
            if slowStream.unsentBytes > 1 << 20, all.loop.now - begin > 20_000 { _ = slow.receive() }
            all.set.closeStalled(unsent: 1 << 20, patience: 200_000)
            return deafRecorder.reason != nil
        }
        #expect(deafRecorder.reason == .overflow)
        #expect(all.set.droppedForOutput == 1)
        #expect(slowRecorder.reason == nil && smallRecorder.reason == nil)
        withExtendedLifetime((deaf, slow, small)) {}
    }

    @Test func theBudgetCountsWhatWaitsAndWithoutRoomOnlyThoseWhoDoNotReadAreDropped() throws {
        let all = try Connections()
        let budget = all.set.budget
        let (deaf, deafStream, deafRecorder) = try all.answered(bytes: 1 << 20)
        #expect(budget.held >= deafStream.unsentBytes && budget.held <= 1 << 20)
        budget.limit = 500_000
        #expect(budget.isExhausted)
        let (reader, readerStream, readerRecorder) = try all.stream()
        readerStream.write([UInt8](repeating: 1, count: 50_000))
        deafStream.write([2])
        try all.loop.turnWhileBusy()
        #expect(readerRecorder.reason == nil && reader.receive()?.count == 50_000)
        #expect(deafRecorder.reason == .memory && deafStream.lostBytes > 500_000)
        #expect(budget.held == 0)
        withExtendedLifetime(deaf) {}
    }
}

extension Connections {
    /// A stream to which so many bytes were written, as far as its socket takes them.
    fileprivate func answered(bytes: Int) throws -> (Pair, ByteStream, Recorder) {
        let made = try stream()
        made.1.write([UInt8](repeating: 7, count: bytes))
        try loop.turnWhileBusy()
        return made
    }
}
