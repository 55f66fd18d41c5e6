// The leases of jobs that workers hold: tells workers that theirs end or have ended, and forgets claims that are over.
//
// For workers that asked for events (`push`) one timer serves all leases, see `LeasePeriod` for what happens when. The
// store alone knows what a claim is worth, so everything that is told rests on its answer (`ask`): that a claim is lost,
// and that the job's cancellation was asked for. A worker that is missing is told nothing; when it is back, all its jobs
// are asked about (`watchAgain`).
//
// Other workers have no timers. What they hold is looked through bit by bit, once a second, for claims whose lease is
// long over, so that what nobody ends here (a worker that finished over another daemon) is not kept for ever.

import Reactor
import Store
import Wire

/// Watches the leases of the jobs in workers' hands.
final class LeaseWatch {
    private unowned let broker: Broker
    private unowned let workers: Workers
    private var agenda = Agenda<HeldJob>()
    private var timer: LoopTimer?
    /// Claims, by token, about which the store was asked in vain; it is asked again with the next tick.
    private var unanswered: [String: HeldJob] = [:]
    /// Workers still to be looked through in this round, and how far the last of them is.
    private var round: [Worker] = []
    private var roundPlace = 0

    /// Claims in one question to the store.
    private static let claimsPerQuestion = 500
    private static let looksPerTick = 1_000
    /// Jobs of one worker dealt with between two looks at the clock.
    private static let jobsAtOnce = 100

    init(broker: Broker, workers: Workers) {
        self.broker = broker
        self.workers = workers
        timer = broker.loop.timer { [unowned self] in timeHasCome() }
    }

    // MARK: Watching

    /// The lease of a worker that asked for events began, or changed.
    func watch(_ job: HeldJob) {
        agenda.set(job, to: job.lease.nextTime)
        armTimer()
    }

    /// The claim is over, or its worker asks for no events any more.
    func unwatch(_ job: HeldJob) { agenda.set(job, to: nil) }

    /// A worker that asked for events is there, maybe again: what it may have missed is found out and told.
    func watchAgain(_ worker: Worker) {
        var rest = worker.held[...]
        broker.turns.inPieces { [self] in
            let jobs = rest.prefix(Self.jobsAtOnce).filter { $0.isHeld && $0.worker === worker }
            rest = rest.dropFirst(Self.jobsAtOnce)
            for job in jobs {
                job.cancelIsSaid = false
                job.lease.sayAgain()
                watch(job)
            }
            ask(jobs)
            return !rest.isEmpty
        }
    }

    private func armTimer() {
        if let nearest = agenda.nearest { timer?.arm(at: nearest) }
    }

    private func timeHasCome() {
        let now = broker.loop.now
        var doubtful: [HeldJob] = []
        while let job = agenda.popDue(at: now) {
            // Until its worker is back, nobody could be told.
            guard job.worker.hears else { continue }
            switch job.lease.passed(at: now) {
            case .sayExpiring(let leftMs): job.worker.tell(.leaseExpiring(job, leftMs: leftMs))
            case .ask: doubtful.append(job)
            case nil: break
            }
            agenda.set(job, to: job.lease.nextTime)
            // The rest of what is due comes in the next turn.
            if broker.loop.turnIsLong { break }
        }
        ask(doubtful)
        armTimer()
    }

    func stop() { timer = nil }

    // MARK: Asking

    /// Asks the store what these claims are worth, and tells their workers what they must know.
    func ask(_ jobs: some Collection<HeldJob>) {
        if jobs.isEmpty { return }
        for (queue, jobs) in Dictionary(grouping: jobs, by: \.name.queue) {
            var rest = jobs[...]
            while !rest.isEmpty {
                ask(Array(rest.prefix(Self.claimsPerQuestion)), queue: queue)
                rest = rest.dropFirst(Self.claimsPerQuestion)
            }
        }
    }

    private func ask(_ jobs: [HeldJob], queue: String) {
        broker.store.held(jobs.map(\.claim), queue: queue) { [self] result in
            let now = broker.loop.now
            switch result {
            case .success(let outcomes):
                for (job, outcome) in zip(jobs, outcomes) where job.isHeld { take(outcome, job, now) }
            case .failure:
                for job in jobs where job.isHeld {
                    stands(job) { $0.notAnswered(at: now) }
                    if job.worker.hears { unanswered[job.token] = job }
                }
            }
        }
    }

    private func take(_ outcome: HeldOutcome, _ job: HeldJob, _ now: UInt64) {
        let worker = job.worker
        switch outcome {
        case .held(let until, let reason):
            stands(job) { $0.stillHeld(until: until, end: broker.clock.monotonicUs(of: until), at: now) }
            guard let reason, !job.cancelIsSaid, worker.hears else { return }
            job.cancelIsSaid = true
            worker.tell(.cancel(job, reason: reason))
        case .lost, .notFound:
            // A missing worker is told when it is back.
            if worker.push, !worker.hears { return stands(job) { $0.notAnswered(at: now) } }
            worker.tell(.leaseLost(job))
            workers.letGo(job)
        }
    }

    private func stands(_ job: HeldJob, _ change: (inout LeasePeriod) -> Void) {
        change(&job.lease)
        if job.worker.hears { watch(job) }
    }

    /// Once a second.
    func askAgain() {
        guard !unanswered.isEmpty, broker.store.status.isReachable else { return }
        let jobs = unanswered.values.filter(\.isHeld)
        unanswered = [:]
        ask(jobs)
    }

    // MARK: Forgetting

    /// Once a second: some of the claims of workers without events are looked at, all of them within about 16 seconds.
    func tidy(_ all: some Sequence<Worker>, held count: Int) {
        let now = broker.loop.now
        var looks = max(Self.looksPerTick, count / 16)
        var over: [HeldJob] = []
        if round.isEmpty { round = Array(all) }
        while looks > 0, over.count < Self.looksPerTick, let worker = round.last {
            guard !worker.push, roundPlace < worker.held.count else {
                round.removeLast()
                roundPlace = 0
                looks -= 1
                continue
            }
            let job = worker.held[roundPlace]
            roundPlace += 1
            looks -= 1
            if job.lease.isLongOver(at: now) { over.append(job) }
        }
        ask(over)
    }
}
