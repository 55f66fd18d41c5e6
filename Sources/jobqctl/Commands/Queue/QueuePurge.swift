// `jobqctl queue purge`: removes the records of a queue's jobs in one state.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl queue purge QUEUE --state STATE`
struct QueuePurge: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "purge", abstract: "Remove the jobs of a queue that are in one state, with their records.",
        discussion:
            "Oldest first. Running jobs cannot be purged. It cannot be undone: on a terminal it asks.")

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The queue.", completion: .queues)
    var queue: String
    @Option(help: "The state.")
    var state: JobState
    @Option(help: "Only jobs of this type.")
    var type: String?
    @Option(
        help: ArgumentHelp("Only jobs that entered the state at least this long ago.", valueName: "duration"))
    var olderThan: TimeSpan?
    @OptionGroup var bulk: BulkOptions

    func validate() throws {
        guard state != .processing else { throw ValidationError("processing jobs cannot be purged") }
    }

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let selection = JobSelection(queue: queue, state: state, type: type, olderThan: olderThan)
        return try BulkWork(
            jobqd: jobqd, action: .purge, selection: selection, options: bulk, isJSON: connection.json
        ).run()
    }
}
