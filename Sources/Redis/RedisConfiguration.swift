// What a link needs to know, with the defaults of the daemon.
//
// The password is not in here: it is asked for at each connect, so that a rotated secret is found, and its bytes are
// overwritten once they are with the kernel.

import Glibc

/// How to reach Redis, and how patient to be.
public struct RedisConfiguration {
    /// Where Redis is.
    public var address: RedisAddress
    /// For ACLs (`AUTH user password`); nil: the one of the address, else the default user.
    public var username: String?
    /// Asked at every connect; nil: no AUTH is sent. Overrules the password of the address.
    public var password: (() -> [UInt8]?)?
    /// Shown by `CLIENT LIST`.
    public var clientName: String
    /// How long one command may stay unanswered, and how long connecting may take; then the link is made anew.
    public var requestTimeoutMs: Int64
    /// Commands under way at once; more wait inside the link.
    public var pipelineCap: Int
    /// The first pause between two tries to connect; later ones double.
    public var firstRetryMs: Int64 = 50
    /// The longest such pause.
    public var longestRetryMs: Int64 = 2_000
    /// A server that is started at the same time as the link may need this long to listen: its absence is no news.
    public var startingMs: Int64 = 0
    /// 0 ≤ random < 1, for the jitter of those pauses; a parameter for tests.
    public var random: () -> Double = { .random(in: 0..<1) }

    /// With the daemon's defaults.
    public init(
        address: RedisAddress, username: String? = nil, password: (() -> [UInt8]?)? = nil, clientName: String = "jobqd",
        requestTimeoutMs: Int64 = 5_000, pipelineCap: Int = 1_000
    ) {
        self.address = address
        self.username = username
        self.password = password
        self.clientName = clientName
        self.requestTimeoutMs = requestTimeoutMs
        self.pipelineCap = pipelineCap
    }

    /// A source of passwords that reads a file each time: its first line, without the line's end. nil when the file is
    /// not there or empty: then no AUTH is sent, and Redis's answer says what is missing.
    public static func password(fromFile path: String) -> () -> [UInt8]? {
        {
            let fd = open(path, O_RDONLY | O_CLOEXEC)
            guard fd >= 0 else { return nil }
            defer { close(fd) }
            var buffer = [UInt8](repeating: 0, count: 4_096)
            defer { buffer.wipe() }
            let length = buffer.withUnsafeMutableBytes { read(fd, $0.baseAddress, $0.count) }
            let line = buffer.prefix(max(0, length)).prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
            return line.isEmpty ? nil : Array(line)
        }
    }

    /// As whom the connection acts, in Redis's words.
    var user: String { username ?? address.user ?? "default" }

    /// The AUTH command of this connect, or nil. To be wiped by the caller.
    func authentication() -> CommandBuffer? {
        guard var secret = password.map({ $0() }) ?? address.password else { return nil }
        defer { secret.wipe() }
        let user = username ?? address.user
        var command = CommandBuffer()
        // Room for all of it at once: a grown array would leave the secret behind in freed memory.
        command.reserve(bytes: 128 + (user?.utf8.count ?? 0) + secret.count)
        command.begin(arguments: user == nil ? 2 : 3)
        command.append("AUTH")
        if let user { command.append(user) }
        command.append(bytes: secret)
        return command
    }
}

extension RedisConfiguration: CustomStringConvertible, CustomReflectable {
    /// Without anything secret.
    public var description: String { "\(address) as \(clientName)" }
    /// Empty, for the same reason.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension [UInt8] {
    /// Overwrites what the array holds with zeros, in place. explicit_bzero(3) is not optimised away.
    mutating func wipe() {
        withUnsafeMutableBytes { buffer in
            guard let start = buffer.baseAddress else { return }
            explicit_bzero(start, buffer.count)
        }
    }
}
