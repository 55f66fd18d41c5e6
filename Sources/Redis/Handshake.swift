// The talk that every connection begins with, as a list of steps whose replies are judged one by one. No I/O.
//
// All commands go out in one write and the replies come back in order, so a connect costs one round trip. A step may
// be refused by an ACL where we can live without it (CLIENT SETNAME, INFO, CONFIG GET). What is missing of the rights that
// the owner needs is gathered to the end, so that one sentence names all of it; everything else is final.
// The AUTH command itself is not made here: its bytes are secret and go another way (`RedisConnection`).

/// A reply by value, as far as a handshake needs it.
indirect enum HandshakeReply: Equatable {
    case text(String)
    case error(RedisFailure)
    case list([String])
    /// Numbers and nil: never expected, never fatal.
    case other

    init(_ reply: ReplyView) {
        switch reply.kind {
        case .string, .status: self = .text(reply.string)
        case .error: self = .error(RedisFailure(errorReply: reply.string))
        case .array: self = .list((0..<reply.count).map { reply[$0].string })
        default: self = .other
        }
    }
}

/// The steps of one connect and what they brought so far.
struct Handshake {
    enum Step: Equatable {
        case authenticate
        case select(Int)
        case setName(String)
        case information
        case snapshots
        /// The script of `RightsProbe`.
        case rights
        /// EVALSHA of a script that is not there: only whether it may be called.
        case digest
        /// One channel, at once left again.
        case subscribe, unsubscribe, patternSubscribe, patternUnsubscribe
        /// Index of the script.
        case load(Int)

        /// The command that is tried, of the steps that are there to try one.
        var tried: String? {
            switch self {
            case .rights: "EVAL"
            case .digest: "EVALSHA"
            case .subscribe: "SUBSCRIBE"
            case .unsubscribe: "UNSUBSCRIBE"
            case .patternSubscribe: "PSUBSCRIBE"
            case .patternUnsubscribe: "PUNSUBSCRIBE"
            case .load: "SCRIPT"
            case .authenticate, .select, .setName, .information, .snapshots: nil
            }
        }
    }

    enum Verdict: Equatable {
        /// Further replies are due.
        case goOn
        case ready
        /// Of no use; a sentence for the log.
        case refused(String)
    }

    private(set) var facts = ServerFacts()
    /// The digests of the scripts, in their order.
    private(set) var digests: [String] = []
    /// The last error that was tolerated: what a server says before it hangs up (too many clients, protected mode).
    private(set) var complaint: String?
    /// What is missing; nil when there was nothing to try.
    private(set) var findings: RightsFindings?
    /// It was refused because the server still loads its data: that ends by itself.
    private(set) var isLoading = false
    private let rights: RightsProbe?
    private let user: String
    private var due: ArraySlice<Step>

    /// - Parameters:
    ///   - rights: what the steps `rights` to `patternUnsubscribe` try.
    ///   - user: as whom, for the sentence that says what is missing.
    init(steps: [Step], rights: RightsProbe? = nil, user: String = "default") {
        due = steps[...]
        self.rights = rights
        self.user = user
        findings = rights.map { RightsFindings(prefix: $0.prefix) }
    }

    /// For a link that runs scripts: everything that can be known is checked.
    static func commands(authenticates: Bool, database: Int, name: String, scripts: Int, triesRights: Bool = false)
        -> [Step]
    {
        var steps: [Step] = authenticates ? [.authenticate] : []
        if database != 0 { steps.append(.select(database)) }
        steps += [.setName(name), .information, .snapshots]
        if triesRights {
            steps += [.rights, .digest, .subscribe, .unsubscribe, .patternSubscribe, .patternUnsubscribe]
        }
        return steps + (0..<scripts).map(Step.load)
    }

    /// For a link that only listens: channels know no database, and a replica passes messages on too.
    static func subscriptions(authenticates: Bool, name: String, triesRights: Bool = false) -> [Step] {
        (authenticates ? [.authenticate] : []) + [.setName(name)] + (triesRights ? [.subscribe, .unsubscribe] : [])
    }

