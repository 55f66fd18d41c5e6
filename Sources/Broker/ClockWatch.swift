// Sends the daemon's beat to the store, once a second and at each connect, and says in the log what it finds out: that
// nobody was connected for a while, or that the store's clock was set. What that means stands in `ServerClock`.

import Logging
import Reactor
import Store

/// The conductor of the broker's `ServerClock`.
final class ClockWatch {
    private unowned let broker: Broker
    /// A beat waits for its answer; a second one behind it would say nothing new.
    private var isAsking = false
    /// One is due as soon as that answer is there.
    private var again = false
    private var isStopped = false

    init(broker: Broker) {
        self.broker = broker
    }

    /// A lease was given or renewed.
    func note(leaseMs: Int64) {
        guard broker.clock.note(leaseMs: leaseMs, at: broker.loop.now) else { return }
        if isAsking { again = true } else { beat() }
    }

    /// Once a second, and when the store has come (back).
    func beat() {
        guard !isAsking, !isStopped else { return }
        isAsking = true
        let askedAt = broker.loop.now
        broker.store.beat(broker.clock.beat(at: askedAt)) { [self] result in
            isAsking = false
            defer {
                if again {
                    again = false
                    beat()
                }
            }
            guard case .success(let reply) = result else { return }
            let news = broker.clock.answered(reply, askedAt: askedAt, at: broker.loop.now)
            if let news { tell(news) }
            broker.sweeper.storeHas(queues: reply.queues)
        }
    }

    func stop() { isStopped = true }

    private func tell(_ news: ServerClock.News) {
        switch news {
        case .setBack(let ms):
            broker.log.warning(
                "the clock of the Redis server was set back by \(ms) ms: leases, delays and pauses follow it",
                metadata: MessageID.clockSet.with(["by_ms": "-\(ms)", "pause_ms": "0"]))
        case .setForward(let ms, let pause):
            broker.log.warning(
                "the clock of the Redis server was set forward by \(ms) ms: expired leases are not reclaimed for \(pause) ms",
                metadata: MessageID.clockSet.with(["by_ms": "\(ms)", "pause_ms": "\(pause)"]))
        case .gap(let ms, let pause):
            let why = ms == 0 ? "another daemon found a gap" : "no daemon was connected to Redis for \(ms) ms"
            broker.log.notice(
                "\(why): expired leases are not reclaimed for \(pause) ms, so that living workers can renew theirs",
                metadata: MessageID.reclaimingPaused.with(["gap_ms": "\(ms)", "pause_ms": "\(pause)"]))
        case .resumed: broker.log.info("expired leases are reclaimed again")
        }
    }
}
