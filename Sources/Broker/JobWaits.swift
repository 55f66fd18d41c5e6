// Who waits for the end of which job, told without polling.
//
// The record is looked at first: most answers are there at once. A job that is not over has its queue's events listened
// to, by its exact name, and is looked at once more when that holds, since it may have ended in between; from then on
// each news of an end has it looked at again. After a lost connection to Redis the hub hands out what was missed, and
// then all waits of the queue look again. A record that is gone with the end (`keep_ms` 0) is answered as it was seen
// last, with what the event says.

import Reactor
import Store
import Wire

/// All waits of this daemon that are not answered yet.
final class JobWaits {
    private unowned let broker: Broker
    /// By queue and id.
    private var jobs: [String: [String: [JobWait]]] = [:]
    private lazy var deadlines = Deadlines<JobWait>(loop: broker.loop) { [unowned self] in expire($0) }
    private var stalled: [JobWait] = []
    /// Waits that are not answered yet.
    private(set) var count = 0

    init(broker: Broker) { self.broker = broker }

    /// Takes in a wait; one that does not wait is answered with what the store says.
    func add(_ wait: JobWait, waitMs: Int64) {
        count += 1
        wait.ticket.session.jobWaits.append(wait)
        jobs[wait.job.queue, default: [:]][wait.job.id, default: []].append(wait)
        if waitMs == 0 || broker.isStopping {
            wait.isExpired = true
        } else {
            deadlines.set(wait, to: broker.loop.now + UInt64(waitMs) * 1_000)
            wait.watch = broker.hub.useIfHolding(wait.job.queue)
        }
        look(wait)
    }

    // MARK: News

    /// Events of a queue, maybe not for the first time.
    func heard(_ events: [JobEvent], _ queue: String) {
        guard let mine = jobs[queue] else { return }
        for event in events where EventKinds.endings.contains(EventKinds(event.kind)) {
            for wait in mine[event.id] ?? [] {
                wait.ending = event
                lookAgain(wait)
            }
        }
    }

    /// The events of a queue are listened to from now on, or all that were missed have been handed out.
    func look(_ queue: String) {
        for waits in (jobs[queue] ?? [:]).values { waits.forEach(lookAgain) }
    }

    // MARK: Looking

    private func lookAgain(_ wait: JobWait) {
        switch wait.phase {
        case .parked: look(wait)
        case .looking: wait.again = true
        case .done: break
        }
    }

    private func look(_ wait: JobWait) {
        wait.phase = .looking
        wait.again = false
        broker.store.get(wait.job.id, queue: wait.job.queue) { [self] in looked(wait, $0) }
    }

    private func looked(_ wait: JobWait, _ result: Result<JobRecord?, StoreFailure>) {
        if wait.isDone { return }
        switch result {
        case .success(let record?) where record.state.isTerminal: answer(wait, record)
        case .success(let record?):
            wait.record = record
            isNotOver(wait)
        case .success(nil):
            if let ending = wait.ending, let record = wait.record?.ended(by: ending) { return answer(wait, record) }
            end(wait)
            wait.ticket.refuse(Broker.noSuchJob(wait.job))
        case .failure(.unavailable), .failure(.full):
            if wait.isExpired { return refuse(wait, result) }
            wait.phase = .parked
            wait.isStalled = true
            stalled.append(wait)
        case .failure: refuse(wait, result)
        }
    }

    private func isNotOver(_ wait: JobWait) {
        if wait.again { return look(wait) }
        if wait.isExpired { return answer(wait, wait.record, timedOut: true) }
        // What ended, if anything did, was an earlier life of the job.
        wait.ending = nil
        wait.phase = .parked
        guard wait.watch == nil, let glob = Glob(wait.job.queue) else { return }
        let watch = broker.hub.use(glob)
        wait.watch = watch
        if watch.holds { look(wait) }
    }

    // MARK: Ending

    private func answer(_ wait: JobWait, _ record: JobRecord?, timedOut: Bool = false) {
        guard let record else { return }
        end(wait)
        wait.ticket.reply { writer in
            writer.key("job")
            writer.record(record, queue: wait.job.queue, whole: true)
            if timedOut { writer.member("timed_out", true) }
        }
    }

    private func refuse(_ wait: JobWait, _ result: Result<JobRecord?, StoreFailure>) {
        end(wait)
        _ = broker.unwrap(result, wait.ticket)
    }

    private func expire(_ wait: JobWait) {
        wait.isExpired = true
        if wait.phase == .parked { look(wait) }
    }

    /// The daemon stops: all are answered as if their time were over.
    func answerAll() { deadlines.items.forEach(expire) }

    /// A connection ended: nobody waits any more.
    func drop(_ session: Session) { session.jobWaits.forEach(end) }

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
        wait.phase = .done
        count -= 1
        deadlines.set(wait, to: nil)
        wait.ticket.session.jobWaits.removeAll { $0 === wait }
        let (queue, id) = (wait.job.queue, wait.job.id)
        jobs[queue]?[id]?.removeAll { $0 === wait }
        if jobs[queue]?[id]?.isEmpty == true { jobs[queue]?[id] = nil }
        if jobs[queue]?.isEmpty == true { jobs[queue] = nil }
        if let watch = wait.watch { broker.hub.release(watch) }
    }

    // MARK: The tick

    /// Once a second: asks again what the store could not answer.
    func tick() {
        guard broker.store.status.isReady else { return }
        let again = stalled
        stalled = []
        for wait in again where wait.isStalled {
            wait.isStalled = false
            lookAgain(wait)
        }
    }
}
