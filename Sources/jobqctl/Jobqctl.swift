// The admin command line of jobqd: what commands there are, in the groups in which --help shows them.
//
// What a command does stands in Commands/, one file each; what they share (the socket, --json, how an error becomes a message
// and an exit status) in DaemonCommand.swift. A command that belongs to queues, jobs, dead letters or topics stands in the
// folder of that word and is listed in its group there; `list`, `show` and `requeue` are also found at the top, being asked
// for so often.

import ArgumentParser
import Glibc
import Wire

@main
struct Jobqctl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobqctl",
        abstract: "Manage jobqd's job queues.",
        discussion: """
            Exit status: 0 done; 1 the answer is no (no such job, wrong state, not healthy); 64 wrong usage; 65 wrong \
            data; 66 no such input file; 69 jobqd cannot be reached; 70 a bug; 74 input or output failed; 75 try again \
            later; 76 not the protocol; 77 not permitted; 78 wrong configuration; 130 Ctrl-C.
            """,
        version: Release.version,
        groupedSubcommands: [
            CommandGroup(name: "Watching", subcommands: lookingOn),
            CommandGroup(name: "Queue and job", subcommands: groups),
            CommandGroup(name: "Producer and worker", subcommands: working),
            CommandGroup(name: "Daemon", subcommands: daemon),
        ])

    private static let lookingOn: [any ParsableCommand.Type] = [
        Status.self,
        Top.self,
        Stats.self,
        List.self,
        Show.self,
        Wait.self,
        Workers.self,
        Events.self,
    ]

    private static let groups: [any ParsableCommand.Type] = [
        QueueCommands.self,
        JobCommands.self,
        DeadCommands.self,
        TopicCommands.self,
        Requeue.self,
    ]

    private static let working: [any ParsableCommand.Type] = [
        Enqueue.self,
        Claim.self,
        Complete.self,
        Fail.self,
        Extend.self,
        GiveBack.self,
        Run.self,
    ]

    private static let daemon: [any ParsableCommand.Type] = [
        Ping.self,
        Info.self,
        Version.self,
        Metrics.self,
        Check.self,
        Quiet.self,
        Drain.self,
        Reload.self,
        Call.self,
    ]

    /// Ends quietly when nobody reads its output any more (`| head`), also where whoever started it ignores SIGPIPE.
    static func main() {
        signal(SIGPIPE, SIG_DFL)
        let words = Array(CommandLine.arguments.dropFirst())
        // What the shell asks for at Tab is half a command line.
        if words.first == "---completion" { return main(words) }
        if let script = completionScript(words) { return print(script) }
        do {
            try RawArguments.check()
            var command = try parseAsRoot(CommandWords.arranged(words))
            try command.run()
        } catch let code as ExitCode {
            // What there is to say has been said.
            exit(withError: code)
        } catch let problem as any Problem {
            Terminal.complain(problem.description)
            exit(withError: problem.status.code)
        } catch {
            end(with: error)
        }
    }

    /// Help and versions as ArgumentParser has them, mistakes in one line.
    private static func end(with error: any Error) -> Never {
        guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
        Terminal.complain(UsageText.line(message(for: error)))
        exit(withError: ExitStatus.usage.code)
    }

    private static func completionScript(_ words: [String]) -> String? {
        let option = "--generate-completion-script"
        if words.count == 2, words[0] == option { return CompletionScript.text(for: words[1]) }
        guard words.count == 1, words[0].hasPrefix("\(option)=") else { return nil }
        return CompletionScript.text(for: String(words[0].dropFirst(option.count + 1)))
    }
}
