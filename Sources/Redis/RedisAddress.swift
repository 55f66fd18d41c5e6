// Where a Redis is, from the one line a user writes: `unix:///run/redis.sock` or `redis://user:password@host:6379/0`.
//
// User and password may be percent-encoded. A password in the address stays in memory as long as the address does and
// is seen by whoever sees the configuration; a password file is better (`RedisConfiguration.password(fromFile:)`). It
// never appears in a description, a mirror or an error. TLS (`rediss://`) is not supported: hiredis 0.14 has none.

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

    /// Reads `unix:///path[?db=N]` or `redis://[user[:password]@]host[:port][/db]`.
    public static func parse(_ text: String) throws(RedisAddressError) -> RedisAddress {
        if let rest = text.dropping("unix://") { return try parseUnix(rest) }
        if let rest = text.dropping("redis://") { return try parseTCP(rest) }
        if text.hasPrefix("rediss://") {
            throw RedisAddressError(description: "rediss:// (TLS) is not supported; use a tunnel or a Unix socket")
        }
        throw RedisAddressError(description: "a Redis address begins with unix:// or redis://")
    }

    private static func parseUnix(_ rest: Substring) throws(RedisAddressError) -> RedisAddress {
        let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var database = 0
        if parts.count == 2 {
            guard let number = parts[1].dropping("db=") else {
                throw RedisAddressError(description: "after the path of a Redis socket only ?db=N may follow")
            }
            database = try parseDatabase(number)
        }
        return try RedisAddress(unix: decodePercent(parts[0]), database: database)
    }

    private static func parseTCP(_ rest: Substring) throws(RedisAddressError) -> RedisAddress {
        // The last @ ends user and password, so that one in a password does no harm.
        var credentials: Substring?
        var place = rest
        if let at = rest.lastIndex(of: "@") {
            credentials = rest[..<at]
            place = rest[rest.index(after: at)...]
        }
        let parts = place.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let (host, port) = try parseHost(parts[0])
        let database = parts.count == 2 && !parts[1].isEmpty ? try parseDatabase(parts[1]) : 0
        var address = try RedisAddress(host: decodePercent(host), port: port, database: database)
        if let credentials {
            let pair = credentials.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let user = try decodePercent(pair[0])
            address.user = user.isEmpty ? nil : user
            address.password = pair.count == 2 ? Array(try decodePercent(pair[1]).utf8) : nil
        }
        return address
    }

    private static func parseHost(_ text: Substring) throws(RedisAddressError) -> (Substring, UInt16) {
        var host = text
        var port: Substring?
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            host = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else {
                throw RedisAddressError(description: "only :port may follow the ] of an IPv6 address")
            }
            port = rest.isEmpty ? nil : rest.dropFirst()
        } else if let colon = text.lastIndex(of: ":") {
            host = text[..<colon]
            port = text[text.index(after: colon)...]
            guard !host.contains(":") else {
                throw RedisAddressError(description: "an IPv6 address in a Redis address needs brackets: [::1]:6379")
            }
        }
        guard let port else { return (host, 6379) }
        guard let number = UInt16(port), number > 0 else {
            throw RedisAddressError(description: "the port of a Redis address is a number from 1 to 65535")
        }
        return (host, number)
    }

    private static func parseDatabase(_ text: Substring) throws(RedisAddressError) -> Int {
        guard let number = Int(text), number >= 0, number <= 65_535 else {
            throw RedisAddressError(description: "the database of a Redis address is a number, as in redis://host/0")
        }
        return number
    }

    private static func decodePercent(_ text: Substring) throws(RedisAddressError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                throw RedisAddressError(description: "a % in a Redis address is followed by two hexadecimal digits")
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(decoding: bytes, as: UTF8.self)
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

extension StringProtocol where SubSequence == Substring {
    /// The rest behind a prefix, or nil when it does not begin so.
    fileprivate func dropping(_ prefix: String) -> Substring? {
        hasPrefix(prefix) ? self[index(startIndex, offsetBy: prefix.count)...] : nil
    }
}
