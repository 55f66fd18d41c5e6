// One claim in a worker's hands, as long as the daemon knows nothing else.

import Store
import Wire

/// A job that a worker holds under a token.
final class HeldJob: AgendaItem {
    let name: JobName
    let token: String
    /// Who holds it. Good while `isHeld`: a worker lets go of its jobs before it goes.
    private(set) unowned var worker: Worker
    var lease: LeasePeriod
    /// Its place in the worker's list.
    var place = 0
    /// False from the moment it was let go; answers that come later mean nothing.
    var isHeld = true
    /// The worker was told that the job's cancellation is asked for.
    var cancelIsSaid = false
    var agendaTime: UInt64?
    var agendaEntry: UInt64?

    init(name: JobName, token: String, worker: Worker, lease: LeasePeriod) {
        self.name = name
        self.token = token
        self.worker = worker
        self.lease = lease
    }

    var claim: Claim { Claim(id: name.id, token: token) }
}
