// A connection that comes back, for programs with a poll loop of their own: requests with answers that come later, over
// as many connections as it takes.
//
//     away ──connect──► greeting ──hello answered──► open        each loss: away, with a pause that grows
//
// When it is open again, it has said hello with the session it had, has renewed the leases of what was claimed over it (a
// daemon that was restarted thereby learns whose the jobs are), and has repeated the requests that had no answer; see
// `RequestLine` for why that is safe. Between times it renews these leases whenever a third of one is over. "Not now"
// (`store_unavailable`, `store_full`, `draining`) is asked again until the request's deadline. What is longer than the daemon
// takes is not sent, but fails.
//
// The loop's owner polls `pollEntry` for at most `pollTimeout` and then calls `process`. Nothing here waits. One thread.

import Glibc
public import Wire

/// A connection to jobqd that survives restarts of the daemon.
public final class JobqLink {
    /// What the daemon is told in `hello`.
    public struct Identity: Sendable {
        public var worker: String
        /// Whether the worker's own events are wanted.
        public var push: Bool
        /// How long its jobs stay with it after its connection has ended while its process lives; nil: as the protocol has it.
        public var graceMs: Int64?

        public init(worker: String, push: Bool = false, graceMs: Int64? = nil) {
            self.worker = worker
            self.push = push
            self.graceMs = graceMs
        }
    }

    /// The reply with `"ok":true`; or a `ProtocolError` or `ConnectionError`.
    public typealias Answer = Result<JSONDocument, any Error>

    private enum Phase {
        case away(retryAt: Int64)
        case greeting
        case open
        /// For good.
        case closed(any Error)
    }

    /// Where the daemon listens.
    public let path: String
    /// Lines with `event`, as they come; a lost lease is told by `onLeaseLost` too.
    public var onEvent: (JSONDocument) -> Void = { _ in }
    /// A job that was claimed over this link and not ended belongs to somebody else now.
    public var onLeaseLost: (_ job: String, _ token: String) -> Void = { _, _ in }
    /// nil: connected. Else why it is not; once for each loss.
    public var onChange: (ConnectionError?) -> Void = { _ in }
    /// The daemon says "not now", and is asked again; nil: it serves again. Once for each such time.
    public var onHold: (ProtocolError?) -> Void = { _ in }
    /// The longest request that the daemon takes, in bytes; nil: it has not said so yet.
    public private(set) var lineBytes: Int?

    /// How long requests put up with having no connection, each from when it was made; nil: as long as their deadline allows.
    public var patienceMs: Int64?

    private static let shortestPauseMs: Int64 = 20
    private let identity: Identity?
    private var socket: LinkSocket?
    private var phase = Phase.away(retryAt: 0)
    private var pause = ReconnectPause(shortestMs: shortestPauseMs)
    private var generator = SystemRandomNumberGenerator()
    private var session: String?
    /// Why there is no connection, as long as there is none, and since when.
    private var problem: ConnectionError?
    private var awaySince: Int64
    /// When it last tried to connect.
    private var triedAt: Int64 = 0
    private var requests = OpenRequests()
    private var lastNumber = 0
    private var isOnHold = false
    private var held = HeldClaims()

    /// Does not connect yet: `process` does.
    public init(path: String, identity: Identity? = nil) {
        self.path = path
        self.identity = identity
        awaySince = MonotonicClock.now
    }

    /// Whether requests are sent at once.
    public var isOpen: Bool { if case .open = phase { true } else { false } }

    /// Requests that have no answer yet.
    public var openRequests: Int { requests.count }

    // MARK: Asking

    /// Asks one operation. `then` is called once, from `process`, `request` never calls it.
    ///
    /// - Parameters:
    ///   - waitMs: how long the operation itself may wait, added to `timeoutMs`.
    ///   - timeoutMs: how long it may take, losses of the connection included; nil: for ever.
    /// - Returns: its number, for `endWait`.
    @discardableResult
    public func request(
        _ operation: String, waitMs: Int64 = 0, timeoutMs: Int64? = nil,
        _ members: (inout JSONWriter) -> Void = { _ in }, then: @escaping (Answer) -> Void
    ) -> Int {
        request(RequestLine(operation, members), waitMs: waitMs, timeoutMs: timeoutMs, then: then)
    }

    @discardableResult
    func request(
        _ line: RequestLine, waitMs: Int64, timeoutMs: Int64?, then: @escaping (Answer) -> Void
    ) -> Int {
        let now = MonotonicClock.now
        let deadline = timeoutMs.map { now &+ $0 &+ waitMs }
        lastNumber += 1
        requests[lastNumber] = .init(line, startedAt: now, deadline: deadline, then: then)
        if isOpen {
            send(lastNumber)
        } else if case .away(let retryAt) = phase {
            // Somebody wants something: the pause that has grown by then is not made to wait for.
            phase = .away(retryAt: min(retryAt, triedAt + Self.shortestPauseMs))
        }
        return lastNumber
    }

