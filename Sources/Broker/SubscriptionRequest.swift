// `subscribe`, from the request to its answer: the client may rely on events from the answer on.
//
// Three things have to be there: the store's time (what happened before is not for this subscription, and with it the
// store is known to be there), the patterns have to be listened to, and, for a replay and for kinds that are logged on
// request only, the queues that exist have to be known and to log. Bounded by the request timeout. A later `subscribe` of
// the same connection takes the place of one that is not answered yet, and answers both.

import Reactor
import Store
import Wire

/// A subscription that does not hold yet.
final class SubscriptionRequest: AgendaItem {
    private unowned let broker: Broker
    private let body: SubscribeBody
    private let kinds: EventKinds
    /// Its own, and those of the requests whose place it has taken. All of one session.
    private var tickets: [Ticket]
    private(set) var watches: [GlobWatch] = []
    /// Patterns that are not listened to yet, and one for the time.
    private var missing = 0
    private var now: EventID?
    private(set) var isOver = false
    var agendaTime: UInt64?
    var agendaEntry: UInt64?

    init(_ body: SubscribeBody, _ ticket: Ticket, broker: Broker) {
        self.broker = broker
        self.body = body
        tickets = [ticket]
        kinds = EventKinds(body.events)
    }

    var session: Session { tickets[0].session }
    private var logsAll: Bool { !kinds.isDisjoint(with: .onRequest) }

    /// Asks for all that it needs.
    func begin() {
        let payer = broker.hub.names(ofUser: session)
        watches = body.queues.map { broker.hub.use($0, logsAll: logsAll, payer: payer) }
        missing = 1
        for watch in watches where !watch.holds {
            missing += 1
            watch.requests[ObjectIdentifier(self)] = self
        }
        broker.store.ping { [self] result in
            guard let time = unwrap(result) else { return }
            now = .before(time)
            oneLess()
        }
    }

    /// One of the patterns is listened to.
    func holds() { oneLess() }

    private func oneLess() {
        missing -= 1
        if missing > 0 || isOver { return }
        guard body.since != nil || logsAll else { return succeed(replaying: []) }
        broker.queueList.ask { [self] result in
            if let names = unwrap(result) { choose(among: names) }
        }
    }

    /// Finds the queues that exist and match, in pieces.
    private func choose(among names: [String]) {
        var rest = names[...]
        var mine: [String] = []
        broker.loop.inPieces { [self] in
            if isOver { return false }
            if let name = rest.popFirst() {
                if body.queues.contains(where: { $0.matches(name) }) { mine.append(name) }
                return true
            }
            begin(with: mine)
            return false
        }
    }

    private func begin(with queues: [String]) {
        guard logsAll else { return succeed(replaying: queues) }
        broker.hub.logAll(queues) { [self] result in
            if unwrap(result) != nil { succeed(replaying: queues) }
        }
    }

    private func succeed(replaying queues: [String]) {
        isOver = true
        broker.hub.requests.set(self, to: nil)
        let subscription = Subscription(
            broker: broker, session: session, kinds: kinds, watches: watches, floor: body.since ?? now ?? .zero)
        broker.hub.begin(subscription)
        answer()
        subscription.begin(replaying: body.since == nil ? [] : queues)
    }

    /// Says yes to all who asked.
    func answer() {
        for ticket in tickets { ticket.reply() }
    }

    // MARK: Ending without a subscription

    /// Stands in for an earlier request.
    func replace(_ earlier: SubscriptionRequest) {
        earlier.leave()
        tickets += earlier.tickets
    }

    /// It could not be done.
    func refuse(_ error: WireError) {
        leave()
        for ticket in tickets { ticket.refuse(error) }
    }

    /// Ends without an answer.
    func leave() {
        isOver = true
        broker.hub.requests.set(self, to: nil)
        for watch in watches {
            watch.requests[ObjectIdentifier(self)] = nil
            broker.hub.release(watch, logsAll: logsAll)
        }
    }

    /// The store's answer, unless it comes too late or is a refusal.
    private func unwrap<Value>(_ result: Result<Value, StoreFailure>) -> Value? {
        if isOver { return nil }
        switch result {
        case .success(let value): return value
        case .failure(let failure):
            broker.hub.refuse(self, broker.wireError(failure))
            return nil
        }
    }
}
