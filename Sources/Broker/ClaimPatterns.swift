// Claims by pattern: which queues match which patterns, kept up to date as queues come and go.
//
// Holding names against patterns is the one thing here that grows with what clients make up, so it goes in pieces over
// turns of the loop, but for a queue that a client of ours fills, which its waiting claims shall see in the same turn.

import DequeModule
import Reactor
import Store
import Wire

/// The patterns that claims wait for, and the queues that match them.
final class ClaimPatterns {
    private unowned let broker: Broker
    private unowned let waiting: WaitingClaims
    private(set) lazy var names = QueueNames(broker: broker, patterns: self)
    private var lines: [String: PatternLine] = [:]
    private var matched: [String: MatchedQueue] = [:]
    /// Queues that have appeared and are to be held against the patterns.
    private var backlog = Deque<String>()
    private var isMatching = false

    /// Names held against one pattern, or patterns against one name, between two looks at the clock.
    private static let pairsAtOnce = 1_000

    init(broker: Broker, waiting: WaitingClaims) {
        self.broker = broker
        self.waiting = waiting
    }

    /// Patterns that are listened to.
    var count: Int { lines.count }

    /// A queue that some pattern matches.
    func queue(_ name: String) -> MatchedQueue? { lines.isEmpty ? nil : matched[name] }

    /// All of them.
    var queues: some Sequence<String> { matched.keys }

    // MARK: Patterns

    func line(_ pattern: String) -> PatternLine? { lines[pattern] }

    /// Somebody claims by a new pattern.
    func begin(_ glob: Glob) -> PatternLine {
        let line = PatternLine(glob)
        lines[glob.pattern] = line
        names.begin()
        if names.isLoaded { match(line) }
        return line
    }

    /// The pattern is forgotten.
    func end(_ line: PatternLine) {
        lines[line.name] = nil
        if lines.isEmpty { names.end() }
        broker.loop.inPieces { [self] in
            guard let queue = line.removeAny() else { return false }
            if queue.lines.isEmpty { forget(queue) }
            return true
        }
    }

    private func forget(_ queue: MatchedQueue) {
        guard matched[queue.name] === queue else { return }
        matched[queue.name] = nil
        waiting.ignore(queue.name)
    }

    // MARK: Names

    /// The list of queues is there.
    func namesAreKnown() {
        for line in lines.values where !line.isComplete { match(line) }
    }

    /// The store did not tell the names. Who waits is helped when it does; others are not.
    func namesAreUnknown(_ failure: StoreFailure) {
        for line in lines.values where !line.isComplete {
            let claims = line.newcomers
            line.newcomers = claims.filter(\.waits)
            for claim in claims where !claim.waits { waiting.fail(claim, failure) }
        }
    }

    private func match(_ line: PatternLine) {
        var rest = names.array[...]
        broker.loop.inPieces { [self] in
            guard lines[line.name] === line else { return false }
            for name in rest.prefix(Self.pairsAtOnce) where line.matcher.matches(name) { attach(name, line) }
            rest = rest.dropFirst(Self.pairsAtOnce)
            if !rest.isEmpty { return true }
            line.isComplete = true
            let claims = line.newcomers
            line.newcomers = []
            waiting.goOn(claims)
            return false
        }
    }

    private func attach(_ name: String, _ line: PatternLine) {
        let queue: MatchedQueue
        if let known = matched[name] {
            queue = known
        } else {
            queue = MatchedQueue(name)
            matched[name] = queue
            waiting.listen(name)
        }
        guard line.add(queue), line.isComplete, !line.isEmpty else { return }
        waiting.wake(name, atLeast: 1)
    }

    /// A queue is new. At once, as far as the time of this turn allows.
    func appeared(_ name: String) {
        if lines.count > Self.pairsAtOnce || !backlog.isEmpty || broker.loop.turnIsLong { return later([name]) }
        match(name)
    }

    /// Queues are new.
    func appeared(_ names: Set<String>) {
        if !names.isEmpty { later(names) }
    }

    private func later(_ names: some Collection<String>) {
        backlog.append(contentsOf: names)
        if isMatching { return }
        isMatching = true
        broker.loop.deferred { [self] in
            broker.loop.inPieces { [self] in
                if let name = backlog.popFirst() { match(name) }
                isMatching = !backlog.isEmpty
                return isMatching
            }
        }
    }

    private func match(_ name: String) {
        guard names.names.contains(name) else { return }
        for line in lines.values where line.matcher.matches(name) { attach(name, line) }
    }

    /// A queue is gone.
    func vanished(_ name: String) {
        guard let queue = matched[name] else { return }
        queue.vanish()
        forget(queue)
    }
}
