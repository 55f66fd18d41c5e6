// `jobqctl topic publish`: one job into every queue bound to a topic, all under one id.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl topic publish TOPIC [PAYLOAD]`: prints the names of the jobs. "No" when no queue is bound.
struct TopicPublish: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish", abstract: "Put a job into every queue that is bound to a topic.",
        discussion: """
            Prints the names of the jobs. With --job-id it is safe to repeat. Exit status 1 when no queue is bound, 75 \
            when a queue had no room.
            """)

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The topic.", completion: .topics)
    var topic: String
    @Argument(help: "JSON, or - to read it from standard input.")
    var payload: String?
    @OptionGroup var job: JobOptions

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let payload = try ClientJSON.read(
            try ClientJSON.payload(payload), "the payload")
        let members = try job.members()
        let reply = try jobqd.request("publish") {
            $0.member("topic", topic)
            members.write(to: &$0)
            $0.member("payload", raw: payload.raw)
        }
        if connection.json { print(Terminal.json(reply)) }
        let jobs = reply["jobs"]?.array ?? []
        var problem: ProtocolError?
        for job in jobs {
            if let error = job["error"] {
                let refused = ProtocolError(error)
                Terminal.complain("\(job["queue"]?.string ?? "?"): \(refused)")
                problem = problem ?? refused
            } else if !connection.json {
                print(Terminal.visible(job["job"]?.string ?? "?"))
            }
        }
        if let problem { throw ExitStatus(problem).code }
        if jobs.isEmpty { Terminal.complain("no queue is bound to \(topic)") }
        return !jobs.isEmpty
    }
}
