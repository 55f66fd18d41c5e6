// The daemon's own socket: how it is made, that a live one is never stolen nor a
// file replaced, and sockets that a manager passes on (systemd-socket-activate
// plays it). Each test has a daemon of its own.

import Foundation
import Harness
import Testing

@Suite(.timeLimit(.minutes(1))) struct ListeningTests {
    @Test func aSocketInUseIsRefusedAndTheFirstDaemonServesOn() throws {
        let first = try Daemon(.memory)
        let second = try Daemon(.memory, arguments: ["--socket", first.socketPath], start: false)
        let process = try second.launch()
        guard case .exited(let code) = try process.waitForEnd(within: 10) else {
            throw HarnessError("ended by a signal\n\(second.log)")
        }
        #expect(code != 0)
        #expect(second.log.contains(first.socketPath), "\(second.log)")
        #expect(try first.connect().call("ping")["ok"] == true)
    }

    @Test func aStaleSocketIsReplaced() throws {
        let daemon = try Daemon(.memory)
        daemon.kill()
        #expect(FileManager.default.fileExists(atPath: daemon.socketPath))
        try daemon.start()
        #expect(try daemon.connect().call("ping")["ok"] == true)
    }

    @Test func aFileThatIsNoSocketIsNotReplaced() throws {
        let daemon = try Daemon(.memory, start: false)
        try daemon.directory.write("precious", to: "jobqd.sock")
        #expect(try daemon.launch().waitForEnd(within: 10) != .exited(0))
        #expect(daemon.directory.read("jobqd.sock") == "precious")
    }

    @Test func theSocketsModeIs0660OrAsAsked() throws {
        #expect(try mode(Daemon(.memory)) == 0o660)
        #expect(try mode(Daemon(.memory, arguments: ["--socket-mode", "0600"])) == 0o600)
    }

    @Test func theStateDirectoryIsMadeForTheOwnerOnly() throws {
        let daemon = try Daemon(.own)
        var info = stat()
        #expect(stat(daemon.stateDirectory, &info) == 0)
        #expect(info.st_mode & 0o777 == 0o700)
    }

    @Test func aSocketWhoseDirectoryIsMissingIsAnErrorThatNamesIt() throws {
        let daemon = try Daemon(.memory, arguments: ["--socket", "/tmp/no-such-directory/jobqd.sock"], start: false)
        #expect(try daemon.launch().waitForEnd(within: 10) != .exited(0))
        #expect(daemon.log.contains("/tmp/no-such-directory"), "\(daemon.log)")
    }

    @Test func aPassedSocketIsServedAndNotRemoved() throws {
        let directory = try TemporaryDirectory()
        let passed = directory.file("passed.sock")
        let daemon = try Daemon(
            .memory, wrapper: ["systemd-socket-activate", "-l", passed, "--"], start: false)
        let process = try daemon.launch()
        let client = try eventualValue(within: 10, "the passed socket: \(daemon.log)") { try? LineClient(passed) }
        #expect(try client.call("ping")["ok"] == true)
        #expect(try client.call("info")["pid"].int == Int(process.pid))
        #expect(!FileManager.default.fileExists(atPath: daemon.socketPath))
        process.send(signal: SIGTERM)
        #expect(try process.waitForEnd(within: 10) == .exited(0))
        #expect(FileManager.default.fileExists(atPath: passed))
    }

    private func mode(_ daemon: Daemon) throws -> UInt32 {
        var info = stat()
        guard stat(daemon.socketPath, &info) == 0 else { throw HarnessError("no socket") }
        return info.st_mode & 0o777
    }
}
