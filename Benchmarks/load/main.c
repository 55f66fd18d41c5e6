/* jobqload: drives jobqd, beanstalkd or a bare line server over a Unix socket and prints what it measured as JSON.
 *
 * One thread, one epoll set, requests from ready-made texts, no allocation once the connections are open: it shares the
 * machine with the servers it measures, so it must be much cheaper than they are. Its own CPU is in every report. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "scenarios.h"

static const struct {
    const char *name;
    int (*run)(struct options *);
} scenarios[] = {
    {"life", scenario_life},       {"requests", scenario_requests}, {"latency", scenario_latency},
    {"delayed", scenario_delayed}, {"killed", scenario_killed},     {"idle", scenario_idle},
    {"waiting", scenario_waiting}, {"fill", scenario_fill},         {"depth", scenario_depth},
};

int main(int argc, char **argv) {
    struct options o = options_read(argc, argv);
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
        if (strcmp(o.scenario, scenarios[i].name) == 0)
            return scenarios[i].run(&o);
    die("no scenario %s", o.scenario);
}
