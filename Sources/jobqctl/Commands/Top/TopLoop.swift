// The loop of `jobqctl top`: asks the daemon each interval, listens for failures, takes keys, and draws.
//
// A look is `info`, `queues` and `workers`; it is over when all three are answered, and the next one begins an interval after
// it began. Failures come by themselves, by a subscription that is made anew with each connection. If the daemon is away,
// what was last seen stays on the screen and says so.

import Glibc
import JobqClient
import Wire

/// Watches until it is told to end.
final class TopLoop {
    var state: TopState
    /// Replies as they come, and no screen.
    private let asJSON: Bool
    private let intervalMs: Int64
    private var looksLeft: Int?
    private let link: JobqLink
    private let signals: SignalPipe
    private let screen: FullScreen?
    private let terminal = Terminal.standardOutput
    private var nextLook: Int64 = 0
    private var openAnswers = 0
    private var hasBeenConnected = false
    private var hasSeenDead = false
    private var maySeeWorkers = true
    private var maySeeRecords = true
    private var isOver = false
    private var problem: (any Error)?

    /// How long a look may take.
    private static let patienceMs: Int64 = 3_000
    /// How many queues are asked for dead letters of before.
    private static let oldDeadQueues = 5
    private static let mostErrors = 10

    init(path: String, intervalMs: Int64, count: Int?, asJSON: Bool) throws {
        state = TopState(socket: path)
        self.intervalMs = intervalMs
        looksLeft = count
        link = JobqLink(path: path)
        self.asJSON = asJSON
        let hasScreen = FullScreen.isPossible && !asJSON
        screen = hasScreen ? FullScreen() : nil
        signals = try SignalPipe(
            [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGWINCH] + (hasScreen ? [SIGTSTP, SIGCONT] : []))
        // Who reads no more ends it, with or without a screen; the socket's writes raise no signal.
        signal(SIGPIPE, SIG_DFL)
        link.onChange = { [unowned self] in linkChanged($0) }
        link.onEvent = { [unowned self] in heard($0) }
    }

    func run() throws {
        defer { screen?.leave() }
        while !isOver {
            lookIfDue()
            let keys = screen == nil ? -1 : STDIN_FILENO
            var entries = [
                pollfd(fd: signals.descriptor, events: Int16(POLLIN), revents: 0), link.pollEntry,
                pollfd(fd: keys, events: Int16(POLLIN), revents: 0),
            ]
            poll(&entries, 3, pollTimeout)
            for signal in signals.take() { take(signal: signal) }
            if entries[2].revents != 0 { readKeys() }
            link.process(entries[1].revents)
        }
        link.close()
        if let problem { throw problem }
    }

    private var pollTimeout: Int32 {
        let own = openAnswers > 0 ? -1 : Int32(clamping: max(0, nextLook - Clock.now))
        let links = link.pollTimeout
        return own < 0 ? links : links < 0 ? own : min(own, links)
    }

    // MARK: Looking

    private func lookIfDue() {
        let now = Clock.now
        guard openAnswers == 0, nextLook <= now else { return }
        nextLook = now + intervalMs
        ask("info") { [unowned self] in
            state.take(info: $0)
            // With Redis away the others take their time, and this says why.
            if screen != nil, !state.isStoreReady { draw() }
        }
        ask("queues") { [unowned self] in
            state.take(queues: $0, at: Clock.now)
            askForOldDead()
        }
        if maySeeWorkers { askForWorkers() }
    }

    /// For administrators: who is refused is not asked again over this connection, for refusals are logged.
    private func askForWorkers() {
        ask("workers") { [unowned self] in
            state.take(workers: $0)
        } refused: { [unowned self] _ in
            maySeeWorkers = false
            state.take(workers: nil)
        }
    }

    private func ask(
        _ operation: String, _ members: (inout JSONWriter) -> Void = { _ in }, _ take: @escaping (JSONDocument) -> Void,
        refused: ((ProtocolError) -> Void)? = nil
    ) {
        openAnswers += 1
        link.request(operation, timeoutMs: Self.patienceMs, members) { [unowned self] answer in
            openAnswers -= 1
            switch answer {
            case .success(let reply):
                if asJSON { print(Terminal.json(reply)) }
                take(reply)
            case .failure(let error as ProtocolError) where !error.isRetryable:
                if let refused { refused(error) } else { end(error) }
            // Not now: the next look may have more luck.
            case .failure: break
            }
            if openAnswers == 0, !isOver { lookIsOver() }
        }
    }

