// Waiting for a thing instead of for a time: a condition is looked at again and again
// until it holds or its deadline has passed. Also the one error type of the harness,
// whose text is all that a failed test needs to show.

import Foundation

/// What went wrong in the test's surroundings or in a peer; the text says it all.
public struct HarnessError: Error, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}

/// A point in monotonic time that a wait must not pass.
public struct Deadline: Sendable {
    private let instant: ContinuousClock.Instant

    /// `seconds` from now.
    public init(after seconds: Double) { instant = .now + .seconds(seconds) }

    public var hasPassed: Bool { ContinuousClock.now >= instant }

    /// Milliseconds left, rounded up, never negative: what `poll` takes.
    public var pollTimeout: Int32 {
        let left = ContinuousClock.now.duration(to: instant)
        let (seconds, attoseconds) = left.components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        return Int32(clamping: seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}

/// Returns as soon as `condition` holds; throws, naming `what`, when it does not within `seconds`.
public func eventually(
    within seconds: Double = 5, _ what: @autoclosure () -> String = "the condition", _ condition: () throws -> Bool
) throws {
    let deadline = Deadline(after: seconds)
    var pause: UInt32 = 500
    while try !condition() {
        if deadline.hasPassed { throw HarnessError("\(what()) did not hold within \(seconds) s") }
        usleep(pause)
        pause = min(pause * 2, 10_000)
    }
}

/// Returns the first value `probe` gives that is not nil; throws, naming `what`, when there is none within `seconds`.
public func eventualValue<Value>(
    within seconds: Double = 5, _ what: @autoclosure () -> String = "a value", _ probe: () throws -> Value?
) throws -> Value {
    var found: Value?
    try eventually(within: seconds, what()) {
        found = try probe()
        return found != nil
    }
    return found!
}

/// The time `body` takes, in seconds.
public func elapsed(_ body: () throws -> Void) throws -> Double {
    let start = ContinuousClock.now
    try body()
    let (seconds, attoseconds) = start.duration(to: .now).components
    return Double(seconds) + Double(attoseconds) / 1e18
}
