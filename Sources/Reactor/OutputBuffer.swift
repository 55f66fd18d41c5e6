// Bytes on their way out of one connection: appended at the end, taken at the front, no memory while empty.
//
// Memory comes from malloc in doubling sizes and goes back as soon as everything is written: an idle connection holds
// none, and a small reply costs one malloc/free pair out of the allocator's thread cache. What was written is dropped by
// moving the front; the rest is moved down only when that frees at least half of the memory, so each byte moves O(1) times.
// A large buffer of which most was written is made smaller: a peer that leaves the last byte unread holds little.

internal import Glibc

struct OutputBuffer: ~Copyable {
    private var memory: UnsafeMutableRawPointer?
    private(set) var capacity = 0
    private var front = 0
    private var end = 0

    init() {}

    deinit { free(memory) }

    /// From here on memory is given back also while something waits.
    private static let shrinkingSize = 65_536

    var count: Int { end - front }
    var isEmpty: Bool { end == front }
    /// Bytes of memory that were touched; capacity beyond them costs nothing yet.
    var footprint: Int { end }

    /// What waits, in order. Valid until the next change.
    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: memory.map { UnsafeRawPointer($0 + front) }, count: count)
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        if capacity - end < bytes.count { makeRoom(bytes.count) }
        // makeRoom has allocated at least this much.
        memcpy(memory! + end, source, bytes.count)
        end += bytes.count
    }

    /// Forgets the first `n` bytes, and gives the memory back with the last.
    mutating func removeFirst(_ n: Int) {
        front += n
        if front == end { return removeAll() }
        if front >= Self.shrinkingSize && front >= capacity / 2 { shrink() }
    }

    /// Moves what waits into memory of its own size.
    private mutating func shrink() {
        guard let smaller = malloc(count) else { return }
        memcpy(smaller, memory! + front, count)
        free(memory)
        memory = smaller
        capacity = count
        end = count
        front = 0
    }

    mutating func removeAll() {
        free(memory)
        memory = nil
        capacity = 0
        front = 0
        end = 0
    }

    private mutating func makeRoom(_ extra: Int) {
        if front > 0 {
            let mostIsFree = front >= capacity / 2
            if mostIsFree && capacity - count >= extra {
                memmove(memory!, memory! + front, count)
                end -= front
                front = 0
                return
            }
        }
        var size = max(capacity, 256)
        while size - end < extra { size *= 2 }
        guard let grown = realloc(memory, size) else { fatalError("out of memory") }
        memory = grown
        capacity = size
    }
}
