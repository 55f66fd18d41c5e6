// The allocator, told to give memory back (mallopt(3), malloc_trim(3)).
//
// glibc raises the size from which a block gets pages of its own with the blocks it sees freed, up to 32 MiB. After a burst
// of large requests such blocks come from the heap, and a small block behind them keeps all of it. With a fixed threshold
// every large block goes back to the kernel when it is freed.

internal import CSystemd
internal import Glibc

/// What this process wants of malloc.
public enum MallocTuning {
    /// Blocks from this size on have pages of their own. One read of a connection (64 KiB) is one.
    private static let pagesFrom: Int32 = 64 << 10

    /// To be called once, before the first large allocation.
    public static func apply() {
        _ = mallopt(M_MMAP_THRESHOLD, pagesFrom)
        _ = mallopt(M_TRIM_THRESHOLD, 1 << 20)
    }

    /// Gives the pages of free blocks back. Takes about a millisecond for each 10 MiB that are free.
    public static func giveBack() { _ = malloc_trim(0) }
}
