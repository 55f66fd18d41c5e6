// Handlers that are not built yet.

import Wire

extension Broker {
    private func pending(_ ticket: Ticket) {
        ticket.refuse(WireError(.unknownOp, "this operation is not built yet", field: "op"))
    }

    func wait(_ body: WaitBody, _ ticket: Ticket) { pending(ticket) }
    func cancelWait(target: [UInt8], _ ticket: Ticket) { pending(ticket) }
    func subscribe(_ body: SubscribeBody, _ ticket: Ticket) { pending(ticket) }
    func unsubscribe(_ ticket: Ticket) { pending(ticket) }
}
