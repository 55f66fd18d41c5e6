// Exit statuses, after sysexits.h, so that scripts can tell "no" from "not now" from "wrong"; and those of
// a shell for a program that a signal ended.

import ArgumentParser
import Glibc
import JobqClient
import Wire

enum ExitStatus: Int32 {
    case no = 1
    case usage = 64
    case data = 65
    case noInput = 66
    case unavailable = 69
    case software = 70
    case io = 74
    case temporary = 75
    case `protocol` = 76
    case permission = 77
    case configuration = 78
    /// Ctrl-C, as a shell has it: 128 and the signal.
    case interrupted = 130
    case terminated = 143

    var code: ExitCode { ExitCode(rawValue) }

    /// What a refusal of the daemon means for a script.
    init(_ error: ProtocolError) {
        switch error.errorCode {
        case .notFound, .wrongState, .leaseLost, .cancelled: self = .no
        case .badRequest, .unknownOp: self = .usage
        case .badJSON, .lineTooLong: self = .data
        case .forbidden: self = .permission
        case .unsupportedProtocol: self = .protocol
        case .queueFull, .storeUnavailable, .storeFull, .draining: self = .temporary
        case .internal: self = .software
        case nil: self = error.isRetryable ? .temporary : .protocol
        }
    }

    init(_ error: ConnectionError) {
        switch error {
        case .connect(_, let code): self = Self.connecting(code)
        case .closed, .timedOut: self = .temporary
        case .system: self = .software
        case .notAReply: self = .protocol
        }
    }

    private static func connecting(_ code: Int32) -> ExitStatus {
        switch code {
        case EACCES, EPERM: .permission
        case ENAMETOOLONG: .configuration
        case EAGAIN: .temporary
        default: .unavailable
        }
    }
}
