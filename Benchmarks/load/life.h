/* The whole life of jobs under load: what producers and workers of any server have in common.
 *
 * life.c has the loop, the windows and the counting; life_jobqd.c and life_beanstalkd.c say how a producer or worker of
 * that server moves on when its connection has something to read. */
#ifndef LIFE_H
#define LIFE_H

#include "jobqd.h"
#include "link.h"
#include "report.h"

struct actor {
    struct link link;
    bool is_worker, busy;   /* a producer is busy from request to reply */
    uint64_t sent;          /* when its last request left */
    uint64_t sent_complete; /* … its last complete */
    unsigned awaited;       /* replies that are still due (beanstalkd) */
    unsigned held;          /* jobs in hand */
    size_t body;            /* bytes of a job's body that are due next, 0: a line (beanstalkd) */
    uint64_t ids[MAX_BATCH];
};

struct life {
    struct options options;
    bool measuring, closing;
    uint64_t enqueued, completed;           /* since the start */
    struct histogram enqueue, complete;     /* request to reply */
    struct histogram delivery;              /* enqueue sent to job in hand */
    char *request;                          /* the producers' one request */
    size_t request_length, stamps[MAX_BATCH];
    char *scratch;                          /* for the workers' requests; they leave at once */
};

struct dialect {
    size_t (*prepare)(struct life *);               /* writes life.request, returns its length */
    void (*greet)(struct life *, struct actor *, unsigned number);  /* set-up of one connection, may wait */
    void (*work)(struct life *, struct actor *);    /* a worker's first request */
    void (*produced)(struct life *, struct actor *);/* a producer's connection has input */
    void (*worked)(struct life *, struct actor *);  /* a worker's has */
};

extern const struct dialect dialect_jobqd, dialect_beanstalkd;

/* For the dialects: a producer sends its request; jobs were delivered, confirmed, completed. */
void life_produce(struct life *, struct actor *);
void life_delivered(struct life *, uint64_t stamp, uint64_t now);
void life_enqueued(struct life *, struct actor *, uint64_t now);
void life_completed(struct life *, struct actor *, unsigned count, uint64_t now);

#endif
