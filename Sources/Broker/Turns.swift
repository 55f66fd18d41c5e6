// Whose turn it is among connections that have sent more than can be done at once.
//
// What a connection sends is looked at as it is read, up to a first share; one that has sent more stands in line here.
// Nothing that needs the store is begun while the store has enough under way (`JobStore.isBusy`): what waits for Redis is
// bounded. Meanwhile the connection is not read, so the rest of its backlog stays in its socket. Administrators' connections
// do not wait for the store, so they can always look.
//
// The order is that of start-time fair queueing (Goyal, Vin, Cheng, 1996): each connection has a clock of its own that
// goes on with what it costs, and who is first by his clock is next; whoever comes back from idling begins a little
// ahead of who was served last. So a small request waits for what is under way and for its share of the others, whatever a single
// connection has sent. A line costs 1, and more for its bytes, for the calls of the store that it makes, and for the bytes of
// its answer, once these are known. What the daemon itself does in pieces stands in the same line.

import HeapModule
import Reactor
import Store

/// What a connection has cost, in units of a small request.
final class TurnShare {
    fileprivate(set) var time: UInt64 = 0

    /// Bytes, of a line or of an answer, that cost as much as a small request.
    private static let bytesPerUnit = 512

    /// Something was done for it.
    func charge(_ units: Int) { time += UInt64(max(0, units)) }

    /// Something of this size was read from it or written for it.
    func charge(bytes: Int) { charge(bytes / TurnShare.bytesPerUnit) }
}

/// The connections whose next lines wait.
final class Turns {
    private enum Waiter {
        case session(Session)
        case work(TurnShare, () -> Bool)

        var share: TurnShare {
            switch self {
            case .session(let session): session.share
            case .work(let share, _): share
            }
        }
    }

    private struct Entry: Comparable {
        let time: UInt64
        /// Who came first goes first.
        let number: UInt64
        let waiter: Waiter
        static func < (a: Entry, b: Entry) -> Bool { (a.time, a.number) < (b.time, b.number) }
        static func == (a: Entry, b: Entry) -> Bool { a.number == b.number }
    }

    private unowned let broker: Broker
    private var waiting = Heap<Entry>()
    private var administrators: [Session] = []
    /// The time of who was served last.
    private var clock: UInt64 = 0
    private var count: UInt64 = 0
    /// A turn of the loop is asked for.
    private var isDue = false

    /// How far who comes back from idling is ahead of those who have a backlog.
    private static let credit: UInt64 = 64
    /// Units that may be spent when lines are read.
    static let unitsAtOnce = 64
    /// Units that may be spent each time the turn of a connection comes.
    static let unitsATurn = 8

    init(broker: Broker) {
        self.broker = broker
        broker.loop.atTurnEnd { [weak self] in self?.goOn() }
    }

    /// Whether a request may be begun as it is read: nobody waits, and the store has room.
    func mayBegin(_ session: Session) -> Bool { session.isAdmin || waiting.isEmpty && !broker.store.isBusy }

    /// Whether a further request may be begun in the connection's turn.
    func mayGoOn(_ session: Session) -> Bool { session.isAdmin || !broker.store.isBusy }

    /// A connection begins to be served: it has no claim from the time it idled, but for a little credit. One that is new has
    /// none, so that those who come in crowds do not push out those who are there.
    func begin(_ share: TurnShare) {
        let credit = share.time == 0 ? 0 : min(clock, Turns.credit)
        share.time = max(share.time, clock - credit)
    }

    /// The connection has further lines. It is told by `turnCame`, once.
    func add(_ session: Session) {
        if session.isAdmin { administrators.append(session) } else { add(.session(session)) }
    }

    private func add(_ waiter: Waiter) {
        begin(waiter.share)
        count += 1
        waiting.insert(Entry(time: waiter.share.time, number: count, waiter: waiter))
    }

    /// Does in pieces what asks the store for something, as `Loop.inPieces`, whenever the store is not busy and nobody else
    /// is next. `share`: whose work it is; nil: the daemon's.
    func inPieces(for share: TurnShare? = nil, _ step: @escaping () -> Bool) {
        let share = share ?? TurnShare()
        begin(share)
        work(share, step)
    }

    private func work(_ share: TurnShare, _ step: @escaping () -> Bool) {
        let end = share.time + UInt64(Turns.unitsAtOnce)
        while !broker.store.isBusy, share.time < end, !broker.loop.turnIsLong {
            let load = broker.store.load
            let goesOn = step()
            share.charge(1 + broker.store.load - load)
            guard goesOn else { return }
        }
        add(.work(share, step))
    }

    /// The end of each turn: what the store has answered may have made room.
    private func goOn() {
        guard !isDue, !administrators.isEmpty || !waiting.isEmpty && !broker.store.isBusy else { return }
        isDue = true
        broker.loop.deferred { [weak self] in self?.serve() }
    }

    /// As many as the store has room for and the time of this turn allows.
    private func serve() {
        isDue = false
        let first = administrators
        administrators = []
        for session in first { session.turnCame() }
        while !broker.store.isBusy, !broker.loop.turnIsLong, let entry = waiting.popMin() {
            // Its answers have cost more since.
            if entry.waiter.share.time > entry.time {
                add(entry.waiter)
                continue
            }
            clock = max(clock, entry.time)
            switch entry.waiter {
            case .session(let session): session.turnCame()
            case .work(let share, let step): work(share, step)
            }
        }
    }
}
