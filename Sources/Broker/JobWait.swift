// One `wait`, from its request to its answer. What moves it is `JobWaits`.

import Store
import Wire

/// Somebody waits for the end of a job.
final class JobWait: AgendaItem {
    /// What it is doing.
    enum Phase {
        /// The store is asked for the record.
        case looking
        /// The job was not over; an event or the deadline comes next.
        case parked
        /// Answered, or nobody waits for it any more.
        case done
    }
    let job: JobName
    let ticket: Ticket
    var phase = Phase.parked
    /// Something happened while the store was asked: its answer may be old.
    var again = false
    /// The time is over: the next answer of the store is the answer.
    var isExpired = false
    /// The store could not answer; the tick asks again.
    var isStalled = false
    /// What was seen last.
    var record: JobRecord?
    /// The last news of an end, in case the record goes with it.
    var ending: JobEvent?
    /// The events of its queue, once the job was seen not to be over.
    var watch: GlobWatch?
    var agendaTime: UInt64?
    var agendaEntry: UInt64?

    init(job: JobName, ticket: Ticket) {
        self.job = job
        self.ticket = ticket
    }

    var isDone: Bool { phase == .done }
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
