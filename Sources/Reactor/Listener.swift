// A listening socket: a Unix socket that we bound ourselves (and remove in the end), a TCP port of the loopback interface, or
// whatever was passed to us.
//
// Ready connections are accepted 64 a turn. When the process or the system has no descriptors left, the socket stays
// readable and a loop would spin: the listener then rests, 100 ms at first and up to 1 s, and says so once.

internal import CSystemd
internal import Glibc
public import Logging

/// Accepts connections and hands their descriptors to `onAccept`.
public final class Listener {
    /// Takes over a connected, non-blocking, close-on-exec descriptor. Without it connections are closed at once.
    public var onAccept: ((Int32, PeerCredentials) -> Void)?
    /// The path we bound; nil for a passed descriptor.
    public var path: String? { bound?.path }
    /// The path or address we bound.
    public var place: String? { path ?? address?.description }
    /// Whether it rests because there are no descriptors left.
    public private(set) var isExhausted = false

    private static let acceptsPerTurn = 64
    private static let shortestRest: UInt64 = 100_000
    private static let longestRest: UInt64 = 1_000_000

    private var fd: Int32
    private let bound: SocketPath?
    private let address: LoopbackAddress?
    private let logger: Logger
    private var source: FDSource?
    private var wakeUp: LoopTimer?
    private var rest = shortestRest
    private var isPaused = false
    private lazy var watch = fd < 0 ? nil : AddressWatch(listening: fd)

    /// Binds `path` and listens. An abandoned socket there is replaced, a live one is left alone (`.inUse`).
    /// `group`: a name or number; nil leaves the process's.
    public convenience init(
        loop: Loop, path: String, mode: UInt16 = 0o660, group: String? = nil, backlog: Int32 = 4_096,
        logger: Logger = Logger(label: "jobqd.listener")
    ) throws(ListenError) {
        let (fd, bound) = try SocketPath.listen(path: path, mode: mode, group: group, backlog: backlog)
        self.init(loop: loop, fd: fd, bound: bound, address: nil, logger: logger)
    }

    /// Listens on a TCP port of the loopback interface. Peers have the credentials of nobody.
    public convenience init(
        loop: Loop, address: LoopbackAddress, backlog: Int32 = 128, logger: Logger = Logger(label: "jobqd.listener")
    ) throws(ListenError) {
        self.init(loop: loop, fd: try address.listen(backlog: backlog), bound: nil, address: address, logger: logger)
    }

    /// Takes over a listening stream socket passed by the service manager. Its path is not removed in the end.
    public convenience init(
        loop: Loop, fd: Int32, logger: Logger = Logger(label: "jobqd.listener")
    ) throws(ListenError) {
        guard sd_is_socket(fd, AF_UNSPEC, Int32(SOCK_STREAM.rawValue), 1) > 0 else { throw .notListening(fd: fd) }
        _ = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK)
        _ = fcntl(fd, F_SETFD, FD_CLOEXEC)
        self.init(loop: loop, fd: fd, bound: nil, address: nil, logger: logger)
    }

    private init(
        loop: Loop, fd: Int32, bound: SocketPath?, address: LoopbackAddress?, logger: Logger
    ) {
        self.fd = fd
        self.bound = bound
        self.address = address
        self.logger = logger
        source = loop.watch(fd: fd, interest: .readable) { [unowned self] _ in acceptReady() }
        wakeUp = loop.timer(accuracy: 1_000) { [unowned self] in update(exhausted: false) }
    }

    deinit { close() }

    /// Accepts nothing until `resume()`; peers wait in the backlog.
    public func pause() {
        isPaused = true
        update(exhausted: isExhausted)
    }

    public func resume() {
        isPaused = false
        update(exhausted: isExhausted)
    }

    /// Whether connections to the address arrive here; to be asked once a second.
    public func lookAtAddress() -> AddressState {
        guard let watch else { return .unknown }
        watch.look(isAccepting: !isPaused && !isExhausted)
        return watch.state
    }

    /// Stops listening and removes the path, if we bound it and it is still ours. Accepted connections stay.
    public func close() {
        guard fd >= 0 else { return }
        source = nil
        wakeUp = nil
        watch = nil
        bound?.remove()
        Glibc.close(fd)
        fd = -1
    }

    private func acceptReady() {
        for _ in 0..<Listener.acceptsPerTurn where !isPaused && fd >= 0 {
            let connection = jobqd_accept(fd)
            if connection >= 0 {
                rest = Listener.shortestRest
                hand(over: connection)
                continue
            }
            switch -connection {
            case EAGAIN: return
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return takeRest(-connection)
            // The peer is gone already, or the network had an error of its own (accept(2)): the next one may be good.
            default: continue
            }
        }
    }

    private func hand(over connection: Int32) {
        let peer = PeerCredentials(ofSocket: connection)
        if let watch, watch.expectsProbe, peer.pid == getpid() {
            Glibc.close(connection)
            return watch.probeArrived()
        }
        guard let onAccept else {
            Glibc.close(connection)
            return
        }
        onAccept(connection, peer)
    }

    private func takeRest(_ code: Int32) {
        if rest == Listener.shortestRest {
            logger.warning(
                "no new connections for now: \(SystemError(code, "accept"))", metadata: MessageID.noDescriptors.with())
        }
        wakeUp?.arm(after: rest)
        rest = min(rest * 2, Listener.longestRest)
        update(exhausted: true)
    }

    private func update(exhausted: Bool) {
        isExhausted = exhausted
        source?.isEnabled = !isPaused && !exhausted
    }
}
