// How many file descriptors this process may have, and which of them are not for clients.
//
// The kernel hands out the lowest free number, so numbers tell how full the table is: clients get those below
// `limit - reserve` only, whatever they open (their connections, and the watches of their processes). What is above stays
// for administrators and monitoring, and the last of it for the daemon's own needs: connecting to Redis again, starting it
// again, reading /proc.

internal import CSystemd
internal import Glibc

/// The table of file descriptors, and who may fill it how far.
public enum DescriptorLimit {
    /// Who wants a descriptor.
    public enum Use: Sendable {
        case client
        /// An administrator, or a monitoring system.
        case administrator
    }

    /// Descriptors that clients do not get.
    public static let reserve = 32
    /// The part of them that administrators do not get either.
    private static let ownReserve = 16

    /// How many there may be now (RLIMIT_NOFILE, the soft limit).
    public static var current: Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return .max }
        return Int(clamping: limit.rlim_cur)
    }

    /// The soft limit (often 1,024) goes up to the hard one.
    public static func raise() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// The first number that this use may not have. A very small table is shared out in proportion.
    static func bound(for use: Use, limit: Int = current) -> Int {
        let reserve = min(reserve, limit * 2 / 3)
        return limit - (use == .client ? reserve : min(ownReserve, reserve / 2))
    }

    /// Whether a descriptor that was just opened may be kept for this use.
    public static func allows(_ fd: Int32, for use: Use) -> Bool { Int(fd) < bound(for: use) }

    /// Whether the next descriptor may be for this use. Opens and closes one to find out.
    public static func hasRoom(for use: Use) -> Bool { lowestFree < bound(for: use) }

    /// How many more a use may have, as things are.
    public static func room(for use: Use) -> Int { max(0, bound(for: use) - lowestFree) }

    /// The number that the next descriptor gets; `.max`: there is none.
    private static var lowestFree: Int {
        let fd = jobqd_lowest_free_descriptor()
        return fd < 0 ? .max : Int(fd)
    }
}
