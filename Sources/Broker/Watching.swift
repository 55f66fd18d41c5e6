// Handlers of the operations of those who look on: subscribers, and who waits for a job.

import Store
import Wire

extension Broker {
    /// `subscribe {queues, events, since}` → `{}`, and then lines of events. Replaces an earlier one.
    func subscribe(_ body: SubscribeBody, _ ticket: Ticket) {
        if isStopping { return ticket.refuse(draining) }
        hub.subscribe(body, ticket)
    }

    /// `unsubscribe {}` → `{}`, also without a subscription.
    func unsubscribe(_ ticket: Ticket) {
        hub.unsubscribe(ticket.session)
        ticket.reply()
    }

    /// `wait {job, wait_ms}` → `{job: {…record…}[, timed_out: true]}`
    func wait(_ body: WaitBody, _ ticket: Ticket) {
        waits.add(body.job, waitMs: body.waitMs, ticket)
    }

    /// `cancel_wait {target}` → `{cancelled}`; what it ends is answered with `cancelled` first.
    func cancelWait(target: [UInt8], _ ticket: Ticket) {
        let endedClaim = waiting.cancel(target, of: ticket.session)
        let endedWait = waits.cancel(target, of: ticket.session)
        ticket.reply { $0.member("cancelled", endedClaim || endedWait) }
    }

    static let cancelledWait = WireError(.cancelled, "the request was ended by cancel_wait")
}
