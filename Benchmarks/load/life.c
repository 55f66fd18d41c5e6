/* Producers put jobs in, workers take them out and finish them, each on a connection of its own and one request at a time.
 *
 * After a warm-up, jobs and CPU are counted for --seconds. Then the producers stop and the workers finish what is left:
 * everything that was acknowledged must have been completed (`unfinished` is 0), or the server has lost something. */
#include "life.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "scenarios.h"

enum { EVENTS = 256, STALLED_MS = 300 };

void life_produce(struct life *life, struct actor *a) {
    uint64_t now = now_ns();
    for (unsigned i = 0; i < life->options.batch; i++)
        stamp_write(life->request + life->stamps[i], now);
    a->sent = now;
    a->busy = true;
    link_send(&a->link, life->request, life->request_length);
}

void life_delivered(struct life *life, uint64_t stamp, uint64_t now) {
    if (life->measuring)
        histogram_add(&life->delivery, now - stamp);
}

void life_enqueued(struct life *life, struct actor *a, uint64_t now) {
    life->enqueued += life->options.batch;
    if (life->measuring)
        histogram_add(&life->enqueue, now - a->sent);
    a->busy = false;
    if (!life->closing)
        life_produce(life, a);
}

void life_completed(struct life *life, struct actor *a, unsigned count, uint64_t now) {
    life->completed += count;
    if (life->measuring)
        histogram_add(&life->complete, now - a->sent_complete);
}

static void open_actors(struct life *life, const struct dialect *d, struct actor *actors, int set) {
    struct options *o = &life->options;
    for (unsigned i = 0; i < o->producers + o->workers; i++) {
        struct actor *a = &actors[i];
        a->is_worker = i >= o->producers;
        link_open(&a->link, o->socket, LINK_BUFFER);
        d->greet(life, a, i);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = a};
        if (epoll_ctl(set, EPOLL_CTL_ADD, a->link.fd, &e) != 0)
            die("epoll_ctl: %s", strerror(errno));
    }
    for (unsigned i = o->producers; i < o->producers + o->workers; i++)
        d->work(life, &actors[i]);
    for (unsigned i = 0; i < o->producers; i++)
        life_produce(life, &actors[i]);
}

/* Dispatches one round of events; false when there were none for `timeout_ms`. */
static bool turn(struct life *life, const struct dialect *d, int set, int timeout_ms) {
    struct epoll_event events[EVENTS];
    int n = epoll_wait(set, events, EVENTS, timeout_ms);
    for (int i = 0; i < n; i++) {
        struct actor *a = events[i].data.ptr;
        if (link_receive(&a->link))
            (a->is_worker ? d->worked : d->produced)(life, a);
    }
    return n > 0;
}

static void run_until(struct life *life, const struct dialect *d, int set, uint64_t end) {
    for (uint64_t now; (now = now_ns()) < end;)
        turn(life, d, set, (int)((end - now) / 1000000u) + 1);
}

/* Jobs whose complete was sent with `next`: it took effect, but its reply waits for the next job. */
static uint64_t parked(const struct life *life, const struct actor *actors) {
    uint64_t jobs = 0;
    for (unsigned i = 0; life->options.next && i < life->options.workers; i++)
        jobs += actors[life->options.producers + i].held;
    return jobs;
}

static bool producers_busy(const struct life *life, const struct actor *actors) {
    for (unsigned i = 0; i < life->options.producers; i++)
        if (actors[i].busy)
            return true;
    return false;
}

int scenario_life(struct options *o) {
    struct life *life = calloc(1, sizeof *life);
    struct actor *actors = calloc(o->producers + o->workers, sizeof *actors);
    int set = epoll_create1(EPOLL_CLOEXEC);
    const struct dialect *d = o->server == SERVER_JOBQD ? &dialect_jobqd : &dialect_beanstalkd;
    life->options = *o;
    life->request = malloc(o->batch * ENQUEUE_ITEM_LENGTH + 256);
    life->scratch = malloc(o->batch * ENQUEUE_ITEM_LENGTH + 256);
    life->request_length = d->prepare(life);
    open_actors(life, d, actors, set);
    run_until(life, d, set, now_ns() + (uint64_t)(o->warmup * 1e9));

    struct window w;
    uint64_t completed = life->completed, enqueued = life->enqueued;
    life->measuring = true;
    window_open(&w, o);
    run_until(life, d, set, now_ns() + (uint64_t)(o->seconds * 1e9));
    window_close(&w, o);
    life->measuring = false;
    completed = life->completed - completed;
    enqueued = life->enqueued - enqueued;
    uint64_t backlog = life->enqueued - life->completed;

    life->closing = true;
    while (producers_busy(life, actors) || life->completed < life->enqueued)
        if (!turn(life, d, set, STALLED_MS))
            break;
    report_begin(o);
    report_number("jobs", (double)completed);
    report_number("enqueued", (double)enqueued);
    report_number("jobs_per_second", (double)completed / window_seconds(&w));
    report_number("backlog", (double)backlog);
    report_number("unfinished", (double)(life->enqueued - life->completed - parked(life, actors)));
    report_window(&w, o);
    report_histogram("enqueue_us", &life->enqueue);
    report_histogram("delivery_us", &life->delivery);
    report_histogram("complete_us", &life->complete);
    report_end();
    return 0;
}
