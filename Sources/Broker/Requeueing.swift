// Handlers of `requeue`: one job, or those of a queue in a state.

import Store
import Wire

extension Broker {
    /// `requeue {job}` → `{state}`; `requeue {queue, state, type, limit, dry_run}` → `{requeued, remaining}`
    func requeue(_ body: RequeueBody, _ ticket: Ticket) {
        switch body {
        case .job(let job): requeue(job, ticket)
        case .filter(let queue, let state, let type, let limit, let dryRun):
            let filter = RequeueFilter(queue: queue, state: state, type: type, limit: limit, dryRun: dryRun)
            requeue(filter, done: 0, cursor: nil, ticket)
        }
    }

    private func requeue(_ job: JobName, _ ticket: Ticket) {
        store.requeue(job.id, queue: job.queue) { [self] result in
            guard let outcome = unwrap(result, ticket) else { return }
            switch outcome {
            case .requeued: ticket.reply { $0.member("state", JobState.queued.rawValue) }
            case .notFound: ticket.refuse(Self.noSuchJob(job))
            case .wrongState(let state):
                ticket.refuse(
                    WireError(
                        .wrongState,
                        "only scheduled, retrying, dead and cancelled jobs can be requeued; this one is "
                            + state.rawValue,
                        state: state))
            }
        }
        waiting.wake(job.queue, for: 1)
    }

    /// The members of a requeue by filter.
    private struct RequeueFilter {
        let queue: String
        let state: JobState
        let type: String?
        let limit: Int
        let dryRun: Bool
    }

    /// Steps through the queue, each step bounded in the store, until `limit` jobs are done or the end is reached.
    private func requeue(_ filter: RequeueFilter, done: Int, cursor: String?, _ ticket: Ticket) {
        store.requeue(
            queue: filter.queue, state: filter.state, type: filter.type, limit: filter.limit - done,
            dryRun: filter.dryRun, cursor: cursor
        ) { [self] result in
            guard let found = unwrap(result, ticket) else { return }
            guard let step = found else { return ticket.refuse(Self.noSuchQueue(filter.queue)) }
            let done = done + step.done
            if !filter.dryRun { waiting.wake(filter.queue, for: step.done) }
            if let cursor = step.cursor, done < filter.limit {
                return requeue(filter, done: done, cursor: cursor, ticket)
            }
            ticket.reply { writer in
                writer.member("requeued", done)
                writer.member("remaining", step.remaining)
                if filter.dryRun { writer.member("dry_run", true) }
            }
        }
    }
}
