// Claims that found nothing yet, and how they are woken without polling and without losing a wake-up.
//
// Each queue has a line of claims, oldest first; a claim for several queues stands in several lines. A claim stands in
// line *before* the store is asked, so a job that arrives meanwhile finds it there: its queue becomes `pending` again and
// is asked once more. An enqueue of n jobs asks for the first n idle claims of the line in the same turn, behind the
// jobs. When the number of new jobs is unknown (another host's message) one claim is asked first, and each full success
// doubles the number, so a thousand waiting claims do not storm the store for one job.
//
// What may go wrong is all a matter of time: the deadline passes while the store is asked (then its answer counts), or
// the connection ends (then the jobs go back, the attempt not counted).

import DequeModule
import Reactor
import Store

/// All claims of this daemon that are not answered yet and may wait.
final class WaitingClaims {
    private final class Line {
        var claims = Deque<(claim: WaitingClaim, index: Int)>()
        /// When the last claim left; the store is listened to for some time after that.
        var emptySince: UInt64?
    }

    private unowned let broker: Broker
    private var lines: [String: Line] = [:]
    private lazy var deadlines = Deadlines<WaitingClaim>(loop: broker.loop) { [unowned self] in expire($0) }
    private var nextNumber = 0
    /// Claims that wait, in all lines.
    private(set) var count = 0

    /// How long wake-ups of a queue are listened to after its last waiting claim, so that busy workers do not cause a
    /// subscription for each claim.
    private static let listenUs: UInt64 = 30_000_000
    private static let surgeLimit = 64

    init(broker: Broker) { self.broker = broker }

    /// Takes in a claim and asks the store for it.
    func add(_ claim: WaitingClaim) {
        claim.isParked = claim.session.worker?.isQuiet ?? false
        if let deadline = claim.deadline {
            count += 1
            claim.session.waitingClaims.append(claim)
            claim.number = nextNumber
            nextNumber += 1
            enlist(claim)
            deadlines.set(claim, to: deadline)
        }
        if claim.isParked { nothingFound(claim) } else { tryNext(claim) }
    }

    /// A worker was told to claim no more, or that it may again: its claims rest until then, and are tried now. One
    /// that the store is being asked for at this moment still gets what is found.
    func set(_ session: Session, parked: Bool) {
        for claim in session.waitingClaims where claim.isParked != parked {
            claim.isParked = parked
            guard !parked, claim.phase == .idle else { continue }
            claim.askAll()
            enlist(claim)
            tryNext(claim)
        }
    }

    // MARK: Waking

    /// `jobs` jobs arrived in a queue, or are about to in this turn: as many waiting claims are tried.
    func wake(_ queue: String, for jobs: Int) { wake(queue, for: jobs, surge: 0) }

    /// An unknown number of jobs arrived, at least this many.
    func wake(_ queue: String, atLeast jobs: Int) { wake(queue, for: jobs, surge: jobs) }

    /// Anything may have happened: the link to the store is back.
    func wakeAll() {
        for queue in lines.keys { wake(queue, atLeast: 1) }
    }

    private func wake(_ queue: String, for jobs: Int, surge: Int) {
        guard jobs > 0, let line = lines[queue] else { return }
        var woken: [WaitingClaim] = []
        // Of n jobs a claim takes `max`; of an unknown number the surge counts claims.
        var capacity = 0
        while capacity < jobs, let (claim, index) = line.claims.popFirst() {
            guard !claim.isDone else { continue }
            claim.listed &= ~(1 << UInt64(index))
            claim.pending |= 1 << UInt64(index)
            // A claim that is being tried elsewhere looks here next, but may not need to: it is not counted.
            guard claim.phase == .idle, !claim.isParked else { continue }
            claim.surge = surge
            woken.append(claim)
            capacity += surge > 0 ? 1 : claim.request.max
        }
        for claim in woken { tryNext(claim) }
    }

    // MARK: Trying

    private func tryNext(_ claim: WaitingClaim) {
        let index = claim.nextIndex()
        claim.pending &= ~(1 << UInt64(index))
        claim.phase = .trying(index)
        // Back in line before the store is asked, see the head of this file.
        if claim.waits, claim.listed & (1 << UInt64(index)) == 0 { enlist(claim, index) }
        let queue = claim.queues[index]
        broker.store.claim(claim.request, queue: queue, patient: claim.waits) { [self] result in
            if case .success(let claimed) = result { claim.shares?.took(claimed.jobs.count, from: index) }
            tried(claim, queue, result)
        }
    }

