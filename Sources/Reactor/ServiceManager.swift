// Messages to the service manager (sd_notify(3)) and the sockets it hands over (sd_listen_fds(3)).
//
// Without a service manager (no NOTIFY_SOCKET) the messages go nowhere, which is no error. The watchdog is not here: the
// loop feeds it itself (`Loop.enableWatchdog`).

internal import CSystemd
internal import Glibc

/// The service manager's side of a daemon's life.
public enum ServiceManager {
    /// Start-up is over, or a reload is.
    @discardableResult
    public static func ready() -> Bool { send("READY=1") }

    /// The start takes that much longer, counted from now; see sd_notify(3).
    @discardableResult
    public static func extendTimeout(microseconds: UInt64) -> Bool { send("EXTEND_TIMEOUT_USEC=\(microseconds)") }

    /// One line about how things stand, for `systemctl status`.
    @discardableResult
    public static func status(_ text: String) -> Bool { send("STATUS=" + LogText.escaped(text)) }

    /// The end has begun.
    @discardableResult
    public static func stopping() -> Bool { send("STOPPING=1") }

    /// A reload has begun; `ready()` ends it. With the time the manager needs to tell it from earlier ones.
    @discardableResult
    public static func reloading() -> Bool {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return send("RELOADING=1\nMONOTONIC_USEC=\(Int(time.tv_sec) * 1_000_000 + time.tv_nsec / 1_000)")
    }

    /// The unit that this process is part of, in which its manager also runs the commands of that unit; nil without one.
    public static let ownUnit: String? = {
        var name: UnsafeMutablePointer<CChar>?
        guard sd_pid_get_unit(0, &name) >= 0, let name else { return nil }
        defer { free(name) }
        return String(cString: name)
    }()

    /// Anything else, `KEY=value` lines. True when it was handed to a service manager.
    @discardableResult
    public static func send(_ message: String) -> Bool { sd_notify(0, message) > 0 }

    /// Sockets passed by socket activation, with their `FileDescriptorName=`; empty when there are none. They are ours
    /// from now on: a second call finds none, and children do not see them.
    public static func listenDescriptors() -> [(fd: Int32, name: String)] {
        var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        let count = sd_listen_fds_with_names(1, &names)
        guard count > 0 else { return [] }
        defer {
            for i in 0..<Int(count) { free(names?[i]) }
            free(names)
        }
        return (0..<count).map { i in
            (SD_LISTEN_FDS_START + i, names?[Int(i)].map { String(cString: $0) } ?? "unknown")
        }
    }
}
