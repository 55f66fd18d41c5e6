// The loop everything runs on: an sd_event object, the thread it belongs to, and what happens at the end of each turn.
//
// A turn is the dispatch of one ready source, followed by the actions registered with `atTurnEnd`: what the source's
// handler gathered (commands to the store, replies to clients) goes out there, once. When an action makes new work
// for one that already ran, it says `askForTurnEnd()` and the actions run again. One thread, no locks; the compiler
// keeps a `Loop` and all that hangs on it on one thread, since none of it is Sendable.
//
// While a turn lasts nobody else is served. So each turn is timed, and whoever works through what clients made up does
// so `inPieces`, or leaves the rest to the next turn when `turnIsLong`: a turn is the share of one piece and no more.

internal import CSystemd
internal import Glibc

/// An event loop of one thread, on sd-event (sd-event(3)).
public final class Loop {
    let event: OpaquePointer
    let thread: pthread_t
    private var actions: ContiguousArray<TurnEndAction> = []
    private var inTurn = false
    private var again = false
    private var laterActions: [() -> Void] = []
    private var later: DeferSource?
    /// When the present turn began, monotonic µs.
    private var turnBeganAt: UInt64 = 0

    /// How long turns took, from the moment their source was known to be ready.
    public private(set) var turns = Histogram(.turns)
    /// The longest of them, µs.
    public private(set) var longestTurnUs: UInt64 = 0

    /// How long a turn may go on beginning further pieces of work, µs.
    private static let turnShareUs: UInt64 = 4_000
    /// How often the actions at the end of one turn may ask for another round before the rest waits for the next turn.
    private static let maximumRounds = 16

    /// A loop for the calling thread. SIGPIPE is ignored from now on in the whole process: a write to a connection
    /// that is gone is an ordinary error.
    public init() throws(SystemError) {
        var made: OpaquePointer?
        try check(sd_event_new(&made), "sd_event_new")
        event = made!
        thread = pthread_self()
        Glibc.signal(SIGPIPE, SIG_IGN)
        later = try DeferSource(in: self)
    }

    deinit {
        later = nil
        sd_event_unref(event)
    }

    /// Serves until `exit(_:)`; gives its code. A loop runs once.
    public func run() throws(SystemError) -> Int32 {
        beginTurn()
        endTurn()
        return try check(sd_event_loop(event), "sd_event_loop")
    }

    /// Waits for and dispatches at most one source; false when nothing happened within `timeout` µs (nil: no limit), and
    /// when the loop has exited. For tests and benchmarks that drive a loop step by step.
    public func runOnce(timeout: UInt64?) throws(SystemError) -> Bool {
        if sd_event_get_state(event) == SD_EVENT_FINISHED { return false }
        return try check(sd_event_run(event, timeout ?? UInt64.max), "sd_event_run") > 0
    }

    /// Ends `run()` after the present turn, with this code (0…255).
    public func exit(_ code: Int32) {
        expectSuccess(sd_event_exit(event, code), "sd_event_exit")
    }

