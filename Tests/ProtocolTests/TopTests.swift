// `jobqctl top` as a person sees it, through a pseudo-terminal, and as a log sees it, without one.

import Foundation
import Harness
import Testing

@Suite(.timeLimit(.minutes(1))) struct TopTests {
    private let redis: RedisServer
    private let daemon: Daemon
    private let client: LineClient

    init() throws {
        redis = try RedisServer()
        daemon = try Daemon(.redis(redis))
        client = try daemon.connect()
        try client.enqueue("email")
    }

    private static let jobqctl = BuiltProducts.path("jobqctl", variable: "JOBQCTL_BINARY")

    private func top(_ options: String..., rows: Int = 24, columns: Int = 80) throws -> PseudoTerminal {
        try PseudoTerminal(
            Self.jobqctl, ["top", "--socket", daemon.socketPath, "--interval", "100ms"] + options,
            environment: ["TZ": "UTC"], rows: rows, columns: columns)
    }

    private static let entered = "\u{1B}[?1049h"
    private static let left = "\u{1B}[?1049l"

    @Test func theScreenIsTakenShownAndGivenBack() throws {
        let screen = try top()
        try screen.read(until: Self.entered)
        try screen.read(until: "email")
        try screen.read(until: "q quit")
        try screen.send("q")
        #expect(try screen.waitForEnd() == .exited(0))
        #expect(screen.output.hasSuffix(Self.left))
    }

    @Test(arguments: [SIGTERM, SIGHUP, SIGINT]) func aSignalGivesTheScreenBack(_ signal: Int32) throws {
        let screen = try top()
        try screen.read(until: "q quit")
        screen.process.send(signal: signal)
        #expect(try screen.waitForEnd() == .exited(0))
        #expect(screen.output.hasSuffix(Self.left))
    }

    @Test func controlCEndsIt() throws {
        let screen = try top()
        try screen.read(until: "q quit")
        try screen.send("\u{3}")
        #expect(try screen.waitForEnd() == .exited(0))
    }

    @Test func keysSortHelpAndHoldTheDisplay() throws {
        let screen = try top()
        try screen.read(until: "sort: name")
        try screen.send("s")
        try screen.read(until: "sort: queued")
        try screen.send("?")
        try screen.read(until: "this help")
        try screen.send("?")
        try screen.read(until: "sort: queued")
        try screen.send("p")
        try screen.read(until: "p go on")
        try screen.send("q")
        #expect(try screen.waitForEnd() == .exited(0))
    }

    @Test func itFollowsTheSizeOfItsWindow() throws {
        let screen = try top("--interval", "1h")
        try screen.read(until: "? help")
        try screen.resize(rows: 30, columns: 120)
        let frame = try screen.read(until: "? help")
        #expect(frame.components(separatedBy: "\r\n").count == 30)
        screen.process.kill()
    }

    @Test func ratesAndFailuresAppear() throws {
        let screen = try top()
        try screen.read(until: "in and")
        let job = try client.claimOne("email")
        try client.fail(job, ["error": "boom", "retry": false])
        try screen.read(until: "LATEST FAILURES")
        try screen.read(until: try #require(job["job"].string))
        screen.process.kill()
    }

    @Test func aRestartOfTheDaemonIsWaitedFor() throws {
        let screen = try top()
        try screen.read(until: "email")
        daemon.kill()
        try screen.read(until: "reconnecting: ")
        try daemon.start()
        try screen.read(until: " ready at ")
        try screen.send("q")
        #expect(try screen.waitForEnd() == .exited(0))
    }

    @Test func withoutATerminalItPrintsBlocks() throws {
        let result = try Program.run(
            Self.jobqctl, ["top", "--socket", daemon.socketPath, "--interval", "100ms", "--count", "2"])
        #expect(result.status == 0)
        #expect(result.output.components(separatedBy: "QUEUE ").count == 3)
        #expect(!result.output.contains("\u{1B}"))
    }

    @Test func jsonIsTheRepliesAlsoOnATerminal() throws {
        let screen = try top("--json", "--count", "1")
        #expect(try screen.waitForEnd() == .exited(0))
        let lines = screen.output.split(separator: "\r\n")
        #expect(try JSON(parsing: try #require(lines.first).utf8)["uptime_ms"].int != nil)
        #expect(lines.contains { $0.contains(#""queue":"email""#) })
    }

    @Test func whatItIsRefusedItDoesNotAskForAgain() throws {
        // Nobody but root and the daemon's own user may see workers.
        guard getuid() == 0 else { return }
        chmod(daemon.directory.path, 0o755)
        chmod(daemon.socketPath, 0o666)
        let result = try Program.run(
            "setpriv",
            [
                "--reuid", "65534", "--regid", "65534", "--clear-groups", Self.jobqctl, "top", "--socket",
                daemon.socketPath, "--interval", "100ms", "--count", "3",
            ])
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.contains("email") && !result.output.contains("WORKER"))
        #expect(daemon.log.components(separatedBy: "\"workers\"").count <= 2)
    }

    @Test func withoutADaemonItEndsWithStatus69AndLeavesTheScreenAlone() throws {
        let screen = try PseudoTerminal(Self.jobqctl, ["top", "--socket", daemon.directory.file("nobody")])
        #expect(try screen.waitForEnd() == .exited(69))
        #expect(!screen.output.contains(Self.entered))
    }

    @Test func itEndsWhenNobodyReadsItsBlocksAnyMore() throws {
        let line = #""$J" top --socket "$S" --interval 100ms | head -n 1; echo "${PIPESTATUS[0]}""#
        let result = try Program.run(
            "bash", ["-c", line], environment: ["J": Self.jobqctl, "S": daemon.socketPath], within: 20)
        #expect(result.output.hasSuffix("141\n"))
    }

    @Test func theErrorOfAFailureIsShown() throws {
        let screen = try top()
        try screen.read(until: "in and")
        try client.fail(client.claimOne("email"), ["error": "no such mailbox", "retry": false])
        try screen.read(until: "no such mailbox")
        try screen.send("/xyz\r")
        try screen.read(until: "no queue has this")
        screen.process.kill()
    }
}
