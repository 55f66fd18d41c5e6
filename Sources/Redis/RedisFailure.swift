// What can become of a command, and what the error replies of Redis mean to a job queue.
//
// An error reply begins with a code in capitals (`-READONLY You can't write…`). Redis 6.2 wraps what fails inside a
// script (`-ERR Error running script (call to f_…): @user_script:12: … -OOM command not allowed…`), Redis 7 appends the
// script (`… script: <digest>, on @user_script:12.`); both read the same here. The kinds follow the rule of the store:
// what passes by itself is `unavailable`, what needs room or a disk is `full`. Arguments that Redis quotes are cut off:
// they may be payloads or passwords.

/// Why a command has no result.
public enum RedisFailure: Error, Equatable, Sendable {
    /// The link is not ready; the command was not sent.
    case notReady(String)
    /// The link broke after the command was sent: it may have been executed.
    case lost(String)
    /// No answer within the time allowed; it may still be executed.
    case timedOut
    /// Redis answered with an error. The code is the first word of it (`ERR`, `READONLY`, …), the message the rest.
    case reply(code: String, message: String)

    /// What a failure means to one who stores jobs.
    public enum Kind: Equatable, Sendable {
        /// Not our doing: away, loading, read-only, busy, not permitted.
        case unavailable
        /// Redis refuses writes: out of memory, or it cannot persist.
        case full
        /// The script is not cached; it was not executed.
        case noScript
        /// A bug, ours or of the data.
        case other
    }

    /// What the server keeps from us, when that is why it refused.
    public enum MissingRight: Equatable, Sendable {
        /// The user may not run the command.
        case command
        /// The server does not know the command: renamed, or too old.
        case unknownCommand
        case keys
        case channels
    }

    /// What it means to a store.
    public var kind: Kind {
        guard case .reply(let code, _) = self else { return .unavailable }
        return switch code {
        case "LOADING", "MASTERDOWN", "TRYAGAIN", "READONLY", "BUSY", "NOREPLICAS", "CLUSTERDOWN": .unavailable
        // A cluster is not supported, and which node has a key is not ours to know.
        case "MOVED", "ASK", "CROSSSLOT": .unavailable
        case "NOAUTH", "WRONGPASS": .unavailable
        case "OOM", "MISCONF": .full
        case "NOSCRIPT": .noScript
        default: missingRight == nil ? .other : .unavailable
        }
    }

    /// Whether the server as a whole refuses to work, or to be written to, though it answers.
    public var isRefusal: Bool {
        guard case .reply(let code, _) = self else { return false }
        return ["READONLY", "BUSY", "NOREPLICAS", "CLUSTERDOWN", "OOM", "MISCONF"].contains(code)
    }

    /// What is kept from us, in the words of Redis 6.2 to 8 and of Valkey; nil for all other errors.
    public var missingRight: MissingRight? {
        guard case .reply(let code, let message) = self, code == "ERR" || code == "NOPERM" else { return nil }
        if message.contains("nknown Redis command") || message.contains("nknown command")
            || message.contains("nknown subcommand")
        {
            return .unknownCommand
        }
        guard code == "NOPERM" || message.contains("user executing the script") || message.contains("ACL failure")
        else {
            return nil
        }
        if message.contains("run th") { return .command }
        if message.contains("channel") { return .channels }
        return message.contains("key") ? .keys : .command
    }

    /// Whether the command may have been executed.
    public var leavesItOpen: Bool {
        switch self {
        case .lost, .timedOut: true
        case .notReady, .reply: false
        }
    }

    /// Whether the server may have changed its role since we checked: connect again to see.
    var asksForNewCheck: Bool {
        guard case .reply(let code, _) = self else { return false }
        return ["READONLY", "LOADING", "MASTERDOWN", "NOAUTH"].contains(code)
    }

    /// Reads an error reply, without its leading `-`; also one that a script got from `redis.pcall`.
    init(errorReply text: String) {
        let text = Self.withoutArguments(text)
        let (code, message) = Self.split(text[...])
        let isWrapped = message.hasPrefix("Error running script") || text.hasPrefix("@user_script")
        if isWrapped, let inner = Self.wrapped(in: text) {
            self = .reply(code: inner.code, message: inner.message)
        } else {
            self = .reply(code: code, message: message)
        }
    }

