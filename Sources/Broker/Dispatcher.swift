// Operation → handler. Each handler is one short function in a file of its subject, with its grammar above.

import Logging
import Reactor
import Store
import Wire

extension Broker {
    /// Hands one request, which its peer may ask, to its handler. The ticket is answered exactly once, now or later.
    func dispatch(_ operation: Operation, _ ticket: Ticket) {
        switch operation {
        case .enqueue(let body): enqueue(body, ticket)
        case .publish(let body): publish(body, ticket)
        case .get(let job): get(job, ticket)
        case .wait(let body): wait(body, ticket)
        case .cancel(let body): cancel(body, ticket)

        case .hello(let hello): self.hello(hello, ticket)
        case .claim(let body): claim(body, ticket)
        case .complete(let body): complete(body, ticket)
        case .fail(let body): fail(body, ticket)
        case .extend(let body): extend(body, ticket)
        case .release(let body): release(body, ticket)
        case .cancelWait(let target): cancelWait(target: target, ticket)

        case .subscribe(let body): subscribe(body, ticket)
        case .unsubscribe: unsubscribe(ticket)

        case .bind(let topic, let queue): bind(topic: topic, queue: queue, ticket)
        case .unbind(let topic, let queue): unbind(topic: topic, queue: queue, ticket)
        case .topics: topics(ticket)

        case .ping(let store): ping(store: store, ticket)
        case .info: info(ticket)
        case .queues: queues(ticket)
        case .stats(let queue): stats(queue: queue, ticket)
        case .list(let body): list(body, ticket)
        case .workers: listWorkers(ticket)
        case .requeue(let body): requeue(body, ticket)
        case .pause(let queue, let until, let create): pause(queue: queue, until: until, create: create, ticket)
        case .resume(.queue(let queue)): resume(queue: queue, ticket)
        case .resume(.worker(let worker)): resume(worker: worker, ticket)
        case .delete(let job): delete(job, ticket)
        case .purge(let body): purge(body, ticket)
        case .configure(let body): configure(body, ticket)
        case .removeQueue(let queue, let jobs): removeQueue(queue, jobs: jobs, ticket)
        case .reclaim(let queue): reclaim(queue: queue, ticket)
        case .quiet(let worker): quiet(worker: worker, ticket)
        case .drain: drain(ticket)
        case .check(let queue, let repair): check(queue: queue, repair: repair, ticket)
        case .metrics: metrics(ticket)
        case .reload: reload(ticket)
        }
    }

    /// Unwraps a store's answer, or refuses the request with what the failure means on the wire.
    func unwrap<Value>(_ result: Result<Value, StoreFailure>, _ ticket: Ticket) -> Value? {
        switch result {
        case .success(let value): return value
        case .failure(let failure):
            ticket.refuse(wireError(failure))
            return nil
        }
    }

    /// What a store's failure is called on the wire. An internal one goes to the log, with the reference that the
    /// client gets.
    func wireError(_ failure: StoreFailure) -> WireError {
        switch failure {
        case .unavailable(let why): return WireError(.storeUnavailable, why)
        case .full(let why): return WireError(.storeFull, why)
        case .internal(let details):
            let ref = identifiers.ulid()
            log.error("internal error: \(details)", metadata: MessageID.internalError.with(["ref": "\(ref)"]))
            return WireError(.internal, "a bug; the log of jobqd has the details under this ref", ref: ref)
        }
    }

    /// Refuses new jobs while the daemon drains; one that only stops still takes them. True when it did.
    func refusesNewWork(_ ticket: Ticket) -> Bool {
        guard isDraining else { return false }
        ticket.refuse(draining)
        return true
    }

    /// Refuses to hand out jobs, or to wait for some, while the daemon drains or stops. True when it did.
    func refusesToHandOut(_ ticket: Ticket) -> Bool {
        guard handsOutNoWork else { return false }
        ticket.refuse(draining)
        return true
    }

    var draining: WireError {
        WireError(
            .draining,
            isStopping
                ? "the daemon is stopping and hands out no more work" : "the daemon is draining and takes no new work",
            retryAfterMs: 1_000)
    }

    static func noSuchJob(_ job: JobName) -> WireError {
        WireError(.notFound, "no such job: \(job.queue)/\(job.id)", field: "job")
    }

    static func queueFull(_ queue: String) -> WireError {
        WireError(.queueFull, "the queue \(queue) has as many waiting jobs as its max_len allows", retryAfterMs: 1_000)
    }

    static func leaseLost(_ state: JobState) -> WireError {
        WireError(
            .leaseLost, "the token is not the job's current claim; the job is \(state.rawValue)",
            state: state)
    }
}
