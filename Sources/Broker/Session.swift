// One connection: lines in, replies out, and the order between them.
//
// Requests with an `id` run concurrently, at most `inFlight` at a time. A request without one bars the way: the next
// line is not looked at before it is answered. Which of the two holds is `gate`'s business (`SessionGate.swift`); this
// file feeds it lines and answers. Nothing here knows what a request means.

import Reactor
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
    /// Who this is, after a `hello` with a worker's name or with `push`.
    var worker: Worker?
    /// Its claims that wait, at most `inFlight`.
    var waitingClaims: [WaitingClaim] = []
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
        framer = LineFramer(limit: broker.options.lineBytes)
        gate = SessionGate(limit: broker.options.inFlight)
        stream.delegate = self
    }

    /// Requests read and not yet answered.
    var openRequests: Int { gate.open }

    func streamDidRead(_ stream: ByteStream, _ bytes: UnsafeRawBufferPointer) {
        framer.append(bytes)
        pump()
    }

    func streamDidEndInput(_ stream: ByteStream) {
        inputEnded = true
        closeWhenDone()
    }

    func streamDidDrain(_ stream: ByteStream) { subscription?.drained() }

    func streamDidClose(_ stream: ByteStream, reason: CloseReason) {
        guard isOpen else { return }
        isOpen = false
        broker.sessionDidEnd(self)
    }

    /// Looks at the lines that may be looked at. Not entered twice: an answer given at once inside finds the loop
    /// already running.
    private func pump() {
        guard !isPumping else { return }
        isPumping = true
        // Not of a stream that is closing, which gets no answers, or was closed for not reading: nothing can be found out
        // about its peer any more.
        while isOpen, stream.takesOutput, gate.mayTakeRequest, framer.next({ take($0) }) {}
        isPumping = false
        guard isOpen else { return }
        regulateReading()
        closeWhenDone()
    }

    /// Stops reading while lines wait that may not be looked at yet; the kernel's buffer then holds the sender back.
    private func regulateReading() {
        let wanted = gate.mayTakeRequest || framer.bufferedBytes == 0
        guard wanted != isReading, !inputEnded else { return }
        isReading = wanted
        if wanted { stream.resumeReading() } else { stream.pauseReading() }
    }

    private func take(_ frame: LineFramer.Frame) {
        switch frame {
        case .tooLong:
            gate.admit(identified: false)
            Ticket(session: self, id: nil).refuse(.lineTooLong(limit: broker.options.lineBytes))
        case .line(let bytes):
            do throws(RequestError) {
                let request = try Request(line: bytes)
                broker.figures.count(request.operation.name)
                gate.admit(identified: request.id != nil)
                broker.serve(request.operation, Ticket(session: self, id: request.id))
            } catch {
                gate.admit(identified: error.id != nil)
                Ticket(session: self, id: error.id).refuse(error.error)
            }
        }
    }

    /// Writes one answer and lets the next request pass if this one barred the way.
    func answer(_ id: [UInt8]?, _ write: (inout JSONWriter, [UInt8]?) -> Void) {
        guard isOpen else { return }
        broker.withWriter { writer in
            write(&writer, id)
            stream.write(writer.bytes)
        }
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
        guard inputEnded, isOpen, !isPumping, gate.open == 0, subscription == nil else { return }
        stream.closeAfterFlush()
    }

    /// The daemon stops: no more requests are looked at, and what was answered is flushed.
    func finish() { stream.closeAfterFlush() }
}
