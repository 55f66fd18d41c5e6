// Handlers that hold a queue back and let it go on.

import Store
import Wire

extension Broker {
    /// `pause {queue, until}` → `{queue, paused: true[, until]}`
    func pause(queue: String, until: ServerTime?, _ ticket: Ticket) {
        sweeper.noteQueue(queue)
        store.pause(queue: queue, until: until) { [self] result in
            guard unwrap(result, ticket) != nil else { return }
            if let until { sweeper.note(due: until, queue: queue) }
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
            guard let existed = unwrap(result, ticket) else { return }
            guard existed else { return ticket.refuse(Self.noSuchQueue(queue)) }
            waiting.wake(queue, atLeast: 1)
            ticket.reply { writer in
                writer.member("queue", queue)
                writer.member("paused", false)
            }
        }
    }
}
