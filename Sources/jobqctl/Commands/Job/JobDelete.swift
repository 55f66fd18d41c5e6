// `jobqctl job delete`: removes records, for good.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl job delete JOB…`
struct JobDelete: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Remove jobs that are not running, with their records.",
        discussion: "It cannot be undone: on a terminal it asks. Exit status 1 when one of them could not be removed.")

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The jobs, as queue/id.", valueName: "job"))
    var jobs: [String]
    @OptionGroup var confirmation: ConfirmationOptions

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        try confirmation.confirm(jobs.count == 1 ? "Delete \(jobs[0])?" : "Delete \(jobs.count.of("job"))?")
        var isComplete = true
        for job in jobs {
            do {
                let reply = try jobqd.request("delete") { $0.member("job", job) }
                let state = reply["state"]?.string ?? "?"
                print(connection.json ? Terminal.json(reply) : "\(Terminal.visible(job)) is deleted; it was \(state)")
            } catch let refused as ProtocolError where jobs.count > 1 && ExitStatus(refused) == .no {
                // The others are still to be deleted.
                _ = connection.report(refused)
                isComplete = false
            }
        }
        return isComplete
    }
}
