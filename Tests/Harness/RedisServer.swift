// A redis-server of a test's own: Unix socket only, in a directory of its own, killed with the test. It can be killed
// and started again on the same files, and stopped and continued to play a Redis that hangs. The machine's own Redis is
// never used.

import Foundation

/// A private `redis-server`.
public final class RedisServer: @unchecked Sendable {
    /// When the append-only file is brought to disk.
    public enum AppendOnly: String, Sendable { case always, everysec, no }

    public let directory: TemporaryDirectory
    /// The server's socket.
    public let socketPath: String
    /// The same as jobqd's `--redis` takes it.
    public var url: String { "unix://\(socketPath)" }
    private let arguments: [String]
    private let lock = NSRecursiveLock()
    private var process: ServerProcess?
    private var client: RedisClient?
    private let password: String?

    /// Starts it and waits until it serves. `aof`: nil keeps nothing over a restart. `maxmemory` in bytes
    /// (`noeviction`). `password`: what clients must know. `arguments`: more of redis-server's options. `start`: false leaves it down until `start()`.
    public init(
        aof: AppendOnly? = nil, maxmemory: Int? = nil, password: String? = nil, arguments extra: [String] = [],
        start: Bool = true
    ) throws {
        directory = try TemporaryDirectory()
        socketPath = directory.file("redis.sock")
        var arguments = ["--port", "0", "--unixsocket", socketPath, "--dir", directory.path, "--save", ""]
        arguments += ["--daemonize", "no", "--maxmemory-policy", "noeviction"]
        if let aof { arguments += ["--appendonly", "yes", "--appendfsync", aof.rawValue] }
        if let maxmemory { arguments += ["--maxmemory", String(maxmemory)] }
        if let password { arguments += ["--requirepass", password] }
        self.password = password
        self.arguments = arguments + extra
        if start { try self.start() }
    }

    deinit { process?.kill() }

    /// Nil while it is down.
    public var pid: Int32? { lock.withLock { process?.isRunning == true ? process?.pid : nil } }

    /// What the server wrote to its log.
    public var log: String { directory.read("log") }

    /// What it logged as a warning or worse.
    public var complaints: [String] { log.split(separator: "\n").filter { $0.contains(" # ") }.map(String.init) }

    /// Starts it again on the same directory and waits until it has loaded its data.
    public func start() throws {
        try lock.withLock {
            unlink(socketPath)
            try cutUnfinishedTransaction()
            let started = try ServerProcess("redis-server", arguments, log: directory.file("log"))
            process = started
            try eventually(within: 20, "redis-server ready\n\(log)") {
                guard started.isRunning else { throw HarnessError("redis-server ended: \(log)") }
                guard let client = try? connect() else { return false }
                return try client.command(["PING"]) == .status("PONG")
            }
        }
    }

    /// Cuts off a transaction that was being written when the server was killed; it was never acknowledged.
    ///
    /// Redis 7.0 leaves it out when it loads the file, but leaves its beginning in the file, and at the next start executes
    /// that as a part of the transaction behind it ("MULTI calls can not be nested"). `redis-check-aof --fix` does the same
    /// as this.
    private func cutUnfinishedTransaction() throws {
        let folder = directory.file("appendonlydir")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        for path in names.filter({ $0.hasSuffix(".incr.aof") }).map({ "\(folder)/\($0)" }) {
            let data = try Data(contentsOf: URL(fileURLWithPath: path))
            guard let begin = data.range(of: Data("*1\r\n$5\r\nMULTI\r\n".utf8), options: .backwards) else { continue }
            if data.range(of: Data("*1\r\n$4\r\nEXEC\r\n".utf8), in: begin.upperBound..<data.endIndex) == nil {
                guard truncate(path, off_t(begin.lowerBound)) == 0 else { throw HarnessError("truncate \(path)") }
            }
        }
    }

    /// SIGKILL: what was not on disk (by `aof`) is lost.
    public func kill() {
        lock.withLock {
            client = nil
            process?.kill()
            process = nil
        }
    }

    /// SIGKILL and `start()`.
    public func restart() throws {
        kill()
        try start()
    }

    /// SIGSTOP: connections stay open and nothing is answered.
    public func suspend() { lock.withLock { process?.send(signal: SIGSTOP) } }

    /// SIGCONT.
    public func resume() { lock.withLock { process?.send(signal: SIGCONT) } }

    /// One command over a connection kept for this; an error reply is a value.
    @discardableResult
    public func command(_ arguments: String...) throws -> RedisReply { try command(arguments) }

    /// The same with the arguments in an array.
    @discardableResult
    public func command(_ arguments: [String]) throws -> RedisReply {
        try lock.withLock {
            do {
                let connection = try client ?? connect()
                client = connection
                return try connection.command(arguments)
            } catch {
                client = nil
                throw error
            }
        }
    }

    private func connect() throws -> RedisClient {
        let client = try RedisClient(path: socketPath)
        if let password { _ = try client.command(["AUTH", password]) }
        return client
    }

    /// Every key with its type and whole value as text: for comparing the keyspace before and after.
    /// Hashes and sets are sorted, sorted sets carry their scores, streams their ids.
    public func dump(matching pattern: String = "*") throws -> [String: String] {
        var result: [String: String] = [:]
        for key in try command("KEYS", pattern).strings {
            result[key] = try dump(key: key)
        }
        return result
    }

    private func dump(key: String) throws -> String {
        let type = try command("TYPE", key).string ?? "none"
        switch type {
        case "string": return "string \(try command("GET", key))"
        case "hash":
            let fields = try command("HGETALL", key).dictionary.sorted { $0.key < $1.key }
            return "hash " + fields.map { "\($0.key)=\($0.value)" }.joined(separator: "|")
        case "set": return "set " + (try command("SMEMBERS", key).strings.sorted().joined(separator: "|"))
        case "zset":
            return "zset " + (try command("ZRANGE", key, "0", "-1", "WITHSCORES").strings.joined(separator: "|"))
        case "list": return "list " + (try command("LRANGE", key, "0", "-1").strings.joined(separator: "|"))
        case "stream": return "stream \(try command("XRANGE", key, "-", "+"))"
        default: return type
        }
    }
}