    /// CLOCK_MONOTONIC in µs, read afresh.
    public var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1_000
    }

    /// Has the service manager's watchdog fed by this loop, twice in its interval; false when none is asked for
    /// (`WATCHDOG_USEC`, sd_event_set_watchdog(3)).
    public func enableWatchdog() -> Bool { sd_event_set_watchdog(event, 1) > 0 }

    // MARK: The length of a turn

    /// Whether the present turn has had its share of time. What can wait then waits for the next turn.
    public var turnIsLong: Bool { turnHasTaken(Loop.turnShareUs) }

    /// Whether the present turn has lasted this long, µs.
    public func turnHasTaken(_ microseconds: UInt64) -> Bool { now >= turnBeganAt + microseconds }

    /// Calls `step` until it says false: as often in each turn as the turn's share of time allows, at least once. The
    /// first steps are taken now. A step is short: it works on one thing, or on a few.
    public func inPieces(_ step: @escaping () -> Bool) {
        repeat {
            guard step() else { return }
        } while !turnIsLong
        deferred { [unowned self] in inPieces(step) }
    }

    // MARK: The end of a turn

    /// Has `action` run at the end of every turn from now on, after those registered before it, until it is cancelled. The
    /// loop keeps it: an object that may go before its loop cancels its action in its deinit.
    @discardableResult
    public func atTurnEnd(_ action: @escaping () -> Void) -> TurnEndAction {
        let made = TurnEndAction(action)
        if !inTurn { actions.removeAll { $0.run == nil } }
        actions.append(made)
        return made
    }

    /// Makes sure that the end of a turn follows: another round when the actions are running now, a turn of its own
    /// when nothing is running. To be called by whoever gathers work for its action, with the first piece.
    public func askForTurnEnd() {
        again = true
        if !inTurn { later?.enable() }
    }

    /// Runs `action` once, in a turn of its own, soon.
    public func deferred(_ action: @escaping () -> Void) {
        laterActions.append(action)
        later?.enable()
    }

    /// Whoever comes from C must be on the loop's own thread.
    func checkThread() {
        precondition(pthread_equal(thread, pthread_self()) != 0, "a loop runs on the thread that made it")
    }

    func beginTurn() {
        inTurn = true
        // The time at which epoll_wait(2) returned, which sd-event has read anyway (sd_event_now(3)).
        sd_event_now(event, CLOCK_MONOTONIC, &turnBeganAt)
    }

    func endTurn() {
        var rounds = 0
        repeat {
            again = false
            for action in actions { action.run?() }
            rounds += 1
        } while again && rounds < Loop.maximumRounds
        inTurn = false
        if again { later?.enable() }
        let end = now
        let length = end - min(turnBeganAt, end)
        turns.observe(microseconds: length)
        if length > longestTurnUs { longestTurnUs = length }
    }

    fileprivate func runDeferred() {
        let due = laterActions
        laterActions.removeAll()
        for (index, action) in due.enumerated() {
            action()
            guard index + 1 < due.count, turnIsLong else { continue }
            laterActions.insert(contentsOf: due[(index + 1)...], at: 0)
            later?.enable()
            return
        }
    }
}

/// What runs at the end of every turn; see `Loop.atTurnEnd`.
public final class TurnEndAction {
    fileprivate private(set) var run: (() -> Void)?

    fileprivate init(_ run: @escaping () -> Void) { self.run = run }

    /// It does not run any more, and what it captured is let go.
    public func cancel() { run = nil }
}

/// The loop's own source for `deferred` and for turns asked for from outside; the only one that does not keep its loop.
///
/// A timer that is due at once, and no sd_event_add_defer: a deferred source counts as the one that has waited longest, so
/// work that defers itself again and again would keep everything else from its turn.
private final class DeferSource {
    private let handle: OpaquePointer

    init(in loop: Loop) throws(SystemError) {
        var made: OpaquePointer?
        // The loop owns this source and ends it first in its deinit, so the unretained pointer is good in every call.
        let userData = Unmanaged.passUnretained(loop).toOpaque()
        try check(
            sd_event_add_time(
                loop.event, &made, CLOCK_MONOTONIC, 0, 1, { _, _, userData in DeferSource.arrive(userData) }, userData),
            "sd_event_add_time")
        handle = made!
        sd_event_source_set_enabled(handle, Int32(SD_EVENT_OFF))
    }

    deinit { sd_event_source_disable_unref(handle) }

    func enable() {
        expectSuccess(sd_event_source_set_enabled(handle, Int32(SD_EVENT_ONESHOT)), "sd_event_source_set_enabled")
    }

    private static func arrive(_ userData: UnsafeMutableRawPointer?) -> Int32 {
        let loop = Unmanaged<Loop>.fromOpaque(userData!).takeUnretainedValue()
        loop.checkThread()
        loop.beginTurn()
        loop.runDeferred()
        loop.endTurn()
        return 0
    }
}
