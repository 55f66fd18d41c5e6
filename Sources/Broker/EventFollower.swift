// Where a reader of one queue's events stands, and what is handed out next. A state machine without I/O.
//
// Events come in two ways: announced as they happen (`heard`), and read from the log (`took`, one page at a time). A
// reader that is behind reads pages until one is the last; what is announced between asking for that page and its answer
// is held, so that nothing falls between. When too much was announced for that, another page is read instead. Whatever
// comes at or below the position was handed out before and is dropped, so it does not matter what comes twice.

import Store
import Wire

/// One reader's place in one queue's events.
struct EventFollower {
    private enum Phase {
        /// Everything so far was handed out; what is announced is next.
        case live
        /// There may be more in the log: a page is to be asked for.
        case due
        /// A page was asked for. `isShort`: it will not be enough, whatever it says.
        case asked(isShort: Bool)
    }
    /// The last event handed out, or what to begin behind.
    private(set) var position: EventID
    private var phase: Phase
    /// Announced since the page was asked for.
    private var held: [JobEvent] = []

    /// More than this is not held: the log has it.
    static let heldLimit = 500

    /// A reader of what is announced from now on, behind `position`.
    static func live(after position: EventID) -> EventFollower { EventFollower(position: position, phase: .live) }

    /// A reader of the log behind `position`, and then of what is announced.
    static func behind(after position: EventID) -> EventFollower { EventFollower(position: position, phase: .due) }

    private init(position: EventID, phase: Phase) {
        self.position = position
        self.phase = phase
    }

    /// A page is to be asked for.
    var isDue: Bool { if case .due = phase { true } else { false } }
    var isLive: Bool { if case .live = phase { true } else { false } }

    /// Events were announced, in their order. Returns those to hand out: a suffix of them.
    mutating func heard(_ events: [JobEvent]) -> ArraySlice<JobEvent> {
        switch phase {
        case .live: return pass(events)
        case .due, .asked(isShort: true): break
        case .asked(isShort: false):
            if held.count + events.count <= Self.heldLimit {
                held += events
            } else {
                fallShort()
            }
        }
        return []
    }

    /// A page is asked for now, if one is due: behind which event.
    mutating func ask() -> EventID? {
        guard isDue else { return nil }
        phase = .asked(isShort: false)
        return position
    }

    /// The page came. Returns what to hand out; then the reader is live or due again.
    mutating func took(_ page: EventPage) -> [JobEvent] {
        var events = Array(pass(page.events))
        if case .asked(isShort: false) = phase, page.isLast || page.events.isEmpty {
            phase = .live
            events += pass(held)
        } else {
            phase = .due
        }
        held = []
        return events
    }

    /// The page did not come: it has to be asked for again.
    mutating func failed() {
        phase = .due
        held = []
    }

    /// Announcements may have been missed until now.
    mutating func interrupt() {
        switch phase {
        case .live: phase = .due
        case .due: break
        case .asked: fallShort()
        }
    }

    /// The log cannot be read: goes on with what is announced.
    mutating func giveUp() {
        phase = .live
        held = []
    }

    private mutating func fallShort() {
        phase = .asked(isShort: true)
        held = []
    }

    /// Those behind the position, which moves to the last of them.
    private mutating func pass(_ events: [JobEvent]) -> ArraySlice<JobEvent> {
        guard let last = events.last, last.seq > position else { return [] }
        let first = events.firstIndex { $0.seq > position } ?? events.endIndex
        position = last.seq
        return events[first...]
    }
}
