// The pipelined link: commands in, replies out, in order.
//
// While the link is ready, commands go into hiredis's output buffer at once and are written together by `flush()`,
// which the store calls at the end of a turn. At most `pipelineCap` are under way, and about 4 MiB are not written; more
// wait here. Replies are matched
// by order. The oldest command under way has a deadline: when it passes, the link is dropped with all that is under
// way and made anew, since what does not answer in time may never do so. After a loss nothing is sent again: Redis may
// have executed it, and only the caller knows what may be repeated. The one exception is NOSCRIPT, which says that
// nothing was executed: that very call goes out again as EVAL with its source, and EVAL cannot meet a missing script,
// so even a loop of SCRIPT FLUSH is harmless. An error that smells of a changed role (-READONLY) makes the link connect
// again, since the preflight is what tells; not before everything under way has its answer.

import DequeModule
import Logging
import Reactor

/// The command link of a daemon to its Redis. See the head of this file for the rules.
public final class RedisLink {
    /// Where a link is between start and stop.
    public enum State: Equatable, Sendable {
        case idle, resolving, connecting, handshake, ready
        /// Until the next try, µs of the loop's clock.
        case waiting(untilNextTry: UInt64)
        case stopped
    }

    /// Called once for each command, in a later turn than the call that took it; the reply is valid during the call.
    public typealias Completion = (Result<ReplyView, RedisFailure>) -> Void

    /// What a script was called with, kept until its reply in case it has to go out as EVAL.
    private struct ScriptCall {
        let script: Int
        let keys: [String]
        let arguments: CommandBuffer
    }

    private enum Command {
        case plain(CommandBuffer)
        case script(ScriptCall)
    }

    /// A command that was handed to hiredis.
    private struct UnderWay {
        let sentAt: UInt64
        /// nil: not a script, or already resent.
        let call: ScriptCall?
        let then: Completion
    }

    /// A command beyond the cap.
    private struct Held {
        let since: UInt64
        let command: Command
        let then: Completion
    }

    private let loop: Loop
    private let connection: RedisConnection
    private let scripts: [Script]
    private let rights: RightsProbe?
    /// As whom it is connected, in Redis's words.
    public let user: String
    private let scriptIndex: [String: Int]
    private let pipelineCap: Int
    private let timeout: UInt64
    /// `EVALSHA <digest>` in RESP, for each script.
    private var calls: [CommandBuffer] = []
    /// The head of the command being sent; kept for its memory.
    private var opening = CommandBuffer()
    private var underWay = Deque<UnderWay>()
    private var held = Deque<Held>()
    private var deadline: LoopTimer?
    /// When the command was sent whose reply came last.
    private var answeredSentAt: UInt64?
    /// Why to connect again as soon as nothing is under way; new commands are held until then.
    private var needsCheck: String?

    /// How many commands may be under way before what is asked next waits for long. See `CongestionWindow`.
    public var window: Int { congestion.size }
    private var congestion = CongestionWindow()

    /// Time from sending to reading of the last exchange, µs.
    public private(set) var roundTripUs: Int64?
    /// The same of all exchanges.
    public private(set) var roundTrips = Histogram(.short)
    /// The link can take commands: at the start and after every reconnect.
    public var onReady: (() -> Void)?
    /// The ready link was lost; what was under way fails in the same turn, after this call.
    public var onLost: ((_ why: String) -> Void)?

    /// Redis answered with an error that concerns more than the one command: it refuses writes, or lets us have less than
    /// we need. Called before the command's completion.
    public var onRefusal: ((_ failure: RedisFailure) -> Void)?

    /// A link at rest; `start()` begins to connect.
    ///
    /// - Parameter rights: what must be permitted; where it is not, the link is refused with a sentence that names it.
    public init(
        loop: Loop, configuration: RedisConfiguration, scripts: [Script], rights: RightsProbe? = nil, logger: Logger
    ) {
        self.rights = rights
        self.user = configuration.user
        self.loop = loop
        self.scripts = scripts
        self.scriptIndex = Dictionary(uniqueKeysWithValues: scripts.enumerated().map { ($1.name, $0) })
        self.pipelineCap = max(1, configuration.pipelineCap)
        self.timeout = UInt64(max(1, configuration.requestTimeoutMs)) * 1_000
        self.connection = RedisConnection(
            loop: loop, configuration: configuration, scripts: scripts, rights: rights, logger: logger)
    }

