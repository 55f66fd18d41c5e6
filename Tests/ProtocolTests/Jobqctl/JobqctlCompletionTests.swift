// The completion scripts: each shell takes its own, and names come from the running daemon.

import Harness
import Testing

@Suite(.timeLimit(.minutes(2))) struct JobqctlCompletionTests {
    private let daemon: Daemon
    private let directory: TemporaryDirectory

    init() throws {
        daemon = try Daemon(.memory)
        directory = try TemporaryDirectory()
        let client = try daemon.connect()
        for queue in ["email", "emails.bulk", "images"] { _ = try client.enqueue(queue) }
    }

    /// Writes the script of a shell to a file.
    private func script(_ shell: String) throws -> String {
        let result = try Program.run(AdminTool.path, ["--generate-completion-script", shell])
        #expect(result.status == 0)
        return try directory.write(result.output, to: "jobqctl.\(shell)")
    }

    private func environment(_ socket: String) -> [String: String] {
        let folder = AdminTool.path.split(separator: "/").dropLast().joined(separator: "/")
        return ["JOBQD_SOCKET": socket, "PATH": "/\(folder):/usr/bin:/bin", "HOME": directory.path]
    }

    private func run(_ shell: String, _ arguments: [String], socket: String) throws -> [String] {
        let result = try Program.run(shell, arguments, environment: environment(socket))
        #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
        return result.output.split(separator: "\n").map(String.init)
    }

    @Test(arguments: ["bash", "zsh", "fish"]) func shellTakesItsScript(shell: String) throws {
        let result = try Program.run(shell, ["-n", script(shell)])
        #expect(result.status == 0 && result.errors.isEmpty)
    }

    /// What bash offers for the last word of a line, without the spaces that it may append.
    private func bash(_ words: String..., socket: String? = nil) throws -> [String] {
        let ask = """
            source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
            _jobqctl jobqctl "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
            printf '%s\\n' "${COMPREPLY[@]}"
            """
        let arguments = try ["-c", ask, "bash", script("bash")] + words
        return try run("bash", arguments, socket: socket ?? daemon.socketPath).map { $0.replacing(" ", with: "") }
    }

    @Test func bashCompletesCommandsQueuesAndStates() throws {
        #expect(try bash("jobqctl", "qu") == ["queue", "quiet"])
        #expect(try bash("jobqctl", "queue", "pause", "em") == ["email", "emails.bulk"])
        #expect(try bash("jobqctl", "dead", "replay", "im") == ["images"])
        #expect(try bash("jobqctl", "list", "email", "--state", "de") == ["dead"])
        #expect(try bash("jobqctl", "queue", "configure", "email", "max_l") == ["max_len="])
    }

    @Test func completionUsesTheSocketOfTheLineAndIsSilentWithoutADaemon() throws {
        #expect(try bash("jobqctl", "stats", "--socket", daemon.socketPath, "im", socket: "/nonexistent") == ["images"])
        #expect(try bash("jobqctl", "stats", "im", socket: "/nonexistent").isEmpty)
    }

    /// fish asks its own command line, which it has only where a person types.
    @Test func fishCompletesQueues() throws {
        let start = try "function fish_prompt; echo 'READY '; end; source \(script("fish"))"
        let terminal = try PseudoTerminal(
            "fish", ["--no-config", "-i", "-C", start], environment: environment(daemon.socketPath))
        try terminal.read(until: "READY ")
        try terminal.send("jobqctl queue pause em\t")
        try terminal.read(until: "emails.bulk")
    }

    @Test func fishCompletesQueuesWithoutATerminal() throws {
        let ask = try "source \(script("fish")); complete -C 'jobqctl queue pause em'"
        #expect(try run("fish", ["--no-config", "-c", ask], socket: daemon.socketPath) == ["email", "emails.bulk"])
    }
}
