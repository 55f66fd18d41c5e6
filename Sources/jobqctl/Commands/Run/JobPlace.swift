// A job that `jobqctl run` has claimed, and the command that runs for it.

import JobqClient

/// One job at work, until its end is reported.
final class JobPlace {
    let job: ClaimedJob
    let child: ChildCommand
    /// The job belongs to somebody else: nothing is reported.
    var isLost = false
    var cancelReason: String?
    var isReporting = false
    /// How often the daemon refused what it was told of the end.
    var refusals = 0

    init(_ job: ClaimedJob, _ child: ChildCommand) {
        self.job = job
        self.child = child
    }
}
