// The log level as one value that a reload can change. swift-log copies a handler into each logger, so the level must
// stand beside them.

import Logging
import Reactor
import Synchronization

/// The least important level that is logged.
final class LogLevel: Sendable {
    static let shared = LogLevel()
    private let rank = Atomic<Int>(Logger.Level.info.rank)

    func set(_ level: Logger.Level) { rank.store(level.rank, ordering: .relaxed) }
    var level: Logger.Level { Logger.Level.allCases[rank.load(ordering: .relaxed)] }
}

extension Logger.Level {
    fileprivate var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// A handler that asks `LogLevel.shared` what to log.
struct AdjustableLogHandler: LogHandler {
    private var handler: JournalLogHandler

    init(_ handler: JournalLogHandler) { self.handler = handler }

    var logLevel: Logger.Level {
        get { LogLevel.shared.level }
        set { handler.logLevel = newValue }
    }
    var metadata: Logger.Metadata {
        get { handler.metadata }
        set { handler.metadata = newValue }
    }
    var metadataProvider: Logger.MetadataProvider? {
        get { handler.metadataProvider }
        set { handler.metadataProvider = newValue }
    }
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { handler[metadataKey: key] }
        set { handler[metadataKey: key] = newValue }
    }
    func log(event: LogEvent) { handler.log(event: event) }
}
