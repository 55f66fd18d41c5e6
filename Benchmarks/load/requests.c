/* What one small request costs a server: --connections, each with one request at a time.
 *
 * jobqd is asked `ping`, which it answers without Redis; a bare line server gets the same line and echoes it. The CPU of
 * the watched server divided by the requests is what the daemon's own machinery costs against the loop alone. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "jobqd.h"
#include "report.h"
#include "scenarios.h"

enum { EVENTS = 256 };
static const char request[] = "{\"op\":\"ping\"}\n";

struct asker {
    struct link link;
    uint64_t sent;
};

struct asking {
    int set;
    bool line_server, measuring;
    uint64_t answered;
    struct histogram reply;
};

static void ask(struct asker *a) {
    a->sent = now_ns();
    link_send(&a->link, request, sizeof request - 1);
}

static void turn(struct asking *s, int timeout_ms) {
    struct epoll_event events[EVENTS];
    struct line line;
    int n = epoll_wait(s->set, events, EVENTS, timeout_ms);
    for (int i = 0; i < n; i++) {
        struct asker *a = events[i].data.ptr;
        if (!link_receive(&a->link) || !link_line(&a->link, &line))
            continue;
        if (!s->line_server)
            jobqd_expect_ok(line);
        s->answered++;
        if (s->measuring)
            histogram_add(&s->reply, now_ns() - a->sent);
        ask(a);
    }
}

static void run_until(struct asking *s, uint64_t end) {
    for (uint64_t now; (now = now_ns()) < end;)
        turn(s, (int)((end - now) / 1000000u) + 1);
}

int scenario_requests(struct options *o) {
    struct asking *s = calloc(1, sizeof *s);
    struct asker *askers = calloc(o->connections, sizeof *askers);
    s->set = epoll_create1(EPOLL_CLOEXEC);
    s->line_server = o->server == SERVER_LINE;
    for (unsigned i = 0; i < o->connections; i++) {
        link_open(&askers[i].link, o->socket, LINK_SMALL_BUFFER);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &askers[i]};
        if (epoll_ctl(s->set, EPOLL_CTL_ADD, askers[i].link.fd, &e) != 0)
            die("epoll_ctl: %s", strerror(errno));
        ask(&askers[i]);
    }
    run_until(s, now_ns() + (uint64_t)(o->warmup * 1e9));
    struct window w;
    uint64_t answered = s->answered;
    s->measuring = true;
    window_open(&w, o);
    run_until(s, now_ns() + (uint64_t)(o->seconds * 1e9));
    window_close(&w, o);
    answered = s->answered - answered;
    report_begin(o);
    report_number("requests", (double)answered);
    report_number("requests_per_second", (double)answered / window_seconds(&w));
    report_window(&w, o);
    report_histogram("reply_us", &s->reply);
    report_end();
    return 0;
}
