// Which queue a weighted claim asks next, so that each queue gets its share of the jobs. A state machine without I/O.
//
// Stride scheduling (Waldspurger and Weihl, 1995): each queue has a pass, which grows by 1 / weight for a job taken from
// it; the queue with the lowest pass is asked next. Shares are exact over any stretch in which all queues have work, not
// only on average as with chance. A queue that was asked and had nothing is charged as for one job: it has lost its turn,
// cannot save up, and does not cost every claim a question. All claims of a daemon with the same queues and weights share
// one object, so the shares hold for all workers together.
//
// Each queue that matches a pattern has the pattern's weight. Those that may have jobs take turns (`PatternLine`), so all
// of them together count as one queue with the sum of their weights.

/// The passes of one set of queues and weights.
final class WeightedShares {
    private let strides: [Double]
    private var passes: [Double]

    /// - Parameter weights: at least 1 each, parallel to the claim's queues.
    init(weights: [Int]) {
        strides = weights.map { 1 / Double($0) }
        // Half a stride first: the turns of a light queue fall between those of a heavy one, not in front of them.
        passes = strides.map { $0 / 2 }
    }

    /// The queue to ask among those whose bits are set in `candidates` (at least one), charged for one job.
    ///
    /// - Parameter queuesAt: how many queues with work an index stands for.
    func next(among candidates: UInt64, queuesAt: (Int) -> Int = { _ in 1 }) -> Int {
        precondition(candidates != 0, "there is no queue to ask")
        var best = candidates.trailingZeroBitCount
        for index in passes.indices where candidates & (1 << UInt64(index)) != 0 && passes[index] < passes[best] {
            best = index
        }
        charge(best, jobs: 1, queues: queuesAt(best))
        return best
    }

    /// So many jobs came from a queue that `next` had named: those beyond the first are charged.
    func took(_ jobs: Int, from index: Int, queues: Int = 1) { charge(index, jobs: jobs - 1, queues: queues) }

    private func charge(_ index: Int, jobs: Int, queues: Int) {
        guard jobs > 0 else { return }
        passes[index] += strides[index] / Double(queues) * Double(jobs)
        // Only differences count: what all have in common goes before it costs precision.
        if let least = passes.min(), least > 1_000_000 { for other in passes.indices { passes[other] -= least } }
    }
}

/// The shares that are in use, by queues and weights.
struct WeightedSharesTable {
    private struct Key: Hashable {
        let queues: [String]
        let weights: [Int]
    }
    private var shares: [Key: WeightedShares] = [:]
    /// Clients may ask for ever new combinations: beyond this many all begin anew, which costs a turn or two.
    private static let limit = 1_000

    mutating func shares(queues: [String], weights: [Int]) -> WeightedShares {
        let key = Key(queues: queues, weights: weights)
        if let known = shares[key] { return known }
        if shares.count >= Self.limit { shares = [:] }
        let new = WeightedShares(weights: weights)
        shares[key] = new
        return new
    }
}
