// The completion scripts: each shell takes its own, and names come from the running daemon.

import Foundation
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
    private func bash(_ words: String..., socket: String? = nil) throws -> [String] { try bash(words, socket: socket) }

    private func bash(_ words: [String], socket: String? = nil) throws -> [String] {
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

    // MARK: Hostile names

    /// What a client may say in `hello`, in forms that one shell or another would run, split or take for an option.
    private static func hostile(_ mark: String) -> [String] {
        [
            "$(touch \(mark))", "`touch \(mark)`", "w$(touch \(mark))", "a;touch \(mark)", "a b", "a*", "'a", "\"a",
            "--yes", "-rf", "a\\$(touch \(mark))", "a'$(touch \(mark))'", "${x:=$(touch \(mark))}", "<(touch \(mark))",
            "(touch \(mark))", "a|touch \(mark)", "a&touch \(mark)", "~root", "a\u{202E}b", "!touch", "{a,b}", "a=b",
            "a:b", "/etc/passwd", "ä", "$HOME", "%s", "[a]",
        ]
    }

    /// Connects a worker of each name; the connections must be kept.
    private func connectWorkers(_ mark: String) throws -> [LineClient] {
        try (Self.hostile(mark) + ["good-1.x_y", "good-2"]).compactMap { name in
            let client = try daemon.connect()
            let reply = try client.request(["op": "hello", "worker": JSON(name)])
            return reply["ok"] == true ? client : nil
        }
    }

    @Test func namesOfWorkersAreNeitherRunNorOfferedInAnyShell() throws {
        let mark = directory.file("ran")
        let clients = try connectWorkers(mark)
        #expect(clients.count > 20)
        #expect(try bash("jobqctl", "quiet", "") == ["good-1.x_y", "good-2"])
        for start in ["$", "`", "w", "a", "(", "{", "~"] {
            #expect(try bash("jobqctl", "quiet", start).isEmpty)
        }
        let fish = try "source \(script("fish")); complete -C 'jobqctl quiet '"
        #expect(try run("fish", ["--no-config", "-c", fish], socket: daemon.socketPath) == ["good-1.x_y", "good-2"])
        try zsh("jobqctl quiet ", until: "good-2")
        #expect(!FileManager.default.fileExists(atPath: mark))
        withExtendedLifetime(clients) {}
    }

    @Test func whatTheDaemonSaysIsNotTrustedEither() throws {
        let mark = directory.file("ran")
        let names = Self.hostile(mark)
        for operation in [("queues", "queue"), ("topics", "topic"), ("workers", "worker")] {
            var items = names.map { "{\"\(operation.1)\":\(JSON($0))}" }
            items.append("{\"\(operation.1)\":\"good\"}")
            let peer = try ScriptedPeer(
                [String](repeating: "{\"ok\":true,\"\(operation.0)\":[\(items.joined(separator: ","))]}\n", count: 9))
            let line: [String] =
                switch operation.0 {
                case "queues": ["jobqctl", "stats", ""]
                case "topics": ["jobqctl", "topic", "publish", ""]
                default: ["jobqctl", "quiet", ""]
                }
            #expect(try bash(line, socket: peer.path) == ["good"])
        }
        #expect(!FileManager.default.fileExists(atPath: mark))
    }

    /// A prefix with the signs of patterns and options is a text like any other.
    @Test func thePrefixIsNoPattern() throws {
        for prefix in ["*", "e*", "[e]", "em?", "-", "$(echo em)"] {
            #expect(try bash("jobqctl", "queue", "pause", prefix).filter { !$0.hasPrefix("-") }.isEmpty)
        }
    }

    /// zsh completes where a person types only.
    private func zsh(_ line: String, until text: String) throws {
        let start = try """
        PS1='READY '; fpath=(\(directory.path) $fpath); autoload -Uz compinit; compinit -u -D; \
        source \(script("zsh")); compdef _jobqctl jobqctl
        """
        try directory.write(start, to: ".zshrc")
        let terminal = try PseudoTerminal(
            "zsh", ["-i"],
            environment: environment(daemon.socketPath).merging(["ZDOTDIR": directory.path, "TERM": "vt100"]) { $1 })
        try terminal.read(until: "READY ")
        try terminal.send(line + "\t\t")
        try terminal.read(until: text)
    }

    @Test func zshCompletesQueues() throws {
        try zsh("jobqctl queue pause em", until: "emails.bulk")
    }
}
