// Who refuses writes at present, why and since when: the one place where that is kept. No I/O.
//
// Two have a say. Redis itself, by the errors it answers with: then all calls still go out, so that each gets Redis's own
// word. And the daemon, for its own redis-server, which acknowledges what it cannot keep while its disk is full: then
// nothing that writes is sent. To add a reason of the second sort, call `RedisStore.refuseWrites(_:because:)` with it when
// it begins, and with nil when it ends; status, `info`, metrics, log and the calls that wait follow by themselves.

/// Who refuses.
public enum RefusalSource: Int, CaseIterable, Sendable {
    /// The server, by error replies.
    case server
    /// The daemon, since its own redis-server could not keep what it would accept.
    case ownServer
}

/// What refuses writes now.
struct WriteRefusals {
    struct Refusal: Equatable {
        /// What calls get that cannot be carried out.
        var failure: StoreFailure
        /// µs of the loop's clock.
        let since: UInt64
    }

    private var refusals: [RefusalSource: Refusal] = [:]

    /// The one that is shown.
    var current: Refusal? { refusals[.ownServer] ?? refusals[.server] }
    subscript(source: RefusalSource) -> Refusal? { refusals[source] }

    /// Takes in a reason, or that there is none any more. What changed: nil when only the words did, or nothing.
    mutating func set(_ source: RefusalSource, _ failure: StoreFailure?, now: UInt64) -> Change? {
        let before = refusals[source]
        guard let failure else {
            refusals[source] = nil
            return before.map { .ended(lastedUs: now - $0.since) }
        }
        refusals[source] = Refusal(failure: failure, since: before?.since ?? now)
        return before == nil ? .began : nil
    }

    enum Change: Equatable {
        case began
        case ended(lastedUs: UInt64)
    }
}
