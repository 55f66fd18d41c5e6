// `jobqctl dead …`: what is done with dead letters.

import ArgumentParser
import Wire

struct DeadCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead", abstract: "List, show, replay and purge dead letters.",
        discussion: "A dead letter is a job that has used up its attempts, or that failed with no retry wanted.",
        subcommands: [
            DeadList.self,
            DeadShow.self,
            DeadReplay.self,
            DeadPurge.self,
        ])
}

/// Which dead letters.
struct DeadFilters: ParsableArguments {
    @Option(help: "Only jobs of this type.")
    var type: String?
    @Option(
        help: "Only those that died of this: failed, lease_expired or worker_gone.",
        completion: .list(["failed", "lease_expired", "worker_gone"]))
    var reason: String?
    @Option(
        help: ArgumentHelp("Only those whose error contains this text, or matches it with * or ?.", valueName: "text"))
    var error: TextPattern?
    @Option(help: ArgumentHelp("Only those that died at least this long ago.", valueName: "duration"))
    var olderThan: TimeSpan?

    func selection(_ queue: String) -> JobSelection {
        JobSelection(
            queue: queue, state: .dead, type: type, reason: reason, error: error, olderThan: olderThan)
    }

    var isEmpty: Bool { type == nil && reason == nil && error == nil && olderThan == nil }
}
