// The handler of `reload`: the daemon reads its configuration anew; what came of it is the reply.

import Wire

/// What came of a reload.
public enum ReloadOutcome: Sendable, Equatable {
    /// The names of the settings that changed: those taken over, and those that need a restart.
    case reloaded(changed: [String], restart: [String])
    /// The configuration is wrong and the old one holds on: a line for each problem.
    case refused(problems: [String])
}

extension Broker {
    /// `reload {}` → `{reloaded: true, changed, restart}` or, when nothing changes, `{reloaded: false, problems}`
    func reload(_ ticket: Ticket) {
        let outcome = onReload?() ?? .reloaded(changed: [], restart: [])
        switch outcome {
        case .refused(let problems):
            ticket.note(problems.first ?? "the configuration is wrong")
            ticket.audit?.ended("refused")
        case .reloaded(let changed, let restart):
            ticket.note(changed.isEmpty ? "nothing changed" : "changed: \(changed.joined(separator: " "))")
            if !restart.isEmpty { ticket.note("needs a restart: \(restart.joined(separator: " "))") }
        }
        ticket.reply { writer in
            switch outcome {
            case .reloaded(let changed, let restart):
                writer.member("reloaded", true)
                writer.member("changed", changed)
                writer.member("restart", restart)
            case .refused(let problems):
                writer.member("reloaded", false)
                writer.member("problems", problems)
            }
        }
    }
}

extension JSONWriter {
    fileprivate mutating func member(_ name: StaticString, _ texts: [String]) {
        key(name)
        beginArray()
        for text in texts { string(text) }
        endArray()
    }
}
