// One connection: lines in, replies out, and the order between them.
//
// Requests with an `id` run concurrently, at most `inFlight` at a time. A request without one bars the way: the next
// line is not looked at before it is answered. Which of the two holds is `gate`'s business (`SessionGate.swift`); this
// file feeds it lines and answers. Nothing here knows what a request means.
//
// A connection that has sent many lines, or sends while the store has enough to do, gets its turn with all others that
// have (`Turns`): so nobody waits behind another's backlog.

import DequeModule
import Reactor
import Store
import Wire

/// A client's connection, from accept to close.
final class Session: ByteStreamDelegate {
    let stream: ByteStream
    private unowned let broker: Broker
    private var framer: LineFramer
    private(set) var gate: SessionGate
    private var isPumping = false
    /// The peer has no more requests; the stream closes when the last one is answered.
    private var inputEnded = false
    private(set) var isOpen = true
    private(set) var isReading = true
    /// The peer has sent no complete line yet.
    private(set) var isSilent = true
    /// Accepted then, monotonic µs.
    let since: UInt64
    /// What it holds of the memory of all connections.
    private(set) var memory: SessionMemory
    /// Long answers that wait until those before are read.
    private var longAnswers = Deque<LongAnswer>()
    /// Unread bytes before which no long answer is added.
    private static let unreadBeforeLong = 1 << 20
    /// What it has cost among those that wait for their turns.
    let share = TurnShare()
    /// Its next line is looked at when its turn comes.
    private var waitsForTurn = false
    /// Who this is, after a `hello` with a worker's name or with `push`.
    var worker: Worker?
    /// Its claims that wait, at most `inFlight`, in no order.
    var waitingClaims: [WaitingClaim] = []
    /// The names that those have listened to.
    var claimNames: NameCount?
    /// Its waits for jobs, within the same bound.
    var jobWaits: [JobWait] = []
    /// What it hears of, and what it has asked for and does not hold yet.
    var subscription: Subscription?
    var subscriptionRequest: SubscriptionRequest?
    /// Operations of administration that only looked, of which the log was told; see `AuditEntry`.
    var looks: OperationSet = []
    /// Place in the broker's table of sessions.
    let number: Int
    /// It came over the administrators' socket.
    let isAdmin: Bool
    /// It may do everything.
    let isPrivileged: Bool
    /// Who is at the other end, for the rules and the log.
    private(set) lazy var peer = PeerFacts(of: stream)

    init(stream: ByteStream, broker: Broker, number: Int, isAdmin: Bool) {
        self.stream = stream
        self.broker = broker
        self.number = number
        self.isAdmin = isAdmin
        isPrivileged = isAdmin || broker.isAdministrator(stream.peer)
        since = broker.loop.now
        memory = SessionMemory(budget: broker.budget)
        framer = LineFramer(limit: broker.options.lineBytes)
        gate = SessionGate(limit: broker.options.inFlight)
        stream.delegate = self
    }

    /// Requests read and not yet answered.
    var openRequests: Int { gate.open }

    /// Everything its peer has sent is answered, and no more can come.
    var isDone: Bool { !isOpen || inputEnded && !waitsForTurn && gate.open == 0 }

    func streamMayRead(_ stream: ByteStream) -> Bool {
        if mayTakeMemory { return true }
        if memory.heldBack == nil { holdBack(true) }
        regulateReading()
        return false
    }

    func streamDidRead(_ stream: ByteStream, _ bytes: UnsafeRawBufferPointer) {
        framer.append(bytes)
        pump()
        broker.memory.relieveIfNeeded()
    }

    func streamDidEndInput(_ stream: ByteStream) {
        inputEnded = true
        closeWhenDone()
    }

    func streamDidDrain(_ stream: ByteStream) {
        subscription?.drained()
        if memory.heldBack != nil { pump() }
        while isOpen, stream.unsentBytes < Self.unreadBeforeLong, let long = longAnswers.popFirst() {
            write(long)
        }
        if !longAnswers.isEmpty { stream.tellsDrain = true }
    }

