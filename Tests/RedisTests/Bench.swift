// What the tests with a real server share: a loop that is driven by the test's own thread, a log that can be read, and
// links with short deadlines. Everything is waited for with a deadline; nothing sleeps.

import Harness
import Logging
import Reactor
import Redis

/// A loop and what a test needs around it.
final class Bench {
    let loop: Loop
    let log = LogRecorder()

    init() throws { loop = try Loop() }

    var logger: Logger {
        let log = log
        var logger = Logger(label: "test") { _ in log }
        logger.logLevel = .trace
        return logger
    }

    /// Lets the loop turn until the condition holds.
    func run(within seconds: Double = 10, until what: String, _ condition: () throws -> Bool) throws {
        let deadline = Deadline(after: seconds)
        while try !condition() {
            if deadline.hasPassed { throw HarnessError("\(what) did not happen within \(seconds) s\n\(log.text)") }
            _ = try loop.runOnce(timeout: 20_000)
        }
    }

    /// Retries quickly and without chance; gives up on an answer after two seconds.
    func configuration(_ url: String, timeoutMs: Int64 = 2_000) throws -> RedisConfiguration {
        var configuration = RedisConfiguration(
            address: try RedisAddress.parse(url), clientName: "link-test", requestTimeoutMs: timeoutMs)
        configuration.firstRetryMs = 10
        configuration.longestRetryMs = 50
        configuration.random = { 0 }
        return configuration
    }

    func link(_ configuration: RedisConfiguration, scripts: [Script] = []) -> RedisLink {
        RedisLink(loop: loop, configuration: configuration, scripts: scripts, logger: logger)
    }

    /// A link that is ready.
    func readyLink(_ configuration: RedisConfiguration, scripts: [Script] = []) throws -> RedisLink {
        let link = link(configuration, scripts: scripts)
        link.start()
        try run(until: "the link is ready") { link.isReady }
        return link
    }

    /// Sends one command and waits for what becomes of it.
    func ask(_ link: RedisLink, _ words: String...) throws -> Outcome {
        var command = CommandBuffer()
        for word in words { command.append(word) }
        var outcome: Outcome?
        link.send(command) { outcome = Outcome($0) }
        link.flush()
        try run(until: "an answer to \(words[0])") { outcome != nil }
        return outcome!
    }

    /// Runs a script and waits for what becomes of it.
    func ask(_ link: RedisLink, _ script: Script, keys: [String] = [], _ arguments: String...) throws -> Outcome {
        var buffer = CommandBuffer()
        for argument in arguments { buffer.append(argument) }
        var outcome: Outcome?
        link.run(script, keys: keys, buffer) { outcome = Outcome($0) }
        link.flush()
        try run(until: "an answer of \(script.name)") { outcome != nil }
        return outcome!
    }
}

/// A result by value, for comparing.
enum Outcome: Equatable {
    case value(String)
    case number(Int64)
    case list([Outcome])
    case none
    case failure(RedisFailure)

    init(_ result: Result<ReplyView, RedisFailure>) {
        switch result {
        case .success(let reply): self.init(reply)
        case .failure(let failure): self = .failure(failure)
        }
    }

    init(_ reply: ReplyView) {
        switch reply.kind {
        case .string, .status: self = .value(reply.string)
        case .integer: self = .number(reply.integer)
        case .array: self = .list((0..<reply.count).map { Outcome(reply[$0]) })
        case .nil: self = .none
        case .error: self = .value("error " + reply.string)
        case .other: self = .value("other")
        }
    }

    var failure: RedisFailure? { if case .failure(let failure) = self { failure } else { nil } }
}

/// A log handler that keeps all entries. Used by one thread only: that of the test.
final class LogRecorder: LogHandler, @unchecked Sendable {
    private(set) var entries: [(level: Logger.Level, text: String)] = []
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let pairs = (event.metadata ?? [:]).map { "\($0)=\($1)" }.sorted().joined(separator: " ")
        entries.append((event.level, "\(event.message) \(pairs)"))
    }

    var text: String { entries.map { "\($0.level) \($0.text)" }.joined(separator: "\n") }
    func count(_ level: Logger.Level) -> Int { entries.count { $0.level == level } }
}
