// What comes over the second link: wake-ups, events and requests to cancel, each on a channel of its queue.
//
// A glob that names one queue is a channel, any other a pattern: the glob within the braces of the keys. What arrives
// is told by its channel alone, so a pattern and a channel that overlap tell it twice. After each confirmation of a
// subscription its owner is told, since what was announced before may have been missed.
//
// Redis holds each message against every pattern of every daemon. So with more than `patternLimit` patterns there is only
// one, for all queues, and who is told finds out what concerns it; with half as many there are single ones again.
// Redis takes commands in their order, so nothing falls between the old patterns and the new.

import Logging
import Reactor
import Redis
public import Wire

/// What a store listens to.
struct RedisListening {
    /// What a channel is there for.
    enum Purpose: Equatable {
        /// Wake-ups, and requests to cancel, of a queue.
        case wakes(String)
        case cancels(String)
        /// Events of the queue that this glob names.
        case events(Glob)
    }
    var channels: [String: Purpose] = [:]
    var patterns: [String: Glob] = [:]
    /// All queues are listened to, instead of the globs that are patterns.
    var hearsAll = false
    /// How often `listen` was called for each glob.
    var globs: [Glob: Int] = [:]
    /// Those whose subscription holds.
    var heardGlobs: Set<Glob> = []
    /// Queues whose wake-ups Redis has confirmed to send here.
    var heardQueues: Set<String> = []
    /// Malformed messages and entries were told of once: anybody can make many.
    var hasComplained = false
}

extension RedisStore {
    /// Patterns that Redis is asked for.
    private static var patternLimit: Int { 64 }

    func startListening() {
        subscriptions.onMessage = { [weak self] channel, payload in self?.heard(channel, payload) }
        subscriptions.onSubscribed = { [weak self] channel in self?.listens(toChannel: channel) }
        subscriptions.onPatternSubscribed = { [weak self] pattern in self?.listens(toPattern: pattern) }
        subscriptions.onLost = { [weak self] _ in
            self?.listening.heardQueues.removeAll()
            self?.listening.heardGlobs.removeAll()
        }
        subscriptions.start()
    }

    private func open(_ channel: String, _ purpose: RedisListening.Purpose) {
        guard listening.channels.updateValue(purpose, forKey: channel) == nil else { return }
        subscriptions.subscribe(channel)
    }

    private func close(_ channel: String) {
        guard listening.channels.removeValue(forKey: channel) != nil else { return }
        subscriptions.unsubscribe(channel)
    }

    /// The name of a queue's channel: that of a key, and the database unless it is 0. Pub/Sub knows no databases.
    private func channel(_ queue: String, _ purpose: String) -> String {
        base(queue) + purpose + Self.channelTail(configuration.database)
    }

    // MARK: Wake-ups and requests to cancel

    public func watch(queue: String) { open(channel(queue, "queued"), .wakes(queue)) }

    public func unwatch(queue: String) {
        listening.heardQueues.remove(queue)
        close(channel(queue, "queued"))
    }

    /// What scripts are told of the caller: who it is, and whether it would hear its own message (see wake.lua).
    func origin(in queue: String) -> String {
        listening.heardQueues.contains(queue) ? listeningOrigin : silentOrigin
    }

    public func watchCancels(queue: String) { open(channel(queue, "cancel"), .cancels(queue)) }

    public func unwatchCancels(queue: String) { close(channel(queue, "cancel")) }

    // MARK: Events

    public func listen(to glob: Glob) {
        listening.globs[glob, default: 0] += 1
        if listening.globs[glob] == 1 {
            if glob.isExact { return open(eventChannel(glob), .events(glob)) }
            let pattern = eventPattern(glob)
            listening.patterns[pattern] = glob
            if listening.hearsAll { return tellLater(glob) }
            guard listening.patterns.count > Self.patternLimit else { return subscriptions.subscribe(pattern: pattern) }
            hearAll()
        } else {
            tellLater(glob)
        }
    }

    /// The glob may be listened to already.
    private func tellLater(_ glob: Glob) {
        guard listening.heardGlobs.contains(glob.isExact || !listening.hearsAll ? glob : .all) else { return }
        loop.deferred { [weak self] in
            guard let self, listening.globs[glob] != nil,
                listening.heardGlobs.contains(glob.isExact || !listening.hearsAll ? glob : .all)
            else { return }
            onListening?(glob)
        }
    }

