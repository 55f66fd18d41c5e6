// Handlers that remove records: delete, purge.

import Store
import Wire

extension Broker {
    /// `delete {job}` → `{state}`, the one it had.
    func delete(_ job: JobName, _ ticket: Ticket) {
        store.delete(job.id, queue: job.queue) { [self] result in
            guard let outcome = unwrap(result, ticket) else { return }
            switch outcome {
            case .deleted(let state): ticket.reply { $0.member("state", state.rawValue) }
            case .notFound: ticket.refuse(Self.noSuchJob(job))
            case .wrongState(let state):
                ticket.refuse(
                    WireError(
                        .wrongState, "a job in a worker's hands cannot be deleted; this one is \(state.rawValue)",
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
}
