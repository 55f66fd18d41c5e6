// What becomes due when: delayed jobs, retries, leases, the ends of pauses.
//
// For each queue the nearest due time is known from what the store answered (enqueues with a delay, failures, claims, looks
// and sweeps); one timer rings at the nearest of all, so a delayed job starts within milliseconds of its time, whichever
// daemon took it. At most 32 sweeps are sent in one turn, and 128 are under way.
//
// What other daemons did, and left when they died, is found by looks. Every queue that the store knows is looked at
// once a second, in slices of up to 100 that are spread over the second; a look tells what comes due within two seconds.
// A thirtieth of each slice is also swept, for what nobody waits for: retention, dead letters. Beyond 10,000 queues the rounds
// take longer. Names that clients made up are never swept: only what the store lists, and what this daemon put there.
//
// Measured (Redis 7.0.15, two shared cores, one job waiting in each queue; the daemon as a debug build), for each daemon:
//
//     queues   looks a second   sweeps a second   Redis CPU   daemon CPU
//      4,000         40               160             7 %         6 %
//     10,000        100               400            17 %        12 %

import Reactor
import Store

/// Arms the timer of due jobs and runs the store's sweeps.
final class Sweeper {
    private final class Queue: AgendaItem {
        let name: String
        /// Monotonic µs of the nearest due time; nil: nothing known.
        var agendaTime: UInt64?
        var agendaEntry: UInt64?
        /// A sweep is under way.
        var isSweeping = false
        /// Asked for while one was under way.
        var again = false
        /// The listing that had its name last; 0: none yet.
        var listing = 0
        /// The store has it no more.
        var isGone = false
        init(name: String) { self.name = name }
    }

    private unowned let broker: Broker
    private var queues: [String: Queue] = [:]
    private var agenda = Agenda<Queue>()
    /// Rings at the nearest due time.
    private var timer: LoopTimer?
    /// The queues in the order of the rounds.
    private var order: [Queue] = []
    private var lookPlace = 0
    private var sweepPlace = 0
    /// Rings for the next slice.
    private var sliceTimer: LoopTimer?
    private var underWay = 0
    private var looksUnderWay = 0
    private var isListing = false
    /// Counts the listings.
    private var listing = 0
    private var nextListingAt: UInt64 = 0
    private var isStopped = false

    private static let sweepsPerTurn = 32
    private static let sweepsUnderWay = 128
    private static let queuesPerLook = 100
    private static let looksAtOnce = 8
    private static let looksPerSweep = 30
    private static let shortestSliceUs: UInt64 = 10_000
    private static let namesAtOnce = 200
    /// Listing so many names may cost a millisecond of each second.
    private static let namesListedPerMs = 1_000

    init(broker: Broker) {
        self.broker = broker
        timer = broker.loop.timer { [unowned self] in timerFired() }
        sliceTimer = broker.loop.timer { [unowned self] in slice() }
    }

    // MARK: Knowing

    /// A queue exists, or is about to: not for names that are only asked about.
    func noteQueue(_ name: String) {
        if queues[name] == nil, broker.store.status.isReady { add(name) }
    }

    @discardableResult
    private func add(_ name: String) -> Queue {
        let queue = Queue(name: name)
        queues[name] = queue
        order.append(queue)
        broker.hub.queueIsNew(name)
        return queue
    }

    /// Something in this queue becomes due at a server time.
    func note(due time: ServerTime, queue: String) { note(dueAt: broker.clock.monotonicUs(of: time), queue: queue) }

    /// Jobs were claimed just now, or a lease renewed: it ends in this many milliseconds.
    func note(leaseMs: Int64, queue: String) {
        broker.clockWatch.note(leaseMs: leaseMs)
        note(dueAt: broker.loop.now + UInt64(leaseMs) * 1_000, queue: queue)
    }

    /// Something in this queue becomes due in so many milliseconds from a moment that is past.
    func note(inMs milliseconds: Int64, queue: String) {
        note(dueAt: broker.loop.now + UInt64(milliseconds) * 1_000, queue: queue)
    }

    /// Jobs ended as dead letters: there may be more than the queue keeps, and when the first goes is not known.
    func noteEnded(queue: String) { note(inMs: 1_000, queue: queue) }

    private func note(dueAt: UInt64, queue name: String) { note(dueAt: dueAt, queues[name] ?? add(name)) }

    private func note(dueAt: UInt64, _ queue: Queue) {
        if let known = queue.agendaTime, known <= dueAt { return }
        agenda.set(queue, to: dueAt)
        arm()
    }

    private func arm() {
        guard !isStopped, underWay < Self.sweepsUnderWay, let nearest = agenda.nearest else { return }
        timer?.arm(at: nearest)
    }

    // MARK: Sweeping

    private func timerFired() {
        let now = broker.loop.now
        for _ in 0..<Self.sweepsPerTurn where underWay < Self.sweepsUnderWay {
            guard let queue = agenda.popDue(at: now) else { break }
            sweep(queue)
        }
        arm()
    }

    private func sweep(_ queue: Queue) {
        guard !isStopped else { return }
        if queue.isSweeping {
            queue.again = true
            return
        }
        queue.isSweeping = true
        underWay += 1
        step(queue.name, Swept()) { [self] _ in
            underWay -= 1
            queue.isSweeping = false
            if queue.again {
                queue.again = false
                sweep(queue)
            }
            arm()
        }
    }