    /// Once: the dead letters that were there when we came.
    private func askForOldDead() {
        guard !hasSeenDead else { return }
        hasSeenDead = true
        let most = state.queues.filter { ($0.depth[.dead] ?? 0) > 0 }
            .sorted { ($0.depth[.dead] ?? 0) > ($1.depth[.dead] ?? 0) }
        for queue in most.prefix(Self.oldDeadQueues) {
            ask("list") {
                $0.member("queue", queue.name)
                $0.member("state", "dead")
                $0.member("limit", 5)
            } _: { [unowned self] in
                state.take(dead: $0)
            } refused: { _ in
            }
        }
    }

    /// What the workers said, of as many failures as a screen shows; each is asked for once.
    private func askForErrors() {
        guard maySeeRecords else { return }
        for job in state.failuresToAsk(Self.mostErrors) {
            ask("get") {
                $0.member("job", job)
            } _: { [unowned self] in
                if let record = $0["job"] { state.take(record: record) }
            } refused: { [unowned self] in
                // A record that is gone is no reason to ask for no other.
                if $0.errorCode == .forbidden { maySeeRecords = false }
            }
        }
    }

    private func lookIsOver() {
        guard link.isOpen else { return }
        state.problem = nil
        if !asJSON { askForErrors() }
        // Drawn when they are there.
        if openAnswers > 0 { return }
        draw()
        if let left = looksLeft {
            looksLeft = left - 1
            if left <= 1 { isOver = true }
        }
    }

    private func end(_ error: any Error) {
        // What fails because we end is no reason.
        guard !isOver else { return }
        problem = error
        isOver = true
    }

    // MARK: The connection

    private func linkChanged(_ error: ConnectionError?) {
        if let error {
            guard hasBeenConnected else { return end(error) }
            state.lost("\(error)")
            if screen == nil { Terminal.complain("\(error); waiting for it") }
            draw(force: true)
        } else {
            if !hasBeenConnected { screen?.enter() }
            hasBeenConnected = true
            (maySeeWorkers, maySeeRecords) = (true, true)
            link.request("subscribe") {
                $0.key("events")
                $0.beginArray()
                for kind in ["retrying", "dead", "reclaimed"] { $0.string(kind) }
                $0.endArray()
            } then: { _ in
                // Without it there are no failures to show, which is all.
            }
        }
    }

    private func heard(_ event: JSONDocument) {
        if asJSON { print(Terminal.json(event)) }
        state.take(event: event)
    }

    // MARK: Keys and signals

    private func readKeys() {
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = read(STDIN_FILENO, &bytes, bytes.count)
        // The terminal is gone.
        if count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN) {
            isOver = true
            return
        }
        var rest = bytes.prefix(max(0, count))
        while !rest.isEmpty {
            if state.draft != nil { state.type(&rest) } else if let key = TopKey.next(&rest) { take(key: key) }
        }
        draw(force: true)
    }

    private func take(key: TopKey) {
        switch key {
        case .quit: isOver = true
        case .pause: state.isPaused.toggle()
        case .sort: state.order = state.order.next
        case .filter: state.draft = ""
        case .help: state.showsHelp.toggle()
        case .up: state.scroll(by: -1)
        case .down: state.scroll(by: 1)
        case .pageUp: state.scroll(by: -10)
        case .pageDown: state.scroll(by: 10)
        case .home: state.firstQueue = 0
        }
    }

    private func take(signal: Int32) {
        switch signal {
        case SIGWINCH: draw(force: true)
        case SIGTSTP:
            // The shell gets its terminal as it was; on SIGCONT we take it again.
            screen?.leave()
            kill(getpid(), SIGSTOP)
        case SIGCONT:
            if hasBeenConnected { screen?.enter() }
            draw(force: true)
        default: isOver = true
        }
    }

    // MARK: Drawing

    /// While the display is held only what the user does changes it.
    private func draw(force: Bool = false) {
        guard let screen else {
            if asJSON { fflush(nil) } else if !force { printBlock() }
            return
        }
        guard hasBeenConnected, !isOver, force || !state.isPaused else { return }
        // The last column stays free: behind a character there a terminal clears that character, too.
        let columns = screen.size.columns - 1
        let rows = screen.size.rows
        let view = TopView(state: state, columns: columns, clock: clock)
        screen.show(view.screen(rows: rows).map { $0.text(width: columns, terminal) })
    }

    private func printBlock() {
        let lines = TopView(state: state, columns: 100, clock: clock).block()
        print(lines.map { $0.plain + "\n" }.joined())
        fflush(nil)
    }

    private var clock: String { String(TimeText.local(Int64(time(nil)) * 1000).suffix(8)) }
}
