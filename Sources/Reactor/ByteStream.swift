// One connection: bytes in as they come, bytes out once at the end of a turn, an end that is told exactly once.
//
// Input is never kept here: the delegate gets what was read and holds what it needs. Output is: `write` appends, the set
// writes at the end of the turn and asks for EPOLLOUT only when the socket takes no more. Pausing costs no system call
// unless the peer does send: the interest in input is dropped when the set is told of input nobody wants, and taken up
// again at the end of the turn in which reading resumed. EPOLLHUP cannot be masked, so a paused stream still learns that
// its peer is gone. The stream keeps its delegate until it has told it of the end; that also breaks the cycle.

internal import CSystemd
internal import Glibc

/// Why a stream ended.
public enum CloseReason: Sendable, Hashable {
    /// The peer closed its end: nobody waits for answers.
    case hangup
    /// The peer did not read: more than the limit waited to be written.
    case overflow
    /// The memory of all connections is used up, and this one's peer did not read.
    case memory
    /// A read or write failed, with this errno.
    case error(Int32)
    /// `close()` or `closeAfterFlush()`.
    case closedByUs
}

/// What happens to a stream. Any stream may be written to and closed in any of these.
public protocol ByteStreamDelegate: AnyObject {
    /// Bytes are there to be read. False: they stay in the socket; the delegate pauses reading and resumes it.
    func streamMayRead(_ stream: ByteStream) -> Bool
    /// Bytes arrived: at most 64 KiB, in a buffer shared by all streams that is good during this call only.
    func streamDidRead(_ stream: ByteStream, _ bytes: UnsafeRawBufferPointer)
    /// The peer sends no more, but may still read: what was asked can be answered. At most once.
    func streamDidEndInput(_ stream: ByteStream)
    /// The stream is over, for whatever reason. Exactly once, at the end of a turn, never from inside a method of ours.
    func streamDidClose(_ stream: ByteStream, reason: CloseReason)
    /// Everything is written after the socket had been full at the end of a turn.
    func streamDidDrain(_ stream: ByteStream)
}

extension ByteStreamDelegate {
    public func streamMayRead(_ stream: ByteStream) -> Bool { true }
    public func streamDidDrain(_ stream: ByteStream) {}
}

/// A connected stream socket in a `ConnectionSet`, which made it and keeps it until it is closed.
public final class ByteStream {
    /// Told of everything; kept until the stream has ended.
    public var delegate: (any ByteStreamDelegate)?
    /// Who is at the other end.
    public let peer: PeerCredentials

    /// When it was taken into its set, µs of CLOCK_BOOTTIME.
    private let acceptedAt = PeerUnit.bootTime

    /// The systemd unit of the process at the other end, e.g. `mailer.service`. Reads files below /proc each time.
    public var peerUnit: PeerUnit {
        isOpen ? PeerUnit(ofSocket: fd, pid: peer.pid, acceptedAt: acceptedAt) : .unknown
    }

    /// The supplementary groups of the process at the other end, as they were when it connected; may or may not have its
    /// primary one. Empty when it is no Unix socket.
    public var peerGroups: [UInt32] {
        guard isOpen else { return [] }
        var groups = [UInt32](repeating: 0, count: 64)
        var count = jobqd_peer_groups(fd, &groups, Int32(groups.count))
        if Int(count) > groups.count {
            groups = [UInt32](repeating: 0, count: Int(count))
            count = jobqd_peer_groups(fd, &groups, count)
        }
        return Array(groups.prefix(Int(max(0, count))))
    }

    /// Asks for one `streamDidDrain` when all is written, also when the socket takes it without having been full.
    public var tellsDrain = false

