// An address as a user writes it: `unix:///run/redis.sock?db=1` or `redis://user:password@host:6379/0`.
//
// The parts are those of any URL (RFC 3986): scheme, user and password, host and port, path, query, fragment. Each is
// percent-decoded after it was cut out, and an error names the part that is wrong. No error quotes what may be a
// user or a password. The last @ ends these, so that one in a password does no harm, nor does a / or a : there. TLS
// (`rediss://`) is not supported: hiredis 0.14 has none.

extension RedisAddress {
    /// Reads `unix://[[user]:password@]/path[?db=N]` or `redis://[user[:password]@]host[:port][/N][?db=N]`; the scheme in
    /// small or capital letters.
    public static func parse(_ text: String) throws(RedisAddressError) -> RedisAddress {
        guard let (scheme, rest) = split(text[...], at: "://") else {
            throw RedisAddressError(
                description: text.hasPrefix("/")
                    ? "a Redis address begins with a scheme: unix:// and the path, so unix:/// in all"
                    : "a Redis address begins with a scheme: redis://host:6379 or unix:///path")
        }
        switch scheme.lowercased() {
        case "unix": return try parseUnix(rest)
        case "redis": return try parseTCP(rest)
        case "rediss":
            throw RedisAddressError(description: "rediss:// (TLS) is not supported; use a tunnel or a Unix socket")
        default:
            throw RedisAddressError(description: "the scheme of a Redis address is redis:// or unix://")
        }
    }

    // MARK: The two kinds

    private static func parseUnix(_ text: Substring) throws(RedisAddressError) -> RedisAddress {
        // A path may have an @: user and password stand in front of its first slash.
        var parts = Parts(text)
        if !text.hasPrefix("/") {
            guard let slash = text.firstIndex(of: "/"), let at = text[..<slash].lastIndex(of: "@"),
                text.index(after: at) == slash
            else {
                throw RedisAddressError(
                    description:
                        "the path of a Redis socket must be absolute: unix:///run/redis.sock, with three slashes")
            }
            parts = Parts(text[slash...])
            parts.credentials = text[..<at]
        }
        try parts.refuseFragment()
        let path = String(decoding: try decodePercent(parts.place, "path of the Redis socket"), as: UTF8.self)
        var address = try RedisAddress(unix: path, database: try parts.databaseOfQuery() ?? 0)
        try parts.credentials.map { credentials throws(RedisAddressError) in try address.read(credentials) }
        return address
    }

    private static func parseTCP(_ text: Substring) throws(RedisAddressError) -> RedisAddress {
        var parts: Parts
        if let at = text.lastIndex(of: "@") {
            parts = Parts(text[text.index(after: at)...])
            parts.credentials = text[..<at]
        } else {
            parts = Parts(text)
        }
        let slash = parts.place.firstIndex(of: "/") ?? parts.place.endIndex
        let (host, port) = try parseHost(parts.place[..<slash])
        try parts.refuseFragment()
        let database = try database(ofPath: parts.place[slash...].dropFirst(), query: try parts.databaseOfQuery())
        let name = String(decoding: try decodePercent(host, "host of the Redis address"), as: UTF8.self)
        var address = try RedisAddress(host: name, port: port, database: database)
        try parts.credentials.map { credentials throws(RedisAddressError) in try address.read(credentials) }
        return address
    }

    // MARK: User and password

    private mutating func read(_ credentials: Substring) throws(RedisAddressError) {
        let colon = credentials.firstIndex(of: ":") ?? credentials.endIndex
        let name = String(
            decoding: try Self.decodePercent(credentials[..<colon], "user of the Redis address"), as: UTF8.self)
        guard !name.utf8.contains(where: { $0 < 32 || $0 == 127 }) else {
            throw RedisAddressError(description: "the user of the Redis address has a control character")
        }
        user = name.isEmpty ? nil : name
        let secret = try Self.decodePercent(credentials[colon...].dropFirst(), "password of the Redis address")
        password = secret.isEmpty ? nil : secret
    }

    // MARK: Host and port

