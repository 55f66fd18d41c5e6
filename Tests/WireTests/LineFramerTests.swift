// The framing rules: line ends, blank lines, the limit, chunks of any size, and memory that is given back.

import FuzzBodies
import Testing
import Wire

@Suite struct LineFramerTests {
    /// All frames of a stream cut into chunks of `size`; a line that is too long shows as `<too long>`.
    private func frames(_ stream: String, limit: Int = 20, size: Int = 1000) -> [String] {
        var framer = LineFramer(limit: limit)
        var found: [String] = []
        let bytes = stream.bytes
        for start in stride(from: 0, to: bytes.count, by: size) {
            Array(bytes[start..<min(start + size, bytes.count)]).withUnsafeBytes { framer.append($0) }
            while framer.next({ found.append(text($0)) }) {}
        }
        return found
    }

    private func text(_ frame: LineFramer.Frame) -> String {
        switch frame {
        case .line(let bytes): String(decoding: bytes, as: UTF8.self)
        case .tooLong: "<too long>"
        }
    }

    @Test func linesComeWithoutTheirEnds() {
        #expect(frames("one\ntwo\r\nthree\n") == ["one", "two", "three"])
    }

    @Test func onlyOneCarriageReturnBelongsToTheEnd() {
        #expect(frames("one\r\r\n") == ["one\r"])
        #expect(frames("a\rb\n") == ["a\rb"])
    }

    @Test func blankLinesAreNotShown() {
        #expect(frames("\n\r\n  \n\t\r\n \r\r\none\n\n") == ["one"])
    }

    @Test func anUnfinishedLineIsNotShown() {
        #expect(frames("one\ntwo") == ["one"])
    }

    @Test func aLineOfExactlyTheLimitPasses() {
        #expect(frames("abcd\nabcd\r\n", limit: 4) == ["abcd", "abcd"])
    }

    @Test func aLineOverTheLimitIsReportedOnceAndSkipped() {
        #expect(frames("abcde\nab\nabcde\r\ncd\n", limit: 4) == ["<too long>", "ab", "<too long>", "cd"])
        #expect(frames(String(repeating: "x", count: 1000) + "\nok\n", limit: 4, size: 7) == ["<too long>", "ok"])
    }

    @Test func theLimitIsReportedBeforeTheLineEnds() {
        #expect(frames("abcde", limit: 4) == ["<too long>"])
        #expect(frames("abcd\r", limit: 4) == [])
        #expect(frames("abcd\r\n", limit: 4, size: 5) == ["abcd"])
        #expect(frames("abcd\rx", limit: 4) == ["<too long>"])
    }

    @Test func aLineThatIsTooLongIsShownByItsFirstKibibyte() {
        let line = (0..<3000).map { UInt8(0x61 + $0 % 26) }
        for (limit, shown) in [(4, 4), (1023, 1023), (1024, 1024), (2000, 1024)] {
            for size in [1, 7, 1000, 5000] {
                var framer = LineFramer(limit: limit)
                var heads: [[UInt8]] = []
                let stream = line + [0x0A] + line + [0x0A]
                for start in stride(from: 0, to: stream.count, by: size) {
                    stream[start..<min(start + size, stream.count)].withUnsafeBytes { framer.append($0) }
                    while framer.next({ if case .tooLong(let head) = $0 { heads.append(Array(head)) } }) {}
                }
                #expect(heads == Array(repeating: Array(line.prefix(shown)), count: 2))
            }
        }
    }

    @Test func aSkippedLineTakesNoMemory() {
        var framer = LineFramer(limit: 10)
        let chunk = [UInt8](repeating: 0x78, count: 4096)
        var reports = 0
        for _ in 0..<100 {
            chunk.withUnsafeBytes { framer.append($0) }
            while framer.next({ _ in reports += 1 }) {}
            #expect(framer.bufferedBytes == 0)
        }
        #expect(reports == 1)
    }

    @Test func aLongLineLeavesNoMemoryToTheShortRestBehindIt() {
        var framer = LineFramer(limit: 1 << 20)
        let stream = [UInt8](repeating: 0x78, count: 500_000) + [0x0A] + [UInt8](repeating: 0x79, count: 300)
        stream.withUnsafeBytes { framer.append($0) }
        #expect(framer.footprint == stream.count)
        while framer.next({ _ in }) {}
        #expect(framer.bufferedBytes == 300)
        #expect(framer.footprint == 300)
        [0x0A].withUnsafeBytes { framer.append(UnsafeRawBufferPointer(rebasing: $0[..<1])) }
        while framer.next({ _ in }) {}
        #expect(framer.bufferedBytes == 0)
    }

    @Test func waitingBytesNeverExceedTheLimit() {
        var framer = LineFramer(limit: 100)
        for byte in [UInt8](repeating: 0x78, count: 300) {
            withUnsafeBytes(of: byte) { framer.append($0) }
            while framer.next({ _ in }) {}
            #expect(framer.bufferedBytes <= 101)
        }
    }

    @Test func everyChunkSizeGivesTheSameFrames() {
        let stream = "first\nsecond line\r\n\n\r\nthis one is much too long for it\n x \nlast\nopen"
        let expected = frames(stream)
        #expect(expected == ["first", "second line", "<too long>", " x ", "last"])
        for size in 1...stream.utf8.count { #expect(frames(stream, size: size) == expected) }
    }

    @Test func everyCutInTwoGivesTheSameFrames() throws {
        let stream = "abc\r\nabcd\nabcde\n\nabcd\r\nabcde\r\nx\r"
        for limit in 1...8 {
            for chunks in UInt8.min...UInt8.max {
                try stream.bytes.withUnsafeBytes { try FramerBody.check($0, limit: limit, chunks: chunks) }
            }
        }
    }

    @Test func aThrowingBodyHasTakenTheFrame() throws {
        var framer = LineFramer(limit: 10)
        "one\ntwo\n".bytes.withUnsafeBytes { framer.append($0) }
        #expect(throws: UnexpectedlyAccepted.self) { try framer.next { _ in throw UnexpectedlyAccepted() } }
        var line = ""
        #expect(framer.next { line = text($0) })
        #expect(line == "two")
    }

    @Test func randomStreamsAgreeWithTheReference() throws {
        var random = SeededGenerator(seed: 7)
        let alphabet = "aab \t\r\n\n".bytes
        for _ in 0..<3000 {
            let stream = (0..<Int.random(in: 0...80, using: &random)).map { _ in alphabet.randomElement(using: &random)!
            }
            let limit = Int.random(in: 1...12, using: &random)
            let chunks = UInt8.random(in: 0...20, using: &random)
            try stream.withUnsafeBytes { try FramerBody.check($0, limit: limit, chunks: chunks) }
        }
    }
}
