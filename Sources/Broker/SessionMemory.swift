// What one connection holds of the memory of all connections, beside its output, which its stream counts by itself.
//
// The count follows what the daemon keeps, not how it is kept: the bytes of a request's line stand for what becomes of it on
// its way to the store, with something for the objects around it and for each queue that a claim may wait for.

import Reactor
import Wire

/// Input that waits, and requests that are not answered. Each change is told to the budget.
struct SessionMemory {
    /// The session is not read from, because it held more than each may.
    struct HeldBack {
        /// Monotonic µs.
        var at: UInt64
        /// What it held then, or when it was last seen to hold less.
        var bytes: Int
    }

    let budget: MemoryBudget
    private var inputBytes = 0
    private var openBytes = 0
    private var isOrphaned = false
    var heldBack: HeldBack?

    init(budget: MemoryBudget) { self.budget = budget }

    var bytes: Int { inputBytes + openBytes }

    /// Objects of one request: its ticket, closures, its place in a batch.
    private static let requestOverhead = 512
    /// A queue's name and a claim's place in its line.
    private static let queueOverhead = 72

    /// What a request counts as, from its line to its answer.
    static func cost(of operation: Operation, lineBytes: Int) -> Int {
        var queues = 0
        if case .claim(let body) = operation { queues = body.queues.count }
        return requestOverhead + lineBytes + queues * queueOverhead
    }

    /// The input that waits takes so many bytes now.
    mutating func input(_ bytes: Int) {
        guard bytes != inputBytes else { return }
        budget.change(by: bytes - inputBytes)
        inputBytes = bytes
    }

    mutating func opened(_ cost: Int) {
        openBytes += cost
        budget.change(by: cost)
    }

    mutating func answered(_ cost: Int) {
        openBytes -= cost
        if isOrphaned { budget.orphaned -= cost }
        budget.change(by: -cost)
    }

    /// The connection has ended; its requests may still be with the store.
    mutating func orphan() {
        if isOrphaned { return }
        isOrphaned = true
        budget.orphaned += openBytes
    }

    /// Nobody holds the session any more, so its requests are over, answered or not.
    mutating func end() {
        if isOrphaned { budget.orphaned -= openBytes }
        budget.change(by: -(openBytes + inputBytes))
        openBytes = 0
        inputBytes = 0
    }
}
