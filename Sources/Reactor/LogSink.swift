// Where log lines go, without ever waiting: a descriptor that is made non-blocking without changing it for others.
//
// O_NONBLOCK belongs to the open file, which a pipe or terminal shares with everyone who has inherited it; setting it would
// break a shell's terminal. So pipes and terminals are opened anew through /proc/self/fd; where that is refused the sink
// asks poll(2) first and writes no more than a pipe takes in one piece. Sockets are written with MSG_DONTWAIT. What
// cannot be written now is dropped and counted, and the next line that goes through says how many were.

internal import CSystemd
internal import Glibc
internal import Synchronization

/// One place to log to. Safe to use from any thread: it has no state but a counter.
public final class LogSink: Sendable {
    /// What stands at the other end, which decides the format.
    public enum Kind: Sendable, Hashable {
        /// The journal's own protocol, structured.
        case journal
        /// Something that reads lines: `<6>text`, the prefix being the syslog level (sd-daemon(3)).
        case pipe
        /// A human: plain text.
        case terminal
    }

    /// The journal's socket (systemd.io/JOURNAL_NATIVE_PROTOCOL).
    public static let journalSocket = "/run/systemd/journal/socket"

    public let kind: Kind
    private let fd: Int32
    private let ownsDescriptor: Bool
    private let isSocket: Bool
    private let mustAsk: Bool
    private let droppedLines = Atomic<Int>(0)

    /// The longest line: what a pipe takes in one piece (pipe(7), PIPE_BUF). A datagram to the journal may be longer.
    var longest: Int { kind == .journal ? 65_536 : 4_096 }

    /// How many lines could not be written and were not reported yet.
    public var dropped: Int { droppedLines.load(ordering: .relaxed) }

    /// Standard error, in the way that fits what it is: the journal when `JOURNAL_STREAM` names it.
    public convenience init() {
        if LogSink.isJournal(STDERR_FILENO), let journal = LogSink.connect(LogSink.journalSocket) {
            self.init(kind: .journal, fd: journal, owns: true, isSocket: true, mustAsk: false)
        } else {
            self.init(descriptor: STDERR_FILENO)
        }
    }

    /// Lines to `fd`, which must stay open: plain on a terminal, `<N>`-prefixed elsewhere.
    public convenience init(descriptor fd: Int32) {
        var status = stat()
        fstat(fd, &status)
        let kind: Kind = isatty(fd) == 1 ? .terminal : .pipe
        switch status.st_mode & S_IFMT {
        case S_IFSOCK: self.init(kind: kind, fd: fd, owns: false, isSocket: true, mustAsk: false)
        case S_IFIFO, S_IFCHR:
            let own = open("/proc/self/fd/\(fd)", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
            self.init(kind: kind, fd: own < 0 ? fd : own, owns: own >= 0, isSocket: false, mustAsk: own < 0)
        default: self.init(kind: kind, fd: fd, owns: false, isSocket: false, mustAsk: false)
        }
    }

    /// Structured entries as datagrams to a journal's socket; nil when there is none.
    public convenience init?(journal path: String) {
        guard let fd = LogSink.connect(path) else { return nil }
        self.init(kind: .journal, fd: fd, owns: true, isSocket: true, mustAsk: false)
    }

    private init(kind: Kind, fd: Int32, owns: Bool, isSocket: Bool, mustAsk: Bool) {
        self.kind = kind
        self.fd = fd
        self.ownsDescriptor = owns
        self.isSocket = isSocket
        self.mustAsk = mustAsk
    }

    deinit { if ownsDescriptor { Glibc.close(fd) } }

    /// Writes one entry, made by `entry` with the number of entries lost before it; counts it when it cannot be written.
    func write(_ entry: (_ lost: Int) -> [UInt8]) {
        let lost = droppedLines.exchange(0, ordering: .relaxed)
        if !push(entry(lost)) { droppedLines.add(lost + 1, ordering: .relaxed) }
    }

    private func push(_ bytes: [UInt8]) -> Bool {
        if mustAsk {
            var query = pollfd(fd: fd, events: Int16(POLLOUT), revents: 0)
            if poll(&query, 1, 0) <= 0 { return false }
        }
        let flags = Int32(MSG_DONTWAIT | MSG_NOSIGNAL)
        while true {
            let n = isSocket ? send(fd, bytes, bytes.count, flags) : Glibc.write(fd, bytes, bytes.count)
            if n < 0 && errno == EINTR { continue }
            return n >= 0
        }
    }

    // MARK: The journal

    /// Whether `fd` is the stream that systemd connected to the journal (systemd.exec(5), JOURNAL_STREAM).
    static func isJournal(_ fd: Int32) -> Bool {
        guard let text = getenv("JOURNAL_STREAM").map({ String(cString: $0) }) else { return false }
        var status = stat()
        return fstat(fd, &status) == 0 && text == "\(status.st_dev):\(status.st_ino)"
    }

    private static func connect(_ path: String) -> Int32? {
        guard path.utf8.count <= SocketPath.longest else { return nil }
        let fd = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        if fd < 0 { return nil }
        if jobqd_unix_address(fd, path, -1) == 0 { return fd }
        Glibc.close(fd)
        return nil
    }
}
