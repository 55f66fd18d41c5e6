// What proves that a job is in one's hands: its name and the token of its claim. Below `jobqctl run` both stand in the
// environment, so that the program that does the work can say `jobqctl extend --progress 50` and no more.

import ArgumentParser
import Glibc
import Wire

/// The job and its token, as arguments or from the environment.
struct TokenOptions: ParsableArguments {
    @Argument(help: "The job, as queue/id (default: $JOBQ_JOB).")
    var job: String?
    @Argument(help: "The token of its claim (default: $JOBQ_TOKEN).")
    var token: String?

    func validate() throws {
        guard (job == nil) == (token == nil) else { throw ValidationError("the job and its token go together") }
    }

    /// Both, from wherever they come.
    func claimed() throws -> (job: String, token: String) {
        if let job, let token { return (job, token) }
        guard let job = Self.variable("JOBQ_JOB"), let token = Self.variable("JOBQ_TOKEN") else {
            throw UsageProblem(description: "give the job and its token, or set JOBQ_JOB and JOBQ_TOKEN")
        }
        return (job, token)
    }

    /// A variable of the environment; nil when it is not set or empty.
    static func variable(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }
}