    private func tried(_ claim: WaitingClaim, _ queue: String, _ result: Result<Claimed, StoreFailure>) {
        switch result {
        case .success(let claimed) where !claimed.jobs.isEmpty:
            serve(claim, queue, claimed.jobs)
        case .success:
            nothingFound(claim)
        case .failure(let failure):
            if claim.isDone { return }
            if claim.waits, !claim.isExpired, case .unavailable = failure { return rest(claim) }
            end(claim)
            claim.answer(.failure(.store(failure)))
        }
    }

    private func serve(_ claim: WaitingClaim, _ queue: String, _ jobs: [ClaimedJob]) {
        guard !claim.isDone, claim.session.stream.takesOutput else { return broker.giveBack(jobs, queue: queue) }
        let surge = claim.surge
        let full = jobs.count == claim.request.max
        end(claim)
        claim.answer(.success((queue, jobs)))
        if full, surge > 0 {
            let next = min(surge * 2, Self.surgeLimit)
            wake(queue, for: next, surge: next)
        }
    }

    private func nothingFound(_ claim: WaitingClaim) {
        if claim.isDone { return }
        if claim.pending != 0, !claim.isParked { return tryNext(claim) }
        if claim.waits, !claim.isExpired { return rest(claim) }
        end(claim)
        claim.answer(.success((claim.queues[0], [])))
    }

    /// Back into the lines it left, at its old place.
    private func rest(_ claim: WaitingClaim) {
        claim.phase = .idle
        claim.surge = 0
        enlist(claim)
    }

    // MARK: Ending

    /// A connection ended: nobody waits for its claims any more.
    func drop(_ session: Session) {
        for claim in session.waitingClaims { end(claim) }
    }

    /// The daemon stops: all waiting claims are answered with no jobs. Those being tried get what the store says.
    func answerAll() { deadlines.items.forEach(expire) }

    /// Ends the session's waiting claims under this id with `cancelled`; what the store still gives goes back. False:
    /// there is none.
    func cancel(_ id: [UInt8], of session: Session) -> Bool {
        let mine = session.waitingClaims.filter { $0.id == id }
        for claim in mine {
            end(claim)
            claim.answer(.failure(.cancelled))
        }
        return !mine.isEmpty
    }

    private func expire(_ claim: WaitingClaim) {
        switch claim.phase {
        case .done: break
        case .trying: claim.isExpired = true
        case .idle:
            end(claim)
            claim.answer(.success((claim.queues[0], [])))
        }
    }

    private func end(_ claim: WaitingClaim) {
        guard !claim.isDone else { return }
        claim.phase = .done
        guard claim.waits else { return }
        count -= 1
        deadlines.set(claim, to: nil)
        claim.session.waitingClaims.removeAll { $0 === claim }
    }

    // MARK: Lines

    /// Into all lines where it does not stand, unless it is parked.
    private func enlist(_ claim: WaitingClaim) {
        if claim.isParked { return }
        for index in claim.queues.indices where claim.listed & (1 << UInt64(index)) == 0 {
            enlist(claim, index)
        }
    }

    /// A line is in the order of arrival: a new claim goes to its end, one that was tried in vain to near its head.
    private func enlist(_ claim: WaitingClaim, _ index: Int) {
        let line = line(claim.queues[index])
        line.emptySince = nil
        claim.listed |= 1 << UInt64(index)
        if let last = line.claims.last, last.claim.number > claim.number {
            let place = line.claims.firstIndex { $0.claim.number > claim.number } ?? line.claims.endIndex
            line.claims.insert((claim, index), at: place)
        } else {
            line.claims.append((claim, index))
        }
    }

    private func line(_ queue: String) -> Line {
        if let line = lines[queue] { return line }
        let line = Line()
        lines[queue] = line
        broker.sweeper.noteQueue(queue)
        broker.store.watch(queue: queue)
        return line
    }

    /// Once a second: forgets answered claims that still stand in a line, and queues nobody asked for in
    /// a while.
    func tidy() {
        let now = broker.loop.now
        for (queue, line) in lines {
            line.claims.removeAll { $0.claim.isDone }
            guard line.claims.isEmpty else { continue }
            guard let since = line.emptySince else {
                line.emptySince = now
                continue
            }
            // A claim that is being tried has left the line but comes back to it.
            if now - since > Self.listenUs,
                !deadlines.items.contains(where: { $0.queues.contains(queue) })
            {
                lines[queue] = nil
                broker.store.unwatch(queue: queue)
            }
        }
    }
}
