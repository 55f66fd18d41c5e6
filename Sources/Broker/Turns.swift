// Whose turn it is among connections that have sent more than can be done at once.
//
// What a connection sends is looked at as it is read, up to `linesAtOnce` lines; one that has sent more stands in line
// here, and each in line gets `linesATurn` lines before the first gets more. Nothing that needs the store is begun while
// the store has enough under way (`JobStore.isBusy`): what waits for Redis is bounded, and a request waits behind that
// and its share of the others, whatever a single connection has sent. Meanwhile the connection is not read, so the rest
// of its backlog stays in its socket. Administrators' connections do not wait for the store, so they can always look.

import DequeModule
import Reactor
import Store

/// The connections whose next lines wait.
final class Turns {
    private unowned let broker: Broker
    private var sessions = Deque<Session>()
    /// Those of them that do not wait for the store.
    private var administrators = 0
    /// What else begins calls of the store, and waits for it.
    private var works: [() -> Bool] = []
    /// A turn of the loop is asked for.
    private var isDue = false

    /// Lines looked at when they are read.
    static let linesAtOnce = 64
    /// Lines looked at each time the turn of a connection comes.
    static let linesATurn = 8

    init(broker: Broker) {
        self.broker = broker
        broker.loop.atTurnEnd { [weak self] in self?.goOn() }
    }

    /// Whether another request of the connection may be begun now.
    func mayTake(_ session: Session) -> Bool { session.isAdmin || !broker.store.isBusy }

    /// The connection has further lines. It is told by `turnCame`, once.
    func add(_ session: Session) {
        sessions.append(session)
        if session.isAdmin { administrators += 1 }
    }

    /// Does in pieces what asks the store for something, as `Loop.inPieces`, whenever the store is not busy.
    func inPieces(_ step: @escaping () -> Bool) {
        broker.loop.inPieces { [self] in
            guard broker.store.isBusy else { return step() }
            works.append(step)
            return false
        }
    }

    /// The end of each turn: what the store has answered may have made room.
    private func goOn() {
        guard !sessions.isEmpty || !works.isEmpty, !isDue else { return }
        if administrators == 0, broker.store.isBusy { return }
        isDue = true
        broker.loop.deferred { [weak self] in self?.serve() }
    }

    /// Once around, as far as the time of this turn goes.
    private func serve() {
        isDue = false
        let begun = works
        works = []
        for step in begun { inPieces(step) }
        var left = sessions.count
        while left > 0, let session = sessions.popFirst() {
            left -= 1
            if session.isAdmin { administrators -= 1 }
            if mayTake(session) { session.turnCame() } else { add(session) }
            if broker.loop.turnIsLong { return }
        }
    }
}
