// The life of a connection as an enum of states. Events return what to do; `RedisConnection` does it. No I/O, no clock.
//
//     idle ─start─► resolving ─► connecting ─► handshake ─► ready
//                      ▲   no address │   refused │  lost │
//                      │              ▼           ▼       ▼
//                      └── time ── waiting ◄── next address, if one is left
//
// A name may have several addresses: each is tried to the end of the handshake before the whole attempt counts as
// failed. Pauses double from `firstRetry` to `longestRetry` and are shortened by chance by up to a half, so that many
// daemons do not come back in step. They grow too while links become ready and do not last. Looking up has no deadline of its own (the resolver has), so that a dead name
// server cannot make threads pile up; connecting has one for each address, and the handshake another.

/// States of one link, and the rules between them. Times in µs of the monotonic clock.
struct ConnectionMachine {
    enum State: Equatable {
        case idle
        case resolving
        case connecting(SocketAddress, rest: ArraySlice<SocketAddress>, within: UInt64)
        case handshake(rest: ArraySlice<SocketAddress>)
        case ready
        case waiting(until: UInt64)
        case stopped
    }

    enum Action: Equatable {
        case none
        /// Find the addresses; answer with `resolved` or `failed`.
        case resolve
        /// Drop what there is, begin to connect; answer with `connected` or `failed`, the latter also when the deadline passes.
        case connect(SocketAddress, deadline: UInt64)
        /// Send the opening commands; answer with `greeted` or `failed`, the latter also when the deadline passes.
        case greet(deadline: UInt64)
        case announce
        /// Drop what there is, and say `retry` at that time.
        case pause(until: UInt64)
        /// Drop what there is.
        case close
    }

    private(set) var state: State = .idle
    /// Failed attempts since the link was ready the last time.
    private(set) var failures = 0
    /// How often it was ready.
    private(set) var timesReady = 0
    /// Why it is not ready.
    private(set) var problem: String?
    /// It is not ready because Redis answered, and is of no use as it is.
    private(set) var isRefused = false
    /// Times in a row that a ready link did not last.
    private var flaps = 0
    private var readySince: UInt64 = 0

    private let timeout: UInt64
    private let firstRetry: UInt64
    private let longestRetry: UInt64

    init(timeoutMs: Int64, firstRetryMs: Int64, longestRetryMs: Int64) {
        timeout = UInt64(max(1, timeoutMs)) * 1_000
        firstRetry = UInt64(max(1, firstRetryMs)) * 1_000
        longestRetry = UInt64(max(1, longestRetryMs)) * 1_000
    }

    mutating func start() -> Action {
        guard state == .idle else { return .none }
        state = .resolving
        return .resolve
    }

    mutating func resolved(_ addresses: [SocketAddress], now: UInt64) -> Action {
        guard state == .resolving, let first = addresses.first else { return .none }
        return connect(first, rest: addresses.dropFirst(), within: timeout / UInt64(addresses.count), now: now)
    }

    mutating func connected(now: UInt64) -> Action {
        guard case .connecting(_, let rest, _) = state else { return .none }
        state = .handshake(rest: rest)
        return .greet(deadline: now + timeout)
    }

    mutating func greeted(now: UInt64) -> Action {
        guard case .handshake = state else { return .none }
        state = .ready
        failures = 0
        readySince = now
        isRefused = false
        timesReady += 1
        problem = nil
        return .announce
    }

    /// The look-up, the connection or the handshake failed, or a ready link was lost.
    ///
    /// - Parameters:
    ///   - isRefusal: Redis answered; it is a problem of the server and not of the way to it.
    ///   - random: 0 ≤ random < 1, shortens the pause.
    mutating func failed(_ why: String, isRefusal: Bool = false, now: UInt64, random: Double) -> Action {
        switch state {
        case .resolving, .connecting, .handshake, .ready: isRefused = isRefusal
        case .idle, .waiting, .stopped: break
        }
        // A server that lets us in and breaks off at once is not called faster than one that does not let us in.
        if state == .ready {
            flaps = now - readySince < longestRetry ? flaps + 1 : 0
            failures = max(0, flaps - 1)
        }
        switch state {
        case .connecting(_, let rest, let within) where !rest.isEmpty:
            problem = why
            return connect(rest.first!, rest: rest.dropFirst(), within: within, now: now)
        case .handshake(let rest) where !rest.isEmpty:
            problem = why
            return connect(rest.first!, rest: rest.dropFirst(), within: timeout / UInt64(rest.count), now: now)
        case .resolving, .connecting, .handshake, .ready:
            problem = why
            let until = now + pause(random: random)
            failures += 1
            state = .waiting(until: until)
            return .pause(until: until)
        case .idle, .waiting, .stopped:
            return .none
        }
    }

    mutating func retry() -> Action {
        guard case .waiting = state else { return .none }
        state = .resolving
        return .resolve
    }

    mutating func stop() -> Action {
        guard state != .stopped else { return .none }
        state = .stopped
        problem = "stopped"
        return .close
    }

    private mutating func connect(
        _ address: SocketAddress, rest: ArraySlice<SocketAddress>, within: UInt64, now: UInt64
    ) -> Action {
        state = .connecting(address, rest: rest, within: within)
        return .connect(address, deadline: now + within)
    }

    private func pause(random: Double) -> UInt64 {
        let longest = min(longestRetry, firstRetry << UInt64(min(failures, 20)))
        return UInt64(Double(longest) * (1 - 0.5 * random))
    }
}