    func streamDidClose(_ stream: ByteStream, reason: CloseReason) {
        guard isOpen else { return }
        isOpen = false
        forgetInput()
        memory.orphan()
        switch reason {
        case .memory: broker.memory.dropped(self, bytes: stream.lostBytes)
        case .overflow: broker.didNotRead(self)
        case .hangup, .error, .closedByUs: break
        }
        broker.sessionDidEnd(self)
    }

    deinit { memory.end() }

    /// Looks at the lines that may be looked at. Not entered twice: an answer given at once inside finds the loop
    /// already running.
    private func pump() {
        guard !isPumping else { return }
        guard !waitsForTurn else { return }
        broker.turns.begin(share)
        if framer.bufferedBytes > 0, !broker.turns.mayBegin(self), gate.mayTakeRequest, mayTakeMemory {
            waitsForTurn = true
            broker.turns.add(self)
        }
        pump(units: Turns.unitsAtOnce)
    }

    /// The same until so much is spent; then it is others' turn.
    private func pump(units: Int) {
        isPumping = true
        let end = share.time + UInt64(units)
        var lines = 0
        var isOver = false
        // Not of a stream that is closing, which gets no answers, or was closed for not reading: nothing can be found out
        // about its peer any more.
        while !waitsForTurn, isOpen, stream.takesOutput, gate.mayTakeRequest, mayTakeMemory, framer.bufferedBytes > 0 {
            if isOver || share.time >= end || !broker.turns.mayGoOn(self) {
                waitsForTurn = true
                broker.turns.add(self)
                break
            }
            guard framer.next({ take($0) }) else { break }
            lines += 1
            if lines % 8 == 0, broker.loop.turnIsLong { isOver = true }
        }
        isPumping = false
        guard isOpen else { return }
        memory.input(framer.footprint)
        regulateReading()
        closeWhenDone()
    }

    /// It may go on, for some lines.
    func turnCame() {
        waitsForTurn = false
        guard isOpen, !isPumping else { return }
        pump(units: Turns.unitsATurn)
    }

    /// Stops reading while lines wait that may not be looked at yet; the kernel's buffer then holds the sender back. The
    /// same while it holds more memory than each may just now.
    private func regulateReading() {
        let waitsForMemory = !mayTakeMemory && (framer.bufferedBytes > 0 || memory.heldBack != nil)
        let isHeavy = !isAdmin && (heldBytes > memory.budget.allowance || waitsForMemory)
        if isHeavy != (memory.heldBack != nil) { holdBack(isHeavy) }
        let wanted = !isHeavy && !waitsForTurn && (gate.mayTakeRequest || framer.bufferedBytes == 0)
        guard wanted != isReading, !inputEnded else { return }
        isReading = wanted
        if wanted { stream.resumeReading() } else { stream.pauseReading() }
    }

    private func take(_ frame: LineFramer.Frame) {
        isSilent = false
        switch frame {
        case .tooLong(let head):
            refuse(RequestError(tooLong: head, limit: broker.options.lineBytes))
        case .line(let bytes):
            do throws(RequestError) {
                let request = try Request(line: bytes)
                broker.figures.count(request.operation.name)
                gate.admit(identified: request.id != nil)
                let cost = SessionMemory.cost(of: request.operation, lineBytes: bytes.count)
                memory.opened(cost)
                let load = broker.store.load
                broker.serve(request.operation, Ticket(session: self, id: request.id, memory: cost))
                share.charge(1 + broker.store.load - load)
                share.charge(bytes: bytes.count)
            } catch {
                refuse(error)
            }
        }
    }

    private func refuse(_ error: RequestError) {
        gate.admit(identified: error.id != nil)
        Ticket(session: self, id: error.id, memory: 0).refuse(error.error)
    }

