// One queue's calls: what has gathered, and the gate that lets two flushes through at a time.
//
// A flush sends everything that has gathered, in the order of the contract: token operations, enqueues, sweeps and what
// administrators do, claims. While two are without their replies, the next calls gather; so batches grow with load, and an
// idle queue waits for nothing. When the link is lost, what may be repeated comes back to the front of its lane.

import Redis
import Wire

/// The batcher of one queue.
final class QueueBatcher {
    let queue: String
    /// What KEYS has: the beginning of all keys of the queue.
    let keys: [String]
    private unowned let store: RedisStore

    let enqueues = BatchLane(StoreScripts.enqueue, bound: 1000) { reply, _ in Enqueued(reply) }
    let extends = BatchLane(StoreScripts.extend, bound: RedisStore.tokenBound) { reply, _ in ExtendOutcome(reply) }
    let completes = BatchLane(StoreScripts.complete, bound: RedisStore.tokenBound) { reply, _ in
        TokenOutcome(reply, .completed)
    }
    let fails = BatchLane(StoreScripts.fail, bound: RedisStore.tokenBound) { reply, _ in
        TokenOutcome(reply, .dead, timed: .retrying)
    }
    let releases = BatchLane(StoreScripts.release, bound: RedisStore.tokenBound) { reply, _ in
        TokenOutcome(reply, .queued, timed: .scheduled)
    }
    let workersGone = BatchLane(StoreScripts.workerGone, bound: RedisStore.tokenBound) { reply, _ in
        TokenOutcome(reply, .queued, .dead)
    }
    let requeues = BatchLane(StoreScripts.requeue, bound: RedisStore.tokenBound) { reply, isResent in
        RequeueOutcome(reply, isResent: isResent)
    }
    let cancels = BatchLane(StoreScripts.cancel, bound: RedisStore.tokenBound) { reply, isResent in
        CancelOutcome.read(reply, isResent: isResent)
    }
    let deletes = BatchLane(StoreScripts.delete, bound: RedisStore.tokenBound) { reply, isResent in
        DeleteOutcome.read(reply, isResent: isResent)
    }
    /// Sweeps, requeues and purges by filter, pauses: one script call each.
    var singles: [SingleCall] = []
    var claims = ClaimLane()

    /// It is in the store's list of queues to flush.
    var isDirty = false
    /// The last handover was refused for lack of memory: this flush sends its claims apart.
    private var wasRefused = false
    /// Script calls of the present flush without a reply.
    private(set) var underWay = 0
    /// The same by flush, oldest first. Two flushes at a time: while Redis works on one, the next is made ready; with
    /// one only, the daemon, Redis and the clients wait for each other in turn.
    private var flights: [Int] = []
    private static var flightsAtOnce: Int { 2 }

    init(queue: String, base: String, store: RedisStore) {
        self.queue = queue
        self.keys = [base]
        self.store = store
    }

    var isEmpty: Bool {
        claims.isEmpty && completes.isEmpty && enqueues.isEmpty && extends.isEmpty && fails.isEmpty && releases.isEmpty
            && workersGone.isEmpty && isFreeOfAdministration
    }

    /// Nothing has gathered of what goes between enqueues and claims.
    private var isFreeOfAdministration: Bool {
        requeues.isEmpty && cancels.isEmpty && deletes.isEmpty && singles.isEmpty
    }

    // MARK: Sending

    /// Sends what has gathered, unless two flushes are still under way.
    func flush() {
        guard flights.count < Self.flightsAtOnce else { return }
        let before = underWay
        defer { if underWay > before { flights.append(underWay - before) } }
        send(extends)
        send(completes)
        send(fails)
        send(releases)
        send(workersGone)
        if !enqueues.isEmpty {
            store.announce(queue)
            // Claims must see what is requeued or cancelled in this flush, which is sent behind the enqueues.
            if !claims.isEmpty, claims.isFresh, isFreeOfAdministration, !wasRefused { sendHandover() }
            send(enqueues)
        }
        wasRefused = false
        sendSingles()
        send(requeues)
        send(cancels)
        send(deletes)
        if !claims.isEmpty { sendClaims() }
    }

    private func send<Outcome>(_ lane: BatchLane<Outcome>) {
        guard !lane.isEmpty else { return }
        for batch in lane.takeAll() {
            underWay += 1
            store.run(lane.script, keys: keys, batch.finished(), count: batch.items + 1) { [self] result in
                switch result {
                case .success(let reply): batch.deliver(reply, lane)
                case .failure(let failure):
                    if store.mayRepeat(after: failure, until: batch.deadline) {
                        lane.putBack(batch)
                    } else {
                        batch.fail(StoreFailure(failure))
                    }
                }
                done()
            }
        }
    }

