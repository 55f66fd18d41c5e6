// What can become of a command, and what the error replies of Redis mean to a job queue.
//
// An error reply begins with a code in capitals (`-READONLY You can't write…`). Redis 6.2 wraps what fails inside a
// script (`-ERR Error running script (call to f_…): @user_script:12: … -OOM command not allowed…`), Redis 7 does not;
// both read the same here. The kinds follow the rule of the store: what passes by itself is `unavailable`, what needs
// room or a disk is `full`.

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
        /// Will pass by itself: away, loading, read-only, busy.
        case unavailable
        /// Redis refuses writes: out of memory, or it cannot persist.
        case full
        /// The script is not cached; it was not executed.
        case noScript
        /// A bug, ours or of the data, or a missing permission.
        case other
    }

    /// What it means to a store.
    public var kind: Kind {
        guard case .reply(let code, _) = self else { return .unavailable }
        return switch code {
        // The last two are not in the list of the store's rules, but of the same sort: they end without our doing.
        case "LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY", "NOREPLICAS":
            .unavailable
        case "OOM", "MISCONF": .full
        case "NOSCRIPT": .noScript
        default: .other
        }
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
        return code == "READONLY" || code == "LOADING" || code == "MASTERDOWN"
    }

    /// Reads an error reply, without its leading `-`.
    init(errorReply text: String) {
        let (code, message) = Self.split(text[...])
        if code == "ERR", message.hasPrefix("Error running script"), let inner = Self.wrapped(in: message) {
            self = .reply(code: inner.code, message: inner.message)
        } else {
            self = .reply(code: code, message: message)
        }
    }

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
        return found
    }
}

extension RedisFailure: CustomStringConvertible {
    /// For a log or an error reply; free of control characters.
    public var description: String {
        switch self {
        case .notReady(let why): "Redis is not ready: \(why)".printable
        case .lost(let why): "the connection to Redis was lost: \(why)".printable
        case .timedOut: "Redis did not answer in time"
        case .reply(let code, let message): "Redis says: \(code) \(message)".printable
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
