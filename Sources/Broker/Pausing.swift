// Handlers that hold a queue back and let it go on.

import Logging
import Store
import Wire

extension Broker {
    /// `pause {queue, until, create}` → `{queue, paused: true[, until]}`
    func pause(queue: String, until: ServerTime?, create: Bool, _ ticket: Ticket) {
        store.pause(queue: queue, until: until, creating: create) { [self] result in
            guard let found = unwrap(result, ticket) else { return }
            guard let before = found else { return refuseUnknown(queue, ticket) }
            sweeper.noteQueue(queue)
            if let until { sweeper.note(due: until, queue: queue) }
            ticket.note(change: before, to: until.map { .until($0) } ?? .forever)
            ticket.reply { writer in
                writer.member("queue", queue)
                writer.member("paused", true)
                if let until { writer.member("until", until) }
            }
        }
    }

    /// `resume {queue}` → `{queue, paused: false}`
    func resume(queue: String, _ ticket: Ticket) {
        store.resume(queue: queue) { [self] result in
            guard let found = unwrap(result, ticket) else { return }
            guard let before = found else { return refuseUnknown(queue, ticket) }
            waiting.wake(queue, atLeast: 1)
            ticket.note(change: before, to: .none)
            ticket.reply { writer in
                writer.member("queue", queue)
                writer.member("paused", false)
            }
        }
    }
}

extension Ticket {
    /// Tells the log how a pause changed.
    fileprivate func note(change before: QueuePause, to after: QueuePause) {
        note("\(before.text) → \(after.text)", ["before": .string(before.text), "after": .string(after.text)])
    }
}

extension QueuePause {
    /// In words; the end in milliseconds since the epoch.
    fileprivate var text: String {
        switch self {
        case .none: "not paused"
        case .forever: "paused"
        case .until(let end): "paused until \(end)"
        }
    }
}
