// Questions to the person at the terminal, and what there is to know of that terminal.
//
// A question goes to standard error, so that standard output stays what a pipe gets. Where nobody can be asked, a command
// that cannot be undone needs --yes: a script must say so, not a missing terminal.

import ArgumentParser
import Glibc

/// The option of every command that cannot be undone.
struct ConfirmationOptions: ParsableArguments {
    @Flag(name: [.short, .long], help: "Do not ask.")
    var yes = false

    /// Returns when it was said that it may be done.
    ///
    /// - Parameter question: as in `Delete 3 jobs?`
    func confirm(_ question: String) throws {
        if yes { return }
        guard isatty(STDIN_FILENO) == 1, isatty(STDERR_FILENO) == 1 else {
            throw UsageProblem(description: "\(question) There is no terminal to ask on; add --yes")
        }
        Terminal.write("\(Terminal.visible(question)) [y/N] ")
        let answer = readLine()?.lowercased() ?? ""
        guard ["y", "yes"].contains(answer) else {
            Terminal.complain("nothing was done")
            throw ExitStatus.no.code
        }
    }
}

extension Terminal {
    /// How many columns standard error has; nil when it is no terminal.
    static var errorColumns: Int? { columns(of: STDERR_FILENO) }

    static func columns(of descriptor: Int32) -> Int? {
        guard isatty(descriptor) == 1 else { return nil }
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}

extension Int {
    /// `1 job`, `2 jobs`.
    func of(_ thing: String) -> String { self == 1 ? "1 \(thing)" : "\(self) \(thing)s" }
}
