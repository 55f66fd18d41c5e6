// Handlers of the workers' operations.

import Logging
import Reactor
import Store
import Wire

extension Broker {
    /// `hello {protocol, worker, push, on_disconnect, grace_ms, session}` → `{server, version, protocol, session, limits}`
    func hello(_ hello: Hello, _ ticket: Ticket) {
        guard hello.protocolVersion == ProtocolLimits.version else {
            return ticket.refuse(
                WireError(
                    .unsupportedProtocol, "this daemon speaks protocol \(ProtocolLimits.version)",
                    field: "protocol", supported: [ProtocolLimits.version]))
        }
        let (session, news) = workers.hello(hello, from: ticket.session)
        ticket.reply { writer in
            writer.member("server", "jobqd")
            writer.member("version", options.version)
            writer.member("protocol", ProtocolLimits.version)
            writer.member("session", session)
            writer.key("limits")
            writer.beginObject()
            writer.member("line_bytes", options.lineBytes)
            writer.member("in_flight", options.inFlight)
            writer.member("wait_ms", ProtocolLimits.waitMs)
            writer.member("batch", ProtocolLimits.batch)
            writer.member("reply_bytes", ProtocolLimits.replyBytes)
            writer.endObject()
        }
        if let news { workers.tellAgain(news) }
    }

    /// `claim {queue | queues, wait_ms, max, lease_ms, strategy, weights}` → `{jobs: […]}`, empty after `wait_ms`.
    func claim(_ body: ClaimBody, _ ticket: Ticket) {
        if refusesToHandOut(ticket) { return }
        take(body, for: ticket) { [self] result in
            switch result {
            case .success(let (queue, jobs)): ticket.reply { $0.claimedJobs(jobs, queue: queue) }
            case .failure(.store(let failure)): ticket.refuse(wireError(failure))
            case .failure(.cancelled): ticket.refuse(Self.cancelledWait)
            case .failure(.refused(let error)): ticket.refuse(error)
            }
        }
    }

    /// `complete {job, token, result, next}` → `{state[, jobs]}`; `complete {jobs: […]}` → `{jobs: […]}`.
    func complete(_ body: CompleteBody, _ ticket: Ticket) {
        let reply = TokenReply(broker: self, ticket: ticket, isMany: body.isMany, jobs: body.items.map(\.job))
        reply.outcomesWithNext(body.next, tokens: body.items.map(\.token)) { then in
            Gather<TokenOutcome>.scatter(
                body.items, queue: \.job.queue,
                share: { CompleteRequest(claim: Claim(id: $0.job.id, token: $0.token), result: $0.result) },
                call: { store.complete($0, queue: $1, then: $2) }, then: then)
        }
    }

    /// `fail {job, token, error, retry, retry_in_ms, next}` → `{state[, run_at][, jobs]}`; many as `complete`.
    func fail(_ body: FailBody, _ ticket: Ticket) {
        let reply = TokenReply(broker: self, ticket: ticket, isMany: body.isMany, jobs: body.items.map(\.job))
        reply.outcomesWithNext(body.next, tokens: body.items.map(\.token)) { then in
            Gather<TokenOutcome>.scatter(
                body.items, queue: \.job.queue,
                share: {
                    FailRequest(
                        claim: Claim(id: $0.job.id, token: $0.token), error: $0.error, retry: $0.retry,
                        retryInMs: $0.retryInMs)
                },
                call: { store.fail($0, queue: $1, then: notingDue($1, $2)) }, then: then)
        }
    }

    /// `release {job, token, delay_ms}` → `{state[, run_at]}`; many as `complete`.
    func release(_ body: ReleaseBody, _ ticket: Ticket) {
        let reply = TokenReply(broker: self, ticket: ticket, isMany: body.isMany, jobs: body.items.map(\.job))
        reply.outcomesWithNext(nil, tokens: body.items.map(\.token), isRun: false) { then in
            Gather<TokenOutcome>.scatter(
                body.items, queue: \.job.queue,
                share: { ReleaseRequest(claim: Claim(id: $0.job.id, token: $0.token), delayMs: $0.delayMs) },
                call: { requests, queue, then in
                    store.release(requests, queue: queue, then: notingDue(queue, then))
                    waiting.wake(queue, for: requests.count { ($0.delayMs ?? 0) == 0 })
                }, then: then)
        }
    }

