// The numbers of all queues, for everybody who asks: one walk through the queues at a time, whose answer all share.
//
// A queue costs the store a script, so a walk through ten thousand is a good part of a second of Redis, and must not be
// begun for each request. Who asks while a walk is under way gets the answer of the next: it then sees whatever was
// acknowledged before it asked. A walk has a limited number of scripts under way, so everybody else's commands wait
// behind those only, and the next one begins after a pause as long as the last one was. The text of the reply is made once
// too, in pieces over turns of the loop.

import Reactor
import Store
import Wire

/// The numbers of all queues at one time.
final class QueueNumbers {
    /// In the order of their names.
    let all: [(queue: String, statistics: QueueStatistics)]
    private let loop: Loop
    /// The `queues` of the reply, as far as it is made.
    private var writer = JSONWriter()
    private var written = 0
    private var isMade = false
    private var waiting: [([UInt8]) -> Void] = []

    private static let queuesAtOnce = 10

    init(_ all: [(queue: String, statistics: QueueStatistics)], loop: Loop) {
        self.all = all
        self.loop = loop
    }

    /// The sums of all queues.
    var sum: QueueStatistics { all.reduce(into: QueueStatistics()) { $0.add($1.statistics) } }

    /// Gives the array of all queues as JSON, now or in a later turn.
    func json(then: @escaping ([UInt8]) -> Void) {
        if isMade { return then(writer.bytes) }
        waiting.append(then)
        guard waiting.count == 1 else { return }
        writer.beginArray()
        loop.inPieces { [self] in
            let end = min(written + Self.queuesAtOnce, all.count)
            for index in written..<end { writer.queue(all[index].queue, all[index].statistics) }
            written = end
            if written < all.count { return true }
            writer.endArray()
            isMade = true
            let asked = waiting
            waiting = []
            for then in asked { then(writer.bytes) }
            return false
        }
    }
}

/// Walks through all queues.
final class QueueWalk {
    typealias Answer = (Result<QueueNumbers, StoreFailure>) -> Void

    private unowned let broker: Broker
    /// Who gets the answer of the walk under way, and of the next.
    private var askers: [Answer] = []
    private var next: [Answer] = []
    private var isWalking = false
    private var startedAt: UInt64 = 0
    /// When the next one may begin.
    private lazy var pause = broker.loop.timer { [unowned self] in begin() }
    private var names: [String] = []
    private var found: [QueueStatistics?] = []
    private var sent = 0
    private var underWay = 0
    private var failure: StoreFailure?

    /// Scripts under way at a time: at some 25 µs each, nobody waits behind them for longer than a millisecond or two.
    private static let scriptsAtOnce = 64
    private static let longestPauseUs: UInt64 = 1_000_000

    init(broker: Broker) { self.broker = broker }

    /// Gives the numbers of all queues as they are, or will be, at some time after this call. A queue that vanishes
    /// meanwhile is left out.
    func ask(then: @escaping Answer) {
        next.append(then)
        if !isWalking, !pause.isArmed { begin() }
    }

    private func begin() {
        guard !next.isEmpty else { return }
        isWalking = true
        askers = next
        next = []
        startedAt = broker.loop.now
        broker.queueList.ask { [self] result in
            switch result {
            case .success(let names):
                self.names = names
                found = Array(repeating: nil, count: names.count)
            case .failure(let failure): self.failure = failure
            }
            goOn()
        }
    }

    private func goOn() {
        while failure == nil, sent < names.count, underWay < Self.scriptsAtOnce,
            underWay == 0 || !broker.store.isHalfBusy
        {
            let index = sent
            sent += 1
            underWay += 1
            broker.store.statistics(queue: names[index]) { [self] result in
                underWay -= 1
                switch result {
                case .success(let statistics): found[index] = statistics
                case .failure(let failure): self.failure = failure
                }
                goOn()
            }
        }
        if underWay == 0 { finish() }
    }

    private func finish() {
        let answer: Result<QueueNumbers, StoreFailure>
        if let failure {
            answer = .failure(failure)
        } else {
            let all = zip(names, found).compactMap { name, found in found.map { (queue: name, statistics: $0) } }
            answer = .success(QueueNumbers(all, loop: broker.loop))
        }
        var told = askers[...]
        (askers, names, found, failure) = ([], [], [], nil)
        (sent, isWalking) = (0, false)
        pause.arm(after: min(broker.loop.now - startedAt, Self.longestPauseUs))
        broker.loop.inPieces {
            told.popFirst()?(answer)
            return !told.isEmpty
        }
    }
}

extension JSONWriter {
    fileprivate mutating func queue(_ name: String, _ statistics: QueueStatistics) {
        beginObject()
        member("queue", name)
        depth(statistics.depth)
        totals(statistics.totals)
        member("latency_ms", statistics.latencyMs)
        member("paused", statistics.paused)
        if let until = statistics.pausedUntil { member("paused_until", until) }
        endObject()
    }
}
