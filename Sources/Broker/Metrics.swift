// The metrics of this daemon and of all queues, put together on request and kept for a second.
//
// The queues are asked for as `queues` does it, one script each, so a second is also what protects the store from
// monitoring systems that ask too often: whoever asks meanwhile gets the same text. While Redis is away, or when it takes
// too long, the text says so and has everything but the queues.

import Reactor
import Store
import Wire

/// Makes the text of the metrics.
final class Metrics {
    /// The statistics of all queues, in the order of their names.
    typealias Queues = [(queue: String, statistics: QueueStatistics)]

    private unowned let broker: Broker
    private var latest: (text: [UInt8], madeAt: UInt64)?
    /// Who gets the text that is being put together.
    private var waiting: [([UInt8]) -> Void] = []
    /// Which question to the store the answer of which is waited for.
    private var round = 0
    private lazy var deadline = broker.loop.timer { [unowned self] in finish(nil) }
    private let processStartMs: Int64

    /// How long a text is good for.
    private static let keptUs: UInt64 = 1_000_000
    /// How long the store may take; less than a monitoring system waits.
    private static let patienceUs: UInt64 = 2_000_000

    init(broker: Broker) {
        self.broker = broker
        processStartMs = broker.wallClockMs() - Int64((broker.loop.now - broker.startedAt) / 1_000)
    }

    /// Gives the metrics, now or in a moment.
    func text(then: @escaping ([UInt8]) -> Void) {
        if let latest, broker.loop.now - latest.madeAt < Self.keptUs { return then(latest.text) }
        waiting.append(then)
        guard waiting.count == 1 else { return }
        guard broker.store.status.isReady else { return finish(nil) }
        round += 1
        let asked = round
        deadline.arm(after: Self.patienceUs)
        broker.statisticsOfAll { [self] result in
            guard asked == round, !waiting.isEmpty else { return }
            finish(try? result.get())
        }
    }

    /// - Parameter queues: nil when the store did not say.
    private func finish(_ queues: Queues?) {
        round += 1
        deadline.disarm()
        let text = render(queues)
        latest = (text, broker.loop.now)
        let asked = waiting
        waiting = []
        for then in asked { then(text) }
    }

    // MARK: The text

    private func render(_ queues: Queues?) -> [UInt8] {
        var text = MetricsText()
        write(queues ?? [], to: &text)
        writeTimes(to: &text)
        writeDaemon(isStoreUp: queues != nil, to: &text)
        writeProcess(to: &text)
        return text.bytes
    }

    private func write(_ queues: Queues, to text: inout MetricsText) {
        if queues.isEmpty { return }
        text.family(.jobs)
        for (queue, statistics) in queues {
            for (state, count) in statistics.depth.byState { text.sample(.jobs, [queue, state.rawValue], count) }
        }
        for total in Metric.totals {
            text.family(total.metric)
            for (queue, statistics) in queues { text.sample(total.metric, [queue], total.of(statistics.totals)) }
        }
        text.family(.oldestJobAge)
        for (queue, statistics) in queues {
            text.sample(.oldestJobAge, [queue], microseconds: UInt64(max(0, statistics.latencyMs)) * 1_000)
        }
        text.family(.queuePaused)
        for (queue, statistics) in queues { text.sample(.queuePaused, [queue], statistics.paused ? 1 : 0) }
    }

    private func writeTimes(to text: inout MetricsText) {
        let times = broker.figures.times
        if times.isEmpty { return }
        text.family(.jobWait)
        for (queue, times) in times { text.histogram(.jobWait, [queue], times.waits) }
        text.family(.jobRun)
        for (queue, times) in times { text.histogram(.jobRun, [queue], times.runs) }
    }

    private func writeDaemon(isStoreUp: Bool, to text: inout MetricsText) {
        let status = broker.store.status
        let figures = broker.figures
        text.family(.info)
        text.sample(.info, [broker.options.version], 1)
        text.single(.connections, broker.connectionCount)
        text.single(.connectionsDropped, broker.droppedForOutput)
        text.single(.workers, broker.workers.count)
        text.single(.heldJobs, broker.workers.heldCount)
        text.single(.waitingClaims, broker.waiting.count)
        text.single(.waits, broker.waits.count)
        text.single(.subscriptions, broker.hub.subscriptionCount)
        text.single(.draining, broker.isDraining ? 1 : 0)
        text.single(.redisUp, isStoreUp ? 1 : 0)
        text.single(.redisReconnects, status.reconnects)
        text.family(.redisRoundTrip)
        text.histogram(.redisRoundTrip, [], status.roundTrips)
        text.family(.requests)
        for name in OperationName.allCases { text.sample(.requests, [name.text.description], figures.requests(name)) }
        text.family(.errors)
        for code in ErrorCode.allCases { text.sample(.errors, [code.rawValue], figures.errors(code)) }
        text.single(.eventsDropped, figures.eventsDropped)
        text.family(.loopLag)
        text.histogram(.loopLag, [], figures.loopLag)
        text.family(.loopTurn)
        text.histogram(.loopTurn, [], broker.loop.turns)
        text.family(.longestTurn)
        text.sample(.longestTurn, [], microseconds: broker.loop.longestTurnUs)
    }

    private func writeProcess(to text: inout MetricsText) {
        let process = ProcessFigures.now()
        text.family(.processStart)
        text.sample(.processStart, [], microseconds: UInt64(max(0, processStartMs)) * 1_000)
        if let cpu = process.cpuUs {
            text.family(.processCPU)
            text.sample(.processCPU, [], microseconds: cpu)
        }
        if let bytes = process.residentBytes { text.single(.processMemory, bytes) }
        if let open = process.openDescriptors { text.single(.processFDs, open) }
        if let most = process.maximumDescriptors { text.single(.processMaxFDs, most) }
    }
}

extension Broker {
    /// `metrics {}` → `{content_type, text}`
    func metrics(_ ticket: Ticket) {
        metrics.text { text in
            ticket.reply { writer in
                writer.member("content_type", MetricsText.contentType)
                writer.member("text", String(decoding: text, as: UTF8.self))
            }
        }
    }
}

extension Depth {
    /// Each state with its number.
    fileprivate var byState: [(JobState, Int)] {
        [
            (.queued, queued), (.scheduled, scheduled), (.retrying, retrying), (.processing, processing),
            (.completed, completed), (.dead, dead), (.cancelled, cancelled), (.expired, expired),
        ]
    }
}
