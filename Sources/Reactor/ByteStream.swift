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
    /// A read or write failed, with this errno.
    case error(Int32)
    /// `close()` or `closeAfterFlush()`.
    case closedByUs
}

/// What happens to a stream. Any stream may be written to and closed in any of these.
public protocol ByteStreamDelegate: AnyObject {
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
    public func streamDidDrain(_ stream: ByteStream) {}
}

/// A connected stream socket in a `ConnectionSet`, which made it and keeps it until it is closed.
public final class ByteStream {
    /// Told of everything; kept until the stream has ended.
    public var delegate: (any ByteStreamDelegate)?
    /// Who is at the other end.
    public let peer: PeerCredentials

    /// The systemd unit of the process at the other end, e.g. `mailer.service`; nil when it has none, or that cannot be
    /// found out (sd_peer_get_unit(3)). Reads files below /proc each time.
    public var peerUnit: String? {
        var name: UnsafeMutablePointer<CChar>?
        guard isOpen, sd_peer_get_unit(fd, &name) >= 0, let name else { return nil }
        defer { free(name) }
        return String(cString: name)
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

    /// Bytes written by us that the socket has not taken yet.
    public var unsentBytes: Int { output.count }

    /// The socket took no more at the last write: the peer does not read, or not yet. `streamDidDrain` follows when
    /// everything is written.
    public var isCongested: Bool { outputIsStuck }

    /// Sends bytes at the end of the turn, after all sent before. Nothing happens when the stream is closed or closing.
    ///
    /// When more than the output limit waits already, the peer is not reading: the stream is closed (`.overflow`). One
    /// write may be larger than the limit, so memory is bounded by the limit and the largest single write.
    public func write(_ bytes: UnsafeRawBufferPointer) {
        guard isOpen, !closesWhenFlushed else { return }
        if output.count >= outputLimit { relieve() }
        guard isOpen else { return }
        output.append(bytes)
        if !isDirty { set.markDirty(self) }
    }

    /// As `write(_: UnsafeRawBufferPointer)`.
    public func write(_ bytes: [UInt8]) { bytes.withUnsafeBytes { write($0) } }

    /// Stops `streamDidRead` until `resumeReading`. A hang-up is still noticed.
    public func pauseReading() { wantsInput = false }

    /// Takes input again.
    public func resumeReading() {
        if wantsInput { return }
        wantsInput = true
        if isOpen && inputIsOpen && !inputIsWatched && !isDirty { set.markDirty(self) }
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
        set.remove(self)
    }

    /// The output limit is reached: gives the socket a chance, and ends the stream if it takes too little.
    private func relieve() {
        if !outputIsStuck { send() }
        guard isOpen, output.count >= outputLimit else { return }
        set.droppedForOutput += 1
        end(.overflow)
    }

    // MARK: Called by the set

    /// Epoll has reported `events`. `buffer` is the set's shared read buffer.
    func ready(_ events: UInt32, _ buffer: UnsafeMutableRawBufferPointer) {
        guard isOpen else { return }
        if events & EPOLLOUT.rawValue != 0 { writable() }
        let over = events & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0
        guard isOpen, events & EPOLLIN.rawValue != 0 || over else { return }
        if wantsInput && inputIsOpen {
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
        if closesWhenFlushed { end(.closedByUs) } else { delegate?.streamDidDrain(self) }
    }

    /// The end of the turn: writes once and tells epoll what has changed.
    func flush() {
        isDirty = false
        guard isOpen else { return }
        if !outputIsStuck { send() }
        guard isOpen else { return }
        if closesWhenFlushed && output.isEmpty { return end(.closedByUs) }
        if wantsInput && inputIsOpen { inputIsWatched = true }
        set.updateInterest(of: self)
    }

    /// One write of what waits, if anything does.
    private func send() {
        if output.isEmpty { return }
        let bytes = output.bytes
        let n = Glibc.send(fd, bytes.baseAddress!, bytes.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
        if n < 0 { return failed(errno) }
        output.removeFirst(n)
        outputIsStuck = !output.isEmpty
    }

    private func failed(_ code: Int32) {
        switch code {
        case EAGAIN: outputIsStuck = !output.isEmpty
        case EINTR: break
        case EPIPE, ECONNRESET: end(.hangup)
        default: end(.error(code))
        }
    }
}
