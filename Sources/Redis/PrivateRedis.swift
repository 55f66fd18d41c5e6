// The Redis of the daemon's own, when none is configured: a child redis-server on a Unix socket in the state directory.
//
// No TCP port, mode 0600, append-only file brought to disk every second, no eviction. The kernel ends it when the daemon
// dies (PR_SET_PDEATHSIG, by `ChildProcess`); it is started again when it ends by itself, and ended last when the daemon
// stops: SIGTERM makes it write its files. The link to it is an ordinary `RedisLink`: it reconnects when the server
// was away. The rules are `PrivateRedisMachine`'s; this file does what it says. The child's own log is `redis.log`.

import Glibc
import Logging
import Reactor

/// A child redis-server in a state directory.
public final class PrivateRedis {
    /// Where it listens, once it runs.
    public let address: RedisAddress
    /// It cannot run at all (the directory is in use, or not usable): a sentence for the log. The daemon should end.
    public var onFailure: ((_ why: String) -> Void)?
    /// Of the running server, for the log and for tests.
    public private(set) var pid: Int32?

    private let loop: Loop
    private let directory: String
    private let executable: String
    private let logger: Logger
    private var machine: PrivateRedisMachine
    private var lock: DirectoryLock?
    private var child: ChildProcess?
    private var watch: ChildSource?
    private var alarm: LoopTimer?
    private var busy = ""
    private var whenStopped: (() -> Void)?

    /// Throws when the path of the socket would be longer than a Unix socket's may be.
    ///
    /// - Parameters:
    ///   - stateDirectory: is created (mode 0700, the last component only) when it is not there.
    ///   - patienceMs: how long to wait for another daemon or server that is just leaving the directory.
    public init(
        loop: Loop, stateDirectory: String, logger: Logger, executable: String = "redis-server",
        patienceMs: Int64 = 5_000
    ) throws(RedisAddressError) {
        self.directory = try Self.absolute(stateDirectory)
        self.address = try RedisAddress(unix: directory + "/redis.sock")
        self.loop = loop
        self.logger = logger
        self.executable = executable
        self.machine = PrivateRedisMachine(patienceMs: patienceMs)
    }

    /// Takes the directory and starts the server. The link may be started right away.
    public func start() {
        alarm = loop.timer { [weak self] in
            guard let self else { return }
            self.perform(self.machine.timePassed(now: self.loop.now))
        }
        if ChildProcess.find(executable) == nil {
            return refuse("there is no \(executable) in PATH; install it, or configure a Redis that runs elsewhere")
        }
        perform(machine.start(now: loop.now))
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
            logger.warning("redis-server does not end and is killed")
            child?.terminate(SIGKILL)
        case .refuse: refuse(busy)
        case .finish: finish()
        }
    }

    private func takeDirectory() {
        if mkdir(directory, 0o700) != 0, errno != EEXIST {
            return refuse("\(SystemError(errno, "mkdir \(directory)"))")
        }
        do {
            lock = try DirectoryLock(directory: directory)
            perform(machine.locked(now: loop.now))
        } catch {
            switch error {
            case .failed(let why): refuse(why)
            case .busy(let who):
                if busy != who { logger.notice("waiting for the state directory", metadata: ["reason": "\(who)"]) }
                busy = who
                perform(machine.lockIsBusy(now: loop.now))
            }
        }
    }

    private func refuse(_ why: String) {
        _ = machine.stop(now: loop.now)
        loop.deferred { [weak self] in
            self?.onFailure?(why)
            self?.finish()
        }
    }

    private func spawn() {
        guard let lock else { return }
        for mended in AppendOnlyTail.mend(directory: directory) { logger.warning("\(mended)") }
        do {
            let child = try ChildProcess.spawn(
                executable, arguments: arguments, directory: directory, output: .descriptor(lock.logDescriptor))
            self.child = child
            watch = try loop.child(child) { [weak self] in self?.ended("\($0)") }
            pid = child.pid
            logger.info("started redis-server", metadata: ["pid": "\(child.pid)", "address": "\(address)"])
        } catch { ended("\(error)") }
    }

    private func ended(_ how: String) {
        let isExpected = machine.state == .stopping
        child = nil
        watch = nil
        pid = nil
        alarm?.disarm()
        let action = machine.ended(now: loop.now)
        if !isExpected {
            logger.error(
                "redis-server ended and is started again",
                metadata: MessageID.ownRedisEnded.with([
                    "how": "\(how)", "failures": "\(machine.failures)", "log": "\(directory)/redis.log",
                ]))
        }
        perform(action)
    }

    private func finish() {
        alarm?.disarm()
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
            "--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction",
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
