// Sets of kinds of events, as one word.

import Wire

/// Some of the kinds of events.
struct EventKinds: OptionSet {
    let rawValue: UInt16

    init(rawValue: UInt16) { self.rawValue = rawValue }

    init(_ kind: EventKind) {
        let place: UInt16 =
            switch kind {
            case .enqueued: 0
            case .claimed: 1
            case .completed: 2
            case .retrying: 3
            case .dead: 4
            case .cancelled: 5
            case .expired: 6
            case .reclaimed: 7
            case .released: 8
            case .deleted: 9
            }
        rawValue = 1 << place
    }

    init(_ kinds: some Sequence<EventKind>) {
        self = kinds.reduce(into: EventKinds()) { $0.formUnion(EventKinds($1)) }
    }

    /// Kinds that are logged only while somebody asks for it, see `JobStore.logAll`.
    static let onRequest = EventKinds([.enqueued, .claimed])

    /// After these a job is not worked on any more.
    static let endings = EventKinds([.completed, .dead, .cancelled, .expired, .deleted])
}
