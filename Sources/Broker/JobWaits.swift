// Who waits for the end of which job, told without polling.
//
// The record is looked at first: most answers are there at once. A job that is not over has its queue's events listened
// to, by its exact name, and is looked at once more when that holds, since it may have ended in between; from then on
// each news of an end has it looked at again. After a lost connection to Redis the hub hands out what was missed, and
// then all jobs of the queue are looked at again. A record that is gone with the end (`keep_ms` 0) is answered as it was
// seen last, with what the event says.
//
// However many wait for a job, it is looked at once; however many jobs are waited for, a limited number of looks is under
// way; and many answers go out in pieces over turns of the loop.

import DequeModule
import Reactor
import Store
import Wire

/// All waits of this daemon that are not answered yet.
final class JobWaits {
    private unowned let broker: Broker
    /// By queue and id.
    private var jobs: [String: [String: WaitedJob]] = [:]
    private lazy var deadlines = Deadlines<JobWait>(loop: broker.loop) { [unowned self] in expire($0) }
    /// Jobs to be looked at.
    private var queued = Deque<WaitedJob>()
    /// Looks under way.
    private var asked = 0
    private var stalled: [WaitedJob] = []
    /// Waits that are not answered yet.
    private(set) var count = 0

    private static let looksAtOnce = 64

    init(broker: Broker) { self.broker = broker }

    /// Takes in a wait; one that does not wait is answered with what the store says.
    func add(_ job: JobName, waitMs: Int64, _ ticket: Ticket) {
        let waited = jobs[job.queue]?[job.id] ?? begin(job)
        let wait = JobWait(waited, ticket)
        waited.add(wait)
        wait.sessionPlace = ticket.session.jobWaits.count
        ticket.session.jobWaits.append(wait)
        count += 1
        if waitMs == 0 || broker.isStopping {
            wait.isExpired = true
        } else {
            deadlines.set(wait, to: broker.loop.now + UInt64(waitMs) * 1_000)
            if waited.watch == nil { waited.watch = broker.hub.useIfHolding(job.queue) }
        }
        look(waited)
    }

    private func begin(_ job: JobName) -> WaitedJob {
        let waited = WaitedJob(job)
        jobs[job.queue, default: [:]][job.id] = waited
        return waited
    }

    // MARK: News

    /// Events of a queue, maybe not for the first time.
    func heard(_ events: [JobEvent], _ queue: String) {
        guard let mine = jobs[queue] else { return }
        for event in events where EventKinds.endings.contains(EventKinds(event.kind)) {
            guard let waited = mine[event.id] else { continue }
            waited.ending = event
            look(waited)
        }
    }

    /// The events of a queue are listened to from now on, or all that were missed have been handed out.
    func look(_ queue: String) { jobs[queue]?.values.forEach(look) }

    // MARK: Looking

    private func look(_ waited: WaitedJob) {
        switch waited.phase {
        case .parked:
            waited.phase = .queued
            queued.append(waited)
            lookNext()
        case .queued: break
        case .looking: waited.again = true
        }
    }

    private func lookNext() {
        while asked < Self.looksAtOnce, let waited = queued.popFirst() {
            waited.phase = .looking
            waited.again = false
            waited.looks += 1
            asked += 1
            broker.store.get(waited.job.id, queue: waited.job.queue) { [self] result in
                asked -= 1
                looked(waited, result)
                lookNext()
            }
        }
    }

    private func looked(_ waited: WaitedJob, _ result: Result<JobRecord?, StoreFailure>) {
        waited.phase = .parked
        if waited.waits.isEmpty { return }
        // Who asked while the store was asked is answered by the next look.
        let isOld = waited.again || waited.waits.contains { $0.firstLook > waited.looks }
        switch result {
        case .success(let record?) where record.state.isTerminal: answer(waited.answerable, record)
        case .success(let record?):
            waited.record = record
            answer(waited.answerable.filter(\.isExpired), record, timedOut: true)
            isNotOver(waited, isOld: isOld)
            return
        case .success(nil):
            if let ending = waited.ending, let record = waited.record?.ended(by: ending) {
                answer(waited.answerable, record)
            } else {
                each(waited.answerable) { [self] wait in
                    end(wait)
                    wait.ticket.refuse(Broker.noSuchJob(wait.job))
                }
            }
        case .failure(.unavailable), .failure(.full):
            refuse(waited.answerable.filter(\.isExpired), result)
            waited.isStalled = true
            stalled.append(waited)
            return
        case .failure: refuse(waited.answerable, result)
        }
        if isOld { look(waited) }
    }

