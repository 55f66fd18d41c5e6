// A TCP address that only this machine can reach. What we bind ourselves is nothing else: who wants another one has the
// service manager pass a socket, and knows what he does.

internal import CSystemd
internal import Glibc

/// `127.0.0.1:9187` (or another of 127.0.0.0/8), or `[::1]:9187`.
public struct LoopbackAddress: Hashable, Sendable, CustomStringConvertible {
    public let description: String
    private let host: String
    private let port: UInt16
    private let isIPv6: Bool

    /// nil: not an address, not of the loopback interface, or without a port (1…65535). Names are not looked up.
    public init?(_ text: String) {
        guard let colon = text.utf8.lastIndex(of: 0x3A) else { return nil }
        let digits = text[text.utf8.index(after: colon)...]
        guard digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let port = UInt16(digits), port > 0 else { return nil }
        let host = String(text[..<colon])
        isIPv6 = host == "[::1]"
        guard isIPv6 || Self.isLoopback(host) else { return nil }
        self.host = isIPv6 ? "::1" : host
        self.port = port
        description = text
    }

    private static func isLoopback(_ host: String) -> Bool {
        var address = in_addr()
        return inet_pton(AF_INET, host, &address) == 1 && UInt32(bigEndian: address.s_addr) >> 24 == 127
    }

    /// A new socket that listens here.
    func listen(backlog: Int32) throws(ListenError) -> Int32 {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let fd = socket(isIPv6 ? AF_INET6 : AF_INET, kind, 0)
        if fd < 0 { throw .system(path: description, .last("socket")) }
        // Connections of an earlier run that are not quite over must not bar the way (socket(7)).
        var on: Int32 = 1
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        guard bind(fd) == 0, Glibc.listen(fd, backlog) == 0 else {
            let problem = SystemError.last("bind")
            Glibc.close(fd)
            throw problem.code == EADDRINUSE ? .inUse(path: description) : .system(path: description, problem)
        }
        return fd
    }

    private func bind(_ fd: Int32) -> Int32 {
        if isIPv6 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            inet_pton(AF_INET6, host, &address.sin6_addr)
            return Self.bind(fd, &address)
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, host, &address.sin_addr)
        return Self.bind(fd, &address)
    }

    private static func bind<Address>(_ fd: Int32, _ address: inout Address) -> Int32 {
        withUnsafePointer(to: &address) { pointer in
            // Every socket address begins as sockaddr does (sockaddr(3type)).
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(fd, $0, socklen_t(MemoryLayout<Address>.size))
            }
        }
    }
}
