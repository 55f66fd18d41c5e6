// What comes over the second link: wake-ups, events and requests to cancel, each on a channel of its queue.
//
// A glob that names one queue is a channel, any other a pattern: the glob within the braces of the keys. What arrives
// is told by its channel alone, so a pattern and a channel that overlap tell it twice. After each confirmation of a
// subscription its owner is told, since what was announced before may have been missed.

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

    // MARK: Wake-ups and requests to cancel

    public func watch(queue: String) { open(base(queue) + "queued", .wakes(queue)) }

    public func unwatch(queue: String) {
        listening.heardQueues.remove(queue)
        close(base(queue) + "queued")
    }

    /// What scripts are told of the caller: who it is, and whether it would hear its own message (see wake.lua).
    func origin(in queue: String) -> String {
        listening.heardQueues.contains(queue) ? listeningOrigin : silentOrigin
    }

    public func watchCancels(queue: String) { open(base(queue) + "cancel", .cancels(queue)) }

    public func unwatchCancels(queue: String) { close(base(queue) + "cancel") }

    // MARK: Events

    public func listen(to glob: Glob) {
        listening.globs[glob, default: 0] += 1
        if listening.globs[glob] == 1 {
            if glob.isExact { return open(eventChannel(glob), .events(glob)) }
            let pattern = eventPattern(glob)
            listening.patterns[pattern] = glob
            subscriptions.subscribe(pattern: pattern)
        } else if listening.heardGlobs.contains(glob) {
            loop.deferred { [weak self] in
                if let self, listening.heardGlobs.contains(glob) { onListening?(glob) }
            }
        }
    }

    public func unlisten(to glob: Glob) {
        guard let count = listening.globs[glob] else { return }
        listening.globs[glob] = count > 1 ? count - 1 : nil
        guard count == 1 else { return }
        listening.heardGlobs.remove(glob)
        if glob.isExact { return close(eventChannel(glob)) }
        let pattern = eventPattern(glob)
        listening.patterns[pattern] = nil
        subscriptions.unsubscribe(pattern: pattern)
    }

    private func eventChannel(_ glob: Glob) -> String { base(glob.pattern) + "events" }

    /// The key prefix stands for itself, whatever is in it.
    private func eventPattern(_ glob: Glob) -> String {
        let prefix = configuration.keyPrefix.reduce(into: "") { text, character in
            if "\\*?[]".contains(character) { text.append("\\") }
            text.append(character)
        }
        return "\(prefix):{\(glob.pattern)}:events"
    }

    /// The queue whose events come over a channel. A pattern also matches what is no queue of ours.
    private func queue(ofEvents channel: String) -> String? {
        let head = "\(configuration.keyPrefix):{"
        let tail = "}:events"
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
        if let glob = listening.patterns[pattern] { listens(to: glob) }
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
            "Redis holds or tells what no jobqd wrote; it is dropped, and not told again",
            metadata: ["what": "\(what)", "queue": "\(queue)"])
    }
}