    /// Begins to connect, and goes on until `stop()`.
    public func start() {
        deadline = loop.timer { [weak self] in self?.checkDeadlines() }
        connection.delegate = self
        connection.start()
    }

    /// Closes the link for good. What is under way fails in the next turn.
    public func stop() {
        guard connection.state != .stopped else { return }
        connection.stop()
        let orphans = takeAll(.lost("the link was stopped"))
        loop.deferred { orphans() }
    }

    // MARK: How it is

    /// Where it is now.
    public var state: State {
        switch connection.state {
        case .idle: .idle
        case .resolving: .resolving
        case .connecting: .connecting
        case .handshake: .handshake
        case .ready: .ready
        case .waiting(let until): .waiting(untilNextTry: until)
        case .stopped: .stopped
        }
    }
    /// Whether it takes commands.
    public var isReady: Bool { connection.isReady }
    /// Of the server at the last connect.
    public var facts: ServerFacts? { connection.facts }
    /// Why it is not ready, or nil.
    public var problem: String? { connection.problem }
    /// It is not ready because Redis answered, and is of no use as it is: `problem` says why.
    public var isRefused: Bool { connection.isRefused }
    /// Of the ready link: why Redis refused writes at the connect, or nil.
    public var refusalAtConnect: RedisFailure? { connection.refusalAtConnect }
    /// How often it became ready again.
    public var reconnects: Int { connection.reconnects }
    /// When anything came from the server last, µs of the loop's clock; 0: never.
    public var lastHeardAt: UInt64 { connection.lastHeardAt }
    /// Commands without a reply, those that wait beyond the cap included.
    public var load: Int { underWay.count + held.count }

    // MARK: Commands

    /// Sends a command, all of whose arguments are in the buffer.
    public func send(_ command: CommandBuffer, then: @escaping Completion) {
        precondition(command.count > 0, "a command has at least its name")
        accept(.plain(command), then)
    }

    /// Calls a script by its digest; the arguments become ARGV.
    ///
    /// The script must be one of those the link was made with.
    public func run(_ script: Script, keys: [String], _ arguments: CommandBuffer, then: @escaping Completion) {
        guard let index = scriptIndex[script.name] else { preconditionFailure("unknown script \(script.name)") }
        accept(.script(ScriptCall(script: index, keys: keys, arguments: arguments)), then)
    }

    /// Tries what is permitted, and whether writes are taken, as the handshake does; only on a link with `rights`.
    public func tryRights(then: @escaping (Result<RightsFindings, RedisFailure>) -> Void) {
        guard let rights else { preconditionFailure("this link was made without rights to try") }
        var digest: RedisFailure?
        if let command = Handshake.command(for: .digest, scripts: []) {
            send(command) { if case .failure(let failure) = $0, failure.missingRight != nil { digest = failure } }
        }
        send(rights.command) { [self] result in
            then(
                result.flatMap { reply in
                    guard var findings = rights.findings(reply) else {
                        return .failure(distrust("the answer to EVAL"))
                    }
                    if let digest { findings.note(digest, command: "EVALSHA") }
                    return .success(findings)
                })
        }
    }

    /// The server is no longer what it was at the connect: connects again, as soon as nothing is under way.
    public func checkAgain(_ why: String) {
        guard isReady, needsCheck == nil else { return }
        needsCheck = why
        if underWay.isEmpty { connection.failLater(why, isRefusal: true) }
    }

    /// An answer was none that Redis could have given: no later one can be believed, so the link is made anew. The failure
    /// is for the command that was answered so.
    public func distrust(_ what: String) -> RedisFailure {
        let why = "\(what) has a form that Redis does not give"
        connection.failLater(why, isRefusal: true)
        return .lost(why)
    }

    /// Writes what was sent since the last time, with one system call.
    public func flush() { connection.flush() }

    private func accept(_ command: Command, _ then: @escaping Completion) {
        guard isReady else {
            let failure = RedisFailure.notReady(problem ?? "connecting")
            return loop.deferred { then(.failure(failure)) }
        }
        let now = loop.now
        if held.isEmpty, hasRoom, needsCheck == nil {
            transmit(command, now: now, then)
        } else {
            held.append(Held(since: now, command: command, then: then))
        }
        if let deadline, !deadline.isArmed { deadline.arm(at: now + timeout) }
    }

    /// Bytes that may wait in hiredis's buffer: it moves all of them down at each write that takes a part.
    private static let unsentBound = 4 << 20

