// What the daemon tells a worker by itself, over a connection whose `hello` had `push`.

import Wire

/// A worker's own event.
enum WorkerEvent {
    /// Somebody wants the job to be cancelled. An empty reason is left out.
    case cancel(HeldJob, reason: String)
    /// A third of the lease is left.
    case leaseExpiring(HeldJob, leftMs: Int64)
    /// The job is not the worker's any more.
    case leaseLost(HeldJob)
    /// Finish what you have, claim no more.
    case quiet
    /// Claim again.
    case resume
}

extension JSONWriter {
    /// The whole line of an event.
    mutating func event(_ event: WorkerEvent) {
        beginObject()
        switch event {
        case .cancel(let job, let reason):
            begin("cancel", job)
            if !reason.isEmpty { member("reason", reason) }
        case .leaseExpiring(let job, let leftMs):
            begin("lease_expiring", job)
            member("left_ms", leftMs)
        case .leaseLost(let job): begin("lease_lost", job)
        case .quiet: member("event", "quiet")
        case .resume: member("event", "resume")
        }
        endObject()
        endLine()
    }

    private mutating func begin(_ event: String, _ job: HeldJob) {
        member("event", event)
        member("job", job.name.description)
        member("token", job.token)
    }
}
