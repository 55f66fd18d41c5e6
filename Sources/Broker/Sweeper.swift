// What becomes due when: delayed jobs, retries, leases, the ends of pauses.
//
// For each queue the nearest due time is known from what the store answered (enqueues with a delay, failures, claims, the
// sweep itself); one timer is armed to the nearest of all, so a delayed job starts within milliseconds of its time. What
// other hosts did is found by the tick: each second a sweep of every queue (200 a tick at most, in turn), and every ten
// seconds the list of queues, which may have grown elsewhere. A sweep of an idle queue costs Redis two commands.

import Logging
import Reactor
import Store

/// Arms the timer of due jobs and runs the store's sweeps.
final class Sweeper {
    private struct Queue {
        /// Monotonic µs of the nearest due time; nil: nothing known.
        var dueAt: UInt64?
        /// A sweep is under way.
        var isSweeping = false
        /// Asked for while one was under way.
        var again = false
    }

    private unowned let broker: Broker
    private var queues: [String: Queue] = [:]
    private var clock = ServerClock()
    private var timer: LoopTimer?
    /// What the timer is armed to.
    private var armedAt: UInt64?
    private var ticks = 0
    /// Queues still to be swept in this round of the safety net.
    private var round: [String] = []
    private var isStopped = false

    private static let queuesPerTick = 200
    private static let ticksBetweenListings = 10

    init(broker: Broker) {
        self.broker = broker
        timer = broker.loop.timer { [unowned self] in timerFired() }
    }

    /// The server's time, once the store has answered.
    var serverNow: ServerTime? { clock.offsetMs.map { $0 + Int64(broker.loop.now / 1_000) } }

    /// When a server time comes, in monotonic µs; 0 before the store has answered.
    func monotonicUs(of time: ServerTime) -> UInt64 { clock.monotonicUs(of: time) }

    // MARK: Knowing

    /// A queue exists, or may soon.
    func noteQueue(_ queue: String) {
        if queues[queue] != nil { return }
        queues[queue] = Queue()
        broker.hub.queueIsNew(queue)
    }

    /// Something in this queue becomes due at a server time.
    func note(due time: ServerTime, queue: String) { note(dueAt: clock.monotonicUs(of: time), queue: queue) }

    /// Jobs were claimed just now: their leases end in this many milliseconds.
    func note(leaseMs: Int64, queue: String) {
        clock.note(leaseMs: leaseMs)
        note(dueAt: broker.loop.now + UInt64(leaseMs) * 1_000, queue: queue)
    }

    /// Something in this queue becomes due in so many milliseconds from a moment that is past.
    func note(inMs milliseconds: Int64, queue: String) {
        note(dueAt: broker.loop.now + UInt64(milliseconds) * 1_000, queue: queue)
    }

    private func note(dueAt: UInt64, queue: String) {
        if let known = queues[queue]?.dueAt, known <= dueAt { return }
        queues[queue, default: Queue()].dueAt = dueAt
        if let armedAt, armedAt <= dueAt { return }
        arm(dueAt)
    }

    private func arm(_ at: UInt64) {
        guard !isStopped else { return }
        armedAt = at
        timer?.arm(at: at)
    }

    // MARK: Sweeping

    private func timerFired() {
        armedAt = nil
        let now = broker.loop.now
        for (queue, state) in queues {
            if let due = state.dueAt, due <= now { sweep(queue) }
        }
        armToNearest()
    }

    private func armToNearest() {
        let nearest = queues.values.lazy.compactMap { $0.isSweeping ? nil : $0.dueAt }.min()
        if let nearest { arm(nearest) }
    }

    /// Sweeps a queue until nothing due is left; `then` gets the sums, or the first failure.
    func sweep(_ queue: String, then: ((Result<Swept, StoreFailure>) -> Void)? = nil) {
        guard !isStopped else { return }
        if then == nil {
            if queues[queue]?.isSweeping == true {
                queues[queue]?.again = true
                return
            }
            queues[queue, default: Queue()].isSweeping = true
        }
        queues[queue, default: Queue()].dueAt = nil
        step(queue, Swept(), background: then == nil, then)
    }

    private func step(
        _ queue: String, _ sum: Swept, background: Bool, _ then: ((Result<Swept, StoreFailure>) -> Void)?
    ) {
        let askedAt = broker.loop.now
        broker.store.sweep(queue: queue, reclaiming: clock.mayReclaim(at: askedAt)) { [self] result in
            guard case .success(let swept) = result else {
                if background { ended(queue) }
                then?(result)
                return
            }
            let total = took(swept, queue, askedAt, sum)
            if swept.more { return step(queue, total, background: background, then) }
            if background { ended(queue) }
            then?(.success(total))
        }
    }

    /// Learns from one step and wakes who waits for what it moved.
    private func took(_ swept: Swept, _ queue: String, _ askedAt: UInt64, _ sum: Swept) -> Swept {
        if let now = swept.now { observe(now, askedAt) }
        if let due = swept.nextDue {
            // While reclaiming pauses, expired leases stay due: the tick looks after them.
            let at = max(clock.monotonicUs(of: due), swept.more ? 0 : broker.loop.now + 1_000)
            note(dueAt: at, queue: queue)
        }
        let moved = swept.promoted + swept.reclaimed
        if moved > 0 {
            broker.waiting.wake(queue, for: moved)
        } else if swept.claimable {
            broker.waiting.wake(queue, atLeast: 1)
        }
        var total = swept
        total.reclaimed += sum.reclaimed
        total.promoted += sum.promoted
        total.expired += sum.expired
        return total
    }

    private func ended(_ queue: String) {
        queues[queue]?.isSweeping = false
        if queues[queue]?.again == true {
            queues[queue]?.again = false
            sweep(queue)
        } else if armedAt == nil {
            armToNearest()
        }
    }

    private func observe(_ now: ServerTime, _ askedAt: UInt64) {
        if clock.observe(now: now, askedAt: askedAt, answeredAt: broker.loop.now) {
            broker.log.warning(
                "the clock of the Redis server was set forward: leases are not reclaimed for a while",
                metadata: ["pause_ms": "\(clock.longestLeaseMs)"])
        }
    }

    // MARK: The safety net

    /// Once a second.
    func tick(at now: UInt64) {
        guard !isStopped, broker.store.status.isReady else { return }
        if ticks % Self.ticksBetweenListings == 0 { learnQueues() }
        ticks += 1
        if round.isEmpty { round = Array(queues.keys) }
        for queue in round.suffix(Self.queuesPerTick) { sweep(queue) }
        round.removeLast(min(Self.queuesPerTick, round.count))
    }

    /// The store is there, perhaps again: everything may be due.
    func storeIsBack() {
        let askedAt = broker.loop.now
        broker.store.ping { [self] result in
            if case .success(let now) = result { observe(now, askedAt) }
        }
        learnQueues()
    }

    private func learnQueues() {
        broker.store.queues { [self] result in
            guard case .success(let names) = result else { return }
            for name in names where queues[name] == nil {
                noteQueue(name)
                sweep(name)
            }
        }
    }

    /// No more sweeps.
    func stop() {
        isStopped = true
        timer?.disarm()
    }
}
