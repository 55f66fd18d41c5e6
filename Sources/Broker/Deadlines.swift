// Many things that wait, each until its own time, on one timer of the loop.

import Reactor

/// The deadlines of the things that wait for one and the same reason.
final class Deadlines<Item: AgendaItem> {
    private let loop: Loop
    private let passed: (Item) -> Void
    private var agenda = Agenda<Item>()
    private var timer: LoopTimer?

    /// - Parameter passed: called when the time of a thing has come; it has none from then on.
    init(loop: Loop, passed: @escaping (Item) -> Void) {
        self.loop = loop
        self.passed = passed
        timer = loop.timer { [unowned self] in ring() }
    }

    /// Gives a thing a time (monotonic µs), another time, or none any more.
    func set(_ item: Item, to time: UInt64?) {
        agenda.set(item, to: time)
        if time != nil { arm() }
    }

    /// Everything that has a time, in no order.
    var items: [Item] { agenda.items }

    private func ring() {
        let now = loop.now
        // The rest of what is due comes in the next turn.
        while let item = agenda.popDue(at: now) {
            passed(item)
            if loop.turnIsLong { break }
        }
        arm()
    }

    private func arm() {
        if let nearest = agenda.nearest { timer?.arm(at: nearest) }
    }
}
