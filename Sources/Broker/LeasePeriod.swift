// What the lease of one job in a worker's hands asks for, and when. A state machine without I/O and without a clock.
//
//     good ──a third is left──► ending ──it is over──► asking ──the store says: still held──► over ──a while──► asking
//      ▲                                                  └──lost──► the owner lets the claim go
//      └── from everywhere: the lease was renewed
//
// The daemon's idea of the end is an estimate (it counts from the store's answer, by its own clock), and another daemon
// may have renewed the lease. Only the store knows, so the end of the estimate is a reason to ask and no more.

import Store

/// The lease of one claim as the daemon sees it. Times are monotonic µs unless they are `ServerTime`.
struct LeasePeriod: Equatable {
    /// What is to be done now.
    enum Action: Equatable {
        /// The worker is told that so many milliseconds are left. Once in each period.
        case sayExpiring(leftMs: Int64)
        /// The store is asked what the claim is worth; `stillHeld` or `notAnswered` takes the answer in.
        case ask
    }

    private enum Phase: Equatable {
        case good
        /// The worker was told.
        case ending
        /// The store is being asked, for the `times`-th time since the end.
        case asking(times: Int)
        /// The store said that the claim still stands, or nothing; it is asked again then.
        case over(askAt: UInt64, times: Int)
    }

    /// When it ends.
    private(set) var end: UInt64
    /// The same as the store said it.
    private(set) var until: ServerTime
    private var length: UInt64
    private var phase = Phase.good

    /// How long after the end the store is asked first: its own sweep reclaims at the end.
    static let askAfterUs: UInt64 = 2_000
    /// Between two questions, at most.
    static let longestPauseUs: UInt64 = 1_000_000
    /// How long after its end a lease that nobody watches counts as long over.
    static let longOverUs: UInt64 = 5_000_000

    /// A lease that begins now.
    init(lengthUs: UInt64, until: ServerTime, at now: UInt64) {
        length = lengthUs
        end = now &+ lengthUs
        self.until = until
    }

    /// When `passed(at:)` has something to say; nil while an answer is awaited.
    var nextTime: UInt64? {
        switch phase {
        case .good: lastThird
        case .ending: end + Self.askAfterUs
        case .asking: nil
        case .over(let askAt, _): askAt
        }
    }

    private var lastThird: UInt64 { end - min(end, length / 3) }

    /// Time has passed: what is to be done, if anything is.
    mutating func passed(at now: UInt64) -> Action? {
        switch phase {
        case .good where now >= lastThird:
            phase = .ending
            // When the loop was kept from its work there is nothing left to announce.
            return now < end ? .sayExpiring(leftMs: Int64((end - now) / 1_000)) : passed(at: now)
        case .ending where now >= end + Self.askAfterUs:
            phase = .asking(times: 1)
            return .ask
        case .over(let askAt, let times) where now >= askAt:
            phase = .asking(times: times + 1)
            return .ask
        default: return nil
        }
    }

    /// The lease was renewed through this daemon: a new period of this length begins now.
    mutating func renewed(lengthUs: UInt64, until: ServerTime, at now: UInt64) {
        length = lengthUs
        end = now &+ length
        self.until = until
        phase = .good
    }

    /// How long a renewal is that did not say its length, from the server's time of its end. The distance to the end known
    /// so far is exact, but wrong when the server's clock was set in between; `serverNow` notices that, but is late by
    /// as much as the answer was from which it is known. The lesser of the two is the safe one.
    func lengthUs(until: ServerTime, serverNow: ServerTime?, at now: UInt64) -> UInt64 {
        let byDistance = Int64(end) - Int64(now) + (until - self.until) * 1_000
        let byClock = serverNow.map { (until - $0) * 1_000 } ?? byDistance
        return UInt64(max(0, min(byDistance, byClock)))
    }

    /// The store says that the claim stands, until a time of the server that is `end` here. A later time than the one
    /// known means that the lease was renewed elsewhere.
    mutating func stillHeld(until: ServerTime, end: UInt64, at now: UInt64) {
        if until > self.until {
            self.until = until
            self.end = end
            phase = .good
        } else {
            pause(at: now)
        }
    }

    /// The store did not answer.
    mutating func notAnswered(at now: UInt64) { pause(at: now) }

    /// After a question: 20 ms, 80 ms, 320 ms, then a second each time.
    private mutating func pause(at now: UInt64) {
        guard case .asking(let times) = phase else { return }
        let pause = min(20_000 << UInt64(2 * min(times - 1, 3)), Self.longestPauseUs)
        phase = .over(askAt: now + pause, times: times)
    }

    /// Nobody heard what was said: it is to be said again.
    mutating func sayAgain() {
        if phase == .ending { phase = .good }
    }

    /// For a lease that nobody watches: whether it is long over and the store shall be asked.
    mutating func isLongOver(at now: UInt64) -> Bool {
        guard now >= end + Self.longOverUs else { return false }
        return passed(at: now) == .ask
    }
}
