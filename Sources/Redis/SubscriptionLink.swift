// The listening link: Pub/Sub on a connection of its own, since a subscribed connection can do nothing else (RESP2).
//
// The channels and patterns one wants are remembered; after every connect all are subscribed again, and each
// confirmation is reported: between the loss and that moment messages were missed, so the owner looks for itself once.
// A PING every ten seconds finds a peer that went silent. Messages carry no order with the replies of the command link.
// Redis's access lists allow a pattern only when they name that very pattern. So one may be refused where all channels
// are allowed: that costs the messages of this pattern, and the link goes on.

import DequeModule
import Logging
import Reactor

/// A daemon's subscriptions, kept over the loss of the server.
public final class SubscriptionLink {
    private static let pingInterval: UInt64 = 10_000_000
    /// Channels in one SUBSCRIBE after a reconnect.
    private static let channelsPerCommand = 500

    private let loop: Loop
    private let connection: RedisConnection
    private let timeout: UInt64
    private let logger: Logger
    private var channels: Set<String> = []
    private var patterns: Set<String> = []
    /// Commands not yet confirmed, oldest first: Redis answers them in order.
    private var unconfirmed = Deque<Unconfirmed>()
    /// Of the oldest time something was unconfirmed; then of the next PING.
    private var clock: LoopTimer?
    private var isFlushDue = false

    /// A message; the bytes are valid during the call. It comes once for its channel and once for each pattern that
    /// matches the channel.
    public var onMessage: ((_ channel: String, _ payload: UnsafeRawBufferPointer) -> Void)?
    /// The subscription holds from now on; called after each `subscribe` and again after each reconnect.
    public var onSubscribed: ((_ channel: String) -> Void)?
    /// The same for a pattern.
    public var onPatternSubscribed: ((_ pattern: String) -> Void)?
    /// The ready link was lost; all subscriptions follow again when it is back.
    public var onLost: ((_ why: String) -> Void)?

    /// The server does not let us listen: what is missing.
    public var onRightsMissing: ((_ problem: String) -> Void)? {
        get { connection.onRightsMissing }
        set { connection.onRightsMissing = newValue }
    }
    /// Whether a loss of this link is news; not when that of the command link has been told.
    public var mayTellOfLoss: () -> Bool {
        get { connection.mayTellOfLoss }
        set { connection.mayTellOfLoss = newValue }
    }

    /// A link at rest; `start()` begins to connect. Configuration and rights are those of the command link.
    public init(loop: Loop, configuration: RedisConfiguration, rights: RightsProbe? = nil, logger: Logger) {
        self.loop = loop
        self.timeout = UInt64(max(1, configuration.requestTimeoutMs)) * 1_000
        self.logger = logger
        self.connection = RedisConnection(
            loop: loop, configuration: configuration, scripts: nil, rights: rights, logger: logger)
    }

    /// Begins to connect, and goes on until `stop()`.
    public func start() {
        clock = loop.timer { [weak self] in self?.clockRang() }
        connection.delegate = self
        connection.start()
    }

    /// Closes the link for good.
    public func stop() {
        clock?.disarm()
        connection.stop()
    }

    /// Whether it is connected.
    public var isReady: Bool { connection.isReady }
    /// Why it is not ready, or nil.
    public var problem: String? { connection.problem }
    /// How often it became ready again.
    public var reconnects: Int { connection.reconnects }

    // MARK: What to listen to

    /// Begins to listen to a channel; no effect when it does already.
    public func subscribe(_ channel: String) {
        guard channels.insert(channel).inserted else { return }
        send(.subscribe, [channel])
    }

    /// Ends listening. Messages that are on their way are dropped.
    public func unsubscribe(_ channel: String) {
        guard channels.remove(channel) != nil else { return }
        send(.unsubscribe, [channel])
    }

    /// Begins to listen to all channels that match a pattern of Redis (`*`, `?`, `[a-z]`, `\` before what is meant as
    /// it is); no effect when it does already.
    public func subscribe(pattern: String) {
        guard patterns.insert(pattern).inserted else { return }
        send(.patternSubscribe, [pattern])
    }

