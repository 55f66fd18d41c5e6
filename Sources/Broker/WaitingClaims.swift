// Claims that found nothing yet, and how they are woken without polling and without losing a wake-up.
//
// Each queue has a line of claims, oldest first, and so has each pattern; a claim for several stands in several lines. A
// claim stands in line *before* the store is asked, so a job that arrives meanwhile finds it there: its queue becomes
// `pending` again and is asked once more. An enqueue of n jobs asks for the first n idle claims of the lines of its queue
// in the same turn, behind the jobs. When the number of new jobs is unknown (another host's message) one claim is asked
// first, and each full success doubles the number, so a thousand waiting claims do not storm the store for one job.
//
// What may go wrong is all a matter of time: the deadline passes while the store is asked (then its answer counts), or
// the connection ends (then the jobs go back, the attempt not counted). What concerns many claims at once (a connection
// with many ends, all are woken or answered) goes in pieces over turns of the loop.

import Reactor
import Store
import Wire

/// All claims of this daemon that are not answered yet and may wait.
final class WaitingClaims {
    unowned let broker: Broker
    /// By the names of their queues.
    var lines: [String: ClaimLine] = [:]
    private(set) lazy var patterns = ClaimPatterns(broker: broker, waiting: self)
    /// Lines, of queues and of patterns, that no claim needs any more.
    var idle = Recency<ClaimLine>(limit: 1_024, keptUs: 30_000_000)
    /// Who has how many of them, by user.
    var namesByUser: [UInt32: NameCount] = [:]
    private lazy var deadlines = Deadlines<WaitingClaim>(loop: broker.loop) { [unowned self] in expire($0) }
    private var nextNumber = 0
    /// Claims that wait, in all lines.
    private(set) var count = 0

    private static let surgeLimit = 64

    init(broker: Broker) { self.broker = broker }

