// What the shell is offered for the names of queues, topics and workers: what the daemon has just now.
//
// The shell calls jobqctl again for it with the words of the line so far, so a --socket or -i in it is honoured. It
// must never be in the way: one short deadline, and nothing when there is no answer.
//
// Names are other people's text, and a shell is quick to run text. Only names of harmless characters are offered, whatever the
// daemon says; and in bash nothing is handed to `compgen -W`, which expands the words that it is given.

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
        connection.socket = value(of: ["--socket"], in: words)
        connection.instance = value(of: ["-i", "--instance"], in: words)
        guard let jobqd = try? JobqConnection(path: connection.path, timeoutMs: 1_000),
            let reply = try? jobqd.request(operation)
        else { return [] }
        let names = (reply[operation]?.array ?? []).compactMap { $0[member]?.string }
        return Set(names.filter(CompletionScript.isOffered)).sorted()
    }

    /// The value of an option in a command line.
    private static func value(of options: [String], in words: [String]) -> String? {
        for (index, word) in words.enumerated() {
            if options.contains(word), index + 1 < words.count { return words[index + 1] }
            for option in options where word.hasPrefix("\(option)=") { return String(word.dropFirst(option.count + 1)) }
        }
        return nil
    }
}

/// The scripts for shells: those of ArgumentParser, but for what must not be as they have it.
enum CompletionScript {
    /// `[A-Za-z0-9_.-]+`, and nothing that looks like an option: no shell gives any of it a meaning.
    static func isOffered(_ name: String) -> Bool {
        guard (1...128).contains(name.utf8.count), !name.hasPrefix("-") else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }

    /// nil: ArgumentParser's own will do.
    static func text(for shell: String) -> String? {
        switch shell {
        case "bash": bash
        case "fish": fish
        default: nil
        }
    }

    /// fish 3 cannot tell without a terminal where in a word the cursor stands (`fish -c 'complete -C "jobqctl "'`), and the
    /// script would pass jobqctl an argument too few.
    private static var fish: String {
        Jobqctl.completionScript(for: .fish)
            .replacing("(__jobqctl_tokens -tC)", with: "(__jobqctl_tokens -tC 2> /dev/null; or echo 0)")
    }

    /// Words are compared one by one; `compgen -W` would run what stands in `$(…)` in one of them.
    private static var bash: String {
        let script = Jobqctl.completionScript(for: .bash)
        let head = "__jobqctl_add_completions() {\n"
        let pieces = script.split(separator: head, maxSplits: 1)
        // A script of another shape must not be handed out: it may have the fault.
        precondition(pieces.count == 2, "the completion script of bash is not as expected")
        return pieces[0] + head + compare + pieces[1]
    }

    private static let compare = """
            if [[ "${1}" = -W ]]; then
                local word
                while IFS='' read -r word; do
                    if [[ -n "${word}" && "${word:0:${#cur}}" = "${cur}" ]]; then
                        COMPREPLY+=("${word}")
                    fi
                done <<< "${2}"
                return
            fi

        """
}