    /// Without what Redis quotes of the command, and without the script it was in.
    private static func withoutArguments(_ text: String) -> String {
        var text = text[...]
        if let end = text.firstRange(of: ", with args beginning with") { text = text[..<end.lowerBound] }
        if let end = text.firstMatch(of: #/ script: [0-9a-f]{40}/#) { text = text[..<end.range.lowerBound] }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        guard text.utf8.count > Self.longest else { return String(text) }
        return String(text.prefix(Self.longest)) + "…"
    }

    /// Longer texts are cut: MISCONF, the longest of those that matter, has some 330.
    private static var longest: Int { 400 }

    /// The first word when it looks like a code, and the rest.
    private static func split(_ text: Substring) -> (code: String, message: String) {
        let word = text.prefix { $0 != " " }
        guard !word.isEmpty, word.utf8.allSatisfy({ (65...90).contains($0) }) else { return ("ERR", String(text)) }
        return (String(word), String(text.dropFirst(word.count + 1)))
    }

    /// The error that a script ran into, in the words of Redis 6.2: the last `: -CODE message` of the text.
    private static func wrapped(in message: String) -> (code: String, message: String)? {
        var found: (code: String, message: String)?
        var rest = message[...]
        while let dash = rest.firstIndex(of: "-") {
            let before = rest[..<dash]
            rest = rest[rest.index(after: dash)...]
            guard before.hasSuffix(": ") else { continue }
            let (code, text) = split(rest)
            if rest.hasPrefix(code + " ") { found = (code, text) }
        }
        // Without a code of its own: `…: @user_script: 3: Unknown Redis command called from Lua script`.
        if found == nil, let place = message.firstRange(of: "@user_script: ") {
            let text = message[place.upperBound...].drop { $0 != " " }.dropFirst()
            if !text.isEmpty { found = ("ERR", String(text)) }
        }
        return found
    }
}

extension RedisFailure: CustomStringConvertible {
    /// For a log or an error reply; free of control characters, of arguments and of digests.
    public var description: String {
        switch self {
        case .notReady(let why): "Redis is not ready: \(why)".printable
        case .lost(let why): "the connection to Redis was lost: \(why)".printable
        case .timedOut: "Redis did not answer in time"
        case .reply(let code, let message):
            if let meaning {
                "\(meaning): \(code) \(message)".printable
            } else {
                "Redis says: \(code) \(message)".printable
            }
        }
    }

    /// What an error reply comes down to, for people who do not know Redis's codes.
    private var meaning: String? {
        guard case .reply(let code, _) = self else { return nil }
        switch code {
        case "LOADING": return "Redis is loading its data"
        case "READONLY": return "this Redis is a replica and takes no writes"
        case "BUSY": return "Redis is busy with a script of somebody else"
        case "NOREPLICAS": return "Redis takes no writes while it has too few replicas"
        case "OOM": return "Redis has reached its maxmemory and takes no further jobs"
        case "MISCONF": return "Redis takes no writes since it cannot save to disk"
        case "MOVED", "ASK", "CROSSSLOT": return "this Redis is part of a cluster, which is not supported"
        case "NOAUTH", "WRONGPASS": return "Redis does not accept our user or password"
        default: break
        }
        switch missingRight {
        case .unknownCommand: return "Redis lacks a command that jobqd needs"
        case .command, .keys, .channels: return "Redis does not permit jobqd what it needs"
        case nil: return nil
        }
    }
}

extension String {
    /// With control characters as `\u{…}`: text of others must not draw in our log.
    var printable: String {
        guard unicodeScalars.contains(where: \.isControl) else { return self }
        return unicodeScalars.reduce(into: "") { text, scalar in
            text += scalar.isControl ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
        }
    }
}

extension Unicode.Scalar {
    fileprivate var isControl: Bool { value < 0x20 || (0x7f..<0xa0).contains(value) }
}