    /// Ends listening to a pattern, which must be the same text.
    public func unsubscribe(pattern: String) {
        guard patterns.remove(pattern) != nil else { return }
        send(.patternUnsubscribe, [pattern])
    }

    // MARK: Commands

    private enum Verb {
        case subscribe, unsubscribe, patternSubscribe, patternUnsubscribe, ping

        var word: StaticString {
            switch self {
            case .subscribe: "SUBSCRIBE"
            case .unsubscribe: "UNSUBSCRIBE"
            case .patternSubscribe: "PSUBSCRIBE"
            case .patternUnsubscribe: "PUNSUBSCRIBE"
            case .ping: "PING"
            }
        }
    }

    /// A command of which some confirmations are missing: one for each argument, or one.
    private struct Unconfirmed {
        var verb: Verb
        var left: Int
    }

    private func send(_ verb: Verb, _ arguments: some Collection<String>) {
        guard isReady else { return }
        var command = CommandBuffer()
        command.begin(arguments: 1 + arguments.count)
        command.append(verb.word)
        for argument in arguments { command.append(argument) }
        connection.append(command.bytes)
        if unconfirmed.isEmpty { clock?.arm(after: timeout) }
        unconfirmed.append(Unconfirmed(verb: verb, left: max(1, arguments.count)))
        flushSoon()
    }

    /// Many channels in one turn go out with one write.
    private func flushSoon() {
        guard !isFlushDue else { return }
        isFlushDue = true
        loop.deferred { [weak self] in
            self?.isFlushDue = false
            self?.connection.flush()
        }
    }

    private func clockRang() {
        guard unconfirmed.isEmpty else {
            return connection.fail("no answer within \(timeout / 1_000) ms", timedOut: true)
        }
        send(.ping, [])
    }

    private func confirmed() {
        if let oldest = unconfirmed.first {
            if oldest.left > 1 { unconfirmed[0].left -= 1 } else { unconfirmed.removeFirst() }
        }
        clock?.arm(after: unconfirmed.isEmpty ? Self.pingInterval : timeout)
    }

    /// An error answers a whole command. Only a pattern can be done without.
    private func refused(_ failure: RedisFailure) {
        guard failure.missingRight == .channels, unconfirmed.first?.verb == .patternSubscribe else {
            return connection.fail("\(failure)", isRefusal: true)
        }
        confirmed()
        logger.warning("Redis does not permit jobqd to subscribe to a pattern", metadata: ["problem": "\(failure)"])
    }
}

extension SubscriptionLink: RedisConnectionDelegate {
    func connectionIsReady() {
        unconfirmed = []
        if channels.isEmpty, patterns.isEmpty { clock?.arm(after: Self.pingInterval) }
        var rest = Array(channels)[...]
        while !rest.isEmpty {
            send(.subscribe, rest.prefix(Self.channelsPerCommand))
            rest = rest.dropFirst(Self.channelsPerCommand)
        }
        // One by one, so that a refusal concerns one.
        for pattern in patterns { send(.patternSubscribe, [pattern]) }
    }

    /// `[subscribe, channel, n]`, `[message, channel, payload]`, `[pmessage, pattern, channel, payload]`, `[pong, ""]`;
    /// `+PONG` when nothing is subscribed.
    func connectionReceived(_ reply: ReplyView) {
        if reply.kind == .error { return refused(RedisFailure(errorReply: reply.string)) }
        guard reply.kind == .array, reply.count >= 2 else { return confirmed() }
        let name = reply[1].string
        switch reply[0].string {
        case "message":
            if reply.count == 3, channels.contains(name) { onMessage?(name, reply[2].bytes) }
        case "pmessage":
            if reply.count == 4, patterns.contains(name) { onMessage?(reply[2].string, reply[3].bytes) }
        case "subscribe":
            confirmed()
            if channels.contains(name) { onSubscribed?(name) }
        case "psubscribe":
            confirmed()
            if patterns.contains(name) { onPatternSubscribed?(name) }
        default: confirmed()
        }
    }

    func connectionDidRead() {}

    func connectionWasLost(_ why: String, timedOut: Bool) {
        unconfirmed = []
        clock?.disarm()
        onLost?(why)
    }
}
