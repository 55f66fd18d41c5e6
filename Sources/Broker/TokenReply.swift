// The answer to complete, fail, extend and release: one job or many, with or without the next claim.
//
// With `next` the completion and the claim go to the store in the same turn. The reply waits for both. When the one
// completion of the request is refused, the reply is an error, which cannot carry jobs: what was claimed goes back.
// In the many form `jobs` are the outcomes, and the claimed jobs come as `"next":{"jobs":[…]}`.

import Store
import Wire

/// Turns the outcomes of one token request into its reply.
final class TokenReply {
    /// What is said about one job.
    enum Outcome {
        case done(JobState, runAt: ServerTime?)
        case extended(leaseUntil: ServerTime, cancelRequested: Bool)
        case leaseLost(JobState)
        case notFound

        init(_ outcome: TokenOutcome) {
            switch outcome {
            case .done(let state, let runAt): self = .done(state, runAt: runAt)
            case .leaseLost(let state): self = .leaseLost(state)
            case .notFound: self = .notFound
            }
        }

        init(_ outcome: ExtendOutcome) {
            switch outcome {
            case .extended(let until, let cancelRequested):
                self = .extended(leaseUntil: until, cancelRequested: cancelRequested)
            case .leaseLost(let state): self = .leaseLost(state)
            case .notFound: self = .notFound
            }
        }
    }

    private let broker: Broker
    private let ticket: Ticket
    private let isMany: Bool
    private let jobs: [JobName]

    init(broker: Broker, ticket: Ticket, isMany: Bool, jobs: [JobName]) {
        self.broker = broker
        self.ticket = ticket
        self.isMany = isMany
        self.jobs = jobs
    }

    /// Runs the operation, lets go of what ended, claims the next jobs if asked, and replies.
    ///
    /// - Parameter isRun: what ends was work done, well or badly, whose time counts.
    func outcomesWithNext(
        _ next: ClaimBody?, tokens: [String], isRun: Bool = true,
        _ operation: (@escaping (Result<[TokenOutcome], StoreFailure>) -> Void) -> Void
    ) {
        var outcomes: Result<[TokenOutcome], StoreFailure>?
        var taken: Result<Taken, ClaimFailure>? = next == nil ? .success(("", [])) : nil
        operation { [self] result in
            if case .success(let outcomes) = result {
                if isRun { broker.noteRuns(of: jobs, tokens: tokens, outcomes) }
                for (job, token) in zip(jobs, tokens) { broker.workers.letGo(job, token: token) }
            }
            outcomes = result
            if let taken { finish(result, taken, hasNext: next != nil) }
        }
        guard let next else { return }
        // A stopping daemon claims nothing; the completion is answered all the same.
        if broker.handsOutNoWork {
            taken = .success((next.queues[0], []))
            return
        }
        broker.take(next, for: ticket) { [self] result in
            taken = result
            if let outcomes { finish(outcomes, result, hasNext: true) }
        }
    }

    private func finish(
        _ outcomes: Result<[TokenOutcome], StoreFailure>, _ taken: Result<Taken, ClaimFailure>, hasNext: Bool
    ) {
        // The completion counts; a claim that failed or was ended is one that found nothing: the worker claims again.
        let claimed = (try? taken.get()) ?? ("", [])
        guard let outcomes = broker.unwrap(outcomes, ticket) else { return putBack(claimed) }
        send(outcomes.map(Outcome.init), next: hasNext ? claimed : nil)
    }

    /// Writes the reply.
    func send(_ outcomes: [Outcome], next: (queue: String, jobs: [ClaimedJob])?) {
        if isMany { return sendMany(outcomes, next: next) }
        if let error = error(outcomes[0], jobs[0]) {
            if let next { putBack(next) }
            return ticket.refuse(error)
        }
        ticket.reply { writer in
            write(outcomes[0], &writer)
            if let next { writer.claimedJobs(next.jobs, queue: next.queue) }
        }
    }

    private func sendMany(_ outcomes: [Outcome], next: (queue: String, jobs: [ClaimedJob])?) {
        ticket.reply { writer in
            writer.key("jobs")
            writer.beginArray()
            for (outcome, job) in zip(outcomes, jobs) {
                writer.beginObject()
                if let error = error(outcome, job) {
                    writer.member("ok", false)
                    writer.key("error")
                    writer.errorObject(error)
                } else {
                    writer.member("ok", true)
                    write(outcome, &writer)
                }
                writer.endObject()
            }
            writer.endArray()
            guard let next else { return }
            writer.key("next")
            writer.beginObject()
            writer.claimedJobs(next.jobs, queue: next.queue)
            writer.endObject()
        }
    }

    private func putBack(_ taken: Taken) {
        for job in taken.jobs {
            broker.workers.letGo(JobName(queue: taken.queue, id: job.id), token: job.token)
        }
        broker.giveBack(taken.jobs, queue: taken.queue)
    }

    private func error(_ outcome: Outcome, _ job: JobName) -> WireError? {
        switch outcome {
        case .done, .extended: nil
        case .leaseLost(let state): Broker.leaseLost(state)
        case .notFound: Broker.noSuchJob(job)
        }
    }

    private func write(_ outcome: Outcome, _ writer: inout JSONWriter) {
        switch outcome {
        case .done(let state, let runAt): writer.done(state, runAt: runAt)
        case .extended(let until, let cancelRequested):
            writer.member("lease_until", until)
            if cancelRequested { writer.member("cancel_requested", true) }
        case .leaseLost, .notFound: break
        }
    }
}
