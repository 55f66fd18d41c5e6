// Which process groups have a process that still runs, from /proc (proc_pid_stat(5)).
//
// kill(2) cannot tell: it counts a dead leader that was not reaped, and a leader that was reaped gives its group's number to
// whoever comes next. So the leader stays unreaped, which keeps the number, and the living are looked up here.

import Glibc

enum ProcessGroups {
    /// The numbers of all groups with a process that is not dead; nil: /proc cannot be read.
    static func living() -> Set<pid_t>? {
        guard let folder = opendir("/proc") else { return nil }
        defer { closedir(folder) }
        var groups: Set<pid_t> = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let pid = pid_t(name), let group = group(of: pid) else { continue }
            groups.insert(group)
        }
        return groups
    }

    /// nil: there is no such process any more.
    private static func group(of pid: pid_t) -> pid_t? {
        let file = open("/proc/\(pid)/stat", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        let text = [UInt8](unsafeUninitializedCapacity: 512) { buffer, count in
            count = max(0, read(file, buffer.baseAddress, 512))
        }
        return group(in: text)
    }

    /// The fifth field, unless the third says that it is dead. The second is the command's name in parentheses, which may have
    /// spaces and parentheses of its own.
    static func group(in text: [UInt8]) -> pid_t? {
        guard let end = text.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = String(decoding: text[(end + 1)...], as: UTF8.self).split(separator: " ")
        guard fields.count > 2, !["Z", "X", "x"].contains(fields[0]) else { return nil }
        return pid_t(fields[2])
    }
}
