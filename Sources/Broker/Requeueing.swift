// Handlers of `requeue`: one job, or those of a queue in a state.

import Logging
import Store
import Wire

extension Broker {
    /// `requeue {job}` → `{state}`; `requeue {queue, state, type, limit, dry_run}` → `{requeued, remaining}`
    func requeue(_ body: RequeueBody, _ ticket: Ticket) {
        switch body {
        case .job(let job): requeue(job, ticket)
        case .filter(let queue, let state, let type, let limit, let dryRun):
            inSteps("requeued", queue: queue, limit: limit, dryRun: dryRun, ticket) { [self] limit, cursor, then in
                store.requeue(
                    queue: queue, state: state, type: type, limit: limit, dryRun: dryRun, cursor: cursor
                ) { [self] result in
                    if !dryRun, case .success(let step?) = result { waiting.wake(queue, for: step.done) }
                    then(result)
                }
            }
        }
    }

    private func requeue(_ job: JobName, _ ticket: Ticket) {
        store.requeue(job.id, queue: job.queue) { [self] result in
            guard let outcome = unwrap(result, ticket) else { return }
            switch outcome {
            case .requeued:
                ticket.note("1 job requeued", ["done": "1"])
                ticket.reply { $0.member("state", JobState.queued.rawValue) }
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
}
