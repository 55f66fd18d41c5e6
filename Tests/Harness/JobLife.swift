// What the calls of a history say together of one job: when it came, and when it may have ended.

/// A job that may have been enqueued. Times are monotonic nanoseconds.
struct JobLife {
    var terms: HistoryEvent.Terms
    /// Some enqueue of it was acknowledged.
    var isAcknowledged = false
    /// The enqueue began and ended then: it was not there before, and was there afterwards.
    var began: UInt64
    var ended: UInt64
    var mayBeCompleted = false
    var mayBeCancelled = false
    var wasRequeued = false
    /// Not before then did it end; `.max`: it has not. Without knowledge, when it came.
    var endsFrom: UInt64
    /// By then it had ended for certain, or nil.
    var endedBy: UInt64?
    /// By then it had been claimed for certain, or nil.
    var claimedBy: UInt64?

    private init(_ event: HistoryEvent, _ terms: HistoryEvent.Terms) {
        self.terms = terms
        began = event.began
        ended = event.ended
        endsFrom = event.began
    }

    static func lives(in events: [HistoryEvent], final: HistoryChecker.Final) -> [String: JobLife] {
        var lives: [String: JobLife] = [:]
        for event in events where event.outcome != .refused {
            guard case .enqueue(let job, _, _, let terms) = event.call else { continue }
            var life = lives[job] ?? JobLife(event, terms)
            life.isAcknowledged = life.isAcknowledged || event.outcome == .acknowledged
            life.began = min(life.began, event.began)
            life.ended = min(life.ended, event.ended)
            lives[job] = life
        }
        var firstComplete: [String: UInt64] = [:]
        var firstCancel: [String: UInt64] = [:]
        for event in events where event.outcome != .refused {
            let job = event.job
            switch event.call {
            case .complete:
                lives[job]?.mayBeCompleted = true
                firstComplete[job] = min(firstComplete[job] ?? .max, event.began)
                if event.outcome == .acknowledged { lives[job]?.isOver(by: event.ended) }
            case .cancel(_, let ended):
                lives[job]?.mayBeCancelled = true
                firstCancel[job] = min(firstCancel[job] ?? .max, event.began)
                if event.outcome == .acknowledged, ended { lives[job]?.isOver(by: event.ended) }
            case .claim: lives[job]?.wasClaimed(by: event.ended)
            case .requeue: lives[job]?.wasRequeued = true
            default: break
            }
        }
        for (job, life) in lives where !life.wasRequeued {
            let from: UInt64 =
                switch final.states[job] {
                case "completed": firstComplete[job] ?? life.began
                case "cancelled": firstCancel[job] ?? life.began
                case "expired": life.began + UInt64(life.terms.expiresInMs ?? 0) * 1_000_000
                case "queued", "scheduled", "retrying", "processing": .max
                default: life.began
                }
            lives[job]?.endsFrom = from
        }
        return lives
    }

    private mutating func wasClaimed(by time: UInt64) { claimedBy = min(claimedBy ?? .max, time) }

    private mutating func isOver(by time: UInt64) { endedBy = min(endedBy ?? .max, time) }
}
