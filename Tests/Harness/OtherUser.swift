// A connection to jobqd that another user has made: a socat under that user's id stands between the test and the daemon.
//
// Only root can become somebody else, so these tests need root. The daemon's socket and the folders above it must let that
// user through: `Daemon.openToAll`.

import Foundation

/// A client that the daemon sees as another user; gone when this object is.
public final class OtherUser {
    /// Whether this process may become somebody else.
    public static let isPossible = geteuid() == 0

    /// Speaks to the daemon.
    public let client: LineClient
    /// The process that the daemon sees.
    public let pid: Int32
    private let process: ServerProcess

    /// - Parameters:
    ///   - user: also its primary group, unless `group` says another.
    ///   - groups: its supplementary groups.
    public init(_ path: String, user: UInt32, group: UInt32? = nil, groups: [UInt32] = []) throws {
        guard Self.isPossible else { throw HarnessError("becoming another user needs root") }
        var ends: [Int32] = [-1, -1]
        let flags = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, flags, 0, &ends) == 0 else { throw HarnessError("socketpair: errno \(errno)") }
        defer { close(ends[1]) }
        client = LineClient(UnixSocket(descriptor: ends[0]))
        let list = groups.isEmpty ? ["--clear-groups"] : ["--groups", groups.map(String.init).joined(separator: ",")]
        process = try ServerProcess(
            "setpriv",
            ["--reuid", "\(user)", "--regid", "\(group ?? user)"] + list + [
                "--pdeathsig", "KILL", "socat", "-", "UNIX-CONNECT:\(path)",
            ],
            standardInput: ends[1], standardOutput: ends[1])
        pid = process.pid
    }
}

extension Daemon {
    /// Starts with a socket that every user may connect to.
    public static func openToAll(_ store: Store, arguments: [String] = []) throws -> Daemon {
        let daemon = try Daemon(store, arguments: ["--socket-mode", "0666"] + arguments, start: false)
        try FileManager.default.setAttributes([.posixPermissions: 0o711], ofItemAtPath: daemon.directory.path)
        return daemon
    }
}
