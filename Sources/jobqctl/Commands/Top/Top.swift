// `jobqctl top`: the options. What is shown is in `TopState` and `TopView`, the loop in `TopLoop`.

import ArgumentParser
import JobqClient

/// `jobqctl top`: the daemon and its queues, once a second.
struct Top: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Watch queues, rates, workers and failures.",
        discussion: """
            On a terminal it has the whole screen; ? shows the keys. Elsewhere it prints one block of lines each interval. \
            A restart of jobqd is waited for. Workers are shown to administrators only.
            """)

    @OptionGroup var connection: ConnectionOptions

    @Option(help: ArgumentHelp("Time between updates.", valueName: "duration"))
    var interval = TimeSpan(milliseconds: 1_000)
    @Option(help: ArgumentHelp("Exit after N updates.", valueName: "n"))
    var count: Int?
    @Option(help: "Sort by name, queued, rate, oldest or dead.")
    var sort = TopState.Order.name

    func validate() throws {
        guard (100...86_400_000).contains(interval.milliseconds) else {
            throw ValidationError("--interval must be 100ms to 24h")
        }
        guard count.map({ $0 > 0 }) ?? true else { throw ValidationError("--count must be at least 1") }
    }

    func run() throws {
        do {
            let loop = try TopLoop(
                path: connection.path, intervalMs: interval.milliseconds, count: count, asJSON: connection.json)
            loop.state.order = sort
            try loop.run()
        } catch {
            throw connection.report(error)
        }
    }
}

extension TopState.Order: ExpressibleByArgument {}
