// What happens to jobs, on whichever host, and who of this daemon's clients wants to know.
//
// Subscriptions and waits use patterns of queue names (`GlobWatch`); the hub listens to each distinct one once, and goes
// on for half a minute after its last user. A queue that is heard of gets a channel with the position up to which its
// events were handed out. What is announced goes to the waits, and as lines made once to the subscriptions.
//
// When the listening link was away and holds again, announcements may have been missed: the channels of the pattern then
// read the log from their position, each once for all subscriptions (`EventFollower`), and queues without a channel from
// the time at which listening began. So nothing is lost that the log still has.
//
// `enqueued` and `claimed` are logged on request only: while a subscription wants them, all queues it matches are asked
// for it (`logAll`), again every twenty seconds, and new ones as soon as they are heard of.

import DequeModule
import Logging
import Reactor
import Store
import Wire

/// The events of all queues that somebody here asks for. Owner of the store's `listen`, `onEvents` and `onListening`.
final class EventHub {
    unowned let broker: Broker
    /// Subscriptions that hold.
    var subscriptionCount = 0
    /// Those that do not hold yet.
    private(set) lazy var requests = Deadlines<SubscriptionRequest>(loop: broker.loop) {
        [unowned self] in requestTimedOut($0)
    }
    private var watches: [Glob: GlobWatch] = [:]
    /// Those of them that are not just a name.
    private var patterns: [GlobWatch] = []
    private var channels: [String: EventChannel] = [:]
    /// Channels that are to read their log.
    private var behind = Deque<EventChannel>()
    /// Those whose last question failed; asked again with the next tick.
    private var stalled: [EventChannel] = []
    /// Pages asked for and not answered yet.
    private var asked = 0
    /// Marks the subscriptions that have had the present batch, since several of their patterns may match.
    private var stamp = 0
    private var ticks = 0
    /// The names of the queues were asked for; again, because patterns have come to hold meanwhile.
    private var isListing = false
    private var listsAgain = false

    /// Events asked for at a time.
    static let pageSize = 300
    /// Queues read at a time.
    private static let pagesAtATime = 8
    /// How long a pattern is listened to after its last user.
    private static let lingerUs: UInt64 = 30_000_000
    /// How long a queue logs everything once asked to, and how often it is asked.
    private static let logAllMs: Int64 = 60_000
    private static let ticksBetweenRenewals = 20

    init(broker: Broker) { self.broker = broker }

    /// Begins to hear what the store announces.
    func start() {
        broker.store.onEvents = { [unowned self] queue, events in heard(events, queue) }
        broker.store.onListening = { [unowned self] glob in listens(to: glob) }
    }

    // MARK: Patterns

    /// Somebody needs the events of the queues that match; `release` must follow.
    func use(_ glob: Glob, logsAll: Bool = false) -> GlobWatch {
        let watch = watches[glob] ?? begin(glob)
        watch.users += 1
        watch.unusedSince = nil
        if logsAll { watch.loggers += 1 }
        return watch
    }

    /// The same for one queue, if its events are listened to already.
    func useIfHolding(_ queue: String) -> GlobWatch? {
        guard let glob = Glob(queue), watches[glob]?.holds == true else { return nil }
        return use(glob)
    }

    func release(_ watch: GlobWatch, logsAll: Bool = false) {
        watch.users -= 1
        if logsAll { watch.loggers -= 1 }
        if watch.users == 0 { watch.unusedSince = broker.loop.now }
    }

    private func begin(_ glob: Glob) -> GlobWatch {
        let watch = GlobWatch(glob)
        watches[glob] = watch
        if !glob.isExact { patterns.append(watch) }
        for channel in matching(glob) { channel.watches.append(watch) }
        broker.store.listen(to: glob)
        learnTime(watch)
        return watch
    }

    private func end(_ watch: GlobWatch) {
        watches[watch.glob] = nil
        patterns.removeAll { $0 === watch }
        for channel in matching(watch.glob) {
            channel.watches.removeAll { $0 === watch }
            if channel.watches.isEmpty { channels[channel.queue] = nil }
        }
        broker.store.unlisten(to: watch.glob)
    }

    private func matching(_ glob: Glob) -> [EventChannel] {
        if glob.isExact { return channels[glob.pattern].map { [$0] } ?? [] }
        return channels.values.filter { glob.matches($0.queue) }
    }

    /// From when on nothing is missed in queues without a channel.
    private func learnTime(_ watch: GlobWatch) {
        broker.store.ping { result in
            if case .success(let now) = result, watch.since == nil { watch.since = .before(now) }
        }
    }

    // MARK: Channels

    /// The channel of a queue that matches a pattern, made when there is none yet.
    private func channel(_ queue: String) -> EventChannel? {
        if let known = channels[queue] { return known }
        var mine = patterns.filter { $0.glob.matches(queue) }
        if let exact = Glob(queue).flatMap({ watches[$0] }) { mine.append(exact) }
        if mine.isEmpty { return nil }
        let missed = mine.lazy.filter(\.isIncomplete).compactMap(\.since).min()
        let follower = missed.map(EventFollower.behind(after:)) ?? .live(after: .zero)
        let channel = EventChannel(queue: queue, follower: follower, watches: mine)
        channels[queue] = channel
        if mine.contains(where: { $0.loggers > 0 }) { logAll(queue) }
        queueIfDue(channel)
        return channel
    }

    /// A job is about to be put into a queue that this daemon has not seen yet.
    func queueIsNew(_ queue: String) {
        if watches.values.contains(where: { $0.loggers > 0 && $0.glob.matches(queue) }) { logAll(queue) }
    }

