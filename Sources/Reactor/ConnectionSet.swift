// All worker connections: an epoll set of their own that is one single source of the loop.
//
// sd-event dispatches one source a turn and gathers all ready ones each time, so 500 ready connections as 500 sources cost
// 69 µs a request; as one nested set they cost what one costs. A turn takes up to 256 ready connections out of the inner
// set, reads each once into one shared buffer (level triggering brings the rest next turn: nobody starves), and at its
// end writes each connection that has something to say once. The inner set carries unretained pointers to streams. They
// are good because a stream leaves the set in `remove`, before its descriptor is closed, and is kept in `ended` until the
// end of the turn, when no event fetched earlier is left; events of a closed stream are ignored by the stream itself.

internal import CSystemd
internal import Glibc

/// A set of connected sockets that share one source of the loop and one read buffer.
public final class ConnectionSet {
    /// The most that one read takes.
    public static let readSize = 65_536
    private static let eventsPerTurn = 256

    public let loop: Loop
    /// How many streams were closed because their peer did not read.
    public internal(set) var droppedForOutput = 0

    private let epoll: Int32
    private let events: UnsafeMutablePointer<epoll_event>
    private let buffer: UnsafeMutableRawBufferPointer
    private var source: FDSource?
    private var action: TurnEndAction?
    /// Every open stream, at the index its `place` says.
    private var streams: ContiguousArray<ByteStream> = []
    /// Streams with something to do at the end of the turn.
    private var dirty: ContiguousArray<ByteStream> = []
    private var flushing: ContiguousArray<ByteStream> = []
    /// Streams that were closed in this turn and whose delegates do not know yet.
    private var ended: ContiguousArray<ByteStream> = []

    public init(loop: Loop) throws(SystemError) {
        self.loop = loop
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        events = .allocate(capacity: ConnectionSet.eventsPerTurn)
        buffer = .allocate(byteCount: ConnectionSet.readSize, alignment: 16)
        if epoll < 0 { throw .last("epoll_create1") }
        source = loop.watch(fd: epoll, interest: .readable) { [unowned self] _ in takeReady() }
        // Unowned, since a weak reference would make each retain of the set take the runtime's slow path; the deinit ends it.
        action = loop.atTurnEnd { [unowned self] in endTurn() }
    }

    /// Closes every connection. Delegates are not told: who drops the set knows.
    deinit {
        source = nil
        action?.cancel()
        for stream in streams {
            Glibc.close(stream.fd)
            stream.fd = -1
            stream.delegate = nil
        }
        if epoll >= 0 { Glibc.close(epoll) }
        events.deallocate()
        buffer.deallocate()
    }

    /// Open streams.
    public var count: Int { streams.count }

    /// Makes a connected stream socket a stream of the set and takes over the descriptor (closes it on failure, too).
    /// `outputLimit` is how many bytes may wait to be written before the peer counts as not reading.
    public func adopt(fd: Int32, outputLimit: Int = 4 << 20) throws(SystemError) -> ByteStream {
        let stream = ByteStream(
            set: self, fd: fd, place: streams.count, peer: PeerCredentials(ofSocket: fd), outputLimit: outputLimit)
        guard control(EPOLL_CTL_ADD, stream) == 0 else {
            let failure = SystemError.last("epoll_ctl")
            Glibc.close(fd)
            throw failure
        }
        streams.append(stream)
        return stream
    }

    // MARK: A turn

    private func takeReady() {
        let n = epoll_wait(epoll, events, Int32(ConnectionSet.eventsPerTurn), 0)
        var i = 0
        while i < n {
            let event = events[i]
            i += 1
            // The stream is alive: it is in `streams`, or was when the events were fetched and is now in `ended`.
            let stream = Unmanaged<ByteStream>.fromOpaque(event.data.ptr).takeUnretainedValue()
            stream.ready(event.events, buffer)
        }
    }

    func markDirty(_ stream: ByteStream) {
        stream.isDirty = true
        if dirty.isEmpty && ended.isEmpty { loop.askForTurnEnd() }
        dirty.append(stream)
    }

    private func endTurn() {
        if !dirty.isEmpty {
            swap(&dirty, &flushing)
            for stream in flushing { stream.flush() }
            flushing.removeAll(keepingCapacity: true)
        }
        if !ended.isEmpty { tellEnded() }
    }

    private func tellEnded() {
        let told = ended
        ended.removeAll()
        for stream in told {
            let delegate = stream.delegate
            stream.delegate = nil
            delegate?.streamDidClose(stream, reason: stream.closeReason ?? .closedByUs)
        }
        // What the delegates did may concern actions that ran before this one.
        loop.askForTurnEnd()
    }

    // MARK: The inner epoll set

    /// Tells epoll what a stream waits for, if that has changed.
    func updateInterest(of stream: ByteStream) {
        var wanted: UInt32 = 0
        if stream.inputIsWatched { wanted |= EPOLLIN.rawValue }
        if stream.outputIsStuck { wanted |= EPOLLOUT.rawValue }
        if wanted == stream.registered || stream.fd < 0 { return }
        stream.registered = wanted
        expectSuccess(control(EPOLL_CTL_MOD, stream), "epoll_ctl")
    }

    /// Takes a stream out of the set and closes its socket. The stream lives on in `ended` until the turn's end.
    func remove(_ stream: ByteStream) {
        // Closing alone would not do: a child just forked shares the socket for a moment, and while it does epoll would
        // go on reporting it, with a pointer to a stream that is gone.
        expectSuccess(control(EPOLL_CTL_DEL, stream), "epoll_ctl")
        Glibc.close(stream.fd)
        stream.fd = -1
        stream.output.removeAll()
        let last = streams.removeLast()
        if last !== stream {
            streams[stream.place] = last
            last.place = stream.place
        }
        if dirty.isEmpty && ended.isEmpty { loop.askForTurnEnd() }
        ended.append(stream)
    }

    private func control(_ operation: Int32, _ stream: ByteStream) -> Int32 {
        var event = epoll_event()
        event.events = stream.registered
        event.data.ptr = Unmanaged.passUnretained(stream).toOpaque()
        return epoll_ctl(epoll, operation, stream.fd, &event)
    }
}
