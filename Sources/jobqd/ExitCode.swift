// How the daemon ends when it cannot serve: the statuses of sysexits.h, which the unit file tells apart.

/// Why the daemon did not start, with its exit status.
struct StartFailure: Error {
    let message: String
    let exitCode: Int32
}

/// Exit statuses of the daemon beside those of its configuration.
enum ExitCode {
    /// EX_UNAVAILABLE: somebody else serves there, or the child Redis cannot be had.
    static let unavailable: Int32 = 69
    /// EX_OSERR: the system refused something.
    static let osError: Int32 = 71
    /// EX_CANTCREAT: a socket or directory cannot be made.
    static let cannotCreate: Int32 = 73
}
