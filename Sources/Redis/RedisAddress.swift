// Where a Redis is. How a user writes it: RedisAddress+Parsing.swift.
//
// A password in the address stays in memory as long as the address does and is seen by whoever sees the configuration; a
// password file is better (`RedisConfiguration.password(fromFile:)`). It never appears in a description or a mirror.

/// Why an address cannot be used, in words that quote neither user nor password.
public struct RedisAddressError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A sentence for the user.
    public let description: String
}

/// The address of a Redis server, with the database number and, if the user wrote them so, user and password.
public struct RedisAddress: Equatable, Sendable {
    /// Where to connect.
    public enum Endpoint: Equatable, Sendable {
        /// A Unix socket, path ≤ 107 bytes.
        case unix(path: String)
        /// A host name or a literal address (IPv6 without brackets).
        case tcp(host: String, port: UInt16)
    }
    /// Path or host.
    public var endpoint: Endpoint
    /// 0 is what every connection begins with.
    public var database: Int
    /// For ACLs; nil: the default user.
    public var user: String?
    var password: [UInt8]?

    /// A socket in the file system; throws when the path is relative or too long.
    public init(unix path: String, database: Int = 0) throws(RedisAddressError) {
        guard path.hasPrefix("/"), !path.utf8.contains(0) else {
            throw RedisAddressError(description: "the path of a Redis socket must be absolute")
        }
        guard path.utf8.count <= SocketAddress.maximumPathLength else {
            throw RedisAddressError(
                description: "the path of the Redis socket has \(path.utf8.count) bytes; a Unix socket's path has at "
                    + "most \(SocketAddress.maximumPathLength): \(path)")
        }
        self.endpoint = .unix(path: path)
        self.database = database
    }

    /// A host by name or literal address.
    public init(host: String, port: UInt16 = 6379, database: Int = 0) throws(RedisAddressError) {
        guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 32 && $0 != 127 }) else {
            throw RedisAddressError(description: "the Redis address has no usable host name")
        }
        self.endpoint = .tcp(host: host, port: port)
        self.database = database
    }
}

extension RedisAddress: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// As one would write it, without user and password: `redis://host:6379/0`, `unix:///run/redis.sock`.
    public var description: String {
        switch endpoint {
        case .unix(let path): "unix://\(path)" + (database == 0 ? "" : "?db=\(database)")
        case .tcp(let host, let port):
            "redis://" + (host.contains(":") ? "[\(host)]" : host) + ":\(port)" + (database == 0 ? "" : "/\(database)")
        }
    }
    /// The same as `description`.
    public var debugDescription: String { description }
    /// Empty: `dump` and test reports must not show the password either.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
