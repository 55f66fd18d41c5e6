// The clean stop: all requests are served until the connections are closed, so that no request gets an error for being
// sent in the last moment of a daemon.
//
// Four phases, each bounded, four seconds in all so that a stop ends within five even with Redis away:
//
//     serving        requests under way are answered, and new ones too (2 s): until none is under way, or the store has
//                    answered a ping, which it does after what was asked of it before
//     reading        nothing more can be sent (ByteStream.endInput); what was sent before is read and answered (1 s)
//     closingStore   the store answers the rest as unavailable (300 ms)
//     flushing       replies are flushed (700 ms)

import Reactor
import Store

/// Waits for the phases of the end, in order.
final class Stopper {
    private enum Phase {
        case serving
        case reading
        case closingStore
        case flushing
        case done
    }
    private unowned let broker: Broker
    private let then: () -> Void
    private var phase = Phase.serving
    private var deadline: LoopTimer?

    init(broker: Broker, then: @escaping () -> Void) {
        self.broker = broker
        self.then = then
    }

    func begin() {
        broker.loop.atTurnEnd { [weak self] in self?.check() }
        deadline = broker.loop.timer { [unowned self] in deadlinePassed() }
        deadline?.arm(after: 2_000_000)
        broker.store.ping { [weak self] result in
            if case .success = result, self?.phase == .serving { self?.endInput() }
        }
        check()
    }

    /// Goes on when the present phase has nothing left to wait for. Called at the end of each turn.
    func check() {
        switch phase {
        case .serving where broker.openRequests == 0: endInput()
        case .reading where broker.sessionsAreDone: closeStore()
        case .flushing where broker.unsentBytes == 0: finish()
        default: break
        }
    }

    private func deadlinePassed() {
        switch phase {
        case .serving: endInput()
        case .reading: closeStore()
        case .closingStore: flush()
        case .flushing: finish()
        case .done: break
        }
    }

    private func endInput() {
        phase = .reading
        deadline?.arm(after: 1_000_000)
        broker.endInput()
        broker.loop.askForTurnEnd()
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
