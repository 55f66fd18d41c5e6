// `jobqctl queue remove`: the end of a queue with everything that belongs to it.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl queue remove QUEUE`
struct QueueRemove: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove a queue with its records, rules, totals and bindings.",
        discussion: """
            A queue whose jobs wait or run is not removed without --jobs. It cannot be undone: on a terminal it asks. A job \
            that is enqueued later creates the queue anew.
            """)

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The queue.", completion: .queues)
    var queue: String
    @Flag(help: "Also remove the jobs that wait or run.")
    var jobs = false
    @OptionGroup var confirmation: ConfirmationOptions

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let depth = try jobqd.request("stats") { $0.member("queue", queue) }["depth"]
        let records = (depth?.members ?? []).reduce(0) { $0 + Int($1.value.integer ?? 0) }
        try confirmation.confirm("Remove the queue \(queue) with \(records.of("job record"))?")
        let reply = try jobqd.request("remove_queue") {
            $0.member("queue", queue)
            if jobs { $0.member("jobs", true) }
        }
        let removed = Int(reply["removed"]?.integer ?? 0)
        print(
            connection.json
                ? reply.description : "\(Terminal.visible(queue)) removed, with \(removed.of("job record"))")
        return true
    }
}