    /// One pattern instead of all.
    private func hearAll() {
        listening.hearsAll = true
        let all = eventPattern(.all)
        subscriptions.subscribe(pattern: all)
        for pattern in listening.patterns.keys where pattern != all { subscriptions.unsubscribe(pattern: pattern) }
        // It was one of the patterns, and is confirmed: no further word comes.
        guard listening.heardGlobs.contains(.all) else { return }
        loop.deferred { [weak self] in
            if let self, listening.heardGlobs.contains(.all) { listens(toPattern: all) }
        }
    }

    /// Each pattern for itself again.
    private func hearEach() {
        listening.hearsAll = false
        let all = eventPattern(.all)
        for pattern in listening.patterns.keys where pattern != all { subscriptions.subscribe(pattern: pattern) }
        if listening.patterns[all] != nil { return }
        listening.heardGlobs.remove(.all)
        subscriptions.unsubscribe(pattern: all)
    }

    public func unlisten(to glob: Glob) {
        guard let count = listening.globs[glob] else { return }
        listening.globs[glob] = count > 1 ? count - 1 : nil
        guard count == 1 else { return }
        if glob.isExact {
            listening.heardGlobs.remove(glob)
            return close(eventChannel(glob))
        }
        let pattern = eventPattern(glob)
        listening.patterns[pattern] = nil
        if listening.hearsAll {
            if listening.patterns.count <= Self.patternLimit / 2 { hearEach() }
        } else {
            listening.heardGlobs.remove(glob)
            subscriptions.unsubscribe(pattern: pattern)
        }
    }

    private func eventChannel(_ glob: Glob) -> String { channel(glob.pattern, "events") }

    /// The key prefix stands for itself, whatever is in it.
    private func eventPattern(_ glob: Glob) -> String {
        let prefix = configuration.keyPrefix.reduce(into: "") { text, character in
            if "\\*?[]".contains(character) { text.append("\\") }
            text.append(character)
        }
        return "\(prefix):{\(glob.pattern)}:events\(Self.channelTail(configuration.database))"
    }

    /// The queue whose events come over a channel. A pattern also matches what is no queue of ours.
    private func queue(ofEvents channel: String) -> String? {
        let head = "\(configuration.keyPrefix):{"
        let tail = "}:events\(Self.channelTail(configuration.database))"
        guard channel.utf8.count > head.utf8.count + tail.utf8.count, channel.hasPrefix(head), channel.hasSuffix(tail)
        else { return nil }
        let queue = channel.dropFirst(head.count).dropLast(tail.count)
        return JobName.isQueue(queue) ? String(queue) : nil
    }

    // MARK: What arrives

    private func listens(toChannel channel: String) {
        switch listening.channels[channel] {
        case .wakes(let queue):
            listening.heardQueues.insert(queue)
            onWake?(queue)
        case .cancels(let queue): onWatchingCancels?(queue)
        case .events(let glob): listens(to: glob)
        case nil: break
        }
    }

    private func listens(toPattern pattern: String) {
        if listening.hearsAll, pattern == eventPattern(.all) {
            listening.heardGlobs.insert(.all)
            for glob in listening.patterns.values { onListening?(glob) }
        } else if let glob = listening.patterns[pattern] {
            listens(to: glob)
        }
    }

    private func listens(to glob: Glob) {
        listening.heardGlobs.insert(glob)
        onListening?(glob)
    }

    private func heard(_ channel: String, _ payload: UnsafeRawBufferPointer) {
        switch listening.channels[channel] {
        case .wakes(let queue):
            if !payload.dropFirst().elementsEqual(configuration.origin.utf8) { onWake?(queue) }
        case .cancels(let queue): heardCancelRequest(queue, payload)
        case .events, nil:
            guard let queue = queue(ofEvents: channel) else { return }
            guard let events = EventText.events(message: payload) else { return complain("a message of events", queue) }
            onEvents?(queue, events)
        }
    }

    /// `<id> <reason>`
    private func heardCancelRequest(_ queue: String, _ payload: UnsafeRawBufferPointer) {
        let words = payload.split(separator: UInt8(ascii: " "), maxSplits: 1, omittingEmptySubsequences: false)
        let id = words.first.map { String(decoding: $0, as: UTF8.self) } ?? ""
        guard JobName.isID(id) else { return complain("a request to cancel", queue) }
        onCancelRequest?(queue, id, words.count > 1 ? String(decoding: words[1], as: UTF8.self) : "")
    }

    /// Something was dropped that is not of the form we write.
    func complain(_ what: String, _ queue: String) {
        guard !listening.hasComplained else { return }
        listening.hasComplained = true
        configuration.logger.warning(
            "Redis has or sends data that no jobqd wrote; it is dropped, and further data are not logged",
            metadata: ["what": "\(what)", "queue": "\(queue)"])
    }
}
