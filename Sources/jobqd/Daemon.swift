// The daemon put together: the loop, the store, the broker, the listeners, the signals, the service manager.
//
// Everything that can wake the process is registered here or named in the head of `Broker.swift`. READY=1 is sent when
// the sockets serve, not when Redis is there: clients can connect and are answered, if only with `store_unavailable`.
// On SIGTERM or SIGINT the daemon stops cleanly, on SIGHUP it reads its configuration again. The order of the end:
// listeners, waiting claims, requests under way, the store, connections, and the daemon's own Redis last.

import Broker
import Glibc
import Logging
import Reactor
import Store

/// One run of the daemon.
final class Daemon {
    private var configuration: Configuration
    private let loop: Loop
    private let log: Logger
    private let backend: StoreBackend
    private let broker: Broker
    private var listeners: [(role: SocketRole, listener: Listener)] = []
    private var signals: [SignalSource] = []
    private var lastStatus = ""
    private var isStopping = false
    /// Whose listeners rest because there is no room.
    private var full: Set<SocketRole> = []
    /// When the log was last told of that (monotonic µs).
    private var fullToldAt: [SocketRole: UInt64] = [:]
    /// Where connections come and go at the limit, it would be told of each.
    private static let fullPauseUs: UInt64 = 60_000_000

    /// Serves until told to stop; returns the exit status of the process.
    static func run(_ configuration: Configuration) -> Int32 {
        LogLevel.shared.set(configuration.logLevel)
        let sink = LogSink()
        LoggingSystem.bootstrap { label in
            AdjustableLogHandler(JournalLogHandler(label: label, sink: sink, level: .trace))
        }
        raiseDescriptorLimit()
        do {
            let daemon = try Daemon(configuration)
            return try daemon.loop.run()
        } catch let failure as StartFailure {
            StandardError.write("jobqd: \(failure.message)")
            return failure.exitCode
        } catch {
            StandardError.write("jobqd: \(error)")
            return ExitCode.osError
        }
    }

    private init(_ configuration: Configuration) throws {
        self.configuration = configuration
        log = Logger(label: "jobqd")
        loop = try Loop()
        let sockets = ServerSocket.all(configuration)
        backend = try StoreBackend(configuration, loop: loop, log: log)
        var options = BrokerOptions()
        options.lineBytes = configuration.lineBytes
        options.inFlight = configuration.inFlight
        options.maxConnections = configuration.maxConnections
        options.requestTimeoutMs = configuration.requestTimeoutMs
        options.version = Configuration.version
        options.access = configuration.access
        broker = try Broker(
            options: options, loop: loop, store: backend.store, wallClockMs: Self.wallClockMs, logger: log)
        listeners = try sockets.map { (role: $0.role, listener: try $0.listener(loop: loop, log: log)) }
        start()
    }

    private func start() {
        for (role, listener) in listeners {
            listener.onAccept = { [unowned self] fd, _ in accepted(fd, role) }
        }
        broker.onRoom = { [unowned self] in resumeWithRoom() }
        broker.onReload = { [unowned self] in reload() }
        broker.onStatus = { [unowned self] line in
            guard line != lastStatus else { return }
            lastStatus = line
            ServiceManager.status(line)
        }
        signals = [
            loop.signal(SIGTERM) { [unowned self] in stop("SIGTERM") },
            loop.signal(SIGINT) { [unowned self] in stop("SIGINT") },
            loop.signal(SIGHUP) { [unowned self] in _ = reload() },
        ]
        let isWatched = loop.enableWatchdog()
        backend.onFailure = { [unowned self] why in
            log.critical("the store cannot be had: \(why)", metadata: MessageID.storeFailed.with(["reason": "\(why)"]))
            loop.exit(ExitCode.unavailable)
        }
        backend.start()
        broker.start()
        for (role, listener) in listeners {
            let place = listener.place ?? "passed by the service manager"
            log.info("serving (\(role)): \(place)", metadata: ["socket": "\(place)", "for": "\(role)"])
        }
        log.info(
            "ready",
            metadata: MessageID.ready.with(["version": "\(Configuration.version)", "watchdog": "\(isWatched)"]))
        ServiceManager.ready()
    }