    // The rest is between the stream and its set.
    /// Used only while the stream is open, and a set closes its streams before it goes.
    unowned(unsafe) let set: ConnectionSet
    /// -1 from the moment it is closed.
    var fd: Int32
    var place: Int
    let outputLimit: Int
    var output = OutputBuffer()
    /// What epoll is told to report, as bits of EPOLL_EVENTS.
    var registered: UInt32 = EPOLLIN.rawValue
    /// The delegate wants input.
    var wantsInput = true
    /// There was no read 0 yet.
    var inputIsOpen = true
    /// Epoll reports input; false once it was dropped because nobody wanted it.
    var inputIsWatched = true
    /// The socket was full at the last write.
    var outputIsStuck = false
    /// Since when it has taken nothing (monotonic µs); 0: it takes everything.
    var stuckSince: UInt64 = 0
    var closesWhenFlushed = false
    var isDirty = false
    var closeReason: CloseReason?

    init(set: ConnectionSet, fd: Int32, place: Int, peer: PeerCredentials, outputLimit: Int) {
        self.set = set
        self.fd = fd
        self.place = place
        self.peer = peer
        self.outputLimit = outputLimit
    }

    /// False once it was closed by either side, also before `streamDidClose`.
    public var isOpen: Bool { fd >= 0 && closeReason == nil }

    /// Whether what is written now is sent, if the peer reads it: not while the stream is closing.
    public var takesOutput: Bool { isOpen && !closesWhenFlushed }

    /// After the end: bytes written by us that the socket has not taken.
    public private(set) var lostBytes = 0

    /// Bytes written by us that the socket has not taken yet.
    public var unsentBytes: Int { output.count }

    /// The socket took no more at the last write: the peer does not read, or not yet. `streamDidDrain` follows when
    /// everything is written.
    public var isCongested: Bool { outputIsStuck }

    /// Bytes of memory that its output takes, written ones included until their memory is given back.
    public var outputFootprint: Int { output.footprint }

    /// Sends bytes at the end of the turn, after all sent before. Nothing happens when the stream is closed or closing.
    ///
    /// When more than the output limit waits already, the peer is not reading: the stream is closed (`.overflow`). One
    /// write may be larger than the limit: then the set closes the stream if its peer takes nothing of it for a while.
    /// When the memory of all connections is used up, it is closed (`.memory`) unless its peer reads.
    public func write(_ bytes: UnsafeRawBufferPointer) {
        guard isOpen, !closesWhenFlushed else { return }
        if output.count >= outputLimit { relieve() }
        guard isOpen else { return }
        let before = output.footprint
        output.append(bytes)
        set.budget.change(by: output.footprint - before)
        if set.budget.isExhausted { save() }
        if isOpen && !isDirty { set.markDirty(self) }
    }

    /// As `write(_: UnsafeRawBufferPointer)`.
    public func write(_ bytes: [UInt8]) { bytes.withUnsafeBytes { write($0) } }

    /// One write of three parts.
    public func write(_ head: [UInt8], _ body: [UInt8], _ tail: [UInt8]) {
        guard isOpen, !closesWhenFlushed else { return }
        if output.count >= outputLimit { relieve() }
        guard isOpen else { return }
        let before = output.footprint
        for part in [head, body, tail] { part.withUnsafeBytes { output.append($0) } }
        set.budget.change(by: output.footprint - before)
        if set.budget.isExhausted { save() }
        if isOpen && !isDirty { set.markDirty(self) }
    }

    /// Stops `streamDidRead` until `resumeReading`. A hang-up is still noticed.
    public func pauseReading() { wantsInput = false }

    /// Takes input again.
    public func resumeReading() {
        if wantsInput { return }
        wantsInput = true
        if isOpen && inputIsOpen && !inputIsWatched && !isDirty { set.markDirty(self) }
    }

    /// Lets the peer send no more. What it has sent is still read, and `streamDidEndInput` follows; what it tries to send
    /// from now on fails with EPIPE, so that it knows that nobody has read it (shutdown(2) with SHUT_RD).
    public func endInput() {
        guard isOpen, inputIsOpen else { return }
        shutdown(fd, Int32(SHUT_RD))
    }

