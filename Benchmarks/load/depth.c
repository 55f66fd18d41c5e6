/* Does a long queue cost more than a short one? `fill` puts --jobs jobs in; `depth` then runs enqueue → claim → complete
 * on each of --connections, so that the depth stays as it is, and every claim takes one of the oldest jobs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "jobqd.h"
#include "report.h"
#include "scenarios.h"

enum { FILL_BATCH = 1000, EVENTS = 64 };

int scenario_fill(struct options *o) {
    char *request = malloc(FILL_BATCH * ENQUEUE_ITEM_LENGTH);
    size_t *stamps = calloc(FILL_BATCH, sizeof *stamps);
    struct link l;
    struct window w;
    size_t length = jobqd_enqueue(request, o->queue, FILL_BATCH, "", stamps);
    link_open(&l, o->socket, LINK_BUFFER);
    window_open(&w, o);
    for (uint64_t done = 0; done < o->jobs; done += FILL_BATCH) {
        uint64_t now = now_ns();
        for (unsigned i = 0; i < FILL_BATCH; i++)
            stamp_write(request + stamps[i], now);
        jobqd_expect_ok(link_call(&l, request, length));
    }
    window_close(&w, o);
    uint64_t jobs = (o->jobs + FILL_BATCH - 1) / FILL_BATCH * FILL_BATCH;
    report_begin(o);
    report_number("jobs", (double)jobs);
    report_number("jobs_per_second", (double)jobs / window_seconds(&w));
    report_window(&w, o);
    report_end();
    return 0;
}

enum step { ENQUEUING, CLAIMING, COMPLETING };

struct cycle {
    struct link link;
    enum step step;
    uint64_t sent;
};

struct bench {
    int set;
    bool measuring;
    uint64_t cycles;
    char enqueue[1024], claim[256], scratch[1024];
    size_t enqueue_length, claim_length;
    struct histogram claims;
};

static void send_step(struct cycle *c, enum step step, const char *request, size_t length) {
    c->step = step;
    c->sent = now_ns();
    link_send(&c->link, request, length);
}

static void proceed(struct bench *b, struct cycle *c, struct line reply) {
    struct claimed_job job;
    jobqd_expect_ok(reply);
    switch (c->step) {
    case ENQUEUING:
        send_step(c, CLAIMING, b->claim, b->claim_length);
        break;
    case CLAIMING:
        if (b->measuring)
            histogram_add(&b->claims, now_ns() - c->sent);
        if (jobqd_claimed(reply, &job, 1) != 1)
            die("the queue is empty");
        send_step(c, COMPLETING, b->scratch, jobqd_complete(b->scratch, &job, 1, NULL, 0));
        break;
    case COMPLETING:
        b->cycles++;
        send_step(c, ENQUEUING, b->enqueue, b->enqueue_length);
        break;
    }
}

static void run_until(struct bench *b, uint64_t end) {
    struct epoll_event events[EVENTS];
    struct line reply;
    for (uint64_t now; (now = now_ns()) < end;) {
        int n = epoll_wait(b->set, events, EVENTS, (int)((end - now) / 1000000u) + 1);
        for (int i = 0; i < n; i++) {
            struct cycle *c = events[i].data.ptr;
            if (link_receive(&c->link) && link_line(&c->link, &reply))
                proceed(b, c, reply);
        }
    }
}

int scenario_depth(struct options *o) {
    struct bench *b = calloc(1, sizeof *b);
    struct cycle *cycles = calloc(o->connections, sizeof *cycles);
    size_t stamp;
    b->set = epoll_create1(EPOLL_CLOEXEC);
    b->enqueue_length = jobqd_enqueue(b->enqueue, o->queue, 1, "", &stamp);
    b->claim_length = jobqd_claim(b->claim, o->queue, 1, 1000);
    for (unsigned i = 0; i < o->connections; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &cycles[i]};
        link_open(&cycles[i].link, o->socket, LINK_BUFFER);
        if (epoll_ctl(b->set, EPOLL_CTL_ADD, cycles[i].link.fd, &e) != 0)
            die("epoll_ctl: %s", strerror(errno));
        send_step(&cycles[i], ENQUEUING, b->enqueue, b->enqueue_length);
    }
    run_until(b, now_ns() + (uint64_t)(o->warmup * 1e9));
    struct window w;
    uint64_t done = b->cycles;
    b->measuring = true;
    window_open(&w, o);
    run_until(b, now_ns() + (uint64_t)(o->seconds * 1e9));
    window_close(&w, o);
    done = b->cycles - done;
    report_begin(o);
    report_number("jobs", (double)done);
    report_number("jobs_per_second", (double)done / window_seconds(&w));
    report_window(&w, o);
    report_histogram("claim_us", &b->claims);
    report_end();
    return 0;
}
