// The store's clock as seen from the loop's monotonic one, and the right to reclaim expired leases.
//
// Leases and due times are times of the store. The daemon learns how far that clock is from its own monotonic one from
// every answer that carries the store's time.
//
// An expired lease says that its worker is silent only if the worker could have been heard. So once a second each daemon
// sends a beat, and the answer gives it the right to reclaim for the next three seconds of the store's clock. A sweep
// that comes later, because Redis stood still or its clock was set forward, reclaims nothing. After a connect the right comes
// with a beat that is a second younger than the first one: workers that waited for the store are heard first. And when no
// daemon was connected for three seconds, the store itself pauses reclaiming for the longest lease given, for all daemons alike
// (beat.lua). Jobs of workers that are known to be dead go back at once in any case.
//
// Pure: no timers, no store; `ClockWatch` sends the beats.

import Store

/// One daemon's knowledge of its store's time.
final class ServerClock {
    /// Store milliseconds minus monotonic milliseconds; nil before the first answer.
    private(set) var offsetMs: Int64?
    /// Expired leases may be reclaimed until then; nil: not now.
    private(set) var reclaimingUntil: ServerTime?
    /// Nobody reclaims before this time, as the store said last.
    private(set) var pausedUntil: ServerTime?
    private var leases = LongestLease()
    /// The longest one that the newest beat told of.
    private var toldLeaseMs: Int64 = 0
    private var last: (now: ServerTime, moved: Int64, at: UInt64)?
    /// When the first beat since the connect was answered; nil: none yet.
    private var connectedAt: UInt64?

    /// How long a beat gives the right to reclaim, ms. The same in beat.lua.
    static let rightMs: Int64 = 3_000
    /// How much younger than the first one a beat must be.
    static let settlingUs: UInt64 = 900_000
    /// An answer that took longer than this says little about the distance.
    static let slowAnswerUs: UInt64 = 1_000_000

    /// Takes in one answer that carried the store's time.
    ///
    /// - Parameters:
    ///   - now: the store's time in the answer, ms.
    ///   - askedAt: monotonic µs when it was asked.
    ///   - answeredAt: monotonic µs when the answer came.
    func observe(now: ServerTime, askedAt: UInt64, answeredAt: UInt64) {
        guard offsetMs == nil || answeredAt - askedAt <= Self.slowAnswerUs else { return }
        offsetMs = now - Int64(answeredAt / 1_000)
    }

    /// The store's time, once it has answered.
    func now(at monotonicUs: UInt64) -> ServerTime? { offsetMs.map { $0 + Int64(monotonicUs / 1_000) } }

    /// When a store's time comes, in monotonic µs: the first microsecond at which the store's millisecond is reached.
    /// Before the first answer: at once.
    func monotonicUs(of time: ServerTime) -> UInt64 {
        guard let offsetMs else { return 0 }
        // The offset was rounded down in both clocks, so the instant is up to a millisecond later than it looks.
        return UInt64(max(0, time - offsetMs)) * 1_000
    }

    // MARK: The right to reclaim

    /// A lease was given or renewed. True: it is longer than any that the store was told of, so a beat is due at once; the
    /// next one may not come.
    func note(leaseMs: Int64, at monotonicUs: UInt64) -> Bool {
        leases.note(leaseMs, at: monotonicUs)
        return leaseMs > toldLeaseMs
    }

    /// What the next beat says.
    func beat(at monotonicUs: UInt64) -> Beat {
        toldLeaseMs = leases.longest(at: last?.at ?? monotonicUs)
        return Beat(
            last: last.map {
                Beat.Last(now: $0.now, moved: $0.moved, elapsedMs: Int64((monotonicUs - $0.at) / 1_000))
            }, longestLeaseMs: toldLeaseMs)
    }

    /// What came of a beat that an operator must know of.
    enum News: Equatable {
        /// The store's clock was set back by this many ms.
        case setBack(byMs: Int64)
        /// It was set forward by this many ms; reclaiming pauses.
        case setForward(byMs: Int64, pauseMs: Int64)
        /// No daemon was connected for this many ms (0: another daemon knows); reclaiming pauses.
        case gap(ms: Int64, pauseMs: Int64)
        /// The pause is over.
        case resumed
    }

    /// A beat was answered.
    func answered(_ reply: BeatReply, askedAt: UInt64, at monotonicUs: UInt64) -> News? {
        observe(now: reply.now, askedAt: askedAt, answeredAt: monotonicUs)
        let elapsedMs = last.map { Int64((monotonicUs - $0.at) / 1_000) }
        last = (reply.now, reply.moved, monotonicUs)
        let before = pausedUntil
        pausedUntil = reply.pausedUntil
        let first = connectedAt ?? monotonicUs
        connectedAt = first
        let isSettled = monotonicUs - first >= Self.settlingUs
        reclaimingUntil = isSettled && pausedUntil == nil ? reply.now + Self.rightMs : nil
        if reply.steppedBackMs > 0 { return .setBack(byMs: reply.steppedBackMs) }
        guard let until = reply.pausedUntil else { return before == nil ? nil : .resumed }
        guard until > before ?? 0 else { return nil }
        if let elapsedMs, reply.gapMs > elapsedMs + Self.rightMs {
            return .setForward(byMs: reply.gapMs - elapsedMs, pauseMs: until - reply.now)
        }
        return .gap(ms: reply.gapMs, pauseMs: until - reply.now)
    }

    /// The store cannot be reached: the right to reclaim ends.
    func connectionWasLost() {
        reclaimingUntil = nil
        connectedAt = nil
    }
}

/// The longest lease that was given and may still run, to the next power of two: constant time and space, whatever is given.
struct LongestLease {
    /// For each power of two: the longest lease below it, and when the last of those ends (monotonic µs).
    private var classes: [(leaseMs: Int64, endsAt: UInt64)] = Array(repeating: (0, 0), count: 32)

    mutating func note(_ leaseMs: Int64, at monotonicUs: UInt64) {
        let place = min(31, Int64.bitWidth - max(1, leaseMs).leadingZeroBitCount)
        if classes[place].endsAt <= monotonicUs { classes[place].leaseMs = 0 }
        if leaseMs > classes[place].leaseMs { classes[place].leaseMs = leaseMs }
        let end = monotonicUs + UInt64(leaseMs) * 1_000
        if end > classes[place].endsAt { classes[place].endsAt = end }
    }

    /// 0: none runs.
    func longest(at monotonicUs: UInt64) -> Int64 {
        classes.last { $0.endsAt > monotonicUs }?.leaseMs ?? 0
    }
}
