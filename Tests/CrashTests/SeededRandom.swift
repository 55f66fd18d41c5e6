// Repeatable randomness for crash tests: the same seed gives the same blows and the same wishes of the clients. The
// moments at which the threads of clients and servers run are not repeatable, so a failure may need several runs with
// its seed to show again.

import Foundation

/// SplitMix64 (Steele, Lea, Flood 2014).
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// True once in `times`.
    mutating func once(in times: Int) -> Bool { Int.random(in: 0..<times, using: &self) == 0 }

    /// `$CRASH_SEED`, else a new one; printed either way.
    static func seed(_ test: String) -> UInt64 {
        let given = ProcessInfo.processInfo.environment["CRASH_SEED"].flatMap { UInt64($0) }
        let seed = given ?? UInt64.random(in: 0...UInt64(UInt32.max))
        print("\(test): CRASH_SEED=\(seed)")
        return seed
    }
}