    /// Ends the waiting of a `claim` or `wait`; it is answered with the error `cancelled`, or with what it found before.
    public func endWait(_ number: Int) {
        guard let request = requests[number] else { return }
        if isOpen, request.wasSent, request.retryAt == nil {
            self.request("cancel_wait", { $0.member("target", number) }, then: { _ in })
        } else {
            requests.remove(number)
            request.then(.failure(ConnectionError.closed))
        }
    }

    /// How many bytes of JSON a request has room for beside these members; nil: the daemon has not said yet.
    public func room(_ operation: String, beside members: (inout JSONWriter) -> Void) -> Int? {
        lineBytes.map { $0 - RequestLine(operation, members).line(id: .max).count }
    }

    /// The job of this token is over for this worker: its lease is not renewed any more.
    public func letGo(_ token: String) { held.letGo(token) }

    /// Ends it: what has no answer fails.
    public func close() { end(with: ConnectionError.closed) }

    private func end(with error: any Error) {
        if case .closed = phase { return }
        phase = .closed(error)
        socket = nil
        failAll(requests.numbers, error)
    }

    private func failAll(_ numbers: [Int], _ error: any Error) {
        for number in numbers { requests.remove(number)?.then(.failure(error)) }
    }

    // MARK: The loop

    /// What to poll; its descriptor is −1 (which poll(2) passes over) while there is no connection.
    public var pollEntry: pollfd {
        pollfd(fd: socket?.descriptor ?? -1, events: socket?.events ?? 0, revents: 0)
    }

    /// Milliseconds until `process` must be called at the latest; −1: only when something is ready.
    public var pollTimeout: Int32 {
        var times: [Int64] = []
        if case .away(let retryAt) = phase { times.append(retryAt) }
        if isOpen {
            if let next = held.nextTime { times.append(next) }
            times += requests.all.compactMap(\.retryAt)
        }
        times += requests.all.compactMap(deadline(of:))
        if case .closed = phase, !requests.isEmpty { return 0 }
        if requests.all.contains(where: { $0.failure != nil }) { return 0 }
        guard let nearest = times.min() else { return -1 }
        return Int32(clamping: max(0, nearest - MonotonicClock.now))
    }

    /// Does what is to be done now.
    ///
    /// - Parameter ready: `revents` of `pollEntry`.
    public func process(_ ready: Int16) {
        if let socket, ready != 0 {
            do throws(ConnectionError) {
                if ready & Int16(POLLOUT) != 0 { try socket.flush() }
                if ready & ~Int16(POLLOUT) != 0 {
                    try socket.receive()
                    // What is called may lose or end the connection.
                    while self.socket === socket, let line = try socket.nextLine() { take(line) }
                }
            } catch {
                lost(error)
            }
        }
        passTime(MonotonicClock.now)
    }

    private func passTime(_ now: Int64) {
        switch phase {
        case .closed(let error): return failAll(requests.numbers, error)
        case .away(let retryAt) where retryAt <= now: connect()
        default: break
        }
        for number in requests.numbers {
            // An answer before may have ended it.
            guard let request = requests[number] else { continue }
            if let failure = request.failure {
                requests.remove(number)
                request.then(.failure(failure))
            } else if let deadline = deadline(of: request), deadline <= now {
                requests.remove(number)
                request.then(.failure(request.refusal ?? problem ?? ConnectionError.timedOut))
            } else if isOpen, let retryAt = request.retryAt, retryAt <= now {
                requests[number]?.retryAt = nil
                send(number)
            }
        }
        if isOpen { for claim in held.due(at: now) { extend(claim) } }
    }

    /// When a request fails if it has no answer by then; while there is no connection, patience may end earlier.
    private func deadline(of request: OpenRequests.Request) -> Int64? {
        guard !isOpen, let patienceMs else { return request.deadline }
        return min(request.deadline ?? .max, max(awaySince, request.startedAt) &+ patienceMs)
    }

    // MARK: Connecting

    private func connect() {
        triedAt = MonotonicClock.now
        do throws(ConnectionError) {
            let socket = try LinkSocket(path: path)
            self.socket = socket
            phase = .greeting
            try socket.send(hello.line(id: 0))
        } catch {
            lost(error)
        }
    }

    /// Said without a name too, for the limits in its reply.
    private var hello: RequestLine {
        RequestLine("hello") {
            $0.member("protocol", 1)
            guard let identity else { return }
            $0.member("worker", identity.worker)
            if identity.push { $0.member("push", true) }
            if let graceMs = identity.graceMs { $0.member("grace_ms", graceMs) }
            if let session { $0.member("session", session) }
        }
    }

