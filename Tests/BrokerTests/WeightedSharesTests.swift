import Testing

@testable import Broker

/// Which queue a weighted claim asks.
@Suite struct WeightedSharesTests {
    /// Asks so many times for one job, all of `candidates` having work; returns how often each queue was named.
    private func counts(_ shares: WeightedShares, _ queues: Int, turns: Int, jobs: Int = 1) -> [Int] {
        var counts = [Int](repeating: 0, count: queues)
        for _ in 0..<turns {
            let index = shares.next(among: (1 << UInt64(queues)) - 1)
            shares.took(jobs, from: index)
            counts[index] += jobs
        }
        return counts
    }

    @Test func sharesAreExactOverEveryRound() {
        let shares = WeightedShares(weights: [5, 3, 2])
        for _ in 0..<1_000 { #expect(counts(shares, 3, turns: 10) == [5, 3, 2]) }
    }

    @Test func turnsOfALightQueueFallBetweenThoseOfAHeavyOne() {
        let shares = WeightedShares(weights: [1, 4])
        let order = (0..<10).map { _ in shares.next(among: 0b11) }
        #expect(order == [1, 1, 0, 1, 1, 1, 1, 0, 1, 1])
    }

    @Test func aPatternCountsAsManyQueuesAsHaveWork() {
        // A pattern that three queues with work match, and a queue: each of the four has the same weight.
        let shares = WeightedShares(weights: [1, 1])
        var counts = [0, 0]
        for _ in 0..<4_000 {
            let index = shares.next(among: 0b11) { $0 == 0 ? 3 : 1 }
            shares.took(1, from: index, queues: index == 0 ? 3 : 1)
            counts[index] += 1
        }
        #expect(counts == [3_000, 1_000])
    }

    @Test func sharesCountJobsNotQuestions() {
        // One queue gives ten jobs a claim, the other one: with equal weights it is asked a tenth as often.
        let shares = WeightedShares(weights: [1, 1])
        var jobs = [0, 0]
        for _ in 0..<1_100 {
            let index = shares.next(among: 0b11)
            let got = index == 0 ? 10 : 1
            shares.took(got, from: index)
            jobs[index] += got
        }
        #expect(abs(jobs[0] - jobs[1]) <= 10)
    }

    @Test func aQueueThatWasEmptyHasNotSavedUp() {
        let shares = WeightedShares(weights: [1, 1])
        for _ in 0..<1_000 {
            // The first is asked in its turn and has nothing, so the second is asked as well.
            if shares.next(among: 0b11) == 0 { #expect(shares.next(among: 0b10) == 1) }
        }
        let later = counts(shares, 2, turns: 100)
        #expect(later[0] <= 75)
    }

    @Test func onlyCandidatesAreNamed() {
        let shares = WeightedShares(weights: [1, 1_000, 1])
        for _ in 0..<10 { #expect(shares.next(among: 0b101) != 1) }
    }

    @Test func sharesHoldBeyondAnyNumberOfTurns() {
        let shares = WeightedShares(weights: [1, 1_000])
        // More than the passes may grow before what they have in common is taken off.
        for _ in 0..<30 {
            shares.took(100_000, from: shares.next(among: 0b01))
            shares.took(100_000_000, from: shares.next(among: 0b10))
        }
        let later = counts(shares, 2, turns: 10_010)
        #expect(abs(later[0] - 10) <= 1)
    }

    @Test func claimsWithTheSameQueuesAndWeightsShareTheirTurns() {
        var table = WeightedSharesTable()
        let one = table.shares(queues: ["a", "b"], weights: [1, 2])
        #expect(table.shares(queues: ["a", "b"], weights: [1, 2]) === one)
        #expect(table.shares(queues: ["a", "b"], weights: [2, 1]) !== one)
        for number in 0..<2_000 { _ = table.shares(queues: ["q\(number)"], weights: [1]) }
        #expect(table.shares(queues: ["a", "b"], weights: [1, 2]) !== one)
    }
}