    /// Takes no more input and no more output, and closes as soon as what was written has gone out.
    public func closeAfterFlush() {
        guard isOpen, !closesWhenFlushed else { return }
        wantsInput = false
        closesWhenFlushed = true
        if !isDirty { set.markDirty(self) }
    }

    /// Closes now; what was not sent yet is lost.
    public func close() { end(.closedByUs) }

    func end(_ reason: CloseReason) {
        guard isOpen else { return }
        closeReason = reason
        lostBytes = output.count
        set.remove(self)
    }

    /// The output limit is reached: gives the socket a chance, and ends the stream if it takes too little.
    private func relieve() {
        if !outputIsStuck { send() }
        guard isOpen, output.count >= outputLimit else { return }
        set.droppedForOutput += 1
        end(.overflow)
    }

    /// What a peer that reads may leave in our hands when there is no memory for more.
    private static let sparedBytes = 4_096

    /// All memory is used up: gives the socket a chance, and ends the stream if it leaves much.
    private func save() {
        if !outputIsStuck { send() }
        if isOpen, output.count > Self.sparedBytes { end(.memory) }
    }

    // MARK: Called by the set

    /// Epoll has reported `events`. `buffer` is the set's shared read buffer.
    func ready(_ events: UInt32, _ buffer: UnsafeMutableRawBufferPointer) {
        guard isOpen else { return }
        if events & EPOLLOUT.rawValue != 0 { writable() }
        let over = events & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0
        guard isOpen, events & EPOLLIN.rawValue != 0 || over else { return }
        if wantsInput && inputIsOpen && delegate?.streamMayRead(self) != false {
            read(buffer, hungUp: over)
        } else if over {
            // Nobody reads, so nothing that may still be in the socket matters.
            end(.hangup)
        } else {
            inputIsWatched = false
            set.updateInterest(of: self)
        }
    }

    private func read(_ buffer: UnsafeMutableRawBufferPointer, hungUp: Bool) {
        let n = recv(fd, buffer.baseAddress!, buffer.count, Int32(MSG_DONTWAIT))
        if n > 0 {
            delegate?.streamDidRead(self, UnsafeRawBufferPointer(start: buffer.baseAddress!, count: n))
        } else if n == 0 && hungUp {
            end(.hangup)
        } else if n == 0 {
            inputIsOpen = false
            inputIsWatched = false
            set.updateInterest(of: self)
            delegate?.streamDidEndInput(self)
        } else {
            failed(errno)
        }
    }

    private func writable() {
        outputIsStuck = false
        send()
        guard isOpen, !outputIsStuck else { return }
        set.updateInterest(of: self)
        if closesWhenFlushed { end(.closedByUs) } else { tellDrained() }
    }

    private func tellDrained() {
        tellsDrain = false
        delegate?.streamDidDrain(self)
    }

    /// The end of the turn: writes once and tells epoll what has changed.
    func flush() {
        isDirty = false
        guard isOpen else { return }
        if !outputIsStuck { send() }
        guard isOpen else { return }
        if closesWhenFlushed && output.isEmpty { return end(.closedByUs) }
        if tellsDrain && output.isEmpty { tellDrained() }
        if wantsInput && inputIsOpen { inputIsWatched = true }
        set.updateInterest(of: self)
    }

    /// One write of what waits, if anything does.
    private func send() {
        if output.isEmpty { return }
        let bytes = output.bytes
        let n = Glibc.send(fd, bytes.baseAddress!, bytes.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
        if n < 0 { return failed(errno) }
        let before = output.footprint
        output.removeFirst(n)
        set.budget.change(by: output.footprint - before)
        outputIsStuck = !output.isEmpty
        stuckSince = outputIsStuck ? set.loop.now : 0
    }

    private func failed(_ code: Int32) {
        switch code {
        case EAGAIN:
            outputIsStuck = !output.isEmpty
            if stuckSince == 0 { stuckSince = set.loop.now }
        case EINTR: break
        case EPIPE, ECONNRESET: end(.hangup)
        default: end(.error(code))
        }
    }
}
