// The swift-log handler of the daemon: one entry a message, in the form that fits the place standard error goes to.
//
// In the journal an entry has fields of its own: PRIORITY, MESSAGE, SYSLOG_IDENTIFIER, LOGGER, CODE_FILE, CODE_LINE,
// CODE_FUNC, MESSAGE_ID for those that have one (`MessageID`), and each other piece of metadata as JOBQD_<KEY>; elsewhere
// the metadata follows the text as key=value, without the id. Text is escaped (`LogText`), cut to what one write takes, and
// never waited for (`LogSink`).

public import Logging

/// Logs to the journal, a pipe or a terminal. Use: `LoggingSystem.bootstrap { JournalLogHandler(label: $0, sink: sink) }`.
public struct JournalLogHandler: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var metadataProvider: Logger.MetadataProvider?
    public var logLevel: Logger.Level

    private let label: String
    private let identifier: String
    private let sink: LogSink

    /// `identifier` is the program's name in the journal and on a terminal.
    public init(label: String, sink: LogSink, level: Logger.Level = .info, identifier: String = "jobqd") {
        self.label = label
        self.sink = sink
        self.logLevel = level
        self.identifier = identifier
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
        if let own = event.metadata { all.merge(own) { $1 } }
        if let error = event.error { all["error"] = "\(error)" }
        let id = all.removeValue(forKey: MessageID.key).map { LogText.escaped("\($0)") }
        let pairs = all.sorted { $0.key < $1.key }.map { (key: $0.key, text: LogText.escaped("\($0.value)")) }
        let message = LogText.escaped("\(event.message)")
        sink.write { lost in
            sink.kind == .journal
                ? entry(event, message, id, pairs, lost) : line(event.level, message, pairs, lost)
        }
    }

    /// A line of text, ended by a newline, no longer than one write takes.
    private func line(
        _ level: Logger.Level, _ message: String, _ pairs: [(key: String, text: String)], _ lost: Int
    ) -> [UInt8] {
        var text = sink.kind == .pipe ? "<\(level.priority)>" : "\(identifier): \(level): "
        text += message
        for (key, value) in pairs { text += " \(LogText.escaped(key))=\(value)" }
        if lost > 0 { text += " (\(lost) lines before this one were lost)" }
        var bytes = Array(text.utf8)
        if bytes.count >= sink.longest { bytes.removeSubrange((sink.longest - 1)...) }
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }

    /// An entry in the journal's own form: `KEY=value` lines; none of our values has a newline.
    private func entry(
        _ event: LogEvent, _ message: String, _ id: String?, _ pairs: [(key: String, text: String)], _ lost: Int
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        func field(_ key: String, _ value: String) {
            let room = sink.longest - bytes.count - key.utf8.count - 2
            guard room > 0 else { return }
            bytes.append(contentsOf: key.utf8)
            bytes.append(UInt8(ascii: "="))
            bytes.append(contentsOf: value.utf8.prefix(room))
            bytes.append(UInt8(ascii: "\n"))
        }
        field("PRIORITY", "\(event.level.priority)")
        field("SYSLOG_IDENTIFIER", identifier)
        field("LOGGER", LogText.escaped(label))
        field("CODE_FILE", event.file)
        field("CODE_LINE", "\(event.line)")
        field("CODE_FUNC", event.function)
        if let id { field("MESSAGE_ID", id) }
        if lost > 0 { field("JOBQD_LINES_LOST", "\(lost)") }
        for (key, value) in pairs { field(JournalLogHandler.fieldName(key), value) }
        field("MESSAGE", message)
        return bytes
    }

    /// A metadata key as a journal field: `JOBQD_` and upper-case letters, digits and underscores, 64 bytes at most.
    static func fieldName(_ key: String) -> String {
        let allowed = key.uppercased().unicodeScalars.map { scalar -> Character in
            ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar) ? Character(scalar) : "_"
        }
        return "JOBQD_" + String(allowed.prefix(58))
    }
}

extension Logger.Level {
    /// The syslog level (syslog(3)): 7 debug … 2 critical.
    fileprivate var priority: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
