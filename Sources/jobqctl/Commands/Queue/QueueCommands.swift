// `jobqctl queue …`: what is done with a queue as a whole.

import ArgumentParser

struct QueueCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue", abstract: "Show, pause, configure, clear and remove queues.",
        subcommands: [
            QueueList.self,
            QueueShow.self,
            QueuePause.self,
            QueueResume.self,
            QueueConfigure.self,
            QueuePurge.self,
            QueueRemove.self,
        ])
}
