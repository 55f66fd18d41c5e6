// Child processes: what they start with, how their end is told, what keeps them from outliving us.

import Foundation
import Glibc
import Harness
import Reactor
import Testing

@Suite(.timeLimit(.minutes(1))) struct ChildProcessTests {
    /// Runs a shell script to its end and gives how it ended.
    private func run(
        _ script: String, environment: [String]? = nil, directory: String? = nil, output: ChildProcess.Output
    ) throws -> Reactor.ExitStatus? {
        var status: Reactor.ExitStatus?
        try keepingSignalMask {
            let loop = try Loop()
            let child = try ChildProcess.spawn(
                "sh", arguments: ["-c", script], environment: environment, directory: directory, output: output)
            let source = try loop.child(child) { status = $0 }
            try loop.turn(until: "the child ends") { status != nil }
            #expect(child.hasEnded)
            #expect(!child.terminate())
            // It was reaped.
            #expect(waitpid(child.pid, nil, WNOHANG) == -1)
            withExtendedLifetime(source) {}
        }
        return status
    }

    @Test func exitStatusAndSignalAreTold() throws {
        #expect(try run("exit 7", output: .standardError) == .exited(7))
        #expect(try run("kill -9 $$", output: .standardError) == .signalled(SIGKILL))
    }

    @Test func argumentsEnvironmentDirectoryAndOutputArriveAsGiven() throws {
        let folder = try TemporaryDirectory()
        let status = try run(
            #"echo "$JOBQD_X"; pwd; echo error >&2; cat"#, environment: ["JOBQD_X=a b", "PATH=/usr/bin:/bin"],
            directory: folder.path, output: .file(folder.file("out")))
        #expect(status == .exited(0))
        #expect(folder.read("out") == "a b\n\(folder.path)\nerror\n")
    }

    @Test func childStartsWithoutOurDescriptorsAndSignalSettings() throws {
        let folder = try TemporaryDirectory()
        // A descriptor that was left inheritable, a blocked and an ignored signal.
        let leak = open("/dev/null", O_RDONLY)
        let high = fcntl(leak, F_DUPFD, 700)
        defer {
            close(leak)
            close(high)
        }
        var status: Reactor.ExitStatus?
        try keepingSignalMask {
            let loop = try Loop()
            let term = loop.signal(SIGTERM) {}
            let child = try ChildProcess.spawn(
                "/bin/sh",
                arguments: [
                    "-c", "test -e /proc/$$/fd/\(high) && echo leak; exec grep -E '^Sig(Blk|Ign)' /proc/self/status",
                ],
                output: .file(folder.file("out")))
            let source = try loop.child(child) { status = $0 }
            try loop.turn(until: "the child ends") { status != nil }
            withExtendedLifetime((source, term)) {}
        }
        let lines = folder.read("out").split(separator: "\n")
        #expect(lines.count == 2)
        for line in lines {
            // Without glibc's own two signals, 32 and 33, which cannot be reset and come from whoever started us.
            let mask = try #require(line.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) })
            #expect(mask & ~0x1_8000_0000 == 0, "\(line)")
        }
    }

    @Test func missingProgramIsAnErrorOfSpawn() {
        #expect(throws: SystemError(ENOENT, "exec no-such-program-here")) {
            _ = try ChildProcess.spawn("no-such-program-here")
        }
        #expect(throws: SystemError(EACCES, "exec /etc/passwd")) { _ = try ChildProcess.spawn("/etc/passwd") }
        #expect(throws: SystemError(ENOENT, "exec /bin/sh")) {
            _ = try ChildProcess.spawn("/bin/sh", directory: "/no/such/folder")
        }
    }

    @Test func terminateEndsTheChild() throws {
        try keepingSignalMask {
            let loop = try Loop()
            let child = try ChildProcess.spawn("/bin/sleep", arguments: ["600"])
            var status: Reactor.ExitStatus?
            let source = try loop.child(child) { status = $0 }
            #expect(child.terminate())
            try loop.turn(until: "the child ends") { status != nil }
            #expect(status == .signalled(SIGTERM))
            withExtendedLifetime(source) {}
        }
    }

    @Test func childEndsWithTheThreadThatStartedIt() async throws {
        let pid = try await withOwnDescriptors { try ChildProcess.spawn("/bin/sleep", arguments: ["600"]).pid }
        try eventually("the child ends") { waitpid(pid, nil, WNOHANG) == pid }
    }
}