    /// Jobs and the claims that wait for them in one script call. The batch itself stays as it is: if the link is lost,
    /// it is sent again as a plain enqueue, since claims are not repeated.
    private func sendHandover() {
        let most = ClaimLane.boundBytes
        guard let batch = enqueues.takeFirst(if: { $0.isPlain && $0.arguments.byteCount <= most }) else { return }
        let (calls, wanted, room) = claims.takeFirst()
        var arguments = CommandBuffer()
        arguments.append(batch.arguments)
        let nonce = append(calls, wanted: wanted, room: room, to: &arguments)
        arguments.append(integer: Int64(batch.items))
        underWay += 1
        store.run(StoreScripts.handover, keys: keys, arguments, count: batch.items + 2) { [self] result in
            switch result {
            case .success(let reply):
                batch.deliver(reply, enqueues, further: 1)
                claimed(.success(reply.count > 0 ? reply[reply.count - 1] : reply), calls, nonce: nonce)
            case .failure(let failure):
                if store.mayRepeat(after: failure, until: batch.deadline) {
                    enqueues.putBack(batch)
                } else {
                    batch.fail(StoreFailure(failure))
                }
                if failure.kind == .full {
                    // The jobs were refused, nothing has happened; claims by themselves still drain a full Redis.
                    claims.putBack(calls)
                    wasRefused = true
                } else {
                    claimed(.failure(failure), calls, nonce: nonce)
                }
            }
            done()
        }
    }

    private func sendSingles() {
        let calls = singles
        singles = []
        for call in calls {
            if call.createsQueue { store.announce(queue) }
            underWay += 1
            store.run(call.script, keys: keys, call.arguments) { [self] result in
                if case .failure(let failure) = result, store.mayRepeat(after: failure, until: call.deadline) {
                    singles.append(call)
                } else {
                    call.then(result.mapError(StoreFailure.init))
                }
                done()
            }
        }
    }

    /// Cuts the claims into script calls of ≤ 100 jobs.
    private func sendClaims() {
        while !claims.isEmpty {
            let (calls, wanted, room) = claims.takeFirst()
            var arguments = CommandBuffer()
            arguments.append(queue)
            let nonce = append(calls, wanted: wanted, room: room, to: &arguments)
            underWay += 1
            store.run(StoreScripts.claim, keys: keys, arguments, least: 2) { [self] result in
                claimed(result, calls, nonce: nonce)
                done()
            }
        }
    }

    /// Claims as the scripts take them; returns the nonce of their tokens.
    private func append(
        _ calls: ArraySlice<ClaimLane.Call>, wanted: Int, room: Int, to arguments: inout CommandBuffer
    ) -> String {
        for call in calls { arguments.append(call.rest) }
        let nonce = store.nonce()
        arguments.append(integer: Int64(room))
        arguments.append(nonce)
        arguments.append(integer: Int64(wanted))
        return nonce
    }

    private func claimed(_ result: Result<ReplyView, RedisFailure>, _ calls: ArraySlice<ClaimLane.Call>, nonce: String)
    {
        switch result {
        case .success(let reply):
            guard let found = ClaimReply(reply, nonce: nonce) else {
                for call in calls { call.fail(.badReply(StoreScripts.claim)) }
                return
            }
            claims.putBack(ClaimLane.deliver(found, to: calls))
        case .failure(let failure):
            if failure.leavesItOpen { store.claimWasLost(queue: queue, nonce: nonce) }
            let failure = StoreFailure(failure)
            for call in calls {
                // The broker parks a patient claim that found nothing, and asks again when it is woken.
                switch failure {
                case .unavailable where call.isPatient, .full where call.isPatient: call.end()
                case .unavailable, .full, .internal: call.fail(failure)
                }
            }
        }
    }

    /// A reply is in; the last one of a flush opens the gate. Replies come in the order of the calls.
    private func done() {
        underWay -= 1
        flights[0] -= 1
        guard flights[0] == 0 else { return }
        flights.removeFirst()
        store.flushed(self)
    }

    // MARK: Deadlines

    var earliestDeadline: UInt64 {
        [
            enqueues.earliestDeadline, extends.earliestDeadline, completes.earliestDeadline, fails.earliestDeadline,
            releases.earliestDeadline, workersGone.earliestDeadline, requeues.earliestDeadline,
            cancels.earliestDeadline, deletes.earliestDeadline, claims.earliestDeadline,
            singles.lazy.map(\.deadline).min() ?? .max,
        ].min() ?? .max
    }

    /// Ends everything whose deadline has passed; what is under way is the link's to end.
    func expire(now: UInt64, _ failure: StoreFailure) {
        enqueues.expire(now: now, failure)
        extends.expire(now: now, failure)
        completes.expire(now: now, failure)
        fails.expire(now: now, failure)
        releases.expire(now: now, failure)
        workersGone.expire(now: now, failure)
        requeues.expire(now: now, failure)
        cancels.expire(now: now, failure)
        deletes.expire(now: now, failure)
        for call in claims.takeExpired(now: now) { call.fail(failure) }
        let late = singles.filter { $0.deadline <= now }
        singles.removeAll { $0.deadline <= now }
        for call in late { call.then(.failure(failure)) }
    }
}

/// A script call of its own, which may be repeated after a lost link.
struct SingleCall {
    var script: Script
    var arguments: CommandBuffer
    /// The queue comes into being by it.
    var createsQueue = false
    /// µs of the loop's clock.
    var deadline: UInt64
    var then: (Result<ReplyView, StoreFailure>) -> Void
}

extension StoreFailure {
    init(_ failure: RedisFailure) {
        switch failure.kind {
        case .unavailable: self = .unavailable("\(failure)")
        case .full: self = .full("\(failure)")
        case .noScript, .other: self = .internal("\(failure)")
        }
    }

    static func badReply(_ script: Script) -> StoreFailure {
        .internal("the script \(script.name) gave a reply of another shape")
    }
}
