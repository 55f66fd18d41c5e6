// One address that connect(2) takes: a path, an IPv4 or an IPv6 address.
//
// Held as the bytes of the sockaddr, since that is what the kernel and getaddrinfo() speak; nothing here looks a name
// up (see `NameLookup`). Sockets are made non-blocking and close-on-exec, TCP ones without Nagle's delay, as a command
// waits for its answer, and with keepalive, as a silent peer must be noticed.

import Glibc
import Reactor

/// A socket address by value.
struct SocketAddress: Equatable, Sendable {
    /// `sun_path` has 108 bytes, the last for the terminating zero (unix(7)).
    static let maximumPathLength = 107

    /// The sockaddr, without padding.
    let bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// nil when the path is too long.
    init?(path: String) {
        guard path.utf8.count <= Self.maximumPathLength else { return nil }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        bytes = withUnsafeBytes(of: &address) { Array($0) }
    }

    var family: Int32 { bytes.withUnsafeBytes { Int32($0.loadUnaligned(as: sa_family_t.self)) } }

    /// The addresses of a host in getaddrinfo()'s order. Blocks while it asks, unless `onlyLiteral` says that the host
    /// must be a literal address (AI_NUMERICHOST: "suppresses any potentially lengthy network host address lookups").
    static func resolve(host: String, port: UInt16, onlyLiteral: Bool) -> (addresses: [SocketAddress], error: Int32) {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV | (onlyLiteral ? AI_NUMERICHOST : AI_ADDRCONFIG)
        var list: UnsafeMutablePointer<addrinfo>?
        let error = getaddrinfo(host, String(port), &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        guard error == 0 else { return ([], error) }
        var addresses: [SocketAddress] = []
        var next = list
        while let entry = next {
            let address = UnsafeRawBufferPointer(start: entry.pointee.ai_addr, count: Int(entry.pointee.ai_addrlen))
            addresses.append(SocketAddress(bytes: Array(address)))
            next = entry.pointee.ai_next
        }
        return (addresses, 0)
    }

    /// Opens a socket and begins to connect. What goes on is told by its first writable event
    /// and SO_ERROR (connect(2), EINPROGRESS).
    func beginConnecting() throws(SystemError) -> Descriptor {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let fd = socket(family, kind, 0)
        guard fd >= 0 else { throw SystemError(errno, "socket") }
        let socket = Descriptor(fd: fd)
        if family != AF_UNIX {
            socket.setOption(level: Int32(IPPROTO_TCP), TCP_NODELAY, 1)
            socket.setOption(level: SOL_SOCKET, SO_KEEPALIVE, 1)
        }
        let result = bytes.withUnsafeBytes {
            // The kernel reads the family first and then as many bytes as we say there are.
            connect(fd, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
        }
        // A Unix socket whose backlog is full says EAGAIN and is not connecting: it is tried again as a whole.
        if result == 0 || errno == EINPROGRESS { return socket }
        throw SystemError(errno, "connect")
    }
}

extension SocketAddress: CustomStringConvertible {
    /// The path, or the literal address and the port.
    var description: String {
        if family == AF_UNIX {
            return String(decoding: bytes.dropFirst(2).prefix { $0 != 0 }, as: UTF8.self)
        }
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var port = [CChar](repeating: 0, count: 32)
        let error = bytes.withUnsafeBytes {
            getnameinfo(
                $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count), &host,
                socklen_t(host.count), &port, socklen_t(port.count), NI_NUMERICHOST | NI_NUMERICSERV)
        }
        guard error == 0 else { return "address of family \(family)" }
        let name = String(decoding: host.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        let number = String(decoding: port.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return name.contains(":") ? "[\(name)]:\(number)" : "\(name):\(number)"
    }
}