    // MARK: Hearing

    private func heard(_ events: [JobEvent], _ queue: String) {
        guard let channel = channel(queue) else { return }
        // Waits are not choosy: what comes twice does not harm them.
        broker.waits.heard(events, queue)
        let new = channel.follower.heard(events)
        if !new.isEmpty { handOut(new.count == events.count ? events : Array(new), channel, missedAfter: nil) }
    }

    /// - Parameter missedAfter: these come late, from the log, which is to be read behind this by who cannot take them.
    private func handOut(_ events: [JobEvent], _ channel: EventChannel, missedAfter: EventID?) {
        let batch = EventBatch(queue: channel.queue, events: events)
        stamp &+= 1
        for watch in channel.watches {
            for subscription in watch.subscribers.values where subscription.stamp != stamp {
                subscription.stamp = stamp
                subscription.take(batch, missedAfter: missedAfter)
            }
        }
    }

    // MARK: Catching up

    private func listens(to glob: Glob) {
        guard let watch = watches[glob] else { return }
        guard watch.holds else { return holds(watch) }
        for channel in matching(glob) {
            channel.follower.interrupt()
            queueIfDue(channel)
        }
        watch.isIncomplete = true
        if !glob.isExact { return listQueues() }
        complete(watch, with: [glob.pattern])
        // With a channel, the waits look when it has caught up and they know what the log says.
        if channels[glob.pattern] == nil { broker.waits.look(glob.pattern) }
    }

    private func holds(_ watch: GlobWatch) {
        watch.holds = true
        let waiting = watch.requests.values
        watch.requests = [:]
        for request in waiting { request.holds() }
        if watch.glob.isExact { broker.waits.look(watch.glob.pattern) }
    }

    /// Finds the queues without a channel in which something may have been missed.
    private func listQueues() {
        listsAgain = isListing
        if isListing { return }
        isListing = true
        let incomplete = patterns.filter(\.isIncomplete)
        broker.store.queues { [self] result in
            isListing = false
            if listsAgain { return listQueues() }
            guard case .success(let names) = result else { return }
            for watch in incomplete { complete(watch, with: names.filter(watch.glob.matches)) }
        }
    }

    private func complete(_ watch: GlobWatch, with queues: [String]) {
        for queue in queues { _ = channel(queue) }
        watch.isIncomplete = false
        if watch.loggers > 0 { queues.forEach(logAll) }
    }

    private func queueIfDue(_ channel: EventChannel) {
        guard channel.follower.isDue, !channel.isQueued else { return }
        channel.isQueued = true
        behind.append(channel)
        readLogs()
    }

    private func readLogs() {
        while asked < Self.pagesAtATime, let channel = behind.popFirst() {
            channel.isQueued = false
            guard channels[channel.queue] === channel, let after = channel.follower.ask() else { continue }
            asked += 1
            broker.store.events(queue: channel.queue, after: after, limit: Self.pageSize) { [self] result in
                asked -= 1
                took(result, channel)
                readLogs()
            }
        }
    }

    private func took(_ result: Result<EventPage, StoreFailure>, _ channel: EventChannel) {
        switch result {
        case .success(let page):
            let before = channel.follower.position
            let events = channel.follower.took(page)
            if !events.isEmpty {
                broker.waits.heard(events, channel.queue)
                handOut(events, channel, missedAfter: before)
            }
        case .failure(.internal(let why)):
            logIsUnreadable(channel.queue, why)
            channel.follower.giveUp()
        case .failure:
            channel.follower.failed()
            stalled.append(channel)
            return
        }
        if channel.follower.isLive { broker.waits.look(channel.queue) } else { queueIfDue(channel) }
    }

    func logIsUnreadable(_ queue: String, _ why: String) {
        broker.log.error("the event log cannot be read: \(why)", metadata: ["queue": "\(queue)"])
    }

    // MARK: Logging everything

    private func logAll(_ queue: String) {
        broker.store.logAll(queue: queue, forMs: Self.logAllMs) { _ in }
    }

    /// Has all these queues log everything; then `then`, or the first failure.
    func logAll(_ queues: [String], then: @escaping Completion<Void>) {
        let gather = Gather<Void>(count: queues.count) { then($0.map { _ in () }) }
        if queues.isEmpty { then(.success(())) }
        for (index, queue) in queues.enumerated() {
            broker.store.logAll(queue: queue, forMs: Self.logAllMs) { gather.take($0.map { [$0] }, at: [index]) }
        }
    }

    private func renewLogging() {
        let mine = watches.values.filter { $0.loggers > 0 }
        if mine.isEmpty { return }
        broker.store.queues { [self] result in
            guard case .success(let names) = result else { return }
            for name in names where mine.contains(where: { $0.glob.matches(name) }) { logAll(name) }
        }
    }

    // MARK: The tick

    /// Once a second: asks again what failed, renews what lapses, forgets what nobody uses.
    func tick() {
        if watches.isEmpty { return }
        let now = broker.loop.now
        for watch in Array(watches.values) {
            if let since = watch.unusedSince, now - since > Self.lingerUs { end(watch) }
        }
        guard broker.store.status.isReady else { return }
        for watch in watches.values {
            if watch.since == nil { learnTime(watch) }
            for subscription in watch.subscribers.values { subscription.retry() }
        }
        if patterns.contains(where: \.isIncomplete), !isListing { listQueues() }
        let again = stalled
        stalled = []
        for channel in again { queueIfDue(channel) }
        ticks += 1
        if ticks % Self.ticksBetweenRenewals == 0 { renewLogging() }
    }
}