    private func isNotOver(_ waited: WaitedJob, isOld: Bool) {
        if isOld { return look(waited) }
        // What ended, if anything did, was an earlier life of the job.
        waited.ending = nil
        guard waited.watch == nil, waited.waits.contains(where: { !$0.isExpired }), let glob = Glob(waited.job.queue)
        else { return }
        let watch = broker.hub.use(glob)
        waited.watch = watch
        if watch.holds { look(waited) }
    }

    // MARK: Ending

    private func each(_ waits: [JobWait], _ act: @escaping (JobWait) -> Void) {
        if waits.isEmpty { return }
        var rest = waits
        broker.loop.inPieces {
            if let wait = rest.popLast(), !wait.isDone { act(wait) }
            return !rest.isEmpty
        }
    }

    private func answer(_ waits: [JobWait], _ record: JobRecord, timedOut: Bool = false) {
        each(waits) { [self] wait in
            end(wait)
            wait.ticket.reply { writer in
                writer.key("job")
                writer.record(record, queue: wait.job.queue, whole: true)
                if timedOut { writer.member("timed_out", true) }
            }
        }
    }

    private func refuse(_ waits: [JobWait], _ result: Result<JobRecord?, StoreFailure>) {
        each(waits) { [self] wait in
            end(wait)
            _ = broker.unwrap(result, wait.ticket)
        }
    }

    private func expire(_ wait: JobWait) {
        wait.isExpired = true
        if wait.waited.phase == .parked { look(wait.waited) }
    }

    /// The daemon stops: all are answered as if their time were over.
    func answerAll() { each(deadlines.items) { [self] in expire($0) } }

    /// A connection ended: nobody waits any more.
    func drop(_ session: Session) {
        if session.jobWaits.isEmpty { return }
        broker.loop.inPieces { [self] in
            if let wait = session.jobWaits.last { end(wait) }
            return !session.jobWaits.isEmpty
        }
    }

    /// Ends the session's waits under this id with `cancelled`. False: there is none.
    func cancel(_ id: [UInt8], of session: Session) -> Bool {
        let mine = session.jobWaits.filter { $0.ticket.id == id }
        for wait in mine {
            end(wait)
            wait.ticket.refuse(Broker.cancelledWait)
        }
        return !mine.isEmpty
    }

    private func end(_ wait: JobWait) {
        guard !wait.isDone else { return }
        wait.isDone = true
        count -= 1
        deadlines.set(wait, to: nil)
        let session = wait.ticket.session
        let last = session.jobWaits.removeLast()
        if last !== wait {
            session.jobWaits[wait.sessionPlace] = last
            last.sessionPlace = wait.sessionPlace
        }
        let waited = wait.waited
        waited.remove(wait)
        if waited.waits.isEmpty { end(waited) }
    }

    private func end(_ waited: WaitedJob) {
        let (queue, id) = (waited.job.queue, waited.job.id)
        if jobs[queue]?[id] === waited { jobs[queue]?[id] = nil }
        if jobs[queue]?.isEmpty == true { jobs[queue] = nil }
        if let watch = waited.watch { broker.hub.release(watch) }
        waited.watch = nil
    }

    // MARK: The tick

    /// Once a second: asks again what the store could not answer.
    func tick() {
        guard broker.store.status.isReachable else { return }
        let again = stalled
        stalled = []
        for waited in again where waited.isStalled && !waited.waits.isEmpty {
            waited.isStalled = false
            look(waited)
        }
    }
}
