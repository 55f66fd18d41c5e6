// Work on many jobs of a queue that the store does in bounded steps: requeue and purge by filter.

import Logging
import Store
import Wire

extension Broker {
    /// Takes one step after the other until `limit` jobs are done or the end is reached, and answers
    /// `{<verb>, remaining[, dry_run]}`.
    ///
    /// - Parameter step: asks the store for a step of at most so many jobs from a cursor on; nil: no such queue.
    func inSteps(
        _ verb: StaticString, queue: String, limit: Int, dryRun: Bool, _ ticket: Ticket, done: Int = 0,
        cursor: String? = nil,
        step: @escaping (_ limit: Int, _ cursor: String?, _ then: @escaping Completion<BulkStep?>) -> Void
    ) {
        step(limit - done, cursor) { [self] result in
            guard let found = unwrap(result, ticket) else { return }
            guard let taken = found else { return refuseUnknown(queue, ticket) }
            let done = done + taken.done
            if let cursor = taken.cursor, done < limit {
                return inSteps(
                    verb, queue: queue, limit: limit, dryRun: dryRun, ticket, done: done, cursor: cursor, step: step)
            }
            ticket.note(
                "\(done.of("job")) \(dryRun ? "would be " : "")\(verb), \(taken.remaining) left",
                ["done": "\(dryRun ? 0 : done)", "remaining": "\(taken.remaining)"])
            ticket.reply { writer in
                writer.member(verb, done)
                writer.member("remaining", taken.remaining)
                if dryRun { writer.member("dry_run", true) }
            }
        }
    }
}
