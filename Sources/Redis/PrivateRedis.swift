// The Redis of the daemon's own, when none is configured: a child redis-server on a Unix socket in the state directory.
//
// No TCP port, mode 0600, append-only file, no eviction. The kernel ends it when the daemon dies (PR_SET_PDEATHSIG, by
// `ChildProcess`); it is started again when it ends by itself, replaced when it has not answered for 30 seconds (looked at
// every five), and ended last when the daemon stops: SIGTERM makes it write its files. The link to it is an ordinary
// `RedisLink`: it reconnects when the server was away. The rules are `PrivateRedisMachine`'s; this file does what it
// says. The child's own log is `redis.log`; what it wrote there last is part of every message about its end.

import Glibc
import Logging
import Reactor

/// Why the daemon's own Redis cannot be had. Each with a sentence for the log.
public enum PrivateRedisFailure: Error, Equatable, Sendable {
    /// There is no redis-server program.
    case noProgram(String)
    /// The directory cannot be made or written: it is read-only, or somebody else's.
    case unusable(String)
    /// Another daemon, or its server, has the directory.
    case inUse(String)
    /// The server ends each time before it serves.
    case ends(String)

    /// The sentence.
    public var reason: String {
        switch self {
        case .noProgram(let text), .unusable(let text), .inUse(let text), .ends(let text): text
        }
    }
}

/// What may be chosen about the server.
public struct PrivateRedisSettings: Equatable, Sendable {
    /// `appendfsync`: `everysec` or `always`.
    public var fsync = "everysec"
    /// `maxmemory` in bytes; 0: no bound.
    public var maxMemory: Int64 = 0

    /// What Redis and this project are used to.
    public init() {}
}

/// A child redis-server in a state directory.
public final class PrivateRedis {
    /// Where it listens, once it runs.
    public let address: RedisAddress
    /// It cannot run at all. The daemon should end.
    public var onFailure: ((_ why: PrivateRedisFailure) -> Void)?
    /// When anything came from the server last (µs of the loop's clock); asked for every five seconds.
    public var lastHeardAt: (() -> UInt64)?
    /// Of the running server, for the log and for tests.
    public private(set) var pid: Int32?

    private let loop: Loop
    private let directory: String
    private let executable: String
    private let settings: PrivateRedisSettings
    private let logger: Logger
    private var machine: PrivateRedisMachine
    private var lock: DirectoryLock?
    private var child: ChildProcess?
    private var watch: ChildSource?
    private var alarm: LoopTimer?
    private var silenceCheck: LoopTimer?
    private var startedAt: UInt64 = 0
    /// It was killed because it did not answer.
    private var wasSilent = false
    private var lastWords: LastWords?
    private var refusal = PrivateRedisFailure.ends("")
    private static let silenceUs: UInt64 = 30_000_000
    private static let silenceCheckUs: UInt64 = 5_000_000
    private var whenStopped: (() -> Void)?

    /// Throws when the path of the socket would be longer than a Unix socket's may be.
    ///
    /// - Parameters:
    ///   - stateDirectory: is created (mode 0700, the last component only) when it is not there.
    ///   - patienceMs: how long to wait for another daemon or server that is just leaving the directory.
    public init(
        loop: Loop, stateDirectory: String, settings: PrivateRedisSettings = PrivateRedisSettings(), logger: Logger,
        executable: String = "redis-server",
        patienceMs: Int64 = 5_000
    ) throws(RedisAddressError) {
        self.directory = try Self.absolute(stateDirectory)
        self.address = try RedisAddress(unix: directory + "/redis.sock")
        self.loop = loop
        self.logger = logger
        self.executable = executable
        self.settings = settings
        self.machine = PrivateRedisMachine(patienceMs: patienceMs)
    }

    /// That the disk of the state directory is full, in words; nil: it is not. One system call.
    public var diskProblem: String? { LastWords.fullDisk(directory) }

    /// Takes the directory and starts the server. The link may be started right away.
    public func start() {
        alarm = loop.timer { [weak self] in
            guard let self else { return }
            self.perform(self.machine.timePassed(now: self.loop.now))
        }
        silenceCheck = loop.timer { [weak self] in self?.checkSilence() }
        if ChildProcess.find(executable) == nil {
            return refuse(
                .noProgram("there is no \(executable) in PATH; install it, or configure a Redis that runs elsewhere"))
        }
        perform(machine.start(now: loop.now))
    }

    /// The server has loaded its files and answers: from now on it is started again whenever it ends.
    public func served() { machine.served() }

    private func checkSilence() {
        silenceCheck?.arm(after: Self.silenceCheckUs)
        let since = max(startedAt, lastHeardAt?() ?? loop.now)
        guard pid != nil, loop.now >= since + Self.silenceUs else { return }
        wasSilent = true
        perform(machine.isSilent())
    }

