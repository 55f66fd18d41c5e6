// One connection that is kept alive: does what `ConnectionMachine` decides, and owns everything that needs a descriptor.
//
// Used by `RedisLink` (commands) and `SubscriptionLink` (messages), which are its delegates: they get replies only
// between `connectionIsReady` and `connectionWasLost`, and never learn of look-ups, addresses and handshakes. At any
// time there is at most one of: a look-up, a connecting socket, a hiredis context; and one timer, for the deadline of
// the present state or the end of the pause. Nothing here blocks.

import Glibc
import Logging
import Reactor

/// Who uses a connection. All calls come in a turn of their own, never from inside a call to the connection.
protocol RedisConnectionDelegate: AnyObject {
    func connectionIsReady()
    /// The reply is valid during the call.
    func connectionReceived(_ reply: ReplyView)
    /// All replies that were there have been handed over.
    func connectionDidRead()
    /// No reply to anything sent comes any more.
    func connectionWasLost(_ why: String, timedOut: Bool)
}

final class RedisConnection {
    /// At most 128 KiB in a turn, and what the turn's share of time allows: a flood of replies must not keep the workers
    /// waiting.
    private static let readsPerTurn = 8
    /// Replies between two looks at the clock.
    private static let repliesAtOnce = 4

    private let loop: Loop
    private let configuration: RedisConfiguration
    private let scripts: [Script]?
    private let rights: RightsProbe?
    private var machine: ConnectionMachine
    private var handshake: Handshake?

    private var lookup: NameLookup?
    private var socket: Descriptor?
    private var context: HiredisContext?
    private var source: FDSource?
    private var alarm: LoopTimer?
    private var log: ConnectionLog
    private var news: LoopTimer?

    weak var delegate: (any RedisConnectionDelegate)?
    /// The server lacks what `RightsProbe` tries, or does not let us have it.
    var onRightsMissing: ((_ problem: String) -> Void)?
    /// Asked before a connection that only listens says that Redis is away; see `tellOfLoss`.
    var mayTellOfLoss: () -> Bool = { true }
    /// Of the server of the last completed handshake.
    private(set) var facts: ServerFacts?
    /// What the last completed handshake found: the server refuses writes.
    private(set) var refusalAtConnect: RedisFailure?
    /// Digests of the scripts, in their order; of the present server.
    private(set) var digests: [String] = []

    /// - Parameters:
    ///   - scripts: what to load on every connect; nil for a connection that only listens.
    ///   - rights: what to try on every connect.
    init(
        loop: Loop, configuration: RedisConfiguration, scripts: [Script]?, rights: RightsProbe?, logger: Logger
    ) {
        self.rights = rights
        self.loop = loop
        self.configuration = configuration
        self.scripts = scripts
        self.log = ConnectionLog(logger: logger, address: configuration.address)
        self.machine = ConnectionMachine(
            timeoutMs: configuration.requestTimeoutMs, firstRetryMs: configuration.firstRetryMs,
            longestRetryMs: configuration.longestRetryMs)
    }

    var state: ConnectionMachine.State { machine.state }
    var isReady: Bool { machine.state == .ready }
    var problem: String? { machine.problem }
    var isRefused: Bool { machine.isRefused }
    var reconnects: Int { max(0, machine.timesReady - 1) }

    /// When anything came from the server last; 0: never.
    private(set) var lastHeardAt: UInt64 = 0

    func start() {
        alarm = loop.timer { [weak self] in self?.alarmRang() }
        if configuration.startingMs > 0 { log.quietUntil = loop.now + UInt64(configuration.startingMs) * 1_000 }
        perform(machine.start())
    }

    /// Closes for good. The delegate is not told.
    func stop() { perform(machine.stop()) }

    // MARK: For the delegate, while it is ready

    /// Adds bytes in RESP to what the next `flush` writes.
    func append(_ bytes: [UInt8]) {
        guard let context, isReady else { return }
        do { try context.append(bytes) } catch { failLater("\(error)") }
    }

    /// Bytes that wait to be written.
    var unsentBytes: Int { context?.unsentBytes ?? 0 }

