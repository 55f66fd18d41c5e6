// The output buffer against an array, with random steps.

import Testing

@testable import Reactor

@Suite struct OutputBufferTests {
    @Test(arguments: 0..<20) func behavesLikeAQueueOfBytes(seed: Int) {
        var random = SeededGenerator(state: UInt64(seed) &* 0x9E37_79B9 &+ 1)
        var buffer = OutputBuffer()
        var model: [UInt8] = []
        for _ in 0..<500 {
            if Bool.random(using: &random) {
                let size = Int.random(in: 0...Int.random(in: 0...3_000, using: &random), using: &random)
                let bytes = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
                bytes.withUnsafeBytes { buffer.append($0) }
                model += bytes
            } else if !model.isEmpty {
                let n = Bool.random(using: &random) ? model.count : Int.random(in: 0...model.count, using: &random)
                buffer.removeFirst(n)
                model.removeFirst(n)
            }
            guard buffer.count == model.count, [UInt8](buffer.bytes) == model else {
                Issue.record("differs from the model")
                return
            }
        }
    }

    @Test func theLastByteOfALargeReplyHoldsLittleMemory() {
        var buffer = OutputBuffer()
        let reply = [UInt8](repeating: 7, count: 1 << 20)
        reply.withUnsafeBytes { buffer.append($0) }
        while buffer.count > 1 { buffer.removeFirst(min(buffer.count - 1, 200_000)) }
        #expect([UInt8](buffer.bytes) == [7])
        #expect(buffer.footprint <= 131_072 && buffer.capacity <= 131_072)
        buffer.removeFirst(1)
        #expect(buffer.footprint == 0)
    }

    @Test func memoryDoesNotGrowWhileLittleWaits() {
        var buffer = OutputBuffer()
        let chunk = [UInt8](repeating: 7, count: 100)
        chunk.withUnsafeBytes { buffer.append($0) }
        for _ in 0..<10_000 {
            chunk.withUnsafeBytes { buffer.append($0) }
            buffer.removeFirst(100)
        }
        #expect(buffer.count == 100)
        #expect(buffer.capacity <= 1_024)
        buffer.removeFirst(100)
        #expect(buffer.capacity == 0)
    }
}

/// xorshift64: the same numbers for the same seed.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
