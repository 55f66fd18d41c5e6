// One pattern whose queues' events this daemon listens to, for however many subscriptions and waits.

import Reactor
import Store
import Wire

/// A distinct pattern that somebody needs, or needed a moment ago.
final class GlobWatch: RecencyItem {
    let glob: Glob
    let matcher: GlobMatcher
    /// Subscriptions, those not answered yet included, and waits.
    var users = 0
    /// Who pays for it: the user whose subscription was the first to need it. Names of queues that jobs are waited for in
    /// cost nobody anything: the queues exist.
    var payer: NameCount?
    /// Of these, the ones that want `enqueued` or `claimed`.
    var loggers = 0
    /// When the last user left, monotonic µs.
    var unusedSince: UInt64?
    /// The store has begun to listen, and all channels were held against the pattern.
    var isHeard = false
    var isMatched = false
    /// Both; from now on it is good. The store may have lost Redis since; then `isIncomplete` follows.
    var holds = false
    /// Behind which event nothing was missed, in queues that had none yet; nil until the store has said the time.
    var since: EventID?
    /// Announcements may have been missed, and the queues this may concern are not all known yet.
    var isIncomplete = false
    /// Those of queues that match, by queue.
    fileprivate(set) var channels: [String: EventChannel] = [:]
    /// By the number of their session.
    var subscribers: [Int: Subscription] = [:]
    /// Those who wait until this holds.
    var requests: [ObjectIdentifier: SubscriptionRequest] = [:]

    init(_ glob: Glob) {
        self.glob = glob
        matcher = GlobMatcher(glob)
    }
}

/// A queue of which events were heard, or may have been missed.
final class EventChannel {
    let queue: String
    var follower: EventFollower
    /// Those whose pattern the queue matches.
    private(set) var watches: [GlobWatch] = []
    /// It is in the line of those to be caught up.
    var isQueued = false

    init(queue: String, follower: EventFollower, watches: [GlobWatch]) {
        self.queue = queue
        self.follower = follower
        for watch in watches { add(watch) }
    }

    func add(_ watch: GlobWatch) {
        guard watch.channels.updateValue(self, forKey: queue) == nil else { return }
        watches.append(watch)
    }

    func remove(_ watch: GlobWatch) { watches.removeAll { $0 === watch } }
}

extension EventID {
    /// Behind everything that happened before a server time.
    static func before(_ time: ServerTime) -> EventID {
        // No script gives a number so high.
        EventID(milliseconds: UInt64(max(0, time - 1)), number: 999_999_999_999)
    }
}
