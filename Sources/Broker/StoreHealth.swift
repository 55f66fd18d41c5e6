// What is said of the store's health to people: in the status line, over /healthz. One sentence, with since when.

import Glibc
import Reactor
import Store

/// The store's state in words.
struct StoreHealth {
    let store: StoreStatus
    /// Since when it is so, ms since the epoch; nil: not said.
    var since: ServerTime?

    /// What is wrong; nil when all can be done.
    ///
    /// - Parameter name: what the store is called in the sentence.
    func problem(as name: String = "Redis") -> String? {
        let why = store.problem.map { ": \($0)" } ?? ""
        switch store.state {
        case .ready: return nil
        case .starting: return "\(name) is starting\(why)"
        case .refusing: return "\(name) cannot be used\(why)\(sinceWhen)"
        case .connecting, .down: return "\(name) is away: \(store.problem ?? store.state.rawValue)\(sinceWhen)"
        }
    }

    private var sinceWhen: String { since.map { " (since \(Self.utc($0)))" } ?? "" }

    /// `2026-11-21 14:03:07 UTC`.
    static func utc(_ milliseconds: ServerTime) -> String {
        var seconds = time_t(milliseconds / 1_000)
        var parts = tm()
        guard gmtime_r(&seconds, &parts) != nil else { return "\(milliseconds)" }
        let two = { (number: Int32) in number < 10 ? "0\(number)" : "\(number)" }
        let date = "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
        return "\(date) \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) UTC"
    }
}

extension Broker {
    /// How the store is, and since when.
    var storeHealth: StoreHealth {
        let status = store.status
        return StoreHealth(store: status, since: since(of: status))
    }

    /// When the store's state began, ms since the epoch by the server's clock, as far as that is known.
    func since(of status: StoreStatus) -> ServerTime {
        serverNow - Int64((loop.now - min(status.since, loop.now)) / 1_000)
    }
}
