// `jobqctl metrics`: the metrics as Prometheus reads them, for a look or for a textfile collector.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl metrics`: what there is to measure, in Prometheus's text format.
struct Metrics: DaemonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the daemon's metrics in the text format of Prometheus.")

    @OptionGroup var connection: ConnectionOptions

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let reply = try jobqd.request("metrics")
        if connection.json {
            print(Terminal.json(reply))
        } else {
            guard let text = reply["text"]?.string else { throw ConnectionError.notAReply("no \"text\"") }
            print(text, terminator: "")
        }
        return true
    }
}
