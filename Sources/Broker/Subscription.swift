// One connection's subscription: which events, how far it has come, and what happens when it does not read.
//
// Live, the hub gives it each event once. With `since`, or when a connection to Redis was lost while the client did not
// read, it reads the logs itself, some queues at a time, each until it has caught up (`EventFollower`). Live events that a
// client does not read in time are dropped and counted (`EventValve`); a replay just pauses, since the log keeps it.

import DequeModule
import Reactor
import Store
import Wire

/// What a session has subscribed to.
final class Subscription {
    let session: Session
    let kinds: EventKinds
    /// One for each of its patterns.
    let watches: [GlobWatch]
    /// The last batch of the hub that it had.
    var stamp = 0
    private unowned let broker: Broker
    /// What happened up to here is not for it, also when it comes late.
    private let floor: EventID
    private var valve: EventValve
    /// Queues it reads from the log, and those just read until the hub's next event.
    private var replays: [String: EventFollower] = [:]
    /// Those of them of which a page is to be asked for.
    private var due = Deque<String>()
    private var asked = 0
    /// The store could not answer: the next tick goes on.
    private var isStalled = false
    private var isOver = false

    /// Queues read at a time.
    private static let pagesAtATime = 4

    init(broker: Broker, session: Session, kinds: EventKinds, watches: [GlobWatch], floor: EventID) {
        self.broker = broker
        self.session = session
        self.kinds = kinds
        self.watches = watches
        self.floor = floor
        valve = EventValve(bound: broker.options.eventBytes)
    }

    var logsAll: Bool { !kinds.isDisjoint(with: .onRequest) }

    /// Begins: with the logs of these queues, behind the floor.
    func begin(replaying queues: [String]) {
        for queue in queues { fallBehind(queue, after: floor) }
        readLogs()
    }

    /// Ends. What was dropped is told, as nothing else tells of it any more.
    func end() {
        isOver = true
        tellDropped()
    }

    // MARK: Live

    /// Takes the events that it wants.
    ///
    /// - Parameter missedAfter: they come late, from the log, which has all of them behind this event; nil: they have just
    ///   happened.
    func take(_ batch: EventBatch, missedAfter: EventID?) {
        var first = 0
        if !replays.isEmpty, let new = replays[batch.queue]?.heard(batch.events) {
            if new.isEmpty { return }
            // Caught up, and so has the hub, which gives each event once.
            replays[batch.queue] = nil
            first = new.startIndex
        } else if missedAfter != nil {
            first = batch.events.firstIndex { $0.seq > floor } ?? batch.events.endIndex
        }
        let range = first..<batch.events.count
        let count = batch.count(range, of: kinds)
        if count == 0 { return }
        if let missedAfter, isFull {
            fallBehind(batch.queue, after: first > 0 ? batch.events[first - 1].seq : missedAfter)
        } else if valve.admit(count, unsent: stream.unsentBytes, isCongested: stream.isCongested) {
            batch.write(range, of: kinds, to: stream)
        } else {
            broker.figures.eventsDropped += UInt64(count)
        }
    }

    private var stream: ByteStream { session.stream }
    private var isFull: Bool { valve.isFull(unsent: stream.unsentBytes, isCongested: stream.isCongested) }

    /// The client has read everything.
    func drained() {
        tellDropped()
        readLogs()
    }

    private func tellDropped() {
        if let dropped = valve.open() { session.tell { $0.overflow(dropped: dropped) } }
    }

    // MARK: Replay

    private func fallBehind(_ queue: String, after position: EventID) {
        replays[queue] = .behind(after: position)
        due.append(queue)
    }

    private func readLogs() {
        while asked < Self.pagesAtATime, asked == 0 || !broker.store.isHalfBusy, !isOver, !isStalled, !isFull,
            let queue = due.popFirst()
        {
            guard let after = replays[queue]?.ask() else { continue }
            asked += 1
            broker.store.events(queue: queue, after: after, limit: EventHub.pageSize) { [self] result in
                asked -= 1
                if isOver { return }
                took(result, queue)
                readLogs()
            }
        }
    }

    private func took(_ result: Result<EventPage, StoreFailure>, _ queue: String) {
        guard var follower = replays[queue] else { return }
        defer { replays[queue] = follower }
        switch result {
        case .success(let page):
            let batch = EventBatch(queue: queue, events: follower.took(page))
            // The rare page that comes while live events of other queues are dropped.
            if batch.count(0..<batch.events.count, of: kinds) > 0 { tellDropped() }
            batch.write(0..<batch.events.count, of: kinds, to: stream)
        case .failure(.internal(let why)):
            broker.hub.logIsUnreadable(queue, why)
            follower.giveUp()
        case .failure:
            follower.failed()
            if !isStalled { broker.hub.stalls(self) }
            isStalled = true
        }
        if follower.isDue { due.append(queue) }
    }

    /// Once a second, while the store is there.
    func retry() {
        guard isStalled else { return }
        isStalled = false
        readLogs()
    }
}
