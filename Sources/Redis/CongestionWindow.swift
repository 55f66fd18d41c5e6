// How much may be under way at a server before it only makes others wait: as TCP Vegas (Brakmo, Peterson, 1995) does, from
// what a round trip takes beyond the shortest one. So neither a distant server nor costly commands need a setting.

/// A number of commands that follows the time they wait for each other. Pure: time comes in as a parameter.
struct CongestionWindow {
    /// Commands under way from which on the next one should wait elsewhere.
    private(set) var size = Self.first
    /// The window was full since the last change.
    private var wasFull = false
    /// Of this connection: nothing under way makes it look shorter than it is.
    private var shortestUs = UInt64.max
    private var nextCutAt: UInt64 = 0

    private static let first = 64
    static let least = 8
    static let most = 256
    /// What a command may wait for others, µs.
    static let patienceUs: UInt64 = 5_000

    /// A command was sent; so many are under way with it.
    mutating func sent(underWay: Int) {
        if underWay >= size { wasFull = true }
    }

    /// The newest reply took so long.
    mutating func observe(roundTripUs: UInt64, at now: UInt64) {
        shortestUs = min(shortestUs, roundTripUs)
        if roundTripUs - shortestUs > Self.patienceUs {
            // What is under way was sent with the old size: its round trip says nothing of the new one.
            guard now >= nextCutAt else { return }
            size = max(Self.least, size - size / 4)
            nextCutAt = now + roundTripUs
            wasFull = false
        } else if wasFull {
            size = min(Self.most, size + 4)
            wasFull = false
        }
    }
}
