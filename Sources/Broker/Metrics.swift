// The metrics of this daemon and of all queues, put together on request and kept for a second.
//
// The queues are asked for as `queues` does it (`QueueWalk`), and whoever asks within a second gets the same text. It is
// put together in pieces over turns of the loop, since there may be many queues. While Redis is away, or when it takes too
// long, the text says so and has everything but the queues.

import Reactor
import Store
import Wire

/// Makes the text of the metrics.
final class Metrics {
    /// The statistics of all queues, in the order of their names.
    typealias Queues = [(queue: String, statistics: QueueStatistics)]
    /// A part of the text, a short one.
    private typealias Piece = (inout MetricsText) -> Void

    private unowned let broker: Broker
    private var latest: (text: [UInt8], madeAt: UInt64)?
    /// Who gets the text that is being put together.
    private var waiting: [([UInt8]) -> Void] = []
    /// Which question to the store the answer of which is waited for.
    private var round = 0
    private lazy var deadline = broker.loop.timer { [unowned self] in write(nil) }
    private let processStartMs: Int64

    /// How long a text is good for.
    private static let keptUs: UInt64 = 1_000_000
    /// How long the store may take; less than a monitoring system waits.
    private static let patienceUs: UInt64 = 2_000_000
    private static let queuesAtOnce = 20

    init(broker: Broker) {
        self.broker = broker
        processStartMs = broker.wallClockMs() - Int64((broker.loop.now - broker.startedAt) / 1_000)
    }

    /// Gives the metrics, now or in a moment.
    func text(then: @escaping ([UInt8]) -> Void) {
        if let latest, broker.loop.now - latest.madeAt < Self.keptUs { return then(latest.text) }
        waiting.append(then)
        guard waiting.count == 1 else { return }
        guard broker.store.status.isReachable else { return write(nil) }
        round += 1
        let asked = round
        deadline.arm(after: Self.patienceUs)
        broker.walk.ask { [self] result in
            guard asked == round else { return }
            write(try? result.get().all)
        }
    }

    /// Once a second: a text that is too old is not kept.
    func forgetOld() {
        if let latest, broker.loop.now - latest.madeAt >= Self.keptUs { self.latest = nil }
    }

    /// - Parameter queues: nil when the store did not say.
    private func write(_ queues: Queues?) {
        round += 1
        deadline.disarm()
        var pieces = pieces(queues)[...]
        var text = MetricsText()
        broker.loop.inPieces { [self] in
            pieces.popFirst()?(&text)
            if !pieces.isEmpty { return true }
            latest = (text.bytes, broker.loop.now)
            let asked = waiting
            waiting = []
            for then in asked { then(text.bytes) }
            return false
        }
    }

    // MARK: The text

    private func pieces(_ queues: Queues?) -> [Piece] {
        var pieces: [Piece] = []
        addQueues(queues ?? [], to: &pieces)
        addTimes(to: &pieces)
        pieces.append { [self] in writeDaemon(isStoreUp: queues != nil, to: &$0) }
        pieces.append { [self] in writeProcess(to: &$0) }
        return pieces
    }

    /// A family with samples of many queues, some a piece.
    private func add<Element>(
        _ metric: Metric, _ elements: [Element], to pieces: inout [Piece],
        _ write: @escaping (Element, inout MetricsText) -> Void
    ) {
        if elements.isEmpty { return }
        pieces.append { $0.family(metric) }
        for start in stride(from: 0, to: elements.count, by: Self.queuesAtOnce) {
            pieces.append { text in
                for element in elements[start..<min(start + Self.queuesAtOnce, elements.count)] {
                    write(element, &text)
                }
            }
        }
    }

    private func addQueues(_ queues: Queues, to pieces: inout [Piece]) {
        add(.jobs, queues, to: &pieces) { of, text in
            for (state, count) in of.statistics.depth.byState { text.sample(.jobs, [of.queue, state.rawValue], count) }
        }
        for total in Metric.totals {
            add(total.metric, queues, to: &pieces) { of, text in
                text.sample(total.metric, [of.queue], total.of(of.statistics.totals))
            }
        }
        add(.oldestJobAge, queues, to: &pieces) { of, text in
            text.sample(.oldestJobAge, [of.queue], microseconds: UInt64(max(0, of.statistics.latencyMs)) * 1_000)
        }
        add(.queuePaused, queues, to: &pieces) { of, text in
            text.sample(.queuePaused, [of.queue], of.statistics.paused ? 1 : 0)
        }
    }

    private func addTimes(to pieces: inout [Piece]) {
        let times = broker.figures.times
        add(.jobWait, times, to: &pieces) { of, text in text.histogram(.jobWait, [of.queue], of.times.waits) }
        add(.jobRun, times, to: &pieces) { of, text in text.histogram(.jobRun, [of.queue], of.times.runs) }
    }

    private func writeDaemon(isStoreUp: Bool, to text: inout MetricsText) {
        let status = broker.store.status
        let figures = broker.figures
        text.family(.info)
        text.sample(.info, [broker.options.version], 1)
        text.single(.connections, broker.connectionCount)
        text.single(.connectionsDropped, broker.droppedConnections)
        text.single(.connectionsRefused, figures.connectionsRefused)
        text.single(.connectionsSilent, figures.connectionsSilent)
        text.single(.memoryHeld, broker.budget.held)
        text.single(.memoryLimit, broker.budget.limit)
        text.single(.memoryPaused, broker.memory.heldBackCount)
        text.single(.memoryDrops, broker.memory.droppedCount)
        text.single(.workers, broker.workers.count)
        text.single(.heldJobs, broker.workers.heldCount)
        text.single(.waitingClaims, broker.waiting.count)
        text.single(.waits, broker.waits.count)
        text.single(.subscriptions, broker.hub.subscriptionCount)
        text.single(.draining, broker.handsOutNoWork ? 1 : 0)
        text.single(.redisUp, isStoreUp ? 1 : 0)
        text.single(.redisWritable, status.isReady ? 1 : 0)
        text.single(.redisMayLoseJobs, status.risks.isEmpty ? 0 : 1)
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
        metrics.text { [self] text in
            quoted(text) { json in
                ticket.reply("text", long: json) { $0.member("content_type", MetricsText.contentType) }
            }
        }
    }

    /// A text of whole lines as a JSON string, made in pieces.
    private func quoted(_ text: [UInt8], then: @escaping ([UInt8]) -> Void) {
        var json: [UInt8] = [0x22]
        json.reserveCapacity(text.count + text.count / 8)
        var rest = text[...]
        loop.inPieces {
            let end = rest.dropFirst(8_192).firstIndex(of: 0x0A).map { $0 + 1 } ?? rest.endIndex
            var writer = JSONWriter()
            writer.string(String(decoding: rest[..<end], as: UTF8.self))
            json.append(contentsOf: writer.bytes.dropFirst().dropLast())
            rest = rest[end...]
            if !rest.isEmpty { return true }
            json.append(0x22)
            then(json)
            return false
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
