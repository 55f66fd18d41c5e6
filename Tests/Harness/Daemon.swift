// The real jobqd binary, run by a test: started on a socket and a state directory of its own, watched, stopped, killed,
// and started again on the same files. Its log goes to a file whose text stands in every error thrown here. It reads no
// configuration of the machine.

import Foundation

/// A running (or stopped) jobqd.
public final class Daemon: @unchecked Sendable {
    /// Where jobs are kept.
    public enum Store: Sendable {
        /// `--redis`: the given server.
        case redis(RedisServer)
        /// `--redis URL`, whatever is there.
        case url(String)
        /// No option: the daemon's own child redis-server.
        case own
        /// `--store memory`.
        case memory
    }

    public let directory: TemporaryDirectory
    public let socketPath: String
    public let stateDirectory: String
    private let arguments: [String]
    private let environment: [String: String]
    private let wrapper: [String]
    private let lock = NSRecursiveLock()
    private var current: ServerProcess?

    /// Starts it and waits until `ping` with `"store":true` is answered. `ready`: false waits only for `ping` without
    /// the store. `start`: false leaves it down until `start()`. `arguments` come last, so they win.
    /// `wrapper`: a program and arguments that end in executing what follows them (`prlimit --nofile=64`).
    public init(
        _ store: Store, arguments extra: [String] = [], environment: [String: String] = [:], wrapper: [String] = [],
        ready: Bool = true, start: Bool = true
    ) throws {
        directory = try TemporaryDirectory()
        socketPath = directory.file("jobqd.sock")
        stateDirectory = directory.file("state")
        // No file of this machine is read: the test sees the built-in values.
        var arguments = ["--config", try directory.write("", to: "jobqd.conf")]
        arguments += ["--socket", socketPath, "--state-dir", stateDirectory]
        switch store {
        case .redis(let server): arguments += ["--redis", server.url]
        case .url(let url): arguments += ["--redis", url]
        case .own: break
        case .memory: arguments += ["--store", "memory"]
        }
        self.arguments = arguments + extra
        self.environment = environment
        self.wrapper = wrapper
        if start { try self.start(ready: ready) }
    }

    deinit { current?.kill() }

    /// The process; traps when it was never started.
    public var process: ServerProcess { lock.withLock { current! } }

    public var pid: Int32 { process.pid }

    /// What it has logged since its first start.
    public var log: String { directory.read("log") }

    /// Starts the process and waits until it answers; `ready` as in the initialiser.
    public func start(ready: Bool = true, within seconds: Double = 15) throws {
        let started = try launch()
        do {
            try eventually(within: seconds, "jobqd answering ping") {
                guard started.isRunning else { throw HarnessError("jobqd ended: \(started.end!)") }
                guard let client = try? LineClient(socketPath) else { return false }
                return try client.request(ready ? ["op": "ping", "store": true] : ["op": "ping"])["ok"] == true
            }
        } catch {
            throw HarnessError("\(error)\n--- log of jobqd ---\n\(log)")
        }
    }

    /// Starts the process and does not wait for anything.
    @discardableResult
    public func launch() throws -> ServerProcess {
        try lock.withLock {
            let command = wrapper + [Self.executable] + arguments
            let started = try ServerProcess(
                command[0], Array(command.dropFirst()), environment: environment, log: directory.file("log"))
            current = started
            return started
        }
    }

    /// SIGKILL, and waits until it is gone.
    public func kill() { process.kill() }

    /// SIGTERM; how it ended, which must be within `seconds`.
    @discardableResult
    public func terminate(within seconds: Double = 6) throws -> ProcessEnd {
        let process = process
        process.send(signal: SIGTERM)
        do {
            return try process.waitForEnd(within: seconds)
        } catch {
            throw HarnessError("\(error)\n--- log of jobqd ---\n\(log)")
        }
    }

    /// SIGKILL and `start()`.
    public func restart() throws {
        kill()
        try start()
    }

    /// A new connection.
    public func connect() throws -> LineClient {
        do {
            return try LineClient(socketPath)
        } catch {
            throw HarnessError("\(error)\n--- log of jobqd ---\n\(log)")
        }
    }

    /// The built binary: `$JOBQD_BINARY`, else beside the test's own executable, else in the package's `.build/debug`.
    public static let executable: String = BuiltProducts.path("jobqd", variable: "JOBQD_BINARY")
}

/// Finds what the package builds.
public enum BuiltProducts {
    /// The path of an executable product; traps when it was not built.
    public static func path(_ name: String, variable: String) -> String {
        if let given = ProcessInfo.processInfo.environment[variable] { return given }
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let bundles = ([own] + CommandLine.arguments).filter { $0.contains(".build/") }
        let places = bundles.flatMap(parents) + [packageDirectory + "/.build/debug"]
        guard let found = places.map({ "\($0)/\(name)" }).first(where: isProgram) else {
            fatalError("\(name) is not built; looked into \(places)")
        }
        return found
    }

    /// The directory of `Package.swift`.
    public static let packageDirectory = #filePath.components(separatedBy: "/Tests/Harness/")[0]

    /// The directories above a path, nearest first, as long as they lie in `.build`.
    private static func parents(_ path: String) -> [String] {
        var url = URL(fileURLWithPath: path).deletingLastPathComponent()
        var result: [String] = []
        while url.path.contains(".build/") {
            result.append(url.path)
            url.deleteLastPathComponent()
        }
        return result
    }

    private static func isProgram(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && !isDirectory.boolValue
            && FileManager.default.isExecutableFile(atPath: path)
    }
}