    /// Writes one answer and lets the next request pass if this one barred the way.
    func answer(_ ticket: Ticket, _ write: (inout JSONWriter, [UInt8]?) -> Void) {
        memory.answered(ticket.memory)
        guard isOpen else { return }
        let id = ticket.id
        broker.withWriter { writer in
            write(&writer, id)
            share.charge(bytes: writer.bytes.count)
            stream.write(writer.bytes)
        }
        answered(id)
    }

    /// Writes one long answer when its client has read most of those before.
    func answer(_ long: LongAnswer) {
        guard isOpen else { return memory.answered(long.ticket.memory) }
        guard longAnswers.isEmpty, stream.unsentBytes < Self.unreadBeforeLong else {
            longAnswers.append(long)
            stream.tellsDrain = true
            return
        }
        write(long)
    }

    private func write(_ long: LongAnswer) {
        memory.answered(long.ticket.memory)
        broker.withWriter { writer in
            writer.beginReply(id: long.ticket.id)
            long.others(&writer)
            writer.key(long.name)
            share.charge(bytes: long.json.count)
            stream.write(writer.bytes, long.json, JSONWriter.endOfLongReply)
        }
        answered(long.ticket.id)
    }

    private func answered(_ id: [UInt8]?) {
        gate.answered(identified: id != nil)
        if !isPumping, framer.bufferedBytes > 0 || !isReading { pump() } else { closeWhenDone() }
    }

    /// One of its requests is refused.
    func count(_ error: ErrorCode) { broker.figures.count(error) }

    /// Writes a line that nobody asked for: an event.
    func tell(_ write: (inout JSONWriter) -> Void) {
        guard isOpen else { return }
        broker.withWriter { writer in
            write(&writer)
            stream.write(writer.bytes)
        }
    }

    /// What was asked is still answered after `shutdown(SHUT_WR)`; then the connection ends. A subscriber has asked for
    /// all that follows.
    private func closeWhenDone() {
        guard inputEnded, isOpen, !isPumping, !waitsForTurn, gate.open == 0, subscription == nil else { return }
        stream.closeAfterFlush()
    }

    /// The daemon stops: no more requests are looked at, and what was answered is flushed.
    func finish() { stream.closeAfterFlush() }

    // MARK: Memory

    /// Bytes that it holds: input, open requests, and output that was not read.
    var heldBytes: Int { memory.bytes + stream.outputFootprint }

    /// Whether a further request may be looked at as far as memory goes. Administrators are never held back by it.
    private var mayTakeMemory: Bool { !memory.budget.isExhausted || isAdmin }

    private func holdBack(_ isHeavy: Bool) {
        memory.heldBack = isHeavy ? .init(at: broker.loop.now, bytes: heldBytes) : nil
        broker.memory.heldBack(by: isHeavy ? 1 : -1)
    }

    /// Whether it has been held back for this long (µs) without getting lighter; if it did, the time begins anew.
    func hasWaitedForMemory(_ patience: UInt64, at now: UInt64) -> Bool {
        guard let heldBack = memory.heldBack else { return false }
        if heldBytes < heldBack.bytes {
            memory.heldBack = .init(at: now, bytes: heldBytes)
            return false
        }
        return now - heldBack.at >= patience
    }

    /// What it was held back for may have changed.
    func reconsider() { if isOpen { pump() } }

    /// Closes it to free memory. Not to be called while it looks at its lines.
    func drop() {
        stream.close()
        forgetInput()
        memory.orphan()
    }

    private func forgetInput() {
        framer = LineFramer(limit: broker.options.lineBytes)
        memory.input(0)
        if memory.heldBack != nil { holdBack(false) }
    }
}

/// An answer with a member whose value is made once and may be shared by many.
struct LongAnswer {
    let ticket: Ticket
    let name: StaticString
    let json: [UInt8]
    /// Writes the members in front of it.
    let others: (inout JSONWriter) -> Void
}
