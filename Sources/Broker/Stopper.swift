// The clean stop: what is under way is answered, then the store is closed, then the connections.
//
// Three phases, each bounded, four seconds in all so that a stop ends within five even with Redis away: requests under
// way may finish (3 s), the store answers the rest as unavailable (300 ms), replies are flushed (700 ms).

import Reactor
import Store

/// Waits for the phases of the end, in order.
final class Stopper {
    private enum Phase {
        case answering
        case closingStore
        case flushing
        case done
    }
    private unowned let broker: Broker
    private let then: () -> Void
    private var phase = Phase.answering
    private var deadline: LoopTimer?

    init(broker: Broker, then: @escaping () -> Void) {
        self.broker = broker
        self.then = then
        broker.loop.atTurnEnd { [weak self] in self?.check() }
        deadline = broker.loop.timer { [unowned self] in deadlinePassed() }
        deadline?.arm(after: 3_000_000)
    }

    /// Goes on when the present phase has nothing left to wait for. Called at the end of each turn.
    func check() {
        switch phase {
        case .answering where broker.openRequests == 0: closeStore()
        case .flushing where broker.unsentBytes == 0: finish()
        default: break
        }
    }

    private func deadlinePassed() {
        switch phase {
        case .answering: closeStore()
        case .closingStore: flush()
        case .flushing: finish()
        case .done: break
        }
    }

    private func closeStore() {
        phase = .closingStore
        deadline?.arm(after: 600_000)
        broker.store.close(withinMs: 300) { [weak self] in self?.flush() }
    }

    private func flush() {
        guard phase == .closingStore else { return }
        phase = .flushing
        deadline?.arm(after: 700_000)
        broker.finishSessions()
    }

    private func finish() {
        phase = .done
        deadline?.disarm()
        broker.closeSessions()
        then()
    }
}