    /// Another command may be handed to hiredis.
    private var hasRoom: Bool { underWay.count < pipelineCap && connection.unsentBytes < Self.unsentBound }

    private func transmit(_ command: Command, now: UInt64, _ then: @escaping Completion) {
        opening.removeAll()
        let call: ScriptCall?
        switch command {
        case .plain(let buffer):
            opening.begin(arguments: buffer.count)
            connection.append(opening.bytes)
            connection.append(buffer.bytes)
            call = nil
        case .script(let script):
            transmit(script, by: calls[script.script])
            call = script
        }
        underWay.append(UnderWay(sentAt: now, call: call, then: then))
        congestion.sent(underWay: underWay.count)
    }

    /// - Parameter verb: `EVALSHA <digest>` or `EVAL <source>`.
    private func transmit(_ call: ScriptCall, by verb: CommandBuffer) {
        opening.removeAll()
        opening.begin(arguments: verb.count + 1 + call.keys.count + call.arguments.count)
        opening.append(verb)
        opening.append(integer: Int64(call.keys.count))
        for key in call.keys { opening.append(key) }
        connection.append(opening.bytes)
        connection.append(call.arguments.bytes)
    }

    /// The call was not executed, for want of the script: once more, with the source, which also loads it again.
    private func resend(_ call: ScriptCall, _ then: @escaping Completion) {
        var verb = CommandBuffer("EVAL")
        verb.append(bytes: scripts[call.script].source)
        transmit(call, by: verb)
        underWay.append(UnderWay(sentAt: loop.now, call: nil, then: then))
    }

    // MARK: Deadlines

    /// The timer is not moved with every reply: when it rings it looks at the oldest command and is set again.
    private func checkDeadlines() {
        let now = loop.now
        if let oldest = underWay.first, now >= oldest.sentAt + timeout {
            return connection.fail("no answer within \(timeout / 1_000) ms", timedOut: true)
        }
        while let oldest = held.first, now >= oldest.since + timeout {
            held.removeFirst()
            oldest.then(.failure(.notReady("more than \(pipelineCap) commands are under way")))
        }
        let next = [underWay.first?.sentAt, held.first?.since].compactMap { $0 }.min()
        if let next { deadline?.arm(at: next + timeout) }
    }

    /// Empties the link; the result completes what was in it.
    private func takeAll(_ failure: RedisFailure) -> () -> Void {
        deadline?.disarm()
        needsCheck = nil
        answeredSentAt = nil
        let sent = underWay
        let unsent = held
        underWay = []
        held = []
        return {
            for command in sent { command.then(.failure(failure)) }
            for command in unsent { command.then(.failure(.notReady("\(failure)"))) }
        }
    }
}

extension RedisLink: RedisConnectionDelegate {
    func connectionIsReady() {
        congestion = CongestionWindow()
        calls = connection.digests.map { digest in
            var call = CommandBuffer("EVALSHA")
            call.append(digest)
            return call
        }
        onReady?()
    }

    func connectionReceived(_ reply: ReplyView) {
        guard let command = underWay.popFirst() else { return connection.fail("Redis answered what was not asked") }
        answeredSentAt = command.sentAt
        guard reply.kind == .error else { return command.then(.success(reply)) }
        let failure = RedisFailure(errorReply: reply.string)
        if failure.kind == .noScript, let call = command.call { return resend(call, command.then) }
        if failure.asksForNewCheck, needsCheck == nil { needsCheck = "\(failure)" }
        if failure.isRefusal || failure.missingRight != nil { onRefusal?(failure) }
        command.then(.failure(failure))
    }

    func connectionDidRead() {
        let now = loop.now
        if let sentAt = answeredSentAt {
            roundTripUs = Int64(now - sentAt)
            roundTrips.observe(microseconds: now - sentAt)
            congestion.observe(roundTripUs: now - sentAt, at: now)
        }
        answeredSentAt = nil
        if let why = needsCheck {
            if underWay.isEmpty { return connection.fail(why, isRefusal: true) }
        } else {
            while hasRoom, let next = held.popFirst() {
                transmit(next.command, now: now, next.then)
            }
        }
        flush()
    }

    func connectionWasLost(_ why: String, timedOut: Bool) {
        let complete = takeAll(timedOut ? .timedOut : .lost(why))
        onLost?(why)
        complete()
    }
}
