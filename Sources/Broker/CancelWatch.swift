// Who must be told that the cancellation of a job in its hands was asked for, by whomever, on whichever host.
//
// The store is listened to for the queues that workers with events (`push`) hold jobs of, and for some time after the last
// job and the last claim; of queues without a job here for a limited number, whatever workers claim from. What was asked for before the subscription held, or while it was interrupted, is found by asking about
// all jobs of the queue when it holds. A request is only the reason to ask the store about the claim (`LeaseWatch.ask`):
// it may be about an earlier attempt.
//
// Requests, and the word that the subscription holds, come over another connection of the store than the answers to
// claims and may overtake one: the job is then held by nobody here. So jobs are looked for behind a round trip
// (`afterAnswers`): by then every claim that came before is answered.

import Reactor
import Store
import Wire

/// Requests to cancel jobs that are in the hands of this daemon's workers.
final class CancelWatch {
    private final class Queue: RecencyItem {
        let name: String
        /// id → its newest claim here.
        var jobs: [String: HeldJob] = [:]
        /// Since when there is none.
        var unusedSince: UInt64?

        init(_ name: String) { self.name = name }
    }

    private unowned let broker: Broker
    private unowned let leases: LeaseWatch
    private var queues: [String: Queue] = [:]
    /// Those without a job.
    private var idle = Recency<Queue>(limit: 1_024, keptUs: 30_000_000)

    init(broker: Broker, leases: LeaseWatch) {
        self.broker = broker
        self.leases = leases
    }

    // MARK: Listening

    /// A worker with events claims from this queue.
    func want(_ name: String) {
        let queue = queue(name)
        if queue.jobs.isEmpty { rest(queue) }
    }

    /// A worker with events holds this job.
    func add(_ job: HeldJob) {
        let queue = queue(job.name.queue)
        queue.jobs[job.name.id] = job
        idle.remove(queue)
    }

    func remove(_ job: HeldJob) {
        guard let queue = queues[job.name.queue], queue.jobs[job.name.id] === job else { return }
        queue.jobs[job.name.id] = nil
        if queue.jobs.isEmpty { rest(queue) }
    }

    private func queue(_ name: String) -> Queue {
        if let known = queues[name] { return known }
        let new = Queue(name)
        queues[name] = new
        broker.store.watchCancels(queue: name)
        return new
    }

    private func rest(_ queue: Queue) {
        let now = broker.loop.now
        idle.add(queue, at: now)
        tidy(at: now)
    }

    /// Once a second: ends listening to queues that nobody here has to do with any more.
    func tidy(at now: UInt64) {
        while let queue = idle.popOver(at: now) {
            queues[queue.name] = nil
            broker.store.unwatchCancels(queue: queue.name)
        }
    }

    // MARK: Hearing

    /// Somebody asked to cancel a job.
    func requested(_ id: String, queue: String) {
        if let job = queues[queue]?.jobs[id] { return leases.ask([job]) }
        afterAnswers { [self] in
            if let job = queues[queue]?.jobs[id] { leases.ask([job]) }
        }
    }

    /// From now on requests are heard; earlier ones may have been missed.
    func listens(to queue: String) {
        afterAnswers { [self] in
            if let queue = queues[queue] { leases.ask(queue.jobs.values) }
        }
    }

    /// Calls `then` when the store has answered all that it was asked before.
    private func afterAnswers(_ then: @escaping () -> Void) { broker.store.ping { _ in then() } }
}
