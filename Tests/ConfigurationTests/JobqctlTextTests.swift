// How jobqctl shows things, and which exit status an error becomes; without a daemon.

import Glibc
import Harness
import JobqClient
import Testing
import Wire

@testable import jobqctl

struct JobqctlTextTests {
    private static let plain = Terminal(hasColours: false)
    private static let colourful = Terminal(hasColours: true)

    @Test func tableAlignsItsColumnsAndEndsLinesWithoutSpaces() {
        var table = Table([("NAME", .left), ("N", .right), ("", .left)])
        table.add([.init("a"), .init("10"), .init("")])
        table.add([.init("longer"), .init("7"), .init("paused")])
        #expect(table.text(Self.plain) == "NAME     N\na       10\nlonger   7  paused\n")
    }

    @Test func colouredTableHasTheSameText() {
        var table = Table([("NAME", .left), ("N", .right)])
        table.add([.init("a", .red), .init("10", .green)])
        let coloured = table.text(Self.colourful)
        #expect(coloured.contains("\u{1B}[31ma\u{1B}[0m"))
        var stripped = coloured
        for code in ["1", "31", "32", "0"] { stripped = stripped.replacing("\u{1B}[\(code)m", with: "") }
        #expect(stripped == table.text(Self.plain))
    }

    @Test func controlCharactersOfOthersNeverReachTheTerminal() {
        #expect(Terminal.visible("a\u{1B}[2Jb\n\u{9B}\u{7F}é") == "a\\u{1b}[2Jb\\u{a}\\u{9b}\\u{7f}é")
        var table = Table([("NAME", .left)])
        table.add([.init("\u{1B}]0;title\u{7}")])
        #expect(!table.text(Self.plain).contains("\u{1B}"))
    }

    @Test(arguments: [
        (0, "0 ms"), (999, "999 ms"), (59_999, "59 s"), (185_000, "3 min 5 s"), (7_800_000, "2 h 10 min"),
        (349_200_000, "4 d 1 h"),
    ])
    func spansAreSaidInTwoUnits(milliseconds: Int64, text: String) {
        #expect(TimeText.span(milliseconds) == text)
    }

    @Test func fieldsShowTimesSpansAndInnerObjects() throws {
        let object = try JSONDocument(
            #"{"ok":true,"n":1,"uptime_ms":5000,"redis":{"state":"ready"},"payload":{"b":[1.10]},"at_at":0,"hidden":1}"#
        )
        let lines = Fields.lines(object, leavingOut: ["ok", "hidden"])
        #expect(lines.map(\.name) == ["n", "uptime_ms", "redis.state", "payload", "at_at"])
        #expect(lines.map(\.text).dropLast() == ["1", "5 s", "ready", #"{"b":[1.10]}"#])
    }

    @Test(arguments: [
        ("not_found", 1), ("wrong_state", 1), ("bad_request", 64), ("unknown_op", 64), ("bad_json", 65),
        ("internal", 70), ("store_unavailable", 75), ("queue_full", 75), ("unsupported_protocol", 76),
        ("forbidden", 77), ("of_a_later_version", 76),
    ])
    func refusalsHaveTheExitStatusOfTheirKind(code: String, status: Int) throws {
        let error = ProtocolError(try JSONDocument(#"{"code":"\#(code)","message":"no"}"#))
        #expect(Int(ExitStatus(error).rawValue) == status)
    }

    @Test(arguments: [
        (ConnectionError.connect(path: "/x", code: ENOENT), 69), (.connect(path: "/x", code: ECONNREFUSED), 69),
        (.connect(path: "/x", code: EACCES), 77), (.connect(path: "/x", code: ENAMETOOLONG), 78),
        (.timedOut, 75), (.closed, 75), (.notAReply("x"), 76),
    ])
    func lostConnectionsHaveTheExitStatusOfTheirKind(error: ConnectionError, status: Int) {
        #expect(Int(ExitStatus(error).rawValue) == status)
    }
}

/// The built binary, with nobody to talk to.
@Suite(.timeLimit(.minutes(1))) struct JobqctlWithoutDaemonTests {
    private static let jobqctl = BuiltProducts.path("jobqctl", variable: "JOBQCTL_BINARY")

    @Test func missingDaemonIsStatus69WithAHint() throws {
        let result = try Program.run(Self.jobqctl, ["ping"], environment: ["JOBQD_SOCKET": "/nonexistent/jobqd.sock"])
        #expect(result.status == 69)
        #expect(result.output.isEmpty)
        #expect(
            result.errors
                == "jobqctl: cannot reach jobqd at /nonexistent/jobqd.sock: No such file or directory; "
                + "is it running? (systemctl status jobqd)\n")
    }

    @Test func optionComesBeforeTheEnvironment() throws {
        let result = try Program.run(
            Self.jobqctl, ["ping", "--socket", "/one"], environment: ["JOBQD_SOCKET": "/two"])
        #expect(result.errors.contains("/one"))
    }

    @Test(arguments: [
        [], ["list"], ["nonsense"], ["requeue"], ["requeue", "q/a", "--queue", "q"], ["list", "q", "--state", "x"],
    ])
    func wrongUsageIsStatus64(arguments: [String]) throws {
        // Without a subcommand argument-parser shows its help, which is no mistake.
        #expect(try Program.run(Self.jobqctl, arguments).status == (arguments.isEmpty ? 0 : 64))
    }

    @Test func socketPathThatCannotBeIsStatus78() throws {
        let path = "/" + String(repeating: "x", count: 120)
        #expect(try Program.run(Self.jobqctl, ["ping", "--socket", path]).status == 78)
    }
}