    /// Writes what waits, as much as the socket takes; the rest goes out by itself.
    func flush() {
        guard let context else { return }
        do {
            let done = try context.write()
            let interest: Interest = done ? .readable : [.readable, .writable]
            if source?.interest != interest { source?.interest = interest }
        } catch { failLater("\(error)") }
    }

    /// The link is of no use any more; make a new one.
    ///
    /// - Parameter isRefusal: Redis answered; it is a problem of the server and not of the way to it.
    func fail(_ why: String, timedOut: Bool = false, isRefusal: Bool = false) {
        let wasReady = isReady
        perform(machine.failed(why, isRefusal: isRefusal, now: loop.now, random: configuration.random()))
        guard !isReady else { return }
        tellOfLoss(why, isRefusal: isRefusal)
        if wasReady { delegate?.connectionWasLost(why, timedOut: timedOut) }
    }

    /// Both connections are mostly lost together, and one line is enough. So the one that only listens waits for a moment,
    /// and says nothing when the other one is away too.
    private func tellOfLoss(_ why: String, isRefusal: Bool) {
        guard scripts == nil else { return log.away(why, isRefusal: isRefusal, now: loop.now) }
        news = loop.timer { [weak self] in
            guard let self, !self.isReady, self.mayTellOfLoss() else { return }
            self.log.away("the connection that listens: \(why)", isRefusal: isRefusal, now: self.loop.now)
        }
        news?.arm(after: Self.newsDelay)
    }

    private static let newsDelay: UInt64 = 500_000

    /// For errors found while the delegate is calling us: it is told in the next turn, of this connection only, and
    /// after it got what had been answered.
    func failLater(_ why: String, isRefusal: Bool = false) {
        let broken = context
        loop.deferred { [weak self] in
            guard let self, let broken, self.context === broken else { return }
            self.receive(all: true)
            if self.context === broken { self.fail(why, isRefusal: isRefusal) }
        }
    }

    // MARK: Actions of the machine

    private func perform(_ action: ConnectionMachine.Action) {
        switch action {
        case .none: break
        case .resolve: resolve()
        case .connect(let address, let deadline):
            close()
            connect(address, deadline: deadline)
        case .greet(let deadline): greet(deadline: deadline)
        case .announce: announce()
        case .pause(let until):
            close()
            alarm?.arm(at: until)
        case .close: close()
        }
    }

    private func close() {
        alarm?.disarm()
        lookup = nil
        endWatch()
        socket = nil
        context = nil
        handshake = nil
    }

    /// Before the descriptor is closed or watched anew. A source lives until its own handler returns, and would then
    /// take its descriptor's number out of the epoll set, which may be that of the next socket: so it is disabled first.
    private func endWatch() {
        source?.isEnabled = false
        source = nil
    }

    private func resolve() {
        switch configuration.address.endpoint {
        case .unix(let path):
            guard let address = SocketAddress(path: path) else { return fail("the path of the socket is too long") }
            resolved([address])
        case .tcp(let host, let port):
            let literal = SocketAddress.resolve(host: host, port: port, onlyLiteral: true).addresses
            guard literal.isEmpty else { return resolved(literal) }
            lookup = NameLookup(loop: loop, host: host, port: port) { [weak self] answer in
                guard let self else { return }
                self.lookup = nil
                switch answer {
                case .success(let addresses): self.resolved(addresses)
                case .failure(let error): self.fail("\(error)")
                }
            }
        }
    }

    private func resolved(_ addresses: [SocketAddress]) {
        perform(machine.resolved(addresses, now: loop.now))
    }

    private func connect(_ address: SocketAddress, deadline: UInt64) {
        log.connecting(to: address)
        let socket: Descriptor
        do { socket = try address.beginConnecting() } catch { return fail("\(address): \(error)") }
        self.socket = socket
        alarm?.arm(at: deadline)
        source = loop.watch(fd: socket.fd, interest: .writable) { [weak self] _ in
            guard let self, let socket = self.socket else { return }
            if let error = socket.pendingError() { return self.fail("\(address): \(error)") }
            self.perform(self.machine.connected(now: self.loop.now))
        }
    }

