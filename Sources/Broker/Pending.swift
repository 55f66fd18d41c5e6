// Handlers that are not built yet.

import Wire

extension Broker {
    private func pending(_ ticket: Ticket) {
        ticket.refuse(WireError(.unknownOp, "this operation is not built yet", field: "op"))
    }

    func cancel(_ body: CancelBody, _ ticket: Ticket) { pending(ticket) }
    func wait(_ body: WaitBody, _ ticket: Ticket) { pending(ticket) }
    func cancelWait(target: [UInt8], _ ticket: Ticket) { pending(ticket) }
    func subscribe(_ body: SubscribeBody, _ ticket: Ticket) { pending(ticket) }
    func unsubscribe(_ ticket: Ticket) { pending(ticket) }
    func publish(_ body: PublishBody, _ ticket: Ticket) { pending(ticket) }
    func bind(topic: String, queue: String, _ ticket: Ticket) { pending(ticket) }
    func unbind(topic: String, queue: String, _ ticket: Ticket) { pending(ticket) }
    func topics(_ ticket: Ticket) { pending(ticket) }
    func delete(_ job: JobName, _ ticket: Ticket) { pending(ticket) }
    func purge(_ body: PurgeBody, _ ticket: Ticket) { pending(ticket) }
    func configure(_ body: ConfigureBody, _ ticket: Ticket) { pending(ticket) }
    func listWorkers(_ ticket: Ticket) { pending(ticket) }
    func quiet(worker: Glob?, _ ticket: Ticket) { pending(ticket) }
    func drain(_ ticket: Ticket) { pending(ticket) }
    func resume(worker: Glob, _ ticket: Ticket) { pending(ticket) }
    func check(queue: String?, repair: Bool, _ ticket: Ticket) { pending(ticket) }
}
