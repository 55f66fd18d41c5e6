// Where the daemon listens: descriptors passed by the service manager, or paths of its own.
//
// Passed descriptors are told apart by their names (FileDescriptorName=): `admin` is the administrators' socket, `metrics`
// is for monitoring, any other is for clients. When some are passed, the paths of the configuration are not bound; but the
// place for monitoring is, if none of them is for it.

import Glibc
import Logging
import Reactor

/// Whom a socket is for.
enum SocketRole: String, Sendable, CaseIterable {
    /// Producers and workers.
    case client
    /// Who connects here may do everything.
    case admin
    /// Monitoring: it does not speak the protocol of jobs.
    case metrics

    /// Out of which part of the descriptors its connections come.
    var descriptorUse: DescriptorLimit.Use { self == .client ? .client : .administrator }

    /// What a descriptor of this name is for (sd_listen_fds_with_names(3)).
    init(descriptorName: String) { self = SocketRole(rawValue: descriptorName) ?? .client }
}

/// One socket to listen on.
struct ServerSocket {
    /// Where it comes from.
    enum Origin {
        case passed(fd: Int32)
        case path(String, mode: UInt16, group: String?)
        case address(LoopbackAddress)
    }
    let role: SocketRole
    let origin: Origin

    /// The service manager has handed it over.
    var isPassed: Bool { if case .passed = origin { true } else { false } }

    /// All sockets of this run.
    static func all(_ configuration: Configuration) -> [ServerSocket] {
        let passed = ServiceManager.listenDescriptors()
        var sockets = passed.map {
            ServerSocket(role: SocketRole(descriptorName: $0.name), origin: .passed(fd: $0.fd))
        }
        if sockets.isEmpty { sockets = own(configuration) }
        if let place = configuration.metricsListen, !sockets.contains(where: { $0.role == .metrics }) {
            let origin =
                LoopbackAddress(place).map(Origin.address)
                ?? .path(place, mode: configuration.socketMode, group: configuration.socketGroup)
            sockets.append(.init(role: .metrics, origin: origin))
        }
        return sockets
    }

    /// For clients and administrators, as the configuration says.
    private static func own(_ configuration: Configuration) -> [ServerSocket] {
        let clients = Origin.path(
            configuration.socket, mode: configuration.socketMode, group: configuration.socketGroup)
        var sockets = [ServerSocket(role: .client, origin: clients)]
        // The administrators' socket is the owner's alone, whatever the mode of the clients' one.
        if let admin = configuration.adminSocket {
            sockets.append(.init(role: .admin, origin: .path(admin, mode: 0o600, group: nil)))
        }
        return sockets
    }

    /// Begins to listen.
    func listener(loop: Loop, log: Logger) throws(StartFailure) -> Listener {
        do {
            switch origin {
            case .passed(let fd): return try Listener(loop: loop, fd: fd, logger: log)
            case .path(let path, let mode, let group):
                return try Listener(loop: loop, path: path, mode: mode, group: group, logger: log)
            case .address(let address): return try Listener(loop: loop, address: address, logger: log)
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