    /// Sweeps a queue now, until nothing due is left; `then` gets the sums, or the first failure.
    func sweep(_ name: String, then: ((Result<Swept, StoreFailure>) -> Void)? = nil) {
        guard !isStopped else { return }
        if let then { return step(name, Swept(), then) }
        if let queue = queues[name] { sweep(queue) } else { step(name, Swept()) { _ in } }
    }

    private func step(_ name: String, _ sum: Swept, _ then: @escaping (Result<Swept, StoreFailure>) -> Void) {
        let askedAt = broker.loop.now
        let right = broker.clock.reclaimingUntil
        broker.store.sweep(queue: name, reclaimingUntil: right) { [self] result in
            guard case .success(let swept) = result else { return then(result) }
            let total = took(swept, name, askedAt, sum, reclaiming: right != nil)
            if swept.more { step(name, total, then) } else { then(.success(total)) }
        }
    }

    /// Learns from one step and wakes who waits for what it moved.
    private func took(_ swept: Swept, _ name: String, _ askedAt: UInt64, _ sum: Swept, reclaiming: Bool) -> Swept {
        let now = broker.loop.now
        if let time = swept.now { broker.clock.observe(now: time, askedAt: askedAt, answeredAt: now) }
        // What is still due now is an expired lease that may not be reclaimed yet: the looks will find it.
        if let due = swept.nextDue, let queue = queues[name], swept.more || due > swept.now ?? 0 {
            note(dueAt: max(broker.clock.monotonicUs(of: due), now + 1_000), queue)
        } else if swept.nextDue != nil, reclaiming, let queue = queues[name] {
            note(dueAt: now + 1_000_000, queue)
        }
        if swept.reclaimed > 0 { noteEnded(queue: name) }
        let moved = swept.promoted + swept.reclaimed
        if moved > 0 {
            broker.waiting.wake(name, for: moved)
        } else if swept.claimable {
            broker.waiting.wake(name, atLeast: 1)
        }
        var total = swept
        total.reclaimed += sum.reclaimed
        total.promoted += sum.promoted
        total.expired += sum.expired
        return total
    }

    // MARK: The safety net

    /// The next slice of the round: looks at some queues, sweeps a few.
    private func slice() {
        guard !isStopped else { return }
        let count = order.count
        let slices = UInt64((count + Self.queuesPerLook - 1) / Self.queuesPerLook)
        let pause = max(Self.shortestSliceUs, 1_000_000 / max(1, slices))
        sliceTimer?.arm(at: broker.loop.now + pause)
        guard count > 0, looksUnderWay < Self.looksAtOnce, broker.store.status.isReachable else { return }
        look(at: next(min(count, Self.queuesPerLook), &lookPlace))
        let some = (min(count, Self.queuesPerLook) + Self.looksPerSweep - 1) / Self.looksPerSweep
        for queue in next(some, &sweepPlace) where underWay < Self.sweepsUnderWay { sweep(queue) }
    }

    private func next(_ number: Int, _ place: inout Int) -> [Queue] {
        (0..<number).map { _ in
            if place >= order.count { place = 0 }
            defer { place += 1 }
            return order[place]
        }
    }

    private func look(at some: [Queue]) {
        let askedAt = broker.loop.now
        looksUnderWay += 1
        broker.store.look(at: some.map(\.name), reclaimingUntil: broker.clock.reclaimingUntil) { [self] result in
            looksUnderWay -= 1
            guard case .success(let looks) = result, !isStopped else { return }
            for look in looks {
                let queue = some[look.index]
                if let due = look.due { note(dueAt: max(broker.clock.monotonicUs(of: due), askedAt), queue) }
                if look.claimable { broker.waiting.wake(queue.name, atLeast: 1) }
            }
        }
    }

    /// How many queues the store has, once a second: if others have come or gone, their names are asked for.
    func storeHas(queues count: Int) {
        let now = broker.loop.now
        guard !isStopped, !isListing, count != queues.count, now >= nextListingAt else { return }
        isListing = true
        nextListingAt = now + UInt64(max(1, count / Self.namesListedPerMs)) * 1_000_000 - 500_000
        broker.store.queues { [self] result in
            isListing = false
            if case .success(let names) = result { learn(names) }
        }
    }

    /// In pieces, and so that what this daemon puts there meanwhile stays.
    private func learn(_ names: [String]) {
        listing += 1
        let mine = listing
        var rest = names[...]
        var place = 0
        let isShorter = names.count < queues.count
        let before = order.count
        broker.loop.inPieces { [self] in
            guard mine == listing, !isStopped else { return false }
            if !rest.isEmpty {
                for name in rest.prefix(Self.namesAtOnce) {
                    let queue = queues[name] ?? add(name)
                    if queue.listing == 0 { note(dueAt: broker.loop.now, queue) }
                    queue.listing = mine
                }
                rest = rest.dropFirst(Self.namesAtOnce)
                return true
            }
            guard isShorter, place < before else { return false }
            for queue in order[place..<min(place + Self.namesAtOnce, before)] where queue.listing != mine {
                queues[queue.name] = nil
                agenda.set(queue, to: nil)
                queue.isGone = true
            }
            place += Self.namesAtOnce
            if place >= before { order.removeAll(where: \.isGone) }
            return place < before
        }
    }

    /// The store is there, perhaps again: everything may be due.
    func storeIsBack() {
        nextListingAt = 0
        slice()
    }

    /// No more sweeps.
    func stop() {
        isStopped = true
        timer?.disarm()
        sliceTimer?.disarm()
    }
}
