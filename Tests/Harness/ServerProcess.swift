// A program run by a test: started, signalled by its own pid, waited for, and gone at the latest with the test process.
//
// The child is started through `setpriv --pdeathsig KILL`, so that it dies even when the test process is killed. The
// kernel sends that signal when the *thread* that forked ends, and threads of a pool do end; therefore all children
// are started by one thread that lives as long as the process. Each child has a thread that waits for it and reaps
// it; a signal is only ever sent to a child that was not reaped, so never to a stranger with the same pid.

import Foundation

/// How a process ended.
public enum ProcessEnd: Equatable, Sendable, CustomStringConvertible {
    case exited(Int32)
    case signalled(Int32)
    public var description: String {
        switch self {
        case .exited(let code): "exit status \(code)"
        case .signalled(let signal): "signal \(signal)"
        }
    }
}

/// A running child process; killed when this object goes.
public final class ServerProcess: @unchecked Sendable {
    public let pid: Int32
    /// Where its standard output and standard error go, or nil when they are the test's own.
    public let logPath: String?
    private let state = NSCondition()
    private var ended: ProcessEnd?

    /// Starts `executable` (a path, or a name looked up in PATH). `environment` is added to the test's own.
    /// `log`: file its output is appended to. `standardInput`: a descriptor to hand over, else /dev/null.
    public init(
        _ executable: String, _ arguments: [String] = [], environment: [String: String] = [:], log: String? = nil,
        standardInput: Int32? = nil, standardOutput: Int32? = nil
    ) throws {
        let command = ["setpriv", "--pdeathsig", "KILL", "--", executable] + arguments
        logPath = log
        pid = try Spawner.shared.run {
            try Self.spawn(
                command, environment: environment, log: log, input: standardInput, output: standardOutput)
        }
        Thread.detachNewThread { [self] in reap() }
    }

    /// Nil while it runs.
    public var end: ProcessEnd? {
        state.withLock { ended }
    }

    public var isRunning: Bool { end == nil }

    /// Sends a signal, unless the process has ended.
    public func send(signal: Int32) {
        state.withLock { if ended == nil { _ = Foundation.kill(pid, signal) } }
    }

    /// SIGKILL, and waits until it is gone.
    public func kill() {
        send(signal: SIGKILL)
        _ = try? waitForEnd(within: 10)
    }

    /// How it ended; throws when it still runs after `seconds`.
    @discardableResult
    public func waitForEnd(within seconds: Double = 10) throws -> ProcessEnd {
        let limit = Date(timeIntervalSinceNow: seconds)
        state.lock()
        defer { state.unlock() }
        while true {
            if let ended { return ended }
            if !state.wait(until: limit), ended == nil {
                throw HarnessError("process \(pid) still runs after \(seconds) s\n\(log)")
            }
        }
    }

    /// What it has written so far, for messages.
    public var log: String {
        guard let logPath, let data = FileManager.default.contents(atPath: logPath) else { return "" }
        return String(decoding: data, as: UTF8.self)
    }

    /// Waits without reaping first, so that the pid stays ours until `ended` is set.
    private func reap() {
        var info = siginfo_t()
        while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        state.withLock {
            var status: Int32 = 0
            while waitpid(pid, &status, 0) < 0, errno == EINTR {}
            ended = status & 0x7f == 0 ? .exited((status >> 8) & 0xff) : .signalled(status & 0x7f)
            state.broadcast()
        }
    }

    private static func spawn(
        _ command: [String], environment: [String: String], log: String?, input: Int32?, output: Int32?
    ) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        if let log {
            posix_spawn_file_actions_addopen(&actions, 2, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
            posix_spawn_file_actions_adddup2(&actions, 2, 1)
        }
        if let output { posix_spawn_file_actions_adddup2(&actions, output, 1) }
        // Closing one that is no longer open is no error here.
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? [] {
            if let descriptor = Int32(name), descriptor > 2 { posix_spawn_file_actions_addclose(&actions, descriptor) }
        }

        // The test runner may block or ignore signals; a child must not inherit that.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0)=\($1)" }
        var arguments = command.map { strdup($0) } + [nil]
        var settings = variables.map { strdup($0) } + [nil]
        defer { for text in arguments + settings { free(text) } }
        var pid: pid_t = 0
        let failure = posix_spawnp(&pid, command[0], &actions, &attributes, &arguments, &settings)
        guard failure == 0 else { throw HarnessError("\(command[0]): \(String(cString: strerror(failure)))") }
        return pid
    }
}

/// The one thread that starts children.
private final class Spawner: @unchecked Sendable {
    static let shared = Spawner()
    private let condition = NSCondition()
    private var waiting: [() -> Void] = []

    private init() {
        Thread.detachNewThread { [self] in
            while true { next()() }
        }
    }

    private func next() -> () -> Void {
        condition.lock()
        defer { condition.unlock() }
        while waiting.isEmpty { condition.wait() }
        return waiting.removeFirst()
    }

    /// Runs `work` on the thread and waits for its result.
    func run<Value>(_ work: @escaping () throws -> Value) throws -> Value {
        let done = DispatchSemaphore(value: 0)
        nonisolated(unsafe) var result: Result<Value, any Error>?
        condition.withLock {
            waiting.append {
                result = Result(catching: work)
                done.signal()
            }
            condition.signal()
        }
        done.wait()
        return try result!.get()
    }
}
