// Handlers of what is asked about jobs and workers while they are at work: cancel, workers, quiet, resume, drain.

import Logging
import Reactor
import Store
import Wire

extension Broker {
    /// `cancel {job, reason}` → `{state: "cancelled"}`; of a job in a worker's hands, which is told,
    /// `{state: "processing", cancel_requested: true}`
    func cancel(_ body: CancelBody, _ ticket: Ticket) {
        store.cancel(body.job.id, reason: body.reason, queue: body.job.queue) { [self] result in
            guard let outcome = unwrap(result, ticket) else { return }
            switch outcome {
            case .cancelled: ticket.reply { $0.member("state", JobState.cancelled.rawValue) }
            case .requested:
                ticket.reply { writer in
                    writer.member("state", JobState.processing.rawValue)
                    writer.member("cancel_requested", true)
                }
            case .notFound: ticket.refuse(Self.noSuchJob(body.job))
            case .wrongState(let state):
                ticket.refuse(
                    WireError(
                        .wrongState, "a finished job cannot be cancelled; this one is \(state.rawValue)",
                        state: state))
            }
        }
    }

    /// `workers {}` → `{workers: [{worker, session, pid, uid, gid[, unit], since_at, connected, push, quiet, held, jobs},
    /// …]}`: the named workers of this daemon (each daemon knows its own), by name and age.
    func listWorkers(_ ticket: Ticket) {
        learnUnits(of: workers.all.filter { $0.name != nil }[...]) { [self] in
            let named = workers.all.filter { $0.name != nil }
            let sorted = named.sorted {
                ($0.name ?? "", $0.sinceAt, $0.session) < ($1.name ?? "", $1.sinceAt, $1.session)
            }
            ticket.reply { writer in
                writer.key("workers")
                writer.beginArray()
                for worker in sorted { writer.worker(worker, isQuiet: handsOutNoWork) }
                writer.endArray()
            }
        }
    }

    /// Finds out the units of workers, a hundred a turn of the loop: each costs some reading below /proc.
    private func learnUnits(of workers: ArraySlice<Worker>, then: @escaping () -> Void) {
        for worker in workers.prefix(100) { worker.learnUnit() }
        let rest = workers.dropFirst(100)
        if rest.isEmpty { return then() }
        loop.deferred { [self] in learnUnits(of: rest, then: then) }
    }

    /// `quiet {worker}` → `{workers: n}`: their claims find nothing until they are resumed. Without `worker`: all.
    func quiet(worker glob: Glob?, _ ticket: Ticket) {
        guard let matching = matchingWorkers(glob, ticket) else { return }
        for worker in matching { workers.set(worker, quiet: true) }
        ticket.note(matching.count.of("worker"), ["done": "\(matching.count)"])
        ticket.reply { $0.member("workers", matching.count) }
    }

    /// `resume {worker}` → `{workers: n}`
    func resume(worker glob: Glob, _ ticket: Ticket) {
        if refusesToHandOut(ticket) { return }
        guard let matching = matchingWorkers(glob, ticket) else { return }
        for worker in matching { workers.set(worker, quiet: false) }
        ticket.note(matching.count.of("worker"), ["done": "\(matching.count)"])
        ticket.reply { $0.member("workers", matching.count) }
    }

    /// `drain {}` → `{draining: true, workers, held}`: takes no new work until a restart. May be asked again, to see how
    /// many jobs are still held.
    func drain(_ ticket: Ticket) {
        startDraining()
        ticket.note("\(workers.count.of("worker")), \(workers.heldCount.of("job")) held")
        ticket.reply { writer in
            writer.member("draining", true)
            writer.member("workers", workers.count)
            writer.member("held", workers.heldCount)
        }
    }

    /// The workers a pattern is for. Refuses a name that nobody has; a pattern may match nobody.
    private func matchingWorkers(_ glob: Glob?, _ ticket: Ticket) -> [Worker]? {
        let matching = workers.matching(glob)
        if let glob, glob.isExact, matching.isEmpty {
            ticket.refuse(WireError(.notFound, "no such worker here: \(glob)", field: "worker"))
            return nil
        }
        return matching
    }
}

extension JSONWriter {
    /// Names of held jobs that are shown of one worker.
    private static var shownJobs: Int { 100 }

    fileprivate mutating func worker(_ worker: Worker, isQuiet: Bool) {
        beginObject()
        member("worker", worker.name ?? "")
        member("session", worker.session)
        member("pid", Int64(worker.peer.pid))
        member("uid", Int64(worker.peer.uid))
        member("gid", Int64(worker.peer.gid))
        if let unit = worker.unit { member("unit", unit) }
        member("since_at", worker.sinceAt)
        member("connected", worker.connection != nil)
        member("push", worker.push)
        member("quiet", worker.isQuiet || isQuiet)
        member("held", worker.held.count)
        key("jobs")
        beginArray()
        for job in worker.held.prefix(Self.shownJobs) { string(job.name.description) }
        endArray()
        endObject()
    }
}
