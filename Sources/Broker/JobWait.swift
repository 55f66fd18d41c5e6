// One `wait`, from its request to its answer, and the job that is waited for. What moves them is `JobWaits`.

import Store
import Wire

/// Somebody waits for the end of a job.
final class JobWait: AgendaItem {
    let ticket: Ticket
    let waited: WaitedJob
    /// The number of the first look at the job that may answer it: one that began after the request.
    let firstLook: Int
    /// The time is over: the next answer of the store is the answer.
    var isExpired = false
    /// Answered, or nobody waits for it any more.
    var isDone = false
    /// Its places among the waits of its job and of its session.
    var place = 0
    var sessionPlace = 0
    var agendaTime: UInt64?
    var agendaEntry: UInt64?

    init(_ waited: WaitedJob, _ ticket: Ticket) {
        self.waited = waited
        self.ticket = ticket
        firstLook = waited.looks + 1
    }

    var job: JobName { waited.job }
}

/// A job whose end somebody waits for: looked at once for all of them.
final class WaitedJob {
    /// What is being done.
    enum Phase {
        /// The job was not over; an event or a deadline comes next.
        case parked
        /// The store is to be asked for the record.
        case queued
        /// The store is asked.
        case looking
    }
    let job: JobName
    /// In no order.
    private(set) var waits: [JobWait] = []
    var phase = Phase.parked
    /// How often the store was asked.
    var looks = 0
    /// Something happened while the store was asked: its answer may be old.
    var again = false
    /// The store could not answer; the tick asks again.
    var isStalled = false
    /// What was seen last.
    var record: JobRecord?
    /// The last news of an end, in case the record goes with it.
    var ending: JobEvent?
    /// The events of its queue, once the job was seen not to be over.
    var watch: GlobWatch?

    init(_ job: JobName) { self.job = job }

    func add(_ wait: JobWait) {
        wait.place = waits.count
        waits.append(wait)
    }

    func remove(_ wait: JobWait) {
        let last = waits.removeLast()
        guard last !== wait else { return }
        waits[wait.place] = last
        last.place = wait.place
    }

    /// Those that the last look answers.
    var answerable: [JobWait] { waits.filter { $0.firstLook <= looks } }
}

extension JobRecord {
    /// The record as it was when this event removed it; nil when the event is no end of a job's life.
    func ended(by event: JobEvent) -> JobRecord? {
        let state: JobState
        switch event.kind {
        case .completed: state = .completed
        case .dead: state = .dead
        case .cancelled: state = .cancelled
        case .expired: state = .expired
        default: return nil
        }
        var last = self
        last.state = state
        last.finishedAt = event.at
        last.reason = event.reason
        last.attempts = max(attempts, event.attempt)
        last.runAt = nil
        last.leaseUntil = nil
        last.expiresAt = nil
        last.cancelRequested = false
        return last
    }
}