    private func greet(deadline: UInt64) {
        guard let socket else { return }
        alarm?.arm(at: deadline)
        endWatch()
        self.socket = nil
        let context = HiredisContext(adopting: socket)
        self.context = context
        source = loop.watch(fd: context.fd, interest: .readable) { [weak self] in self?.handle($0) }

        let authentication = authenticate(context)
        let name = configuration.clientName
        let steps =
            if let scripts {
                Handshake.commands(
                    authenticates: authentication != nil, database: configuration.address.database, name: name,
                    scripts: scripts.count, triesRights: rights != nil)
            } else {
                Handshake.subscriptions(
                    authenticates: authentication != nil, name: name, triesRights: rights != nil)
            }
        handshake = Handshake(steps: steps, rights: rights, user: configuration.user)
        if authentication == false { return failLater("cannot send to Redis") }
        do {
            for command in steps.compactMap({ Handshake.command(for: $0, scripts: scripts ?? [], rights: rights) }) {
                var head = CommandBuffer()
                head.begin(arguments: command.count)
                try context.append(head.bytes)
                try context.append(command.bytes)
            }
        } catch { return fail("\(error)") }
        flush()
    }

    /// Sends AUTH; nil: there is no password, false: it could not be sent.
    ///
    /// It goes to the socket directly, since hiredis's buffers cannot be wiped. The send buffer of a new connection is
    /// empty and takes such a small command whole.
    private func authenticate(_ context: HiredisContext) -> Bool? {
        guard var command = configuration.authentication() else { return nil }
        defer { command.wipe() }
        let length = command.bytes.withUnsafeBytes {
            send(context.fd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        return length == command.bytes.count
    }

    private func announce() {
        alarm?.disarm()
        facts = handshake?.facts
        digests = handshake?.digests ?? []
        refusalAtConnect = handshake?.findings?.refusal
        handshake = nil
        news?.disarm()
        if scripts == nil { log.listening(now: loop.now) } else { log.ready(facts, now: loop.now) }
        delegate?.connectionIsReady()
    }

    // MARK: Events

    private func alarmRang() {
        switch machine.state {
        case .waiting: perform(machine.retry())
        case .connecting(let address, _, _): fail("\(address): no connection in time")
        case .handshake: fail("Redis did not answer in time")
        case .idle, .resolving, .ready, .stopped: break
        }
    }

    private func handle(_ events: Interest) {
        if events.contains(.writable) { flush() }
        if !events.subtracting(.writable).isEmpty { receive() }
    }

    /// - Parameter all: whatever was answered is handed out now, however long it takes.
    private func receive(all: Bool = false) {
        guard let context else { return }
        do {
            var reads = 0
            // What an earlier turn has read and not handed out goes first.
            while try takeReplies(of: context, all: all), reads < Self.readsPerTurn {
                reads += 1
                let length = try context.read()
                if length > 0 { lastHeardAt = loop.now }
                guard try takeReplies(of: context, all: all) else { break }
                if length < HiredisContext.readSize { break }
            }
            guard self.context === context else { return }
        } catch { return fail(handshake?.complaint.map { "\(error); before that: \($0)" } ?? "\(error)") }
        if isReady { delegate?.connectionDidRead() }
    }

    /// Hands out the replies that were read. False: the turn is long, the rest follows in the next one; or the connection
    /// has ended.
    private func takeReplies(of context: HiredisContext, all: Bool) throws(HiredisError) -> Bool {
        var taken = 0
        // A reply may end this connection.
        while self.context === context, try context.takeReply({ self.received($0) }) {
            taken += 1
            guard !all, taken % Self.repliesAtOnce == 0, loop.turnIsLong else { continue }
            loop.deferred { [weak self] in
                guard let self, self.context === context else { return }
                self.receive()
            }
            return false
        }
        return self.context === context
    }

    private func received(_ reply: ReplyView) {
        guard !isReady else {
            delegate?.connectionReceived(reply)
            return
        }
        switch handshake?.receive(HandshakeReply(reply)) {
        case .goOn, nil: break
        case .ready: perform(machine.greeted(now: loop.now))
        case .refused(let why):
            let isMissing = handshake?.findings?.isEmpty == false
            fail(why, isRefusal: handshake?.isLoading == false)
            if isMissing { onRightsMissing?(why) }
        }
    }
}
