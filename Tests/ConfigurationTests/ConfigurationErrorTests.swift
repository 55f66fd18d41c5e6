// What is wrong is said with its place, all of it in one run, and the exit status tells a wrong command line (64)
// from a wrong configuration (78).

import Testing

@testable import jobqd

struct ConfigurationErrorTests {
    @Test func misspeltKeyIsNamedWithItsLineAndTheRightName() throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write(
            "# head\n\n[Server]\nSockt=/a\n[Limits]\nSocket=/b\nZebra=1\n[Limit]\nInFlight=1\n[Moon]\nA=1\n")
        let failure = try sandbox.failure()
        #expect(
            failure.lines == [
                "jobqd.conf:4: unknown key \"Sockt\" (did you mean \"Socket\"?)",
                "jobqd.conf:6: unknown key \"Socket\" (it belongs to [Server])",
                "jobqd.conf:7: unknown key \"Zebra\"",
                "jobqd.conf:9: unknown section [Limit] (did you mean [Limits]?)",
                "jobqd.conf:11: unknown section [Moon]",
            ])
        #expect(failure.exitCode == 78)
    }

    @Test func linesThatAreNoSettingsAreNamed() throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("Socket=/a\n[Server]\nhello\nSocket=/b\nSocket=/c\n")
        #expect(
            try sandbox.failure().lines == [
                "jobqd.conf:1: \"Socket\" stands before the first [Section]",
                "jobqd.conf:3: expected \"Key=value\" or \"[Section]\"",
                "jobqd.conf:5: \"Socket\" is set twice, first in line 4",
            ])
    }

    @Test func badBytesInAFileAreNamedWithTheirLine() {
        let file = ConfigurationFile(bytes: Array("[Server]\n".utf8) + [0xFF, 0x0A] + Array("Socket=/a\0b".utf8))
        #expect(file.errors == [.init(line: 2, message: "not UTF-8 text"), .init(line: 3, message: "not UTF-8 text")])
    }

    @Test func directoryAsFileIsRefused() throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("", to: "jobqd.conf/x")
        #expect(try sandbox.failure().lines == ["jobqd.conf: Is a directory"])
    }

    @Test(arguments: [
        ("[Limits]\nInFlight=0", "2: InFlight must be a number from 1 to 65536, not \"0\""),
        ("[Limits]\nInFlight=+5", "2: InFlight must be a number from 1 to 65536, not \"+5\""),
        (
            "[Limits]\nInFlight=99999999999999999999",
            "2: InFlight must be a number from 1 to 65536, not \"99999999999999999999\""
        ),
        (
            "[Limits]\nLineBytes=64k",
            "2: LineBytes must be a size of 1K to 16M bytes, like 65536, 64K or 1M, not \"64k\""
        ),
        ("[Server]\nSocketMode=0888", "2: SocketMode must be octal permissions like 0660, not \"0888\""),
        ("[Server]\nSocketMode=+66", "2: SocketMode must be octal permissions like 0660, not \"+66\""),
        (
            "[Redis]\nRequestTimeoutSec=2h",
            "2: RequestTimeoutSec must be a time of 10ms to 1h, like 500ms, 5s or 1min 30s, not \"2h\""
        ),
        (
            "[Log]\nLevel=inof",
            "2: Level must be one of trace, debug, info, notice, warning, error, critical (did you mean \"info\"?), not \"inof\""
        ),
        ("[Store]\nKind=Redis", "2: Kind must be one of redis, memory (did you mean \"redis\"?), not \"Redis\""),
        (
            "[Redis]\nKeyPrefix=a{b}",
            "2: KeyPrefix must be at most 64 letters, digits, \"_\", \".\" and \"-\", not \"a{b}\""
        ),
        (
            "[Redis]\nUrl=rediss://u:pw@h",
            "2: Url cannot be used: rediss:// (TLS) is not supported; use a tunnel or a Unix socket"
        ),
        ("[Redis]\nUrl=redis://h:0", "2: Url cannot be used: the port of a Redis address is a number from 1 to 65535"),
    ])
    func valueOutOfRangeIsRefusedWithTheRange(file: String, message: String) throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write(file)
        let failure = try sandbox.failure()
        #expect(failure.lines == ["jobqd.conf:" + message])
        #expect(failure.exitCode == 78)
    }

    @Test func memoryThatHoldsFewLinesIsRefused() throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("[Limits]\nMemoryBytes=8M\nLineBytes=4M")
        let line = try #require(try sandbox.failure().lines.first)
        #expect(line.hasSuffix("MemoryBytes must be at least four times LineBytes, which is 4194304 bytes"))
    }

    @Test func socketPathThatNoSocketCanHaveIsRefused() throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("")
        let longest = "/" + String(repeating: "x", count: 106)
        #expect(try sandbox.configuration(["--socket", longest]).socket == longest)
        #expect(try sandbox.failure(["--socket", longest + "x"]).exitCode == 64)
    }

    @Test func wrongCommandLineIsStatus64AndOverrulesAWrongFile() throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("[Server]\nSockt=1\n")
        let failure = try sandbox.failure(["--sokcet", "x", "stray", "--in-flight", "--store=disk", "--check-config=1"])
        #expect(
            failure.lines == [
                "jobqd: unknown option \"--sokcet\" (did you mean \"--socket\"?)",
                "jobqd: unexpected argument \"stray\" (see jobqd --help)",
                "jobqd: --in-flight needs a value: N",
                "jobqd: --check-config takes no value",
                "jobqd: --store must be one of redis, memory, not \"disk\"",
                "jobqd.conf:2: unknown key \"Sockt\" (did you mean \"Socket\"?)",
            ])
        #expect(failure.exitCode == 64)
    }

    @Test func wrongEnvironmentIsStatus78() throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("")
        let failure = try sandbox.failure(environment: ["JOBQD_IN_FLIGHT": "many"])
        #expect(failure.lines == ["jobqd: JOBQD_IN_FLIGHT must be a number from 1 to 65536, not \"many\""])
        #expect(failure.exitCode == 78)
    }

    @Test func mistakeIsFoundAlsoWhereAHigherLayerHidesIt() throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("[Limits]\nInFlight=many\n")
        #expect(try sandbox.failure(["--in-flight", "5"]).exitCode == 78)
    }

    @Test func sameSocketTwiceIsRefused() throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("[Server]\nSocket=/a\nAdminSocket=/a\n")
        #expect(try sandbox.failure().lines == ["the socket and the admin socket are the same: /a"])
    }
}
