/* Buffers and system calls behind link.h. */
#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "options.h"

void link_open(struct link *l, const char *path, size_t buffer) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        die("socket path too long: %s", path);
    strcpy(address.sun_path, path);
    *l = (struct link){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), .in = malloc(buffer), .size = buffer};
    if (l->fd < 0 || l->in == NULL)
        die("cannot open another connection: %s", strerror(errno));
    /* Connecting blocks while the backlog is full, which is what thousands of connections want. */
    if (connect(l->fd, (struct sockaddr *)&address, sizeof address) != 0)
        die("cannot connect to %s: %s", path, strerror(errno));
    fcntl(l->fd, F_SETFL, O_NONBLOCK);
}

void link_close(struct link *l) {
    close(l->fd);
    free(l->in);
}

static void wait_for(struct link *l, short what) {
    struct pollfd p = {.fd = l->fd, .events = what};
    int n;
    while ((n = poll(&p, 1, 60000)) < 0 && errno == EINTR)
        ;
    if (n == 0)
        die("no answer within 60 s");
}

void link_send(struct link *l, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t n = send(l->fd, bytes, length, MSG_NOSIGNAL);
        if (n >= 0)
            bytes += n, length -= (size_t)n;
        else if (errno == EAGAIN)
            wait_for(l, POLLOUT);
        else if (errno != EINTR)
            die("the server does not take our request: %s", strerror(errno));
    }
}

/* Everything handed out: start at the front again. A rest is moved there only when the room gets short. */
static void make_room(struct link *l) {
    if (l->taken == l->have) {
        l->taken = l->have = l->scanned = 0;
    } else if (l->size - l->have < l->size / 4) {
        memmove(l->in, l->in + l->taken, l->have - l->taken);
        l->have -= l->taken;
        l->scanned -= l->taken;
        l->taken = 0;
    }
    if (l->have == l->size)
        die("a reply is longer than %zu bytes", l->size);
}

bool link_receive(struct link *l) {
    make_room(l);
    ssize_t n = recv(l->fd, l->in + l->have, l->size - l->have, 0);
    if (n > 0) {
        l->have += (size_t)n;
        return true;
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR))
        die("the server closed a connection%s%s", n ? ": " : "", n ? strerror(errno) : "");
    return false;
}

bool link_line(struct link *l, struct line *line) {
    const char *end = memchr(l->in + l->scanned, '\n', l->have - l->scanned);
    if (end == NULL) {
        l->scanned = l->have;
        return false;
    }
    line->text = l->in + l->taken;
    line->length = (size_t)(end - line->text);
    l->taken = l->scanned = (size_t)(end + 1 - l->in);
    if (line->length > 0 && line->text[line->length - 1] == '\r')
        line->length--;
    return true;
}

const char *link_bytes(struct link *l, size_t length) {
    if (l->have - l->taken < length)
        return NULL;
    const char *bytes = l->in + l->taken;
    l->taken += length;
    l->scanned = l->taken;
    return bytes;
}

struct line link_await(struct link *l) {
    struct line line;
    while (!link_line(l, &line))
        if (!link_receive(l))
            wait_for(l, POLLIN);
    return line;
}

struct line link_call(struct link *l, const char *request, size_t length) {
    link_send(l, request, length);
    return link_await(l);
}