    /// The command of a step; nil for AUTH.
    static func command(for step: Step, scripts: [Script], rights: RightsProbe? = nil) -> CommandBuffer? {
        var command: CommandBuffer
        switch step {
        case .authenticate: return nil
        case .select(let database):
            command = CommandBuffer("SELECT")
            command.append(integer: Int64(database))
        case .setName(let name):
            command = CommandBuffer("CLIENT", "SETNAME")
            command.append(name)
        // Without sections: 6.2 takes only one, and the default ones are all we want in one reply.
        case .information: command = CommandBuffer("INFO")
        case .snapshots: command = CommandBuffer("CONFIG", "GET", "save")
        case .rights: return rights?.command
        case .digest: command = CommandBuffer("EVALSHA", "0000000000000000000000000000000000000000", "0")
        case .subscribe: command = CommandBuffer("SUBSCRIBE")
        case .unsubscribe: command = CommandBuffer("UNSUBSCRIBE")
        case .patternSubscribe: command = CommandBuffer("PSUBSCRIBE")
        case .patternUnsubscribe: command = CommandBuffer("PUNSUBSCRIBE")
        case .load(let index):
            command = CommandBuffer("SCRIPT", "LOAD")
            command.append(bytes: scripts[index].source)
        }
        switch step {
        case .subscribe, .unsubscribe, .patternSubscribe, .patternUnsubscribe: command.append(rights?.channel ?? "")
        default: break
        }
        return command
    }

    /// Judges the reply to the next step.
    mutating func receive(_ reply: HandshakeReply) -> Verdict {
        guard let step = due.popFirst() else { return .refused("Redis answered what was not asked") }
        if case .error(let failure) = reply {
            if let problem = judge(failure, at: step) { return .refused(problem) }
            if case .reply(let code, let message) = failure { complaint = "\(code) \(message)".printable }
            return next
        }
        switch (step, reply) {
        case (.information, .text(let text)):
            facts.read(info: text)
            isLoading = facts.isLoading
            if let problem = facts.refusal { return .refused(problem) }
        case (.snapshots, .list(let pair)):
            facts.save = pair.count == 2 ? pair[1] : nil
        case (.rights, .list(let words)):
            guard let rights, let found = rights.findings(words) else { return misfit(step) }
            findings = found
        case (.load, .text(let digest)):
            digests.append(digest)
        case (.information, _), (.rights, _), (.load, _): return misfit(step)
        default: break
        }
        return next
    }

    private func misfit(_ step: Step) -> Verdict {
        .refused("Redis gave an answer that does not fit the question (\(step))")
    }

    private var next: Verdict {
        guard due.isEmpty else { return .goOn }
        return findings?.problem(user: user).map { .refused($0) } ?? .ready
    }

    /// What an error reply means at this step: a sentence, or nil when we can do without, or when it is noted.
    private mutating func judge(_ failure: RedisFailure, at step: Step) -> String? {
        guard case .reply(let code, let message) = failure else { return "\(failure)" }
        let text = "\(code) \(message)".printable
        if code == "NOAUTH" { return "Redis wants a password: \(text)" }
        if code == "LOADING" { isLoading = true }
        switch step {
        case .authenticate: return "Redis refused our user and password: \(text)"
        case .select(let database): return "Redis refused to select database \(database): \(text)"
        // CONFIG is forbidden by most who rent Redis out, CLIENT and INFO by some ACLs; but no role may stay hidden
        // behind a server that is not ready to tell.
        case .setName, .information, .snapshots:
            return failure.missingRight == nil && failure.kind == .unavailable ? "\(failure)" : nil
        case .digest where failure.kind == .noScript: return nil
        // A pattern is only permitted where an access list names that very pattern, which no attempt can find out.
        case .patternSubscribe where failure.missingRight == .channels: return nil
        case .rights, .digest, .subscribe, .unsubscribe, .patternSubscribe, .patternUnsubscribe, .load:
            if findings != nil, failure.missingRight != nil || failure.isRefusal && failure.kind == .full {
                findings?.note(failure, command: step.tried ?? "")
                return nil
            }
            if let problem = findings?.problem(user: user) { return problem }
            if case .load = step { return "Redis refused to load a script: \(text)" }
            return "\(failure)"
        }
    }
}
