// What the kernel says of this process: memory, CPU time, descriptors. Read afresh each time.

import Glibc
import Reactor

/// The process in numbers; what cannot be found out is nil.
struct ProcessFigures {
    /// User and system.
    var cpuUs: UInt64?
    var residentBytes: UInt64?
    var openDescriptors: Int?
    var maximumDescriptors: UInt64?

    /// As it is now (getrusage(2), proc(5)).
    static func now() -> ProcessFigures {
        ProcessFigures(
            cpuUs: cpu(), residentBytes: resident(), openDescriptors: descriptors(), maximumDescriptors: limit())
    }

    private static func cpu() -> UInt64? {
        var usage = rusage()
        guard getrusage(RUSAGE_SELF.rawValue, &usage) == 0 else { return nil }
        let times = [usage.ru_utime, usage.ru_stime]
        return times.reduce(0) { $0 + UInt64($1.tv_sec) * 1_000_000 + UInt64($1.tv_usec) }
    }

    /// The second number of /proc/self/statm, in pages.
    private static func resident() -> UInt64? {
        guard let file = fopen("/proc/self/statm", "re") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, 128, file) != nil else { return nil }
        let words = line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }.split(separator: 0x20)
        guard words.count > 1, let pages = UInt64(String(decoding: words[1], as: UTF8.self)) else { return nil }
        return pages * UInt64(sysconf(Int32(_SC_PAGESIZE)))
    }

    private static func descriptors() -> Int? {
        guard let directory = opendir("/proc/self/fd") else { return nil }
        defer { closedir(directory) }
        // Beside the descriptors there are `.`, `..` and the one it is read by.
        var count = -3
        while readdir(directory) != nil { count += 1 }
        return count
    }

    private static func limit() -> UInt64? {
        let limit = DescriptorLimit.current
        return limit == .max ? nil : UInt64(limit)
    }
}
