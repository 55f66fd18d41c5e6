// What the shell is offered for the names of queues, topics and workers: what the daemon has just now.
//
// The shell calls jobqctl again for it with the words of the line so far, so a --socket that stands there is honoured. It
// must never be in the way: one short deadline, and nothing when there is no answer.

import ArgumentParser
import JobqClient
import Wire

extension CompletionKind {
    static let queues = custom { words, _, _ in names(words, "queues", "queue") }
    static let topics = custom { words, _, _ in names(words, "topics", "topic") }
    static let workers = custom { words, _, _ in names(words, "workers", "worker") }

    /// Asks `operation`, whose reply has the list under the same name.
    private static func names(_ words: [String], _ operation: String, _ member: String) -> [String] {
        var connection = ConnectionOptions()
        connection.socket = socket(words)
        guard let jobqd = try? JobqConnection(path: connection.path, timeoutMs: 1_000),
            let reply = try? jobqd.request(operation)
        else { return [] }
        let names = (reply[operation]?.array ?? []).compactMap { $0[member]?.string }
        return Set(names).sorted()
    }

    /// The value of --socket in a command line.
    private static func socket(_ words: [String]) -> String? {
        for (index, word) in words.enumerated() {
            if word == "--socket", index + 1 < words.count { return words[index + 1] }
            if word.hasPrefix("--socket=") { return String(word.dropFirst(9)) }
        }
        return nil
    }
}

extension Jobqctl {
    /// The script for fish, able to complete without a terminal too: fish 3 cannot tell there where in a word the cursor
    /// stands (`fish -c 'complete -C "jobqctl "'`), and the script would pass jobqctl an argument too few.
    static var fishCompletionScript: String {
        completionScript(for: .fish)
            .replacing("(__jobqctl_tokens -tC)", with: "(__jobqctl_tokens -tC 2> /dev/null; or echo 0)")
    }
}
