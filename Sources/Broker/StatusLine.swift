// How things are, in one line: what `systemctl status` shows. A pure value, made of what the broker knows anyway: nothing
// is asked of the store for it.

import Store

struct StatusLine {
    var isStopping = false
    var isDraining = false
    /// No further connection is accepted.
    var isFull = false
    /// Why nobody, or not everybody, can connect.
    var addressProblem: String?
    var connections = 0
    var workers = 0
    /// Jobs in the hands of those workers.
    var held = 0
    var waitingClaims = 0
    var store: StoreStatus
    /// Since when the store is as it is, ms since the epoch.
    var storeSince: ServerTime?

    var text: String { "\(doing), \(numbers); \(health)" }

    private var doing: String {
        let clients = Self.count(connections, "connection")
        if isStopping { return "Stopping: \(clients)" }
        if let addressProblem { return "Unreachable, \(addressProblem): \(clients)" }
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
        case (_, .ready):
            (["Redis \(store.version.map { "\($0) " } ?? "")at \(store.address)"] + store.remarks).joined(
                separator: "; ")
        case (_, .starting), (_, .refusing), (_, .connecting), (_, .down):
            StoreHealth(store: store, since: storeSince).problem(as: "Redis at \(store.address)") ?? ""
        }
    }

    private static func count(_ number: Int, _ what: String) -> String { "\(number) \(what)\(number == 1 ? "" : "s")" }
}
