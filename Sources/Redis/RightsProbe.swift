// What a server must let us do, tried at every connect before anything depends on it.
//
// A script tries every command that the owner's scripts use and tells which failed; so one answer names all that is
// missing, be it an access list, `rename-command` or an old server. What cannot be called from a script (EVALSHA, SCRIPT,
// SUBSCRIBE) is a step of its own in the handshake. The same script finds, later, whether a server that refused writes
// takes them again. It must leave nothing behind.

/// How to find out what is permitted.
public struct RightsProbe: Sendable {
    /// KEYS[1] is a key, ARGV[1] a channel; it returns, for each command that failed, its name and the error.
    public let script: Script
    /// A key that matches what the user of the connection must be permitted; nothing stays in it.
    public let key: String
    /// The same of a channel; nobody listens to it.
    public let channel: String
    /// For the sentence: what all keys and channels begin with.
    public let prefix: String

    public init(script: Script, key: String, channel: String, prefix: String) {
        self.script = script
        self.key = key
        self.channel = channel
        self.prefix = prefix
    }

    /// `EVAL`, since it needs no digest.
    var command: CommandBuffer {
        var command = CommandBuffer("EVAL")
        command.append(bytes: script.source)
        command.append(integer: 1)
        command.append(key)
        command.append(channel)
        return command
    }

    /// What the script found, or nil when its answer has another shape.
    public func findings(_ reply: ReplyView) -> RightsFindings? {
        guard reply.kind == .array else { return nil }
        return findings((0..<reply.count).map { reply[$0].string })
    }

    func findings(_ words: [String]) -> RightsFindings? {
        guard words.count.isMultiple(of: 2) else { return nil }
        var findings = RightsFindings(prefix: prefix)
        for index in stride(from: 0, to: words.count, by: 2) {
            findings.note(RedisFailure(errorReply: words[index + 1]), command: words[index])
        }
        return findings
    }
}

/// What is missing, of which one sentence can be made.
public struct RightsFindings: Equatable, Sendable {
    private let prefix: String
    private var forbidden: [String] = []
    private var unknown: [String] = []
    private var keys = false
    private var channels = false
    /// The server refuses writes for another reason than rights; the first that was met.
    public private(set) var refusal: RedisFailure?

    init(prefix: String) { self.prefix = prefix }

    mutating func note(_ failure: RedisFailure, command: String) {
        switch failure.missingRight {
        case .command: if !forbidden.contains(command) { forbidden.append(command) }
        case .unknownCommand: if !unknown.contains(command) { unknown.append(command) }
        case .keys: keys = true
        case .channels: channels = true
        case nil: if failure.isRefusal, refusal == nil { refusal = failure }
        }
    }

    /// Whether nothing is missing.
    public var isEmpty: Bool { forbidden.isEmpty && unknown.isEmpty && !keys && !channels }

    /// Names everything that is missing, for the user by that name; nil: nothing is.
    public func problem(user: String) -> String? {
        guard !isEmpty else { return nil }
        var parts: [String] = []
        if !unknown.isEmpty {
            parts.append("it does not know \(Self.list(unknown, "command")) (renamed, disabled or too old)")
        }
        var rights: [String] = []
        if !forbidden.isEmpty { rights.append(Self.list(forbidden, "command")) }
        if keys { rights.append("keys ~\(prefix):*") }
        if channels { rights.append("channels &\(prefix):*") }
        if !rights.isEmpty { parts.append("its user \(user) lacks the right to \(rights.joined(separator: ", "))") }
        return "Redis does not let jobqd work: \(parts.joined(separator: "; ")); see jobqd-redis(7)".printable
    }

    private static func list(_ commands: [String], _ what: String) -> String {
        "the \(what)\(commands.count == 1 ? "" : "s") \(commands.joined(separator: " "))"
    }
}