    /// `extend {job, token, lease_ms, progress, checkpoint, log}` → `{lease_until[, cancel_requested]}`; many as `complete`.
    func extend(_ body: ExtendBody, _ ticket: Ticket) {
        let reply = TokenReply(broker: self, ticket: ticket, isMany: body.isMany, jobs: body.items.map(\.job))
        Gather<ExtendOutcome>.scatter(
            body.items, queue: \.job.queue,
            share: {
                ExtendRequest(
                    claim: Claim(id: $0.job.id, token: $0.token), leaseMs: $0.leaseMs, progress: $0.progress,
                    checkpoint: $0.checkpoint, log: $0.log)
            },
            call: { store.extend($0, queue: $1, then: $2) },
            then: { [self] result in
                guard let outcomes = unwrap(result, ticket) else { return }
                for (item, outcome) in zip(body.items, outcomes) { noteLease(of: item, outcome, over: ticket.session) }
                reply.send(outcomes.map(TokenReply.Outcome.init), next: nil)
            })
    }

    /// What an `extend` says about the claim that its worker holds.
    private func noteLease(of item: ExtendItem, _ outcome: ExtendOutcome, over session: Session) {
        switch outcome {
        case .extended(let until, let cancelRequested):
            clockWatch.note(leaseMs: item.leaseMs ?? max(0, until - serverNow))
            workers.extended(
                item.job, token: item.token, leaseMs: item.leaseMs, until: until, cancelRequested: cancelRequested,
                over: session)
        case .leaseLost, .notFound: workers.letGo(item.job, token: item.token)
        }
    }

    // MARK: What they share

    /// Takes jobs for a connection, waiting if the claim says so; what it gets is held by its worker.
    func take(_ body: ClaimBody, for ticket: Ticket, then: @escaping (Result<Taken, ClaimFailure>) -> Void) {
        let session = ticket.session
        let worker = session.worker
        let deadline = body.waitMs > 0 ? loop.now + UInt64(body.waitMs) * 1_000 : nil
        let request = ClaimRequest(max: body.max, leaseMs: body.leaseMs, worker: worker?.name ?? "")
        if let worker { workers.claims(body, worker) }
        waiting.add(
            WaitingClaim(
                body, request: request, shares: weightedShares(body), ticket: ticket, deadline: deadline
            ) { [self] result in
                if case .success(let (queue, jobs)) = result, !jobs.isEmpty {
                    for job in jobs { sweeper.note(leaseMs: job.leaseMs, queue: queue) }
                    figures.waited(jobs, queue: queue)
                    if let worker = session.worker { workers.hold(jobs, queue: queue, worker) }
                }
                then(result)
            })
    }

    /// Who says which of a claim's queues is asked next; nil: their order does.
    private func weightedShares(_ body: ClaimBody) -> WeightedShares? {
        guard body.strategy == .weighted, body.queues.count > 1 else { return nil }
        return shares.shares(queues: body.queues, weights: body.weights)
    }

    /// Jobs that were claimed for somebody who is gone: back where they were, the attempt not counted.
    func giveBack(_ jobs: [ClaimedJob], queue: String) {
        guard !jobs.isEmpty else { return }
        let requests = jobs.map { ReleaseRequest(claim: Claim(id: $0.id, token: $0.token)) }
        store.release(requests, queue: queue) { [self] result in
            if case .failure(let failure) = result {
                log.warning(
                    "cannot return \(jobs.count.of("job")) to \(queue) before the end of the lease: \(failure)",
                    metadata: ["queue": "\(queue)", "jobs": "\(jobs.count)"])
            }
        }
        waiting.wake(queue, for: jobs.count)
    }

    /// A worker is gone: its attempts end, and the jobs are for others.
    func workerGone(_ claims: [Claim], queue: String) {
        store.workerGone(claims, queue: queue) { [self] result in
            if case .failure(let failure) = result {
                log.warning(
                    "cannot return \(claims.count.of("job")) to \(queue) before the end of the lease: \(failure)",
                    metadata: ["queue": "\(queue)", "jobs": "\(claims.count)"])
            }
        }
        waiting.wake(queue, for: claims.count)
    }

    /// Lets the sweeper know when what was retried or delayed is due.
    private func notingDue(_ queue: String, _ then: @escaping Completion<[TokenOutcome]>) -> Completion<[TokenOutcome]>
    {
        { [self] result in
            if case .success(let outcomes) = result {
                for case .done(let state, let runAt) in outcomes {
                    if let runAt { sweeper.note(due: runAt, queue: queue) }
                    if state == .dead { sweeper.noteEnded(queue: queue) }
                }
            }
            then(result)
        }
    }
}
