// Handlers that remove records, and queues with all they have: delete, purge, remove_queue.

import Logging
import Store
import Wire

extension Broker {
    /// `delete {job}` → `{state}`, the one it had.
    func delete(_ job: JobName, _ ticket: Ticket) {
        store.delete(job.id, queue: job.queue) { [self] result in
            guard let outcome = unwrap(result, ticket) else { return }
            switch outcome {
            case .deleted(let state):
                ticket.note("it was \(state.rawValue)", ["before": .string(state.rawValue)])
                ticket.reply { $0.member("state", state.rawValue) }
            case .notFound: ticket.refuse(Self.noSuchJob(job))
            case .wrongState(let state):
                ticket.refuse(
                    WireError(
                        .wrongState, "a running job cannot be deleted; this one is \(state.rawValue)",
                        state: state))
            }
        }
    }

    /// `purge {queue, state, type, older_than_ms, limit, dry_run}` → `{purged, remaining[, dry_run]}`
    func purge(_ body: PurgeBody, _ ticket: Ticket) {
        let filter = JobFilter(state: body.state, type: body.type, olderThanMs: body.olderThanMs)
        inSteps("purged", queue: body.queue, limit: body.limit, dryRun: body.dryRun, ticket) { [self] in
            store.purge(
                queue: body.queue, filter: filter, limit: $0, dryRun: body.dryRun, cursor: $1, then: $2)
        }
    }

    /// `remove_queue {queue, jobs}` → `{queue, removed}`, the number of records that went with it.
    ///
    /// Until the last step the queue is there, with fewer jobs: what fails in between is asked again. Jobs that come meanwhile
    /// are removed too; those that come behind the last step make the queue anew.
    func removeQueue(_ queue: String, jobs: Bool, _ ticket: Ticket, removed: Int = 0) {
        guard ticket.session.isOpen else { return }
        store.removeQueue(queue, withJobs: jobs) { [self] result in
            guard let found = unwrap(result, ticket) else { return }
            switch found {
            case nil: refuseUnknown(queue, ticket)
            case .refused(let depth): ticket.refuse(Self.queueHasJobs(queue, depth))
            case .removed(let count): removeQueue(queue, jobs: jobs, ticket, removed: removed + count)
            case .gone(let count):
                figures.forget(queue)
                let removed = removed + count
                ticket.note(removed.of("job") + " removed", ["done": "\(removed)"])
                ticket.reply { writer in
                    writer.member("queue", queue)
                    writer.member("removed", removed)
                }
            }
        }
    }

    private static func queueHasJobs(_ queue: String, _ depth: Depth) -> WireError {
        let counts = [
            ("queued", depth.queued), ("scheduled", depth.scheduled), ("retrying", depth.retrying),
            ("processing", depth.processing),
        ]
        let some = counts.filter { $0.1 > 0 }.map { "\($0.1) \($0.0)" }.joined(separator: ", ")
        return WireError(
            .wrongState, "the queue \(queue) still has jobs (\(some)); \"jobs\":true removes them with it",
            field: "jobs")
    }
}

extension Int {
    /// `1 job`, `2 jobs`.
    func of(_ thing: String) -> String { self == 1 ? "1 \(thing)" : "\(self) \(thing)s" }
}
