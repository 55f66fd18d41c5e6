// The names of all queues, as far as they are needed to know which match a pattern.
//
// While nobody claims by a pattern nothing is known here and nothing asked. Else the store's list is read once, queues
// that this daemon's clients fill are added at once, and twice a second the store says how many there are: when that is
// another number than here, the list is read again. So a queue that another host has made, or removed, is known within a
// second.

import Reactor
import Store

/// Which queues there are.
final class QueueNames {
    private unowned let broker: Broker
    /// Whoever wants to know of changes.
    private unowned let patterns: ClaimPatterns
    /// As far as they are known.
    private(set) var names: Set<String> = [] {
        didSet { listed = nil }
    }
    /// The same in some order.
    var array: [String] {
        if let listed { return listed }
        let array = Array(names)
        listed = array
        return array
    }
    private var listed: [String]?
    /// The store has told them all.
    private(set) var isLoaded = false
    private var isListing = false
    private var timer: LoopTimer?

    private static let checkUs: UInt64 = 500_000

    init(broker: Broker, patterns: ClaimPatterns) {
        self.broker = broker
        self.patterns = patterns
    }

    private var isNeeded: Bool { timer != nil }

    /// Somebody needs the names.
    func begin() {
        if isNeeded { return }
        let timer = broker.loop.timer { [unowned self] in check() }
        timer.arm(after: Self.checkUs)
        self.timer = timer
        list()
    }

    /// Nobody does any more.
    func end() {
        timer?.disarm()
        timer = nil
        names = []
        isLoaded = false
    }

    /// A queue is about to be made, or found.
    func note(_ name: String) {
        if isNeeded, names.insert(name).inserted { patterns.appeared(name) }
    }

    private func check() {
        timer?.arm(after: Self.checkUs)
        guard broker.store.status.state == .ready, !isListing else { return }
        guard isLoaded else { return list() }
        broker.store.queueCount { [self] result in
            if case .success(let count) = result, isLoaded, count != names.count { list() }
        }
    }

    private func list() {
        if isListing { return }
        isListing = true
        broker.queueList.ask { [self] result in
            isListing = false
            guard isNeeded else { return }
            switch result {
            case .success(let found): take(Set(found))
            case .failure(let failure): patterns.namesAreUnknown(failure)
            }
        }
    }

    private func take(_ found: Set<String>) {
        let before = names
        names = found
        for name in before where !found.contains(name) { patterns.vanished(name) }
        guard isLoaded else {
            isLoaded = true
            return patterns.namesAreKnown()
        }
        patterns.appeared(found.subtracting(before))
    }
}
