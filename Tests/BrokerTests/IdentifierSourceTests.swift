// Ids: shape, order, uniqueness.

import Testing

@testable import Broker

@Suite struct IdentifierSourceTests {
    /// A generator whose every number is the same.
    private struct Constant: RandomNumberGenerator {
        let value: UInt64
        mutating func next() -> UInt64 { value }
    }

    @Test func ulidEncodesItsParts() {
        #expect(IdentifierSource.text(milliseconds: 0, high: 0, low: 0) == "00000000000000000000000000")
        #expect(
            IdentifierSource.text(milliseconds: (1 << 48) - 1, high: .max, low: .max) == "7ZZZZZZZZZZZZZZZZZZZZZZZZZ")
        // The timestamp example of the ULID specification: 1469918176385 ms is "01ARYZ6S41".
        #expect(IdentifierSource.text(milliseconds: 1_469_918_176_385, high: 0, low: 0).hasPrefix("01ARYZ6S41"))
    }

    @Test func ulidsGrowWithinOneMillisecondAndWhenTheClockGoesBack() {
        let times = TimeList([5, 5, 5, 4, 6])
        var source = IdentifierSource(wallClockMs: { times.next() }, generator: Constant(value: .max))
        let ids = (0..<5).map { _ in source.ulid() }
        #expect(ids == ids.sorted())
        #expect(Set(ids).count == 5)
        #expect(ids.allSatisfy { $0.utf8.count == 26 })
    }

    @Test func sessionIdsAreThirtyTwoHexadecimalDigits() {
        var source = IdentifierSource(wallClockMs: { 0 })
        let (a, b) = (source.sessionID(), source.sessionID())
        #expect(a != b)
        #expect(a.utf8.count == 32)
        #expect(a.allSatisfy { $0.isHexDigit })
    }

    /// Gives one time after the other.
    private final class TimeList {
        private var times: [Int64]
        init(_ times: [Int64]) { self.times = times.reversed() }
        func next() -> Int64 { times.removeLast() }
    }
}