    private func accepted(_ fd: Int32, _ role: SocketRole) {
        if role == .metrics { broker.acceptHTTP(fd) } else { broker.accept(fd, isAdmin: role == .admin) }
        pauseIfFull()
    }

    /// No more connections are taken until there is room; the kernel queues them. Administrators have places of their
    /// own, so that somebody can look when clients have taken all of theirs.
    private func pauseIfFull() {
        for role in SocketRole.allCases where !hasRoom(role) {
            guard full.insert(role).inserted else { continue }
            for entry in listeners where entry.role == role { entry.listener.pause() }
            tellFull(role)
        }
    }

    private func tellFull(_ role: SocketRole) {
        if let last = fullToldAt[role], loop.now - last < Self.fullPauseUs { return }
        fullToldAt[role] = loop.now
        log.warning(
            "no more connections are accepted until one ends",
            metadata: MessageID.connectionsFull.with(["connections": "\(broker.connectionCount)", "for": "\(role)"]))
    }

    private func hasRoom(_ role: SocketRole) -> Bool {
        role == .metrics ? broker.hasRoomForHTTP : broker.hasRoom(isAdmin: role == .admin)
    }

    private func resumeWithRoom() {
        for role in full where hasRoom(role) {
            full.remove(role)
            for entry in listeners where entry.role == role { entry.listener.resume() }
        }
    }

    /// Clean end: what is under way is answered, leases stay with their workers.
    private func stop(_ signal: String) {
        guard !isStopping else { return }
        isStopping = true
        log.info("stopping", metadata: ["signal": "\(signal)"])
        ServiceManager.stopping()
        for entry in listeners { entry.listener.close() }
        listeners = []
        broker.stop { [self] in
            backend.stop { [self] in
                log.info("stopped", metadata: MessageID.stopped.with())
                loop.exit(0)
            }
        }
    }

    /// Takes over what may change in a running daemon; a bad configuration changes nothing. By SIGHUP and by the
    /// operation `reload` alike.
    private func reload() -> ReloadOutcome {
        // A daemon that has said that it stops must not say that it is ready.
        guard !isStopping else { return .refused(problems: ["the daemon is stopping"]) }
        ServiceManager.reloading()
        defer { ServiceManager.ready() }
        let read = Configuration.load(
            arguments: Array(CommandLine.arguments.dropFirst()), environment: ProcessEnvironment.current())
        guard case .run(let new) = read else {
            guard case .failure(let message, _) = read else { return .refused(problems: []) }
            let problems = message.split(separator: "\n").map(String.init)
            log.error(
                "the configuration was not reloaded: \(problems.first ?? message)",
                metadata: MessageID.reloadRefused.with(["reason": "\(message)"]))
            return .refused(problems: problems)
        }
        let (taken, left) = configuration.changes(to: new)
        configuration.takeOver(new)
        LogLevel.shared.set(configuration.logLevel)
        broker.setLimits(maxConnections: configuration.maxConnections)
        broker.setAccess(configuration.access)
        pauseIfFull()
        return told(taken: taken, left: left)
    }

    private func told(taken: [String], left: [String]) -> ReloadOutcome {
        let (changed, restart) = (taken.joined(separator: ","), left.joined(separator: ","))
        // The catalog's text names both.
        let metadata = MessageID.reloaded.with([
            "changed": .string(taken.isEmpty ? "nothing" : changed),
            "restart": .string(left.isEmpty ? "nothing" : restart),
        ])
        let message = "configuration reloaded" + (taken.isEmpty ? "" : ": \(changed)")
        if left.isEmpty {
            log.notice("\(message)", metadata: metadata)
        } else {
            log.warning("\(message); other changed settings need a restart: \(restart)", metadata: metadata)
        }
        return .reloaded(changed: taken, restart: left)
    }

    private static func wallClockMs() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// Each connection is a descriptor: the soft limit (often 1,024) goes up to the hard one.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
