// The systemd unit of the process at the other end of a connection, and how far that is known.
//
// systemd finds a unit by the process's pid (/proc/PID/cgroup), and a pid may be another's by now. So the process is held by
// a pidfd, the unit is read, and what was read is believed only if the process still lives after that. Without
// SO_PEERPIDFD the descriptor is opened by the pid, too; then the process must have started before the connection was
// accepted, or it is one that got the pid later.

internal import CSystemd
internal import Glibc

/// What is known of a peer's unit.
public enum PeerUnit: Sendable, Hashable {
    case named(String)
    /// The process runs in no unit.
    case none
    /// It cannot be found out: the process had ended, or lives in another PID namespace.
    case unknown

    /// Its name, if it has one and it is known.
    public var name: String? {
        if case .named(let name) = self { name } else { nil }
    }

    /// - Parameter acceptedAt: when its connection was accepted; µs of CLOCK_BOOTTIME.
    init(ofSocket fd: Int32, pid: Int32, acceptedAt: UInt64) {
        self = .unknown
        guard let process = PeerProcess(ofSocket: fd, pid: pid), !process.hasEnded else { return }
        if !process.isExact {
            guard let started = PeerUnit.startTime(of: pid), started <= acceptedAt else { return }
        }
        var name: UnsafeMutablePointer<CChar>?
        let result = sd_peer_get_unit(fd, &name)
        defer { free(name) }
        // Whose cgroup that was is certain only if the pid is still the same process's.
        guard !process.hasEnded else { return }
        if result >= 0, let name {
            self = .named(String(cString: name))
        } else if result == -ENODATA || result == -ENXIO || result == -ENOMEDIUM {
            self = .none
        }
    }

    /// When a process started, µs of CLOCK_BOOTTIME, rounded down to the kernel's tick; nil when there is none of that pid.
    static func startTime(of pid: Int32) -> UInt64? {
        guard let file = fopen("/proc/\(pid)/stat", "re") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 1_024)
        guard fgets(&line, 1_024, file) != nil else { return nil }
        let text = line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        // The name stands in parentheses and may have any characters; field 22 is the 20th behind it (proc(5)).
        guard let end = text.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = text[(end + 1)...].split(separator: UInt8(ascii: " "))
        guard fields.count > 19, let ticks = UInt64(String(decoding: fields[19], as: UTF8.self)) else { return nil }
        return ticks * 1_000_000 / UInt64(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// CLOCK_BOOTTIME in µs.
    static var bootTime: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1_000
    }
}