    private func greeted(_ reply: JSONDocument) {
        guard reply["ok"]?.bool == true else {
            return end(with: reply["error"].map(ProtocolError.init) ?? ConnectionError.notAReply(reply.description))
        }
        session = reply["session"]?.string
        lineBytes = reply["limits"]?["line_bytes"]?.integer.map { Int($0) }
        opened()
    }

    private func opened() {
        phase = .open
        pause.reset()
        problem = nil
        // What is asked from here on is sent as it is asked.
        let unanswered = requests.numbers.filter { requests[$0]?.retryAt == nil }
        onChange(nil)
        for claim in held.all { extend(claim) }
        for number in unanswered { send(number) }
    }

    private func lost(_ error: ConnectionError) {
        if case .closed = phase { return }
        let now = MonotonicClock.now
        if isOpen { awaySince = now }
        socket = nil
        phase = .away(retryAt: now + pause.next(&generator))
        let isNews = problem == nil
        problem = error
        var failed: [Int] = []
        for number in requests.numbers where requests[number]?.wasSent == true {
            if requests[number]?.line.mayBeRepeated == true {
                requests[number]?.wasLost = true
            } else {
                failed.append(number)
            }
        }
        failAll(failed, error)
        if isNews { onChange(error) }
    }

    // MARK: Sending and taking

    private func send(_ number: Int) {
        guard let socket, let request = requests[number] else { return }
        let waitedMs = request.wasSent ? MonotonicClock.now - request.startedAt : 0
        let line = request.line.line(id: number, waitedMs: waitedMs)
        // Its end of line does not count.
        if let lineBytes, line.count - 1 > lineBytes {
            requests[number]?.failure = .tooLong(line.count - 1, limit: lineBytes)
            return
        }
        requests[number]?.wasSent = true
        requests[number]?.bytes = line.count
        do throws(ConnectionError) {
            try socket.send(line)
        } catch {
            lost(error)
        }
    }

    private func take(_ line: JSONDocument) {
        if let event = line["event"]?.string {
            onEvent(line)
            if event == "lease_lost", let token = line["token"]?.string { leaseLost(line["job"]?.string ?? "", token) }
            return
        }
        if case .greeting = phase { return greeted(line) }
        guard let number = requests.addressee(of: line), let request = requests[number] else { return giveBack(line) }
        let error = line["error"].map(ProtocolError.init)
        note(hold: error)
        if let error, isNotNow(error) {
            requests[number]?.refusal = error
            let pause = requests[number]?.pause.next(&generator) ?? 1_000
            requests[number]?.retryAt = MonotonicClock.now + max(pause, error.retryAfterMs ?? 0)
            return
        }
        requests.remove(number)
        held.note(request.line, line, at: MonotonicClock.now)
        request.then(answer(line, request))
    }

    private func answer(_ line: JSONDocument, _ request: OpenRequests.Request) -> Answer {
        if line["ok"]?.bool == true {
            return .success(request.wasLost ? request.line.withoutOwnDuplicates(line) : line)
        }
        guard let error = line["error"] else {
            return .failure(ConnectionError.notAReply(String(line.description.prefix(200))))
        }
        return .failure(ProtocolError(error))
    }

    private func isNotNow(_ error: ProtocolError) -> Bool {
        switch error.errorCode {
        case .storeUnavailable, .storeFull, .draining: true
        default: false
        }
    }

    private func note(hold error: ProtocolError?) {
        if let error {
            guard isNotNow(error), !isOnHold else { return }
        } else if !isOnHold {
            return
        }
        isOnHold = error != nil
        onHold(error)
    }

    /// An answer that nobody waits for any more: jobs in it go back.
    private func giveBack(_ line: JSONDocument) {
        for job in line["jobs"]?.array ?? [] {
            guard let name = job["job"]?.string, let token = job["token"]?.string else { continue }
            request("release", timeoutMs: 60_000) {
                $0.member("job", name)
                $0.member("token", token)
            } then: { _ in
            }
        }
    }

    // MARK: Leases

    private func extend(_ claim: HeldClaims.Claim) {
        held.extended(claim.token, at: MonotonicClock.now)
        request("extend", timeoutMs: claim.leaseMs) {
            $0.member("job", claim.job)
            $0.member("token", claim.token)
        } then: { [unowned self] answer in
            switch answer {
            case .failure(let error as ProtocolError) where HeldClaims.isEnd(error):
                // It may have ended by our own doing, in an answer that came before this one.
                leaseLost(claim.job, claim.token)
            case .failure: held.extendSoon(claim.token, at: MonotonicClock.now)
            case .success: break
            }
        }
    }

    private func leaseLost(_ job: String, _ token: String) {
        if held.letGo(token) { onLeaseLost(job, token) }
    }
}
