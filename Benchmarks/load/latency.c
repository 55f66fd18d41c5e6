/* How long an idle system takes from an enqueue leaving the producer to the job in the hands of a waiting worker.
 *
 * One worker waits, one producer enqueues, both are this process. Between two measurements everybody sleeps for
 * --gap-us, as idle servers do. Each round also asks Redis one PING over its own socket: the yardstick, with the same
 * client and the same wake-ups from idleness. */
#include <stdio.h>
#include <stdlib.h>

#include "jobqd.h"
#include "report.h"
#include "scenarios.h"

struct bench {
    struct options *options;
    struct link producer, worker, redis;
    char request[1024], scratch[1024], claim[256];
    size_t request_length, claim_length, stamps[1];
    struct histogram delivery, ping, confirmed;
};

static void open_jobqd(struct bench *b) {
    const struct options *o = b->options;
    link_open(&b->producer, o->socket, LINK_BUFFER);
    link_open(&b->worker, o->socket, LINK_BUFFER);
    b->request_length = jobqd_enqueue(b->request, o->queue, 1, "", b->stamps);
    b->claim_length = jobqd_claim(b->claim, o->queue, 1, 60000);
    jobqd_hello(&b->worker, "waiting", 0);
}

/* The worker's claim is waiting when this begins and when it ends. */
static void round_jobqd(struct bench *b, bool measure) {
    struct claimed_job job;
    uint64_t start = now_ns();
    link_send(&b->producer, b->request, b->request_length);
    struct line reply = link_await(&b->worker);
    uint64_t delivered = now_ns();
    jobqd_expect_ok(link_await(&b->producer));
    uint64_t confirmed = now_ns();
    if (jobqd_claimed(reply, &job, 1) != 1)
        die("no job in the reply: %.*s", (int)reply.length, reply.text);
    jobqd_expect_ok(link_call(&b->worker, b->scratch, jobqd_complete(b->scratch, &job, 1, NULL, 0)));
    link_send(&b->worker, b->claim, b->claim_length);
    if (measure) {
        histogram_add(&b->delivery, delivered - start);
        histogram_add(&b->confirmed, confirmed - start);
    }
}

static void open_beanstalkd(struct bench *b) {
    link_open(&b->producer, b->options->socket, LINK_BUFFER);
    link_open(&b->worker, b->options->socket, LINK_BUFFER);
    b->request_length = (size_t)sprintf(b->request, "put 1024 0 60 %d\r\n", PAYLOAD_LENGTH);
    payload_write(b->request + b->request_length, 0);
    b->request_length += PAYLOAD_LENGTH;
    b->request_length += (size_t)sprintf(b->request + b->request_length, "\r\n");
    b->claim_length = (size_t)sprintf(b->claim, "reserve\r\n");
    char text[160];
    link_call(&b->producer, text, (size_t)sprintf(text, "use %s\r\n", b->options->queue));
    link_call(&b->worker, text, (size_t)sprintf(text, "watch %s\r\n", b->options->queue));
    link_call(&b->worker, "ignore default\r\n", 16);
}

static void round_beanstalkd(struct bench *b, bool measure) {
    uint64_t start = now_ns();
    link_send(&b->producer, b->request, b->request_length);
    unsigned long long id = strtoull(link_await(&b->worker).text + 9, NULL, 10);
    link_await(&b->worker);
    uint64_t delivered = now_ns();
    link_await(&b->producer);
    uint64_t confirmed = now_ns();
    link_call(&b->worker, b->scratch, (size_t)sprintf(b->scratch, "delete %llu\r\n", id));
    link_send(&b->worker, b->claim, b->claim_length);
    if (measure) {
        histogram_add(&b->delivery, delivered - start);
        histogram_add(&b->confirmed, confirmed - start);
    }
}

static void ping_redis(struct bench *b, bool measure) {
    uint64_t start = now_ns();
    link_call(&b->redis, "*1\r\n$4\r\nPING\r\n", 14);
    if (measure)
        histogram_add(&b->ping, now_ns() - start);
}

int scenario_latency(struct options *o) {
    struct bench *b = calloc(1, sizeof *b);
    bool jobqd = o->server == SERVER_JOBQD;
    uint64_t warm = o->rounds / 10 + 1;
    b->options = o;
    (jobqd ? open_jobqd : open_beanstalkd)(b);
    if (o->redis != NULL)
        link_open(&b->redis, o->redis, LINK_BUFFER);
    link_send(&b->worker, b->claim, b->claim_length);
    for (uint64_t i = 0; i < o->rounds + warm; i++) {
        pause_us(o->gap_us);
        (jobqd ? round_jobqd : round_beanstalkd)(b, i >= warm);
        if (o->redis != NULL) {
            pause_us(o->gap_us);
            ping_redis(b, i >= warm);
        }
    }
    report_begin(o);
    report_histogram("delivery_us", &b->delivery);
    report_histogram("confirmed_us", &b->confirmed);
    report_histogram("redis_ping_us", &b->ping);
    report_end();
    return 0;
}
