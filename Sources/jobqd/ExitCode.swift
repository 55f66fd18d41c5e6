// How the daemon ends when it cannot serve: the statuses of sysexits.h, which the unit file tells apart.

import Redis

/// Why the daemon did not start, with its exit status.
struct StartFailure: Error {
    let message: String
    let exitCode: Int32
}

/// Exit statuses of the daemon beside those of its configuration.
enum ExitCode {
    /// EX_UNAVAILABLE: somebody else serves there or uses the state directory, or the daemon's own Redis ends before it
    /// serves. It may be over the next time.
    static let unavailable: Int32 = 69
    /// EX_TEMPFAIL: told to stop, when the sockets that were handed over could not be reached any more; the unit has them
    /// made anew.
    static let socketsLost: Int32 = 75
    /// EX_OSERR: the system refused something.
    static let osError: Int32 = 71
    /// EX_OSFILE: there is no redis-server. Only an operator can mend it.
    static let noProgram: Int32 = 72
    /// EX_CANTCREAT: a socket or a file in the state directory cannot be made. Only an operator can mend it.
    static let cannotCreate: Int32 = 73
}

extension ExitCode {
    static func of(_ failure: PrivateRedisFailure) -> Int32 {
        switch failure {
        case .noProgram: noProgram
        case .unusable: cannotCreate
        case .inUse, .ends: unavailable
        }
    }
}
