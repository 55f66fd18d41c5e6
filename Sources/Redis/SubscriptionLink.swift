// The listening link: Pub/Sub on a connection of its own, since a subscribed connection can do nothing else (RESP2).
//
// The channels one wants are remembered; after every connect all are subscribed again, and each confirmation is
// reported: between the loss and that moment messages were missed, so the owner looks for itself once. A PING every ten
// seconds finds a peer that went silent. Messages carry no order with the replies of the command link.

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
    private var channels: Set<String> = []
    /// Commands not yet confirmed: for SUBSCRIBE and UNSUBSCRIBE one a channel, and PING.
    private var unconfirmed = 0
    /// Of the oldest time something was unconfirmed; then of the next PING.
    private var clock: LoopTimer?
    private var isFlushDue = false

    /// A message; the bytes are valid during the call.
    public var onMessage: ((_ channel: String, _ payload: UnsafeRawBufferPointer) -> Void)?
    /// The subscription holds from now on; called after each `subscribe` and again after each reconnect.
    public var onSubscribed: ((_ channel: String) -> Void)?
    /// The ready link was lost; all subscriptions follow again when it is back.
    public var onLost: ((_ why: String) -> Void)?

    /// A link at rest; `start()` begins to connect. The configuration is that of the command link.
    public init(loop: Loop, configuration: RedisConfiguration, logger: Logger) {
        self.loop = loop
        self.timeout = UInt64(max(1, configuration.requestTimeoutMs)) * 1_000
        self.connection = RedisConnection(loop: loop, configuration: configuration, scripts: nil, logger: logger)
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

    /// Begins to listen to a channel; no effect when it does already.
    public func subscribe(_ channel: String) {
        guard channels.insert(channel).inserted else { return }
        send("SUBSCRIBE", [channel])
    }

    /// Ends listening. Messages that are on their way are dropped.
    public func unsubscribe(_ channel: String) {
        guard channels.remove(channel) != nil else { return }
        send("UNSUBSCRIBE", [channel])
    }

    private func send(_ verb: StaticString, _ arguments: some Collection<String>) {
        guard isReady else { return }
        var command = CommandBuffer()
        command.begin(arguments: 1 + arguments.count)
        command.append(verb)
        for argument in arguments { command.append(argument) }
        connection.append(command.bytes)
        if unconfirmed == 0 { clock?.arm(after: timeout) }
        unconfirmed += max(1, arguments.count)
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
        if unconfirmed > 0 { return connection.fail("no answer within \(timeout / 1_000) ms", timedOut: true) }
        send("PING", [])
    }

    private func confirmed() {
        unconfirmed = max(0, unconfirmed - 1)
        clock?.arm(after: unconfirmed > 0 ? timeout : Self.pingInterval)
    }
}

extension SubscriptionLink: RedisConnectionDelegate {
    func connectionIsReady() {
        unconfirmed = 0
        var rest = Array(channels)[...]
        if rest.isEmpty { clock?.arm(after: Self.pingInterval) }
        while !rest.isEmpty {
            send("SUBSCRIBE", rest.prefix(Self.channelsPerCommand))
            rest = rest.dropFirst(Self.channelsPerCommand)
        }
    }

    /// `[subscribe, channel, n]`, `[unsubscribe, channel, n]`, `[message, channel, payload]`, `[pong, ""]`; `+PONG`
    /// when nothing is subscribed.
    func connectionReceived(_ reply: ReplyView) {
        if reply.kind == .error { return connection.fail("\(RedisFailure(errorReply: reply.string))") }
        guard reply.kind == .array, reply.count >= 2 else { return confirmed() }
        let what = reply[0].string
        guard what != "message" else {
            let channel = reply[1].string
            if reply.count == 3, channels.contains(channel) { onMessage?(channel, reply[2].bytes) }
            return
        }
        confirmed()
        let channel = reply[1].string
        if what == "subscribe", channels.contains(channel) { onSubscribed?(channel) }
    }

    func connectionDidRead() {}

    func connectionWasLost(_ why: String, timedOut: Bool) {
        unconfirmed = 0
        clock?.disarm()
        onLost?(why)
    }
}
