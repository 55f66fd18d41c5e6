/* One connection to a server over a Unix socket: lines in, bytes out, no allocation after it is open.
 *
 * Reading never blocks (link_receive), so a link can sit in an epoll set; link_await waits, for set-up and for the
 * scenarios that do one thing at a time. Writing goes out at once; should the socket be full, it waits. Lines stay in
 * the link's buffer and are valid until the next link_receive. */
#ifndef LINK_H
#define LINK_H

#include <stdbool.h>
#include <stddef.h>

enum { LINK_BUFFER = 256 * 1024, LINK_SMALL_BUFFER = 1024 };

struct link {
    int fd;
    char *in;
    size_t size;        /* of `in` */
    size_t have;        /* bytes in it */
    size_t taken;       /* of these, already handed out */
    size_t scanned;     /* up to here there is no line end */
};

struct line {
    const char *text;   /* without the line end */
    size_t length;
};

/* Connects or ends the program. */
void link_open(struct link *l, const char *path, size_t buffer);
void link_close(struct link *l);
void link_send(struct link *l, const char *bytes, size_t length);
/* One read: false when nothing was there. Ends the program when the server has closed. */
bool link_receive(struct link *l);
/* The next whole line, if there is one. `\r` before the end is taken off. */
bool link_line(struct link *l, struct line *line);
/* The next `length` bytes, if they are there; NULL otherwise. */
const char *link_bytes(struct link *l, size_t length);
/* The next line, however long it takes (up to 60 s). */
struct line link_await(struct link *l);
/* Sends a request and awaits its line. */
struct line link_call(struct link *l, const char *request, size_t length);

#endif
