// All worker connections: an epoll set of their own that is one single source of the loop.
//
// sd-event dispatches one source a turn and gathers all ready ones each time, so 500 ready connections as 500 sources cost
// 69 µs a request; as one nested set they cost what one costs. A turn takes up to 256 ready connections out of the inner
// set, reads each once into one shared buffer (level triggering brings the rest next turn: nobody starves), and at its
// end writes each connection that has something to say once. When a turn has had its share of time, the rest of what was
// fetched, and of what is to be written, comes first in the next one.
//
// The inner set carries unretained pointers to streams. They are good because a stream leaves the set in `remove`, before
// its descriptor is closed: the events fetched of it are forgotten there, and it is kept in `ended` until its delegate
// knows; events of a closed stream are ignored by the stream itself.

internal import CSystemd
internal import Glibc

/// A set of connected sockets that share one source of the loop and one read buffer.
public final class ConnectionSet {
    /// The most that one read takes.
    public static let readSize = 65_536
    private static let eventsPerTurn = 256
    /// Until when in a turn its end tells delegates of ended streams, and writes; some of each in every turn, µs.
    private static let tellUntil: UInt64 = 6_000
    private static let writeUntil: UInt64 = 10_000
    private static let atLeast = 16

    public let loop: Loop
    /// The memory of all its streams' output, and of what their delegates keep.
    public let budget: MemoryBudget
    /// How many streams were closed because their peer did not read.
    public internal(set) var droppedForOutput = 0

    private let epoll: Int32
    private let events: UnsafeMutablePointer<epoll_event>
    private let buffer: UnsafeMutableRawBufferPointer
    private var source: FDSource?
    private var action: TurnEndAction?
    /// Every open stream, at the index its `place` says.
    private var streams: ContiguousArray<ByteStream> = []
    /// Events fetched, and how many of them were dealt with.
    private var fetched = 0
    private var dealtWith = 0
    /// Streams with something to do at the end of the turn.
    private var dirty: ContiguousArray<ByteStream> = []
    /// Those being written, and how many of them were.
    private var flushing: ContiguousArray<ByteStream> = []
    private var flushed = 0
    /// Streams that were closed in this turn and whose delegates do not know yet.
    private var ended: ContiguousArray<ByteStream> = []

    public init(loop: Loop, budget: MemoryBudget = MemoryBudget()) throws(SystemError) {
        self.loop = loop
        self.budget = budget
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

    /// Closes (`.overflow`) the streams with more than `bytes` unsent whose peers have taken nothing for `patience` µs.
    public func closeStalled(unsent bytes: Int, patience: UInt64) {
        let now = loop.now
        // Closing one puts the last into its place.
        for stream in streams.reversed() where stream.stuckSince > 0 && stream.unsentBytes > bytes {
            guard now - stream.stuckSince >= patience else { continue }
            droppedForOutput += 1
            stream.end(.overflow)
        }
    }

    // MARK: A turn

    private func takeReady() {
        if dealtWith >= fetched {
            fetched = Int(epoll_wait(epoll, events, Int32(ConnectionSet.eventsPerTurn), 0))
            dealtWith = 0
        }
        while dealtWith < fetched {
            let event = events[dealtWith]
            dealtWith += 1
            // nil: the stream ended after its event was fetched. Others are alive, since they are in `streams`.
            if let pointer = event.data.ptr {
                Unmanaged<ByteStream>.fromOpaque(pointer).takeUnretainedValue().ready(event.events, buffer)
            }
            if dealtWith < fetched, loop.turnIsLong { return }
        }
    }

    private func forgetEvents(of stream: ByteStream) {
        let pointer = Unmanaged.passUnretained(stream).toOpaque()
        var index = dealtWith
        while index < fetched {
            if events[index].data.ptr == pointer { events[index].data.ptr = nil }
            index += 1
        }
    }

    func markDirty(_ stream: ByteStream) {
        stream.isDirty = true
        if dirty.isEmpty && ended.isEmpty { loop.askForTurnEnd() }
        dirty.append(stream)
    }

    private func endTurn() {
        if !dirty.isEmpty || flushed < flushing.count { writeDirty() }
        if !ended.isEmpty { tellEnded() }
    }

    private func writeDirty() {
        if flushing.isEmpty {
            swap(&dirty, &flushing)
        } else {
            flushing.append(contentsOf: dirty)
            dirty.removeAll(keepingCapacity: true)
        }
        var written = 0
        while flushed < flushing.count {
            let stream = flushing[flushed]
            flushed += 1
            stream.flush()
            written += 1
            guard written % Self.atLeast == 0, flushed < flushing.count, loop.turnHasTaken(Self.writeUntil) else {
                continue
            }
            return loop.deferred {}
        }
        flushing.removeAll(keepingCapacity: true)
        flushed = 0
    }

    private func tellEnded() {
        let told = ended
        ended.removeAll()
        for (index, stream) in told.enumerated() {
            let delegate = stream.delegate
            stream.delegate = nil
            delegate?.streamDidClose(stream, reason: stream.closeReason ?? .closedByUs)
            guard index % Self.atLeast == Self.atLeast - 1, loop.turnHasTaken(Self.tellUntil) else { continue }
            ended = told[(index + 1)...] + ended
            return loop.deferred {}
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
        budget.change(by: -stream.outputFootprint)
        stream.output.removeAll()
        forgetEvents(of: stream)
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