    private static func parseHost(_ text: Substring) throws(RedisAddressError) -> (Substring, UInt16) {
        var host = text
        var port: Substring?
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else {
                throw RedisAddressError(description: "the ] of the IPv6 address is missing: redis://[::1]:6379")
            }
            host = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else {
                throw RedisAddressError(description: "only :port may follow the ] of an IPv6 address")
            }
            guard host.contains(":"),
                host.prefix(while: { $0 != "%" }).allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." })
            else { throw RedisAddressError(description: "in [ ] stands no IPv6 address: redis://[::1]:6379") }
            port = rest.isEmpty ? nil : rest.dropFirst()
        } else if let colon = text.lastIndex(of: ":") {
            host = text[..<colon]
            port = text[text.index(after: colon)...]
            guard !host.contains(":") else {
                throw RedisAddressError(description: "an IPv6 address in a Redis address needs brackets: [::1]:6379")
            }
        }
        guard !host.isEmpty else { throw RedisAddressError(description: "the Redis address has no host name") }
        guard let port else { return (host, 6379) }
        guard let number = digits(port, upTo: 65_535), number > 0 else {
            throw RedisAddressError(description: "the port of a Redis address is a number from 1 to 65535")
        }
        return (host, UInt16(number))
    }

    // MARK: Database

    /// - Parameter path: without its slash.
    private static func database(ofPath path: Substring, query: Int?) throws(RedisAddressError) -> Int {
        guard !path.isEmpty else { return query ?? 0 }
        let number = try database(path, "the path of a Redis address is the number of a database, as in redis://host/3")
        guard query == nil || query == number else {
            throw RedisAddressError(
                description: "the Redis address names two databases, one in its path and one in ?db=")
        }
        return number
    }

    fileprivate static func database(_ text: Substring, _ complaint: String) throws(RedisAddressError) -> Int {
        guard let number = digits(text, upTo: 65_535) else { throw RedisAddressError(description: complaint) }
        return number
    }

    /// A number of digits only: `Int` would also take a sign.
    private static func digits(_ text: Substring, upTo most: Int) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(text), number <= most
        else { return nil }
        return number
    }

    // MARK: Percent

    /// - Parameter part: what it is, for the error.
    fileprivate static func decodePercent(_ text: Substring, _ part: String) throws(RedisAddressError) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let code = rest.prefix(2)
            guard code.count == 2, code.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
                let value = UInt8(String(decoding: code, as: UTF8.self), radix: 16)
            else {
                throw RedisAddressError(
                    description: "in the \(part) a % is followed by two hexadecimal digits; % itself is written %25")
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return bytes
    }

    fileprivate static func split(_ text: Substring, at mark: String) -> (Substring, Substring)? {
        guard let found = text.firstRange(of: mark) else { return nil }
        return (text[..<found.lowerBound], text[found.upperBound...])
    }
}

/// What stands behind the scheme and the credentials, cut apart.
private struct Parts {
    var credentials: Substring?
    /// Host, port and path, or the path of a socket.
    var place: Substring
    var query: Substring?
    var fragment: Substring?

    init(_ text: Substring) {
        place = text
        if let (before, after) = RedisAddress.split(place, at: "#") { (place, fragment) = (before, after) }
        if let (before, after) = RedisAddress.split(place, at: "?") { (place, query) = (before, after) }
    }

    func refuseFragment() throws(RedisAddressError) {
        guard fragment == nil else {
            throw RedisAddressError(
                description: "a Redis address has no fragment; a # in a name or path is written %23")
        }
    }

    /// The number of `db=N`, the only parameter there is.
    func databaseOfQuery() throws(RedisAddressError) -> Int? {
        guard let query, !query.isEmpty else { return nil }
        var found: Int?
        for parameter in query.split(separator: "&", omittingEmptySubsequences: true) {
            let name = parameter.prefix { $0 != "=" }
            guard name == "db" else {
                let isWord = name.utf8.allSatisfy { (97...122).contains($0) || $0 == 95 } && name.utf8.count <= 32
                throw RedisAddressError(
                    description: "unknown parameter \(isWord && !name.isEmpty ? "\(name)= " : "")in the Redis address; "
                        + "behind the ? only db=N may stand")
            }
            let bytes = try RedisAddress.decodePercent(parameter.dropFirst(3), "parameter db of the Redis address")
            let number = try RedisAddress.database(
                String(decoding: bytes, as: UTF8.self)[...],
                "the parameter db of a Redis address is the number of a database, as in ?db=3")
            guard found == nil || found == number else {
                throw RedisAddressError(description: "the parameter db stands twice in the Redis address")
            }
            found = number
        }
        return found
    }
}
