// The refusal of a queue that does not exist. An administrator is told the nearest name there is: most often it is a slip
// of the finger. Others are not, since looking for it costs more than they may cause.

import Store
import Wire

extension Broker {
    /// Pages of names that are looked through, of some hundred each.
    private static let pagesOfNames = 20

    /// Refuses with `not_found`.
    func refuseUnknown(_ queue: String, _ ticket: Ticket) {
        guard ticket.session.isPrivileged else { return ticket.refuse(Self.noSuchQueue(queue, nearest: nil)) }
        lookForName(near: queue, cursor: nil, page: 0, best: nil) {
            ticket.refuse(Self.noSuchQueue(queue, nearest: $0))
        }
    }

    private func lookForName(
        near queue: String, cursor: String?, page: Int, best: (name: String, distance: Int)?,
        then: @escaping (String?) -> Void
    ) {
        store.queuePage(cursor: cursor) { [self] result in
            guard case .success(let found) = result else { return then(best?.name) }
            var best = best
            if let near = nearestName(to: queue, among: found.names), near.distance < best?.distance ?? .max {
                best = near
            }
            guard let cursor = found.cursor, page + 1 < Self.pagesOfNames else { return then(best?.name) }
            lookForName(near: queue, cursor: cursor, page: page + 1, best: best, then: then)
        }
    }

    static func noSuchQueue(_ queue: String, nearest: String?) -> WireError {
        let hint = nearest.map { "; did you mean \"\($0)\"?" } ?? ""
        return WireError(.notFound, "no such queue: \(queue)\(hint)", field: "queue")
    }
}
