// Cuts a transaction off the end of an append-only file that was being written when the server was killed.
//
// What a script writes stands in the file between MULTI and EXEC. Redis leaves an unfinished one out when it loads the
// file, but (seen on 7.0.15) leaves its beginning there, appends to it, and at the start after that takes what follows for
// a part of it: half of a script is then executed. So it is cut off before each start, as `redis-check-aof --fix` does,
// which however reads the whole file and asks at a terminal. Only the end is read here: a line break stands in no value of
// ours (the protocol's lines end at one), so the words of the framing cannot be part of a value.

import Glibc
import Reactor

enum AppendOnlyTail {
    private static let begin = Array("*1\r\n$5\r\nMULTI\r\n".utf8)
    private static let end = Array("*1\r\n$4\r\nEXEC\r\n".utf8)

    /// Mends the files of a server that is down; returns what was cut off, as sentences for the log.
    static func mend(directory: String) -> [String] {
        let folder = directory + "/appendonlydir"
        // The second place is that of Redis 6.2.
        let files = names(in: folder).filter { $0.hasSuffix(".incr.aof") }.map { "\(folder)/\($0)" }
        return (files + ["\(directory)/appendonly.aof"]).compactMap { path in
            do { return try mend(file: path) } catch { return "\(error)" }
        }
    }

    /// nil: nothing was to be cut off, or there is no such file.
    static func mend(file path: String) throws(SystemError) -> String? {
        let fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard fd >= 0 else {
            if errno == ENOENT { return nil }
            throw SystemError(errno, "open \(path)")
        }
        defer { close(fd) }
        let size = Int(lseek(fd, 0, SEEK_END))
        guard size > 0 else { return nil }
        // Only the pages that are looked at are read.
        guard let map = mmap(nil, size, PROT_READ, MAP_SHARED, fd, 0), map != MAP_FAILED else {
            throw SystemError(errno, "mmap \(path)")
        }
        let unfinished = unfinishedTransaction(UnsafeRawBufferPointer(start: map, count: size))
        munmap(map, size)
        guard let unfinished else { return nil }
        guard ftruncate(fd, off_t(unfinished)) == 0, fsync(fd) == 0 else {
            throw SystemError(errno, "truncate \(path)")
        }
        return "cut an unfinished transaction of \(size - unfinished) bytes off \(path)"
    }

    /// Where the last transaction begins, if it does not end.
    static func unfinishedTransaction(_ bytes: UnsafeRawBufferPointer) -> Int? {
        var position = bytes.count - end.count
        while position >= 0 {
            if bytes[position] == 0x2A {
                if has(end, in: bytes, at: position) { return nil }
                if has(begin, in: bytes, at: position) { return position }
            }
            position -= 1
        }
        return nil
    }

    private static func has(_ words: [UInt8], in bytes: UnsafeRawBufferPointer, at position: Int) -> Bool {
        position + words.count <= bytes.count && bytes[position..<position + words.count].elementsEqual(words)
    }

    private static func names(in folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) {
                    String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
                })
        }
        return names
    }
}
