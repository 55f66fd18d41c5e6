/* The command line of jobqload, and how it gives up.
 *
 * Every scenario reads what it needs from the one set of options; what it does not use it ignores. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

enum { MAX_WATCHED = 8, MAX_BATCH = 100 };

/* Which server is at the other end of `socket`. */
enum server { SERVER_JOBQD, SERVER_BEANSTALKD, SERVER_LINE };

struct options {
    const char *scenario;
    enum server server;
    const char *socket;     /* of the server under load */
    const char *redis;      /* Redis's Unix socket, for the scenarios that ask it something */
    const char *queue;      /* queue or tube */
    unsigned producers, workers, connections;
    unsigned batch;         /* jobs in one request */
    bool next;              /* complete carries the next claim */
    bool poll;              /* beanstalkd in batches: one blocking reserve and the rest without waiting */
    double warmup, seconds; /* length of the two windows */
    uint64_t jobs, rounds, gap_us;
    long keep_ms;           /* of enqueued jobs; -1: not given */
    struct watched watched[MAX_WATCHED];
    unsigned watched_count;
};

struct options options_read(int argc, char **argv);
/* The watched process of that name; ends the program when none was given. */
const struct watched *options_watched(const struct options *o, const char *name);

/* Prints the message to standard error and exits with status 1: a benchmark with errors in it is no benchmark. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
