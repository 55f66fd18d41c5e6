// sem_t of POSIX (sem_overview(7)): one thread waits until another one has posted. It takes no descriptor.

import Glibc

/// A counting semaphore that begins at 0.
package final class Semaphore: @unchecked Sendable {
    // Never moved once it is initialised, as sem_init(3) wants it; its functions are made for several threads.
    private let semaphore: UnsafeMutablePointer<sem_t>

    package init() {
        semaphore = .allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    package func post() { sem_post(semaphore) }

    package func wait() { while sem_wait(semaphore) != 0 {} }

    /// Waits this long at most; the wall clock may make it shorter or longer.
    package func wait(milliseconds: Int64) {
        var until = timespec()
        clock_gettime(CLOCK_REALTIME, &until)
        let nanoseconds = Int64(until.tv_nsec) + milliseconds % 1_000 * 1_000_000
        until.tv_sec += time_t(milliseconds / 1_000 + nanoseconds / 1_000_000_000)
        until.tv_nsec = Int(nanoseconds % 1_000_000_000)
        sem_timedwait(semaphore, &until)
    }
}
