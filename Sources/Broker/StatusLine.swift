// How things are, in one line: what `systemctl status` shows. A pure value, made of what the broker knows anyway: nothing
// is asked of the store for it.

import Store

struct StatusLine {
    var isStopping = false
    var isDraining = false
    /// No further connection is accepted.
    var isFull = false
    var connections = 0
    var workers = 0
    /// Jobs in the hands of those workers.
    var held = 0
    var waitingClaims = 0
    var store: StoreStatus

    var text: String { "\(doing), \(numbers); \(health)" }

    private var doing: String {
        let clients = Self.count(connections, "connection")
        if isStopping { return "Stopping: \(clients)" }
        if isDraining { return "Draining, no new work is taken: \(clients)" }
        return isFull ? "Serving \(clients), no room for more" : "Serving \(clients)"
    }

    private var numbers: String {
        let hands = held > 0 ? " with \(Self.count(held, "job"))" : ""
        return "\(Self.count(workers, "worker"))\(hands), \(Self.count(waitingClaims, "waiting claim"))"
    }

    private var health: String {
        switch (store.kind, store.state) {
        case ("memory", _): "jobs in memory only"
        case (_, .ready): "Redis \(store.version.map { "\($0) " } ?? "")at \(store.address)"
        case (_, .starting): "Redis at \(store.address) is starting\(store.problem.map { ": \($0)" } ?? "")"
        case (_, .refusing): "Redis at \(store.address) refuses: \(store.problem ?? "")"
        case (_, .connecting), (_, .down):
            "Redis at \(store.address) is away: \(store.problem ?? store.state.rawValue)"
        }
    }

    private static func count(_ number: Int, _ what: String) -> String { "\(number) \(what)\(number == 1 ? "" : "s")" }
}
