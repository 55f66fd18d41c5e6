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

    // MARK: Width

    @Test(arguments: [
        ("abc", 3), ("日本語", 6), ("ｱ", 1), ("Ａ", 2), ("e\u{301}", 1), ("👍", 2), ("👩‍👩‍👧", 2), ("🇩🇪", 2), ("❤️", 2), ("한글", 4),
        ("\u{1112}\u{1161}\u{11AB}", 2), ("é", 1), ("", 0), ("→", 1),
    ])
    func textIsAsWideAsATerminalShowsIt(text: String, width: Int) {
        #expect(TextWidth.of(text) == width)
    }

    @Test func cutTextIsNeverWiderAndSaysSo() {
        #expect(TextWidth.cut("日本語", to: 6) == "日本語" && TextWidth.cut("日本語", to: 5) == "日本…")
        #expect(TextWidth.cut("日本語", to: 4) == "日…" && TextWidth.cut("abc", to: 0) == "")
        for width in 0...12 { #expect(TextWidth.of(TextWidth.cut("a日e\u{301}👩‍👩‍👧xyz", to: width)) <= width) }
    }

    @Test func columnsOfWideScriptsStandBelowEachOther() {
        var table = Table([("NAME", .left), ("N", .right)])
        for name in ["日本", "e\u{301}a", "👍x"] { table.add([.init(name), .init("1")]) }
        let ends = table.text(Self.plain).split(separator: "\n").map { TextWidth.of(String($0)) }
        #expect(Set(ends).count == 1)
    }

    private static func wideTable() -> Table {
        var table = Table(
            [("JOB", .left), ("TYPE", .left), ("PRIORITY", .right), ("ERROR", .left)], cut: ["ERROR", "TYPE"],
            drop: ["PRIORITY", "TYPE"])
        table.add([
            .init("q/1"), .init("some.kind"), .init("0"), .init(String(repeating: "日本 ", count: 60), .red),
        ])
        return table
    }

    @Test func aTableFitsTheTerminalAndSaysWhatItLeftOut() {
        for columns in 10...200 {
            for colours in [false, true] {
                let text = Self.wideTable().text(Terminal(hasColours: colours, columns: columns))
                let bare = text.replacing(try! Regex("\u{1B}\\[[0-9]*m"), with: "")
                for line in bare.split(separator: "\n") { #expect(TextWidth.of(String(line)) <= columns) }
            }
        }
        let narrow = Self.wideTable().text(Terminal(hasColours: false, columns: 38))
        #expect(narrow.hasPrefix("JOB  TYPE       ERROR\n"))
        #expect(narrow.contains("left out: PRIORITY"))
        // A pipe gets all of it.
        #expect(!Self.wideTable().text(Self.plain).contains("…"))
    }

    @Test func whatTurnsOrHidesTextIsMadeVisibleInJSONAsJSON() throws {
        let text = "a\u{9B}\u{7F}\u{202E}\u{2066}\u{200B}\u{2028}\u{FEFF}é👩‍👧"
        let shown = Terminal.json("{\"a\":\"\(text)\"\t,\"\u{85}\":1}")
        #expect(shown == #"{"a":"a\u009b\u007f\u202e\u2066\u200b\u2028\ufeffé👩‍👧" ,"\u0085":1}"#)
        #expect(try JSONDocument(shown)["a"]?.string == text)
        #expect(Terminal.visible("\u{202E}x\u{200F}") == "\\u{202e}x\\u{200f}")
    }

    // MARK: Words

    @Test(arguments: [
        (["--json", "queue", "list"], ["queue", "list", "--json"]),
        (["queue", "--json", "list"], ["queue", "list", "--json"]),
        (["--socket", "/s", "-i", "a", "stats", "q"], ["stats", "--socket", "/s", "-i", "a", "q"]),
        (["--socket=/s", "--timeout", "5s", "ping", "--json"], ["ping", "--socket=/s", "--timeout", "5s", "--json"]),
        (["run", "-q", "q", "--", "x", "--json"], ["run", "-q", "q", "--", "x", "--json"]),
        (["--version"], ["--version"]), ([], []), (["help", "queue", "list"], ["help", "queue", "list"]),
    ])
    func optionsOfTheConnectionMayStandBeforeTheCommand(words: [String], arranged: [String]) throws {
        #expect(try CommandWords.arranged(words) == arranged)
    }

    @Test(arguments: [
        (["stauts"], "unknown command 'stauts'; did you mean 'status'?"),
        (["queue", "lst"], "unknown command 'queue lst'; did you mean 'queue list'?"),
        (["help", "enqeue"], "unknown command 'enqeue'; did you mean 'enqueue'?"),
        (["help", "queue", "xyzzy"], "unknown command 'queue xyzzy'"), (["xyzzy"], "unknown command 'xyzzy'"),
        (["help", "ping", "x"], "'ping' has no commands below it: 'x'"),
        (["--json"], "missing command; see: jobqctl --help"),
        (["--socket"], "missing value for --socket"),
    ])
    func unknownCommandsAreNamedWithTheNearest(words: [String], message: String) throws {
        let problem = try #require(throws: UsageProblem.self) { try CommandWords.arranged(words) }
        #expect(problem.description.hasPrefix(message), "\(problem.description)")
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
        ["help", "nonsense"], ["queue", "nonsense"], ["ping", "--socket", "/a", "-i", "b"], ["ping", "-i", "../x"],
    ])
    func wrongUsageIsStatus64(arguments: [String]) throws {
        // Without a subcommand argument-parser shows its help, which is no mistake.
        #expect(try Program.run(Self.jobqctl, arguments).status == (arguments.isEmpty ? 0 : 64))
    }

    @Test func socketPathThatCannotBeIsStatus78() throws {
        let path = "/" + String(repeating: "x", count: 120)
        #expect(try Program.run(Self.jobqctl, ["ping", "--socket", path]).status == 78)
    }

    /// Wrong usage and all else in one voice: one line behind the program's name, which says what is valid.
    @Test(arguments: [
        (
            ["enqueue", "q", "1", "--delay", "5x"],
            "the value '5x' is invalid for '--delay <duration>'; valid: a number with ms"
        ),
        (["enqueue", "q", "1", "--run-at", "soon"], "valid: 2026-11-21T14:03:07Z"),
        (["enqueue", "q", "1", "--backoff", "fixed:x"], "valid: KIND[:FIRST"),
        (["queue", "configure", "q", "lese=5s"], "unknown key; did you mean lease? valid keys: max_attempts"),
        (["queue", "configure", "q", "lease=soon"], "valid for lease: a duration"),
        (["queue", "configure", "q", "max_len"], "valid: max_len=VALUE"),
        (["list", "q", "--state", "ded"], "valid: queued, scheduled"),
        (["dead", "replay", "q", "--rate", "x"], "valid: jobs a second"),
        (["list"], "missing expected argument"), (["stauts"], "did you mean 'status'"),
        (["list", "q", "--limti", "5"], "unknown option '--limti'; did you mean '--limit'"),
    ])
    func mistakesAreSaidInOneLineWithWhatIsValid(arguments: [String], part: String) throws {
        let result = try Program.run(Self.jobqctl, arguments)
        #expect(result.status == 64 && result.output.isEmpty)
        #expect(result.errors.hasPrefix("jobqctl: ") && result.errors.contains(part), "\(result.errors)")
        #expect(result.errors.split(separator: "\n").count == 1)
    }

    @Test func anInstanceHasASocketOfItsOwn() throws {
        for words in [["-i", "blue", "ping"], ["ping", "--instance", "blue"]] {
            let result = try Program.run(Self.jobqctl, words)
            #expect(result.status == 69 && result.errors.contains("/run/jobqd/blue/jobqd.sock"))
        }
    }

    @Test func whatCannotBeReadHasItsOwnStatus() throws {
        let enqueue = ["enqueue", "q", "--socket", "/nonexistent", "--file"]
        // Without a daemon it ends before it reads.
        #expect(try Program.run(Self.jobqctl, enqueue + ["/"]).status == 69)
    }
}
