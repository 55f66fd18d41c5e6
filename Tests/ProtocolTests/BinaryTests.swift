// The built daemon itself: what it is linked with, read from the program with
// the system's tools, and what it says on a command line it does not understand.
// The configuration's own tests are elsewhere.

import Foundation
import Harness
import Testing

@Suite(.timeLimit(.minutes(1))) struct BinaryTests {
    @Test func theDaemonIsLinkedWithNeitherFoundationNorNIO() throws {
        let libraries = try run("ldd", [Daemon.executable])
        #expect(libraries.contains("libhiredis") && libraries.contains("libsystemd"), "\(libraries)")
        #expect(!libraries.contains("Foundation"), "\(libraries)")
        let symbols = try run(
            "bash", ["-c", "nm -D --undefined-only '\(Daemon.executable)'; nm '\(Daemon.executable)' | head -200000"])
        // The mangled module names: `10Foundation`, `7NIOCore`, `8NIOPosix`; and the runtime of async functions.
        #expect(
            !symbols.contains("$s10Foundation") && !symbols.contains("$s7NIOCore") && !symbols.contains("$s8NIOPosix"))
    }

    @Test func anUnknownOptionEndsItWithAHint() throws {
        let directory = try TemporaryDirectory()
        let process = try ServerProcess(Daemon.executable, ["--scoket", "x"], log: directory.file("log"))
        #expect(try process.waitForEnd(within: 5) != .exited(0))
        #expect(process.log.contains("--scoket"))
    }

    private func run(_ program: String, _ arguments: [String]) throws -> String {
        let directory = try TemporaryDirectory()
        let process = try ServerProcess(program, arguments, log: directory.file("log"))
        try process.waitForEnd(within: 30)
        return process.log
    }
}
