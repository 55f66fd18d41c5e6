// How fast a work on many jobs goes on when --rate says so: a little at a time, and a pause after each.

/// At most so many jobs a second; nil: as fast as it can.
struct Pace {
    private let perSecond: Double?
    private let startedAt = Clock.now

    init(perSecond: Double?) { self.perSecond = perSecond }

    /// How many jobs the next step takes of those left: a tenth of a second's, so that it goes smoothly.
    func step(of left: Int, atMost limit: Int) -> Int {
        let share = perSecond.map { max(1, Int(($0 / 10).rounded(.up))) } ?? limit
        return min(left, limit, share)
    }

    /// Returns when so many may have been done.
    func wait(after done: Int) {
        guard let perSecond else { return }
        let due = startedAt + Int64((Double(done) / perSecond * 1_000).rounded(.up))
        while Clock.now < due, !Interruption.isRequested { Clock.pause(due - Clock.now) }
    }
}
