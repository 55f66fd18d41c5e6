// What happens to jobs, on whichever host, and who of this daemon's clients wants to know.
//
// Subscriptions and waits use patterns of queue names (`GlobWatch`); the hub listens to each distinct one once, and goes
// on with the last few for half a minute after their last user. What holds many queues against many patterns goes in
// pieces over turns of the loop, and what asks the store about many queues waits until it has time. A queue that is heard of gets a channel with the position up to which its
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
    private(set) var patterns: [GlobWatch] = []
    /// Queues without a channel that wait to be held against the patterns.
    private var strangers = StrangeQueues()
    /// Those of all that nobody uses.
    private var idle = Recency<GlobWatch>(limit: 256, keptUs: 30_000_000)
    /// Names and patterns of subscriptions, by user.
    var namesByUser: [UInt32: NameCount] = [:]
    /// Uses that want everything logged.
    private var loggers = 0
    /// Patterns of which it is not known from when on nothing was missed.
    private var timeless: [GlobWatch] = []
    /// Subscriptions that the store could not answer.
    private var stalledSubscriptions: [Subscription] = []
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
    /// Names or channels held against a pattern, or patterns against a name, between two looks at the clock.
    private static let pairsAtOnce = 1_000
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
    ///
    /// - Parameter payer: whose names are counted.
    func use(_ glob: Glob, logsAll: Bool = false, payer: NameCount? = nil) -> GlobWatch {
        let watch = watches[glob] ?? begin(glob)
        if watch.users == 0 {
            idle.remove(watch)
            watch.payer = payer
            payer?.names += 1
        }
        watch.users += 1
        if logsAll {
            watch.loggers += 1
            loggers += 1
        }
        return watch
    }

    /// How many of these nobody uses yet.
    func newCount(of globs: [Glob]) -> Int { globs.count { (watches[$0]?.users ?? 0) == 0 } }

    /// The same for one queue, if its events are listened to already.
    func useIfHolding(_ queue: String) -> GlobWatch? {
        guard let glob = Glob(queue), watches[glob]?.holds == true else { return nil }
        return use(glob)
    }

    func release(_ watch: GlobWatch, logsAll: Bool = false) {
        watch.users -= 1
        if logsAll {
            watch.loggers -= 1
            loggers -= 1
        }
        guard watch.users == 0 else { return }
        watch.payer?.names -= 1
        watch.payer = nil
        let now = broker.loop.now
        idle.add(watch, at: now)
        forgetIdle(at: now)
    }

    private func forgetIdle(at now: UInt64) {
        while let watch = idle.popOver(at: now) { end(watch) }
    }

    private func begin(_ glob: Glob) -> GlobWatch {
        let watch = GlobWatch(glob)
        watches[glob] = watch
        if !glob.isExact { patterns.append(watch) }
        match(watch)
        broker.store.listen(to: glob)
        learnTime(watch)
        return watch
    }

    /// Finds the channels that match. Channels made meanwhile find the pattern.
    private func match(_ watch: GlobWatch) {
        if watch.glob.isExact {
            channels[watch.glob.pattern]?.add(watch)
            watch.isMatched = true
            return
        }
        var rest = Array(channels.values)[...]
        broker.loop.inPieces { [self] in
            guard watches[watch.glob] === watch else { return false }
            for channel in rest.prefix(Self.pairsAtOnce)
            where watch.matcher.matches(channel.queue) && channels[channel.queue] === channel {
                channel.add(watch)
            }
            rest = rest.dropFirst(Self.pairsAtOnce)
            if !rest.isEmpty { return true }
            watch.isMatched = true
            if watch.isHeard { holds(watch) }
            return false
        }
    }

    private func end(_ watch: GlobWatch) {
        watches[watch.glob] = nil
        patterns.removeAll { $0 === watch }
        for channel in watch.channels.values {
            channel.remove(watch)
            if channel.watches.isEmpty { channels[channel.queue] = nil }
        }
        broker.store.unlisten(to: watch.glob)
    }

    /// From when on nothing is missed in queues without a channel.
    private func learnTime(_ watch: GlobWatch) {
        broker.store.ping { [self] result in
            if watch.since != nil { return }
            if case .success(let now) = result { watch.since = .before(now) } else { timeless.append(watch) }
        }
    }

    // MARK: Channels

    /// The channel of a queue that matches a pattern, made when there is none yet.
    private func channel(_ queue: String) -> EventChannel? {
        if let known = channels[queue] { return known }
        var mine = patterns.filter { $0.matcher.matches(queue) }
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
        if loggers == 0 { return }
        if strangers.isEmpty, patterns.count <= Self.pairsAtOnce, !broker.loop.turnIsLong { return logIfWanted(queue) }
        wait(queue, [])
    }

    private func logIfWanted(_ queue: String) {
        let exact = Glob(queue).flatMap { watches[$0] }
        if (exact?.loggers ?? 0) > 0 || patterns.contains(where: { $0.loggers > 0 && $0.matcher.matches(queue) }) {
            logAll(queue)
        }
    }

    // MARK: Hearing

    private func heard(_ events: [JobEvent], _ queue: String) {
        if channels[queue] != nil ? strangers.contains(queue) : !strangers.isEmpty || patterns.count > Self.pairsAtOnce
        {
            return wait(queue, events)
        }
        hand(events, queue)
    }

    private func wait(_ queue: String, _ events: [JobEvent]) {
        guard strangers.add(queue, events) else { return strangersAreForgotten() }
        guard strangers.hasOne else { return }
        broker.loop.deferred { [self] in
            broker.turns.inPieces { [self] in
                guard let (queue, events) = strangers.next() else { return false }
                if events.isEmpty { logIfWanted(queue) } else { hand(events, queue) }
                return !strangers.isEmpty
            }
        }
    }

    /// Too many waited: what was missed is read from the logs, as after a loss of the link.
    private func strangersAreForgotten() {
        for watch in patterns { watch.isIncomplete = true }
        listQueues()
    }

    private func hand(_ events: [JobEvent], _ queue: String) {
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
        guard watch.holds else {
            watch.isHeard = true
            if watch.isMatched { holds(watch) }
            return
        }
        for channel in watch.channels.values {
            channel.follower.interrupt()
            queueIfDue(channel)
        }
        watch.isIncomplete = true
        if !glob.isExact { return listQueues() }
        complete(watch, with: [glob.pattern])
        watch.isIncomplete = false
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
        broker.queueList.ask { [self] result in
            isListing = false
            if listsAgain { return listQueues() }
            guard case .success(let names) = result else { return }
            for watch in incomplete {
                eachMatching(watch.matcher, in: names, while: { [self] in watches[watch.glob] === watch }) { [self] in
                    complete(watch, with: [$0])
                } then: {
                    watch.isIncomplete = false
                }
            }
        }
    }

    /// Calls `act` for each of the names that match, in pieces, and `then` at the end.
    private func eachMatching(
        _ matcher: GlobMatcher, in names: [String], while isWanted: @escaping () -> Bool,
        act: @escaping (String) -> Void,
        then: @escaping () -> Void
    ) {
        var rest = names[...]
        broker.turns.inPieces {
            guard isWanted() else { return false }
            for name in rest.prefix(Self.pairsAtOnce) where matcher.matches(name) { act(name) }
            rest = rest.dropFirst(Self.pairsAtOnce)
            if rest.isEmpty { then() }
            return !rest.isEmpty
        }
    }

    private func complete(_ watch: GlobWatch, with queues: [String]) {
        for queue in queues { _ = channel(queue) }
        if watch.loggers > 0 { queues.forEach(logAll) }
    }

    private func queueIfDue(_ channel: EventChannel) {
        guard channel.follower.isDue, !channel.isQueued else { return }
        channel.isQueued = true
        behind.append(channel)
        readLogs()
    }

    private func readLogs() {
        while asked < Self.pagesAtATime, asked == 0 || !broker.store.isHalfBusy, let channel = behind.popFirst() {
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
        broker.log.error("cannot read the event log of \(queue): \(why)", metadata: ["queue": "\(queue)"])
    }

    // MARK: Logging everything

    private func logAll(_ queue: String) {
        broker.store.logAll(queue: queue, forMs: Self.logAllMs) { _ in }
    }

    /// Has all these queues log everything; then `then`, or the first failure.
    func logAll(_ queues: [String], then: @escaping Completion<Void>) {
        let gather = Gather<Void>(count: queues.count) { then($0.map { _ in () }) }
        if queues.isEmpty { return then(.success(())) }
        var index = 0
        broker.turns.inPieces { [self] in
            let mine = index
            index += 1
            broker.store.logAll(queue: queues[mine], forMs: Self.logAllMs) { gather.take($0.map { [$0] }, at: [mine]) }
            return index < queues.count
        }
    }

    private func renewLogging() {
        if loggers == 0 { return }
        broker.queueList.ask { [self] result in
            guard case .success(let names) = result else { return }
            var rest = names[...]
            broker.turns.inPieces { [self] in
                if let name = rest.popFirst() { logIfWanted(name) }
                return !rest.isEmpty
            }
        }
    }

    /// The store could not answer a subscription, which asks again with the next tick.
    func stalls(_ subscription: Subscription) { stalledSubscriptions.append(subscription) }

    // MARK: The tick

    /// Once a second: asks again what failed, renews what lapses, forgets what nobody uses.
    func tick() {
        if watches.isEmpty { return }
        forgetIdle(at: broker.loop.now)
        guard broker.store.status.isReachable else { return }
        let unknown = timeless
        timeless = []
        for watch in unknown where watches[watch.glob] === watch { learnTime(watch) }
        let subscriptions = stalledSubscriptions
        stalledSubscriptions = []
        for subscription in subscriptions { subscription.retry() }
        if patterns.contains(where: \.isIncomplete), !isListing { listQueues() }
        let again = stalled
        stalled = []
        for channel in again { queueIfDue(channel) }
        ticks += 1
        if ticks % Self.ticksBetweenRenewals == 0 { renewLogging() }
    }
}