    /// Takes in a claim and asks the store for it.
    func add(_ claim: WaitingClaim) {
        claim.isParked = claim.session.worker?.isQuiet ?? false
        if claim.waits || claim.patterns != 0, let refusal = takePlaces(claim) {
            claim.phase = .done
            return claim.answer(.failure(.refused(refusal)))
        }
        if let deadline = claim.deadline {
            count += 1
            claim.sessionPlace = claim.session.waitingClaims.count
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
        var names = Array(lines.keys)
        names.append(contentsOf: patterns.queues)
        broker.turns.inPieces { [self] in
            if let name = names.popLast() { wake(name, atLeast: 1) }
            return !names.isEmpty
        }
    }

    private func wake(_ queue: String, for jobs: Int, surge: Int) {
        guard jobs > 0 else { return }
        let matched = patterns.queue(queue)
        matched?.tellNews()
        let line = lines[queue]
        if line == nil, matched == nil { return }
        var woken: [WaitingClaim] = []
        // Of n jobs a claim takes `max`; of an unknown number the surge counts claims.
        var capacity = 0
        while capacity < jobs, let place = Self.oldest(line, matched) {
            place.line.remove(place)
            let claim = place.claim
            claim.pending |= 1 << UInt64(place.index)
            // A claim that is being tried elsewhere looks here next, but may not need to: it is not counted.
            guard claim.phase == .idle, !claim.isParked else { continue }
            claim.surge = surge
            woken.append(claim)
            capacity += surge > 0 ? 1 : claim.request.max
        }
        // One may stand in two of the lines.
        for claim in woken where claim.phase == .idle { tryNext(claim) }
    }

    /// Who has waited longest for a queue, by its name or by a pattern.
    private static func oldest(_ line: ClaimLine?, _ matched: MatchedQueue?) -> ClaimPlace? {
        var oldest = line?.first
        guard let matched else { return oldest }
        for line in matched.lines {
            guard let first = line.first else { continue }
            if let place = oldest, place.claim.number < first.claim.number { continue }
            oldest = first
        }
        return oldest
    }

    /// These waited for the queues of a pattern to be found.
    func goOn(_ claims: [WaitingClaim]) {
        for claim in claims where claim.phase == .idle { tryNext(claim) }
    }

    /// What a claim that does not wait needs could not be found out.
    func fail(_ claim: WaitingClaim, _ failure: StoreFailure) {
        guard claim.phase == .idle else { return }
        end(claim)
        claim.answer(.failure(.store(failure)))
    }

    /// A queue exists from now on, if it did not before.
    func queueAppears(_ name: String) {
        if patterns.count > 0 { patterns.names.note(name) }
    }

    // MARK: Trying

    private func tryNext(_ claim: WaitingClaim) {
        while claim.pending != 0 {
            let index = claim.nextIndex()
            guard let pattern = claim.pattern(at: index) else {
                claim.pending &= ~(1 << UInt64(index))
                return ask(claim, index, claim.queues[index], nil)
            }
            guard pattern.isComplete || claim.isExpired else {
                claim.phase = .idle
                return pattern.newcomers.append(claim)
            }
            // Its bit stays: another of its queues is asked next.
            if let queue = pattern.next() { return ask(claim, index, queue.name, queue) }
            claim.pending &= ~(1 << UInt64(index))
        }
        settle(claim)
    }

    private func ask(_ claim: WaitingClaim, _ index: Int, _ queue: String, _ matched: MatchedQueue?) {
        claim.phase = .trying(index)
        // Back in line before the store is asked, see the head of this file.
        if claim.waits, let place = claim.places[index] { place.line.insert(place) }
        let news = matched?.news ?? 0
        broker.store.claim(claim.request, queue: queue, patient: claim.waits) { [self] result in
            if case .success(let claimed) = result {
                claim.shares?.took(claimed.jobs.count, from: index, queues: claim.queueCount(at: index))
                if claimed.jobs.isEmpty { matched?.wasEmpty(news: news) }
            }
            tried(claim, queue, result)
        }
    }

    private func tried(_ claim: WaitingClaim, _ queue: String, _ result: Result<Claimed, StoreFailure>) {
        switch result {
        case .success(let claimed) where !claimed.jobs.isEmpty:
            serve(claim, queue, claimed)
        case .success:
            nothingFound(claim)
        case .failure(let failure):
            if claim.isDone { return }
            switch failure {
            case .unavailable where claim.waits && !claim.isExpired, .full where claim.waits && !claim.isExpired:
                return rest(claim)
            case .unavailable, .full, .internal:
                end(claim)
                claim.answer(.failure(.store(failure)))
            }
        }
    }

    private func serve(_ claim: WaitingClaim, _ queue: String, _ claimed: Claimed) {
        let jobs = claimed.jobs
        guard !claim.isDone, claim.session.stream.takesOutput else { return broker.giveBack(jobs, queue: queue) }
        let surge = claim.surge
        let full = claimed.isCut || jobs.count == claim.request.max
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
        settle(claim)
    }

    /// None of its queues has a job.
    private func settle(_ claim: WaitingClaim) {
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
        if session.waitingClaims.isEmpty { return }
        broker.loop.inPieces { [self] in
            if let claim = session.waitingClaims.last { end(claim) }
            return !session.waitingClaims.isEmpty
        }
    }

    /// The daemon stops, or drains: all waiting claims are answered with no jobs. Those being tried get what the store
    /// says.
    func answerAll() {
        var claims = deadlines.items
        broker.loop.inPieces { [self] in
            if let claim = claims.popLast() { expire(claim) }
            return !claims.isEmpty
        }
    }

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
        leavePlaces(claim)
        guard claim.waits else { return }
        count -= 1
        deadlines.set(claim, to: nil)
        let session = claim.session
        let last = session.waitingClaims.removeLast()
        guard last !== claim else { return }
        session.waitingClaims[claim.sessionPlace] = last
        last.sessionPlace = claim.sessionPlace
    }

    // MARK: Lines

    /// Into all lines where it does not stand, unless it is parked.
    private func enlist(_ claim: WaitingClaim) {
        if claim.isParked { return }
        for case let place? in claim.places where !place.isListed { place.line.insert(place) }
    }

    /// Once a second.
    func tidy() { forgetIdle(at: broker.loop.now) }
}
