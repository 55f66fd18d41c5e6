// The daemon put together: the loop, the store, the broker, the listeners, the signals, the service manager.
//
// Everything that can wake the process is registered here or named in the head of `Broker.swift`. READY=1 is sent when
// the sockets serve, not when a Redis elsewhere is there: clients can connect and are answered, if only with
// `store_unavailable`. A Redis of the daemon's own belongs to its start: READY=1 waits until it has loaded its files, the
// service manager is asked for more time meanwhile, and what keeps it from running fails the start.
// On SIGTERM or SIGINT the daemon stops cleanly, on SIGHUP it reads its configuration again. The order of the end:
// listeners, waiting claims, requests under way, the store, connections, and the daemon's own Redis last.

import Broker
import Glibc
import Logging
import Reactor
import Redis
import Store

/// One run of the daemon.
final class Daemon {
    private var configuration: Configuration
    private let loop: Loop
    private let log: Logger
    private let backend: StoreBackend
    private let broker: Broker
    private var listeners: [(role: SocketRole, listener: Listener)] = []
    private let reachability: Reachability
    private var signals: [SignalSource] = []
    private var lastStatus = ""
    /// READY=1 was sent.
    private var isReady = false
    /// When the service manager was asked for more time.
    private var extendedAt: UInt64 = 0
    private static let extensionUs: UInt64 = 30_000_000
    private static let extensionPauseUs: UInt64 = 5_000_000
    private var isStopping = false
    private var exitCode: Int32 = 0
    private var isWatched = false
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
        DescriptorLimit.raise()
        MallocTuning.apply()
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
        options.maxConnectionsPerUser = configuration.maxConnectionsPerUser
        options.memoryBytes = configuration.memoryBytes
        options.requestTimeoutMs = configuration.requestTimeoutMs
        options.version = Configuration.version
        options.access = configuration.access
        broker = try Broker(
            options: options, loop: loop, store: backend.store, wallClockMs: Self.wallClockMs, logger: log)
        reachability = Reachability(isActivated: sockets.contains(where: \.isPassed), log: log)
        listeners = try sockets.map { (role: $0.role, listener: try $0.listener(loop: loop, log: log)) }
        start()
    }

    private func start() {
        for (role, listener) in listeners {
            listener.onAccept = { [unowned self] fd, _ in accepted(fd, role) }
        }
        broker.onRoom = { [unowned self] in resumeWithRoom() }
        broker.onSecond = { [unowned self] in
            // A look is a connection. One that a daemon that fails to start leaves behind would start the next one.
            if isReady { lookAtAddresses() }
        }
        broker.onReload = { [unowned self] in reload() }
        broker.onStatus = { [unowned self] line in
            backend.look()
            beReady()
            guard line != lastStatus else { return }
            lastStatus = line
            ServiceManager.status(line)
        }
        signals = [
            loop.signal(SIGTERM) { [unowned self] in stop("SIGTERM") },
            loop.signal(SIGINT) { [unowned self] in stop("SIGINT") },
            loop.signal(SIGHUP) { [unowned self] in _ = reload() },
        ]
        isWatched = loop.enableWatchdog()
        backend.onFailure = { [unowned self] why in
            log.critical(
                "cannot start Redis: \(why.reason)", metadata: MessageID.storeFailed.with(["reason": "\(why.reason)"]))
            loop.exit(ExitCode.of(why))
        }
        backend.start()
        broker.start()
        for (role, listener) in listeners {
            let place = listener.place ?? "passed by the service manager"
            log.info("serving (\(role)): \(place)", metadata: ["socket": "\(place)", "for": "\(role)"])
        }
        tellIfFewDescriptors()
        beReady()
    }

    /// Tells the service manager that the start is over, or that it takes longer.
    private func beReady() {
        guard !isReady, !isStopping else { return }
        guard backend.hasServed else {
            guard extendedAt == 0 || loop.now >= extendedAt + Self.extensionPauseUs else { return }
            extendedAt = loop.now
            ServiceManager.extendTimeout(microseconds: Self.extensionUs)
            return
        }
        isReady = true
        log.info(
            "ready",
            metadata: MessageID.ready.with(["version": "\(Configuration.version)", "watchdog": "\(isWatched)"]))
        ServiceManager.ready()
        if reachability.lacksClients(listeners) { endWithoutClients() } else { lookAtAddresses() }
    }

    private func lookAtAddresses() {
        if isStopping { return }
        reachability.look(listeners)
        broker.addressProblem = reachability.problem
    }

    /// Its socket unit has failed while the daemon was started. After this status the service manager starts both again.
    private func endWithoutClients() {
        let why = "the service manager has handed over no socket for clients"
        log.critical(
            "nobody can connect (client): \(why); this daemon ends, to be started with all its sockets",
            metadata: MessageID.unreachable.with(["for": "client", "reason": "\(why)"]))
        exitCode = ExitCode.unavailable
        stop("nobody can connect")
    }

    private func accepted(_ fd: Int32, _ role: SocketRole) {
        // The watch of a worker's process took the last descriptor for clients since it was last asked.
        if !DescriptorLimit.allows(fd, for: role.descriptorUse) {
            close(fd)
            return pauseIfFull()
        }
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

    /// Where the limit of open files does not let the daemon serve as many connections as it is to.
    private func tellIfFewDescriptors() {
        let room = broker.connectionCount + DescriptorLimit.room(for: .client)
        let limit = DescriptorLimit.current
        guard room < configuration.maxConnections else { return }
        log.warning(
            """
            the limit of \(limit) open files (LimitNOFILE=) is enough for \(room) connections; \
            MaxConnections= is \(configuration.maxConnections)
            """,
            metadata: MessageID.fewDescriptors.with([
                "descriptors": "\(limit)", "room": "\(room)", "connections": "\(configuration.maxConnections)",
            ]))
    }

    private func tellFull(_ role: SocketRole) {
        if let last = fullToldAt[role], loop.now - last < Self.fullPauseUs { return }
        fullToldAt[role] = loop.now
        let hasDescriptors = DescriptorLimit.hasRoom(for: role.descriptorUse)
        let why = hasDescriptors ? "" : ": the limit of \(DescriptorLimit.current) open files (LimitNOFILE=) is reached"
        log.warning(
            "no more connections are accepted until one ends\(why)",
            metadata: MessageID.connectionsFull.with(["connections": "\(broker.connectionCount)", "for": "\(role)"]))
    }

    private func hasRoom(_ role: SocketRole) -> Bool {
        guard DescriptorLimit.hasRoom(for: role.descriptorUse) else { return false }
        return role == .metrics ? broker.hasRoomForHTTP : broker.hasRoom(isAdmin: role == .admin)
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
        if exitCode == 0, reachability.isActivated, reachability.problem != nil { exitCode = ExitCode.socketsLost }
        log.info("stopping", metadata: ["signal": "\(signal)"])
        ServiceManager.stopping()
        for entry in listeners { entry.listener.close() }
        listeners = []
        broker.stop { [self] in
            backend.stop { [self] in
                log.info("stopped", metadata: MessageID.stopped.with())
                loop.exit(exitCode)
            }
        }
    }

    /// Takes over what may change in a running daemon; a bad configuration changes nothing. By SIGHUP and by the
    /// operation `reload` alike.
    private func reload() -> ReloadOutcome {
        // A daemon that has said that it stops must not say that it is ready.
        guard !isStopping else { return .refused(problems: ["the daemon is stopping"]) }
        // During the start the service manager waits for one READY=1, that of the start.
        if isReady { ServiceManager.reloading() }
        defer { if isReady { ServiceManager.ready() } }
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
        broker.setLimits(
            maxConnections: configuration.maxConnections, maxConnectionsPerUser: configuration.maxConnectionsPerUser,
            memoryBytes: configuration.memoryBytes)
        broker.setAccess(configuration.access)
        pauseIfFull()
        tellIfFewDescriptors()
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
}
