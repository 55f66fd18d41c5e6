/* How late delayed jobs come: --jobs jobs, one every few milliseconds, each due 50 ms to 1 s after its enqueue.
 *
 * A job is due `delay_ms` after its enqueue was sent, by the host's clock (which is Redis's clock here); so the time the
 * enqueue needs counts as lateness. Redis cuts its clock to milliseconds, hence a job may come up to 1 ms "early": those
 * are counted, and their lateness is 0. Several workers wait, so that a job never waits for one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "jobqd.h"
#include "report.h"
#include "scenarios.h"

enum { WORKERS = 16, EVENTS = 32, SPACING_US = 5000, DELAY_LOW_MS = 50, DELAY_SPAN_MS = 950 };

struct bench {
    int set;
    struct link workers[WORKERS];
    bool busy[WORKERS];     /* has sent a complete */
    char scratch[1024], claim[256];
    size_t claim_length;
    uint64_t arrived, early;
    struct histogram lateness;
};

static void worked(struct bench *b, unsigned i) {
    struct line reply;
    while (link_line(&b->workers[i], &reply)) {
        uint64_t now = wall_ns();
        struct claimed_job job;
        jobqd_expect_ok(reply);
        if (b->busy[i] || jobqd_claimed(reply, &job, 1) == 0) {
            b->busy[i] = false;
            link_send(&b->workers[i], b->claim, b->claim_length);
            continue;
        }
        b->arrived++;
        b->early += now < job.stamp;
        histogram_add(&b->lateness, now < job.stamp ? 0 : now - job.stamp);
        b->busy[i] = true;
        link_send(&b->workers[i], b->scratch, jobqd_complete(b->scratch, &job, 1, NULL, 0));
    }
}

static void serve_until(struct bench *b, uint64_t end) {
    struct epoll_event events[EVENTS];
    for (uint64_t now; (now = now_ns()) < end;) {
        int n = epoll_wait(b->set, events, EVENTS, (int)((end - now) / 1000000u));
        for (int e = 0; e < n; e++)
            if (link_receive(&b->workers[events[e].data.u32]))
                worked(b, events[e].data.u32);
    }
}

static void enqueue(struct bench *b, struct link *producer, const char *queue) {
    char request[1024], extra[64];
    size_t stamp;
    unsigned delay = DELAY_LOW_MS + (unsigned)rand() % DELAY_SPAN_MS;
    snprintf(extra, sizeof extra, ",\"delay_ms\":%u", delay);
    size_t length = jobqd_enqueue(request, queue, 1, extra, &stamp);
    stamp_write(request + stamp, wall_ns() + delay * 1000000ull);
    jobqd_expect_ok(link_call(producer, request, length));
    serve_until(b, now_ns() + SPACING_US * 1000ull);
}

int scenario_delayed(struct options *o) {
    struct bench *b = calloc(1, sizeof *b);
    struct link producer;
    b->set = epoll_create1(EPOLL_CLOEXEC);
    b->claim_length = jobqd_claim(b->claim, o->queue, 1, 600000);
    link_open(&producer, o->socket, LINK_BUFFER);
    for (unsigned i = 0; i < WORKERS; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};
        link_open(&b->workers[i], o->socket, LINK_BUFFER);
        if (epoll_ctl(b->set, EPOLL_CTL_ADD, b->workers[i].fd, &e) != 0)
            die("epoll_ctl: %s", strerror(errno));
        link_send(&b->workers[i], b->claim, b->claim_length);
    }
    srand(7);
    for (uint64_t i = 0; i < o->jobs; i++)
        enqueue(b, &producer, o->queue);
    for (uint64_t limit = now_ns() + 5000000000u; b->arrived < o->jobs && now_ns() < limit;)
        serve_until(b, now_ns() + 10000000u);
    report_begin(o);
    report_number("jobs", (double)o->jobs);
    report_number("arrived", (double)b->arrived);
    report_number("early", (double)b->early);
    report_histogram("lateness_us", &b->lateness);
    report_end();
    return 0;
}
