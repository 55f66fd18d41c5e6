// What the tests of one suite share: a daemon on a Redis of its own and one with `--store memory`, started when a test
// first asks for them and gone when the suite is over. Tests that share a daemon use queues of their own, so they can
// run at the same time; what kills or stops things starts its own `Daemon` instead.
//
// Most tests run against both stores: they take a `Backend` as argument.

import Foundation
import Harness
import Testing

/// Which store stands behind the daemon that a test talks to.
enum Backend: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case redis, memory
    var testDescription: String { rawValue }

    /// The suite's daemon of this kind.
    func daemon() throws -> Daemon { try Stage.current.daemon(self) }

    /// A new connection to it.
    func connect() throws -> LineClient { try daemon().connect() }
}

/// The servers of one suite.
final class Stage: @unchecked Sendable {
    @TaskLocal private static var scoped: Stage?
    private let lock = NSLock()
    private var server: RedisServer?
    private var daemons: [Backend: Daemon] = [:]

    /// That of the suite which runs; the suite must have the trait `.stage`.
    static var current: Stage { scoped! }

    func daemon(_ backend: Backend) throws -> Daemon {
        try lock.withLock {
            if let running = daemons[backend] { return running }
            switch backend {
            case .memory: daemons[backend] = try Daemon(.memory)
            case .redis:
                server = try server ?? RedisServer()
                daemons[backend] = try Daemon(.redis(server!))
            }
            return daemons[backend]!
        }
    }

    /// The Redis behind the daemon of `Backend.redis`.
    func redis() throws -> RedisServer {
        _ = try daemon(.redis)
        return server!
    }

    /// Gives each suite it stands at a stage of its own.
    struct Trait: SuiteTrait, TestScoping {
        func provideScope(
            for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
        ) async throws {
            try await Stage.$scoped.withValue(Stage()) { try await function() }
        }
    }
}

extension Trait where Self == Stage.Trait {
    /// The suite's tests find shared daemons in `Stage.current`.
    static var stage: Stage.Trait { Stage.Trait() }
}

/// A queue name that no other test uses.
func freshQueue(_ word: String = #function) -> String {
    let letters = word.prefix { $0.isLetter || $0.isNumber }.prefix(40)
    return "\(letters)-\(QueueNumber.next())"
}

private enum QueueNumber {
    private static let lock = NSLock()
    nonisolated(unsafe) private static var last = 0
    static func next() -> Int {
        lock.withLock {
            last += 1
            return last
        }
    }
}

/// Whether `due` is `milliseconds` after `stamp`. The record has the server's time cut to ms, what is due is counted from it
/// rounded up.
func isLater(_ due: JSON, than stamp: JSON, by milliseconds: Int) -> Bool {
    guard let due = due.int, let stamp = stamp.int else { return false }
    return (milliseconds...milliseconds + 1).contains(due - stamp)
}