    /// Ends the server; `then` is called when it has written its files and is gone, in a later turn.
    public func stop(then: @escaping () -> Void) {
        guard machine.state != .stopped else { return loop.deferred(then) }
        whenStopped = then
        perform(machine.stop(now: loop.now))
    }

    private func perform(_ action: PrivateRedisMachine.Action) {
        switch action {
        case .none: break
        case .lock: takeDirectory()
        case .sleep(let until): alarm?.arm(at: until)
        case .spawn: spawn()
        case .terminate(let deadline):
            alarm?.arm(at: deadline)
            child?.terminate(SIGTERM)
        case .kill:
            logger.warning(
                wasSilent
                    ? "redis-server has not answered for \(Self.silenceUs / 1_000_000) s and is replaced"
                    : "redis-server does not end and is killed")
            child?.terminate(SIGKILL)
        case .refuse: refuse(refusal)
        case .finish: finish()
        }
    }

    private func takeDirectory() {
        if mkdir(directory, 0o700) != 0, errno != EEXIST {
            return refuse(.unusable("\(SystemError(errno, "mkdir \(directory)"))"))
        }
        do {
            lock = try DirectoryLock(directory: directory)
            perform(machine.locked(now: loop.now))
        } catch {
            switch error {
            case .failed(let why): refuse(.unusable(why))
            case .busy(let who):
                let inUse = PrivateRedisFailure.inUse(who)
                if refusal != inUse { logger.notice("waiting for the state directory: \(who)") }
                refusal = inUse
                perform(machine.lockIsBusy(now: loop.now))
            }
        }
    }

    private func refuse(_ why: PrivateRedisFailure) {
        _ = machine.stop(now: loop.now)
        loop.deferred { [weak self] in
            self?.onFailure?(why)
            self?.finish()
        }
    }

    private func spawn() {
        guard let lock else { return }
        for mended in AppendOnlyTail.mend(directory: directory) { logger.warning("\(mended)") }
        lastWords = LastWords(path: directory + "/redis.log", log: lock.logDescriptor)
        startedAt = loop.now
        wasSilent = false
        do {
            let child = try ChildProcess.spawn(
                executable, arguments: arguments, directory: directory, output: .descriptor(lock.logDescriptor))
            self.child = child
            watch = try loop.child(child) { [weak self] in self?.ended("\($0)") }
            pid = child.pid
            silenceCheck?.arm(after: Self.silenceCheckUs)
            logger.info("started redis-server", metadata: ["pid": "\(child.pid)", "address": "\(address)"])
        } catch { ended("\(error)") }
    }

    private func ended(_ how: String) {
        let isExpected = machine.state == .stopping
        child = nil
        watch = nil
        pid = nil
        alarm?.disarm()
        silenceCheck?.disarm()
        let words = [lastWords?.text, diskProblem].compactMap(\.self).joined(separator: "; ")
        let said = words.isEmpty ? "" : ": \(words)"
        refusal = .ends("redis-server ended \(machine.failures + 1) times before it served (\(how))\(said)")
        let action = machine.ended(now: loop.now)
        if !isExpected, action != .refuse {
            logger.error(
                "redis-server ended (\(how)) and is started again\(said)",
                metadata: MessageID.ownRedisEnded.with([
                    "how": "\(how)", "failures": "\(machine.failures)", "log": "\(directory)/redis.log",
                    "words": "\(words)",
                ]))
        }
        perform(action)
    }

    private func finish() {
        alarm?.disarm()
        silenceCheck?.disarm()
        lock = nil
        guard let then = whenStopped else { return }
        whenStopped = nil
        loop.deferred(then)
    }

    /// `hash-max-ziplist-value` is the old name of `hash-max-listpack-value`, which 7.0 and later still take: with it a
    /// job's record stays in the compact form up to payloads of 1 KiB, which saves about 600 bytes a job. A sorted set
    /// in the compact form is walked from its beginning at each insert, so queues get the other form at once.
    private var arguments: [String] {
        let socket = if case .unix(let path) = address.endpoint { path } else { "" }
        return [
            "--port", "0", "--unixsocket", socket, "--unixsocketperm", "600", "--dir", directory, "--daemonize", "no",
            "--supervised", "no", "--logfile", "", "--loglevel", "warning", "--databases", "1", "--save", "",
            "--appendonly", "yes", "--appendfsync", settings.fsync, "--maxmemory", "\(settings.maxMemory)",
            "--maxmemory-policy", "noeviction",
            "--hash-max-ziplist-value", "1024", "--zset-max-ziplist-entries", "0",
        ]
    }

    /// The child runs in that directory, so a relative path must not mean another one there.
    private static func absolute(_ path: String) throws(RedisAddressError) -> String {
        let trimmed = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        guard !trimmed.hasPrefix("/") else { return trimmed }
        guard let current = getcwd(nil, 0) else {
            throw RedisAddressError(description: "\(SystemError(errno, "getcwd"))")
        }
        defer { free(current) }
        return String(cString: current) + "/" + trimmed
    }
}
