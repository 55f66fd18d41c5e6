// `jobqctl job …`: what is done with single jobs.

import ArgumentParser

struct JobCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "job", abstract: "List, show and steer single jobs.",
        subcommands: [
            List.self,
            Show.self,
            JobCancel.self,
            JobPromote.self,
            Requeue.self,
            JobDelete.self,
        ])
}
