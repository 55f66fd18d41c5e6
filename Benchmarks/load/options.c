/* Options by getopt_long: see options.h for what they mean and usage() for the list. */
#include "options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("jobqload: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static _Noreturn void usage(int status) {
    fputs("usage: jobqload SCENARIO --jobqd PATH | --beanstalkd PATH | --line PATH [OPTION]...\n"
          "  life      enqueue, claim, complete by --producers and --workers, --batch jobs a request, --next, --poll\n"
          "  requests  one ping (or line) after the other on --connections\n"
          "  latency   enqueue to delivery with one waiting worker, against PING on --redis; --rounds, --gap-us\n"
          "  delayed   --jobs jobs with a delay: how late they come\n"
          "  killed    a worker is killed: when another has its job; --rounds\n"
          "  idle      --connections that do nothing: memory of the process watched as \"jobqd\"\n"
          "  waiting   --connections with a waiting claim: commands of --redis and CPU meanwhile\n"
          "  fill      --jobs jobs in requests of 1000\n"
          "  depth     enqueue, claim, complete on each of --connections, on whatever is queued already\n"
          "common: --queue NAME --seconds S --warmup S --keep-ms MS --redis PATH --watch NAME=PID (CPU of it, repeatable)\n"
          "Prints one JSON object.\n",
          status == 0 ? stdout : stderr);
    exit(status);
}

static const struct option known[] = {
    {"jobqd", 1, 0, 'j'},     {"beanstalkd", 1, 0, 'b'}, {"line", 1, 0, 'l'},    {"redis", 1, 0, 'r'},
    {"queue", 1, 0, 'q'},     {"producers", 1, 0, 'p'},  {"workers", 1, 0, 'w'}, {"connections", 1, 0, 'c'},
    {"batch", 1, 0, 'n'},     {"next", 0, 0, 'x'},       {"poll", 0, 0, 'o'},    {"warmup", 1, 0, 'u'},
    {"seconds", 1, 0, 's'},   {"jobs", 1, 0, 'J'},       {"rounds", 1, 0, 'R'},  {"gap-us", 1, 0, 'g'},
    {"keep-ms", 1, 0, 'k'},   {"watch", 1, 0, 'W'},      {"help", 0, 0, 'h'},    {0, 0, 0, 0},
};

static unsigned long number(const char *text, unsigned long low, unsigned long high) {
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    if (end == text || *end != 0 || n < low || n > high)
        die("%s is not a number from %lu to %lu", text, low, high);
    return n;
}

static void watch(struct options *o, char *text) {
    char *equals = strchr(text, '=');
    if (equals == NULL || o->watched_count == MAX_WATCHED)
        die("--watch wants NAME=PID, at most %d times", MAX_WATCHED);
    *equals = 0;
    watched_open(&o->watched[o->watched_count++], text, (pid_t)number(equals + 1, 1, 1u << 30));
}

struct options options_read(int argc, char **argv) {
    struct options o = {.queue = "bench", .producers = 8, .workers = 50, .connections = 50, .batch = 1, .warmup = 0.5,
                        .seconds = 3, .jobs = 1000, .rounds = 100, .gap_us = 2000, .keep_ms = -1};
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (c) {
        case 'j': o.server = SERVER_JOBQD, o.socket = optarg; break;
        case 'b': o.server = SERVER_BEANSTALKD, o.socket = optarg; break;
        case 'l': o.server = SERVER_LINE, o.socket = optarg; break;
        case 'r': o.redis = optarg; break;
        case 'q': o.queue = optarg; break;
        case 'p': o.producers = (unsigned)number(optarg, 0, 10000); break;
        case 'w': o.workers = (unsigned)number(optarg, 0, 10000); break;
        case 'c': o.connections = (unsigned)number(optarg, 1, 100000); break;
        case 'n': o.batch = (unsigned)number(optarg, 1, MAX_BATCH); break;
        case 'x': o.next = true; break;
        case 'o': o.poll = true; break;
        case 'u': o.warmup = atof(optarg); break;
        case 's': o.seconds = atof(optarg); break;
        case 'J': o.jobs = number(optarg, 1, 100000000); break;
        case 'R': o.rounds = number(optarg, 1, 10000000); break;
        case 'g': o.gap_us = number(optarg, 0, 10000000); break;
        case 'k': o.keep_ms = (long)number(optarg, 0, 31536000000); break;
        case 'W': watch(&o, optarg); break;
        case 'h': usage(0);
        default: usage(2);
        }
    }
    if (optind + 1 != argc || o.socket == NULL || strlen(o.queue) > 64)
        usage(2);
    o.scenario = argv[optind];
    return o;
}

const struct watched *options_watched(const struct options *o, const char *name) {
    for (unsigned i = 0; i < o->watched_count; i++)
        if (strcmp(o->watched[i].name, name) == 0)
            return &o->watched[i];
    die("this scenario wants --watch %s=PID", name);
}
