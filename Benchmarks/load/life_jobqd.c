/* Producers and workers of jobqd. A worker is a named one (hello), as real ones are.
 *
 * One at a time: enqueue → reply; claim (waiting) → complete → claim … In batches: `jobs` of --batch in enqueue and
 * complete, `max` of --batch in claim. With --next the complete carries the next claim, one round trip a batch. */
#include <stdio.h>

#include "life.h"

static char claim[256], next[256];
static size_t claim_length, next_length;

static size_t prepare(struct life *life) {
    const struct options *o = &life->options;
    char extra[64] = "";
    if (o->keep_ms >= 0)
        snprintf(extra, sizeof extra, ",\"keep_ms\":%ld", o->keep_ms);
    claim_length = jobqd_claim(claim, o->queue, o->batch, 60000);
    next_length = (size_t)sprintf(next, "{\"queue\":\"%s\",\"max\":%u,\"wait_ms\":60000}", o->queue, o->batch);
    return jobqd_enqueue(life->request, o->queue, o->batch, extra, life->stamps);
}

static void greet(struct life *life, struct actor *a, unsigned number) {
    (void)life;
    if (a->is_worker)
        jobqd_hello(&a->link, "load", number);
}

static void work(struct life *life, struct actor *a) {
    (void)life;
    a->held = 0;
    link_send(&a->link, claim, claim_length);
}

static void produced(struct life *life, struct actor *a) {
    struct line reply;
    while (link_line(&a->link, &reply)) {
        jobqd_expect_ok(reply);
        life_enqueued(life, a, now_ns());
    }
}

/* A reply of a worker's: of its complete when it held jobs, with the next ones in it when asked for; else of its claim. */
static void worked(struct life *life, struct actor *a) {
    const struct options *o = &life->options;
    struct line reply;
    while (link_line(&a->link, &reply)) {
        struct claimed_job jobs[MAX_BATCH];
        uint64_t now = now_ns();
        bool completed = a->held > 0;
        jobqd_expect_ok(reply);
        if (completed)
            life_completed(life, a, a->held, now);
        a->held = completed && !o->next ? 0 : jobqd_claimed(reply, jobs, o->batch);
        if (a->held == 0) {
            work(life, a);
            continue;
        }
        for (unsigned i = 0; i < a->held; i++)
            life_delivered(life, jobs[i].stamp, now);
        size_t length = jobqd_complete(life->scratch, jobs, a->held, o->next ? next : NULL, next_length);
        a->sent_complete = now;
        link_send(&a->link, life->scratch, length);
    }
}

const struct dialect dialect_jobqd = {prepare, greet, work, produced, worked};
