// Binding a Unix socket's path: never one that is in use, never wider than asked, and only our own is removed again.
//
// A socket file stays when its process dies. Whether it is stale is found by connecting: refused means nobody listens. The
// directory is locked (flock) meanwhile, so that of two processes that find the same stale socket only one replaces it.
// The socket is bound under a umask that leaves only the owner, gets its group and mode, and only then listens: before
// that nobody can connect.

internal import CSystemd
internal import Glibc

/// Why a listener could not be set up.
public enum ListenError: Error, Equatable, Sendable, CustomStringConvertible {
    /// sun_path holds 107 bytes and a NUL (unix(7)).
    case pathTooLong(path: String, bytes: Int)
    /// Another process listens there.
    case inUse(path: String)
    /// There is something at the path that is not a socket.
    case notASocket(path: String)
    case noSuchGroup(name: String)
    /// A descriptor that was passed is not a listening stream socket.
    case notListening(fd: Int32)
    case system(path: String, SystemError)

    public var description: String {
        switch self {
        case .pathTooLong(let path, let bytes):
            "socket path \(path) has \(bytes) bytes; a Unix socket's path has at most \(SocketPath.longest)"
        case .inUse(let path): "another process is listening on \(path)"
        case .notASocket(let path): "\(path) exists and is not a socket"
        case .noSuchGroup(let name): "no group \(name)"
        case .notListening(let fd): "descriptor \(fd) is not a listening stream socket"
        case .system(let path, let error): "\(path): \(error)"
        }
    }
}

/// A path that we have bound; remembers which file it was.
struct SocketPath {
    /// Bytes a path may have.
    static let longest = 107

    let path: String
    private let device: dev_t
    private let inode: ino_t

    /// Binds a new listening socket to `path` and gives both.
    static func listen(
        path: String, mode: UInt16, group: String?, backlog: Int32
    ) throws(ListenError) -> (socket: Int32, bound: SocketPath) {
        let length = path.utf8.count
        guard length <= longest else { throw .pathTooLong(path: path, bytes: length) }
        let gid: gid_t? = if let group { try identifier(ofGroup: group) } else { nil }
        let lock = lockDirectory(of: path)
        defer { if lock >= 0 { Glibc.close(lock) } }
        let fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        if fd < 0 { throw .system(path: path, .last("socket")) }
        do throws(ListenError) {
            try bind(fd, path, mode)
            return (fd, try settle(fd, path, mode, gid, backlog))
        } catch {
            Glibc.close(fd)
            throw error
        }
    }

    /// Removes the file if it is still the one we made.
    func remove() {
        var now = stat()
        if lstat(path, &now) == 0 && now.st_dev == device && now.st_ino == inode { unlink(path) }
    }

    // MARK: Steps

    private static func bind(_ fd: Int32, _ path: String, _ mode: UInt16) throws(ListenError) {
        // The owner's x is left out of the umask: it means nothing on a socket, and another thread that makes a
        // directory in this moment needs it.
        let mask = Int32((~mode | 0o077) & 0o677)
        for attempt in 0..<2 {
            let result = jobqd_unix_address(fd, path, mask)
            if result == 0 { return }
            guard result == -EADDRINUSE, attempt == 0 else { throw .system(path: path, SystemError(-result, "bind")) }
            try removeStale(path)
        }
    }

    private static func settle(
        _ fd: Int32, _ path: String, _ mode: UInt16, _ gid: gid_t?, _ backlog: Int32
    ) throws(ListenError) -> SocketPath {
        var made = stat()
        if lstat(path, &made) < 0 { throw .system(path: path, .last("stat")) }
        let bound = SocketPath(path: path, device: made.st_dev, inode: made.st_ino)
        var problem: SystemError?
        if let gid, chown(path, uid_t.max, gid) < 0 { problem = .last("chown") }
        if problem == nil, chmod(path, mode_t(mode)) < 0 { problem = .last("chmod") }
        if problem == nil, Glibc.listen(fd, backlog) < 0 { problem = .last("listen") }
        guard let problem else { return bound }
        bound.remove()
        throw .system(path: path, problem)
    }

    /// Removes a socket nobody listens on; throws when somebody does, or it is no socket.
    private static func removeStale(_ path: String) throws(ListenError) {
        var found = stat()
        if lstat(path, &found) < 0 { return }
        guard found.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path: path) }
        let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        if probe < 0 { throw .system(path: path, .last("socket")) }
        defer { Glibc.close(probe) }
        switch jobqd_unix_address(probe, path, -1) {
        case -ECONNREFUSED: if unlink(path) < 0 && errno != ENOENT { throw .system(path: path, .last("unlink")) }
        case -ENOENT: break
        // EAGAIN: its backlog is full; EACCES, EPROTOTYPE: it is another's. None of them is ours to remove.
        default: throw .inUse(path: path)
        }
    }

    /// A descriptor that holds the lock on the directory; -1 when it cannot be had, which costs only the protection
    /// against another start in the same moment.
    private static func lockDirectory(of path: String) -> Int32 {
        let slash = path.lastIndex(of: "/")
        let directory = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if fd >= 0 { flock(fd, LOCK_EX) }
        return fd
    }

    private static func identifier(ofGroup name: String) throws(ListenError) -> gid_t {
        if let number = gid_t(name) { return number }
        guard let entry = getgrnam(name) else { throw .noSuchGroup(name: name) }
        return entry.pointee.gr_gid
    }
}
