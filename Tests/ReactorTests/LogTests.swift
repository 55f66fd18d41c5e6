// The log: its three forms, escaping, and that a reader who does not read costs lines and not time.

import Foundation
import Glibc
import Harness
import Logging
import Testing

@testable import Reactor

/// A logger on a sink, with everything let through.
private func logger(_ sink: LogSink) -> Logger {
    Logger(label: "jobqd.test") { JournalLogHandler(label: $0, sink: sink, level: .trace) }
}

/// The two ends of a pipe.
private final class Pipe2 {
    let output: Int32
    let input: Int32
    init() {
        var ends: [Int32] = [-1, -1]
        _ = pipe(&ends)
        (output, input) = (ends[0], ends[1])
        _ = fcntl(output, F_SETFL, O_NONBLOCK)
    }
    deinit {
        close(output)
        close(input)
    }
    func readAll() -> String {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while case let n = read(output, &chunk, chunk.count), n > 0 { all += chunk[..<n] }
        return String(decoding: all, as: UTF8.self)
    }
}

@Suite(.timeLimit(.minutes(1))) struct LogTests {
    @Test func pipeGetsLinesWithASyslogLevel() {
        let pipe = Pipe2()
        let sink = LogSink(descriptor: pipe.input)
        #expect(sink.kind == .pipe)
        var log = logger(sink)
        log[metadataKey: "queue"] = "email"
        log.info("started", metadata: ["jobs": "3"])
        log.error("broken")
        log.debug("seen")
        #expect(pipe.readAll() == "<6>started jobs=3 queue=email\n<3>broken queue=email\n<7>seen queue=email\n")
    }

    @Test func levelIsRespected() {
        let pipe = Pipe2()
        let sink = LogSink(descriptor: pipe.input)
        var log = Logger(label: "x") { JournalLogHandler(label: $0, sink: sink, level: .warning) }
        log.info("no")
        log.logLevel = .info
        log.info("yes")
        #expect(pipe.readAll() == "<6>yes\n")
    }

    @Test func terminalGetsPlainText() throws {
        var (main, terminal): (Int32, Int32) = (-1, -1)
        #expect(openpty(&main, &terminal, nil, nil, nil) == 0)
        _ = fcntl(main, F_SETFL, O_NONBLOCK)
        defer {
            close(main)
            close(terminal)
        }
        let sink = LogSink(descriptor: terminal)
        #expect(sink.kind == .terminal)
        logger(sink).warning("careful", metadata: ["n": "1"])
        var chunk = [UInt8](repeating: 0, count: 1_024)
        let text = try eventualValue("a line") {
            let n = read(main, &chunk, chunk.count)
            return n > 0 ? String(decoding: chunk[..<n], as: UTF8.self) : nil
        }
        #expect(text == "jobqd: warning: careful n=1\r\n")
    }

    @Test func fileGetsAllLines() throws {
        let folder = try TemporaryDirectory()
        let fd = open(folder.file("log"), O_WRONLY | O_CREAT | O_APPEND, 0o600)
        defer { close(fd) }
        let log = logger(LogSink(descriptor: fd))
        log.info("one")
        log.info("two")
        #expect(folder.read("log") == "<6>one\n<6>two\n")
    }

    @Test func controlCharactersAreEscaped() {
        let pipe = Pipe2()
        logger(LogSink(descriptor: pipe.input)).info(
            "a\nb\u{1B}[2J\u{07}\u{85}é", metadata: ["who": "x\n<0>fake", "k\ney": "v"])
        #expect(pipe.readAll() == "<6>a\\nb\\x1b[2J\\x07\\x85é k\\ney=v who=x\\n<0>fake\n")
        #expect(LogText.escaped("plain — text\\n") == "plain — text\\n")
        #expect(LogText.escaped("\r\n\t\u{7F}") == "\\r\\n\\t\\x7f")
    }

    @Test func pipeNobodyReadsCostsLinesAndNotTime() {
        let pipe = Pipe2()
        let sink = LogSink(descriptor: pipe.input)
        let log = logger(sink)
        for i in 0..<5_000 { log.info("line \(i) \(String(repeating: "x", count: 100))") }
        #expect(sink.dropped > 0)
        let before = pipe.readAll().split(separator: "\n").count
        #expect(before + sink.dropped == 5_000)
        let lost = sink.dropped
        log.info("again")
        #expect(pipe.readAll() == "<6>again (\(lost) lines before this one were lost)\n")
        #expect(sink.dropped == 0)
        // The pipe itself is as it was for whoever else writes to it.
        #expect(fcntl(pipe.input, F_GETFL) & O_NONBLOCK == 0)
    }

    @Test func longLineIsCutToOneWrite() {
        let pipe = Pipe2()
        logger(LogSink(descriptor: pipe.input)).info("\(String(repeating: "x", count: 10_000))")
        let text = pipe.readAll()
        #expect(text.utf8.count == 4_096)
        #expect(text.hasSuffix("x\n"))
    }

    @Test func journalGetsFields() throws {
        let folder = try TemporaryDirectory()
        let fd = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
        defer { close(fd) }
        #expect(withUnixAddress(folder.file("j")) { bind(fd, $0, $1) } == 0)
        let sink = try #require(LogSink(journal: folder.file("j")))
        logger(sink).error("no\nway", metadata: ["queue-name": "email"], line: 42)
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let n = recv(fd, &chunk, chunk.count, 0)
        let fields = String(decoding: chunk[..<max(0, n)], as: UTF8.self).split(separator: "\n").map(String.init)
        for field in [
            "PRIORITY=3", "SYSLOG_IDENTIFIER=jobqd", "LOGGER=jobqd.test", "CODE_LINE=42", "JOBQD_QUEUE_NAME=email",
            "MESSAGE=no\\nway",
        ] { #expect(fields.contains(field)) }
        #expect(fields.contains { $0.hasPrefix("CODE_FILE=") && $0.hasSuffix("LogTests.swift") })
        #expect(!fields.contains { $0.hasPrefix("MESSAGE_ID") })
        logger(sink).info("ready", metadata: MessageID.ready.with(["a": "b"]))
        let m = recv(fd, &chunk, chunk.count, 0)
        let known = String(decoding: chunk[..<max(0, m)], as: UTF8.self).split(separator: "\n").map(String.init)
        #expect(known.contains("MESSAGE_ID=\(MessageID.ready.rawValue)") && known.contains("JOBQD_A=b"))
        #expect(!known.contains { $0.hasPrefix("JOBQD_MESSAGE_ID") })
    }

    @Test func idOfAMessageIsForTheJournalOnly() {
        let pipe = Pipe2()
        logger(LogSink(descriptor: pipe.input)).info("ready", metadata: MessageID.ready.with(["a": "b"]))
        #expect(pipe.readAll() == "<6>ready a=b\n")
    }

    @Test func journalThatDoesNotReadCostsLinesAndNotTime() throws {
        let folder = try TemporaryDirectory()
        let fd = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
        defer { close(fd) }
        #expect(withUnixAddress(folder.file("j")) { bind(fd, $0, $1) } == 0)
        let sink = try #require(LogSink(journal: folder.file("j")))
        for i in 0..<3_000 { logger(sink).info("line \(i)") }
        #expect(sink.dropped > 0)
        #expect(LogSink(journal: folder.file("none")) == nil)
    }

    @Test func fieldNamesAreWhatTheJournalAllows() {
        #expect(JournalLogHandler.fieldName("worker") == "JOBQD_WORKER")
        #expect(JournalLogHandler.fieldName("round-trip us") == "JOBQD_ROUND_TRIP_US")
        #expect(JournalLogHandler.fieldName(String(repeating: "a", count: 100)).utf8.count == 64)
    }
}

extension ServiceManagerTests {
    @Test func journalIsRecognisedByItsDeviceAndInode() {
        let pipe = Pipe2()
        var status = stat()
        fstat(pipe.input, &status)
        setenv("JOURNAL_STREAM", "\(status.st_dev):\(status.st_ino)", 1)
        defer { unsetenv("JOURNAL_STREAM") }
        #expect(LogSink.isJournal(pipe.input))
        #expect(!LogSink.isJournal(0))
    }
}
