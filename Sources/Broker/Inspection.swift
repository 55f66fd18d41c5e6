// Handlers that look at the daemon and at jobs, and change nothing: ping, info, list.

import Glibc
import Reactor
import Store
import Wire

extension Broker {
    /// `ping {store}` → `{at}`; with `store: true` after a round trip, with the server's time.
    func ping(store wanted: Bool, _ ticket: Ticket) {
        guard wanted else { return ticket.reply { $0.member("at", serverNow) } }
        store.ping { [self] result in
            guard let now = unwrap(result, ticket) else { return }
            ticket.reply { $0.member("at", now) }
        }
    }

    /// `info {}` → `{version, protocol, uptime_ms, pid, store, redis{…}, connections, workers, waiting_claims, …}`
    func info(_ ticket: Ticket) {
        let status = store.status
        ticket.reply { writer in
            writer.member("version", options.version)
            writer.member("protocol", ProtocolLimits.version)
            writer.member("uptime_ms", Int64((loop.now - startedAt) / 1_000))
            writer.member("pid", Int64(getpid()))
            writer.member("store", status.kind)
            writer.key("redis")
            writer.beginObject()
            writer.member("address", status.address)
            writer.member("state", status.state.rawValue)
            if let role = status.role { writer.member("role", role) }
            if let version = status.version { writer.member("version", version) }
            if let roundTrip = status.roundTripUs { writer.member("round_trip_us", roundTrip) }
            writer.member("reconnects", status.reconnects)
            writer.member("writable", status.isReady)
            writer.member("since_at", since(of: status))
            if let problem = status.problem { writer.member("problem", problem) }
            if !status.remarks.isEmpty {
                writer.key("risks")
                writer.beginArray()
                for risk in status.remarks { writer.string(risk) }
                writer.endArray()
            }
            writer.endObject()
            writer.member("connections", connectionCount)
            writer.member("connections_dropped", droppedConnections)
            writer.key("memory")
            writer.beginObject()
            writer.member("held_bytes", budget.held)
            writer.member("limit_bytes", budget.limit)
            writer.member("paused", memory.heldBackCount)
            writer.member("dropped", memory.droppedCount)
            writer.endObject()
            writer.member("workers", workers.count)
            writer.member("waiting_claims", waiting.count)
            writer.member("waits", waits.count)
            writer.member("subscriptions", hub.subscriptionCount)
            writer.member("draining", handsOutNoWork)
            if let until = clock.pausedUntil { writer.member("reclaiming_paused_until", until) }
        }
    }

    /// `list {queue, state, limit, cursor, type}` → `{jobs: […][, cursor]}`
    func list(_ body: ListBody, _ ticket: Ticket) {
        if let cursor = body.cursor, !ListCursor.isPlausible(cursor) {
            return ticket.refuse(WireError(.badRequest, "cursor must be one from an earlier page", field: "cursor"))
        }
        store.list(queue: body.queue, state: body.state, type: body.type, limit: body.limit, cursor: body.cursor) {
            [self] result in
            guard let found = unwrap(result, ticket) else { return }
            guard let page = found else { return refuseUnknown(body.queue, ticket) }
            ticket.reply { writer in
                writer.key("jobs")
                writer.beginArray()
                for record in page.jobs { writer.record(record, queue: body.queue, whole: false) }
                writer.endArray()
                if let cursor = page.cursor { writer.member("cursor", cursor) }
            }
        }
    }
}
