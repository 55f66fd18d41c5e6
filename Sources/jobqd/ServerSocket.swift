// Where the daemon listens: descriptors passed by the service manager, or paths of its own.
//
// Passed descriptors are told apart by their names (FileDescriptorName=): `admin` is the administrators' socket, any
// other is for clients. When some are passed, the paths of the configuration are not bound.

import Glibc
import Logging
import Reactor

/// One socket to listen on.
enum ServerSocket {
    case passed(fd: Int32, name: String)
    case path(String, mode: UInt16, group: String?)

    /// All sockets of this run.
    static func all(_ configuration: Configuration) throws(StartFailure) -> [ServerSocket] {
        let passed = ServiceManager.listenDescriptors()
        if !passed.isEmpty { return passed.map { .passed(fd: $0.fd, name: $0.name) } }
        var sockets = [
            ServerSocket.path(
                configuration.socket, mode: configuration.socketMode, group: configuration.socketGroup)
        ]
        // The administrators' socket is the owner's alone, whatever the mode of the clients' one.
        if let admin = configuration.adminSocket { sockets.append(.path(admin, mode: 0o600, group: nil)) }
        return sockets
    }

    /// Begins to listen.
    func listener(loop: Loop, log: Logger) throws(StartFailure) -> Listener {
        do {
            switch self {
            case .passed(let fd, _): return try Listener(loop: loop, fd: fd, logger: log)
            case .path(let path, let mode, let group):
                return try Listener(loop: loop, path: path, mode: mode, group: group, logger: log)
            }
        } catch {
            throw StartFailure(
                message: "\(error)", exitCode: error.isInUse ? ExitCode.unavailable : ExitCode.cannotCreate)
        }
    }
}

extension ListenError {
    fileprivate var isInUse: Bool {
        if case .inUse = self { true } else { false }
    }
}
