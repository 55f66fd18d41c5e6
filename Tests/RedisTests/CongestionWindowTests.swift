import Testing

@testable import Redis

@Suite struct CongestionWindowTests {
    private var window = CongestionWindow()
    private var now: UInt64 = 1_000_000

    /// Fills the window, as who has more to send does, and lets the server answer after so long.
    private mutating func exchange(_ roundTripUs: UInt64, fills: Bool = true) {
        if fills { window.sent(underWay: window.size) }
        now += roundTripUs
        window.observe(roundTripUs: roundTripUs, at: now)
    }

    @Test mutating func itGrowsToTheMostWhileNothingWaits() {
        for _ in 0..<100 { exchange(300) }
        #expect(window.size == CongestionWindow.most)
    }

    @Test mutating func itStaysWhileItIsNotFull() {
        let before = window.size
        for _ in 0..<100 { exchange(300, fills: false) }
        #expect(window.size == before)
    }

    @Test mutating func aDistantServerDoesNotMakeItSmall() {
        for _ in 0..<100 { exchange(80_000) }
        #expect(window.size == CongestionWindow.most)
    }

    @Test mutating func itShrinksToTheLeastWhileCommandsWaitForEachOtherAndGrowsAgain() {
        exchange(300)
        for _ in 0..<20 { exchange(300 + CongestionWindow.patienceUs + 1) }
        #expect(window.size == CongestionWindow.least)
        for _ in 0..<100 { exchange(300 + CongestionWindow.patienceUs) }
        #expect(window.size == CongestionWindow.most)
    }

    @Test mutating func answersToWhatWasSentBeforeACutDoNotCutAgain() {
        exchange(300)
        exchange(20_000)
        let size = window.size
        for _ in 0..<50 { window.observe(roundTripUs: 20_000, at: now + 10_000) }
        #expect(window.size == size)
    }
}
