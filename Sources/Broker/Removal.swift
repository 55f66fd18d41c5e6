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
    func purge(_ body: PurgeBody, _ ticket: Ticket) { purge(body, done: 0, cursor: nil, ticket) }

    /// Steps through the queue, each step bounded in the store, until `limit` records are gone or the end is reached.
    private func purge(_ body: PurgeBody, done: Int, cursor: String?, _ ticket: Ticket) {
        store.purge(
            queue: body.queue, filter: JobFilter(state: body.state, type: body.type, olderThanMs: body.olderThanMs),
            limit: body.limit - done, dryRun: body.dryRun, cursor: cursor
        ) { [self] result in
            guard let found = unwrap(result, ticket) else { return }
            guard let step = found else { return ticket.refuse(Self.noSuchQueue(body.queue)) }
            let done = done + step.done
            if let cursor = step.cursor, done < body.limit {
                return purge(body, done: done, cursor: cursor, ticket)
            }
            ticket.reply { writer in
                writer.member("purged", done)
                writer.member("remaining", step.remaining)
                if body.dryRun { writer.member("dry_run", true) }
            }
        }
    }
}
