// `jobqctl job cancel`: ends a waiting job, and asks the worker of a running one to stop.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl job cancel JOB`
struct JobCancel: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "End a job that waits; ask the worker of one that runs to stop.",
        discussion: "A running job ends as cancelled with its attempt, unless its worker completes it.")

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The job, as queue/id.")
    var job: String
    @Option(help: "Shown in the record, and to the worker.")
    var reason: String?

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let reply = try jobqd.request("cancel") {
            $0.member("job", job)
            if let reason { $0.member("reason", reason) }
        }
        if connection.json {
            print(Terminal.json(reply))
        } else if reply["cancel_requested"]?.bool == true {
            print("\(Terminal.visible(job)) is running; its worker was told to stop")
        } else {
            print("\(Terminal.visible(job)) is cancelled")
        }
        return true
    }
}
