// The one place where hiredis meets Swift. hiredis 0.14.1 (Debian 12) up to 1.x; what differs is guarded by
// HIREDIS_MAJOR / HIREDIS_MINOR here, so that Swift sees one interface.
//
// What is used is small on purpose: adopt a connected descriptor, append formatted bytes, write, read, take replies.
// No connecting (ours never blocks), no async context, no printf-like formatter. These have had the same signatures
// from 0.14 to 1.3; the field `reader->maxbuf` too.
#ifndef JOBQD_CHIREDIS_SHIM_H
#define JOBQD_CHIREDIS_SHIM_H
#include <hiredis/hiredis.h>

// 0.13 has replies whose `len` is an int and no redisFreeKeepFd; nothing that old is around, so it is refused here
// rather than found out at run time.
#if HIREDIS_MAJOR == 0 && HIREDIS_MINOR < 14
#error "hiredis 0.14 or later is needed"
#endif

/// Makes a context for a connected, non-blocking socket, which it then owns and closes; NULL when out of memory.
///
/// redisConnectFd() marks the context as blocking whatever the descriptor is; without that mark EAGAIN is no error
/// (net.c: "Try again later"). `maxbuf` is the size from which an emptied read buffer is given back: hiredis's 16 KiB
/// is one read here, and would mean a malloc and a free for each.
static inline redisContext *jobqd_redis_adopt(int fd) {
    redisContext *context = redisConnectFd(fd);
    if (context != NULL && context->err == 0) {
        context->flags &= ~REDIS_BLOCK;
        context->reader->maxbuf = 256 * 1024;
    }
    return context;
}

/// Bytes fed to the reader and not yet taken as replies: how much one redisBufferRead() has read is the difference.
static inline size_t jobqd_redis_buffered(const redisContext *context) { return context->reader->len; }

/// Bytes that were appended and are not written yet.
static inline size_t jobqd_redis_unsent(const redisContext *context) { return sdslen(context->obuf); }

/// An error in words, valid until the context is freed.
static inline const char *jobqd_redis_error(const redisContext *context) { return context->errstr; }

#endif
