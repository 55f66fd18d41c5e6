// The life of the daemon's own redis-server as an enum of states; `PrivateRedis` does what the events return. No I/O.
//
//     idle ─start─► locking ─► running ──exit──► waiting ─► running …
//                      │           │ stop            │ stop
//                   refused        ▼                 ▼
//                              stopping ──exit──► stopped
//
// A child that ends by itself is started again, at once the first time and with growing pauses when it does not last. But
// one that ends three times before any has served will not run: the daemon's start fails then, and says why.

/// States of the child server. Times in µs of the monotonic clock.
struct PrivateRedisMachine {
    enum State: Equatable {
        case idle
        case locking(since: UInt64)
        case running(since: UInt64)
        case waiting
        case stopping
        case stopped
    }

    enum Action: Equatable {
        case none
        /// Try to take the directory; answer with `locked` or `lockIsBusy`.
        case lock
        /// Say `timePassed` then.
        case sleep(until: UInt64)
        /// Start the server; answer with `ended` when it ends or cannot be started.
        case spawn
        /// Ask it to end, and say `timePassed` at the deadline.
        case terminate(deadline: UInt64)
        case kill
        /// It will not run: somebody else has the directory, or it ends each time before it serves.
        case refuse
        case finish
    }

    private(set) var state: State = .idle
    /// Short lives in a row.
    private(set) var failures = 0
    /// Whether a child of this machine has ever served.
    private(set) var hasServed = false

    private let patience: UInt64
    private static let lockPause: UInt64 = 50_000
    private static let firstPause: UInt64 = 50_000
    private static let longestPause: UInt64 = 5_000_000
    /// A child that lived that long counts as having been well.
    private static let healthyLife: UInt64 = 10_000_000
    /// Within the five seconds in which the daemon ends.
    private static let timeToEnd: UInt64 = 3_000_000
    private static let triesToServe = 3

    /// - Parameter patienceMs: how long to wait for another one that has the directory.
    init(patienceMs: Int64) { patience = UInt64(max(0, patienceMs)) * 1_000 }

    mutating func start(now: UInt64) -> Action {
        guard state == .idle else { return .none }
        state = .locking(since: now)
        return .lock
    }

    mutating func locked(now: UInt64) -> Action {
        guard case .locking = state else { return .none }
        state = .running(since: now)
        return .spawn
    }

    mutating func lockIsBusy(now: UInt64) -> Action {
        guard case .locking(let since) = state else { return .none }
        guard now < since + patience else {
            state = .stopped
            return .refuse
        }
        return .sleep(until: now + Self.lockPause)
    }

    mutating func ended(now: UInt64) -> Action {
        switch state {
        case .running(let since):
            if now >= since + Self.healthyLife { failures = 0 }
            let pause = failures == 0 ? 0 : min(Self.longestPause, Self.firstPause << UInt64(min(failures - 1, 20)))
            failures += 1
            guard hasServed || failures < Self.triesToServe else {
                state = .stopped
                return .refuse
            }
            state = .waiting
            return .sleep(until: now + pause)
        case .stopping:
            state = .stopped
            return .finish
        case .idle, .locking, .waiting, .stopped: return .none
        }
    }

    /// It has loaded its files and answers.
    mutating func served() { hasServed = true }

    /// The running child has not answered for too long. It will be started again when it has `ended`.
    func isSilent() -> Action { if case .running = state { .kill } else { .none } }

    mutating func timePassed(now: UInt64) -> Action {
        switch state {
        case .locking: return .lock
        case .waiting:
            state = .running(since: now)
            return .spawn
        case .stopping: return .kill
        case .idle, .running, .stopped: return .none
        }
    }

    mutating func stop(now: UInt64) -> Action {
        switch state {
        case .running:
            state = .stopping
            return .terminate(deadline: now + Self.timeToEnd)
        case .idle, .locking, .waiting:
            state = .stopped
            return .finish
        case .stopping, .stopped: return .none
        }
    }
}
