/* What connections cost that do nothing: memory (`idle`), and CPU and Redis commands while claims wait (`waiting`).
 *
 * Every idle connection has done one request before, so buffers it needed are counted if they are kept. Resident memory
 * is that of the process watched as "jobqd". Commands are Redis's own count (those inside scripts too). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobqd.h"
#include "report.h"
#include "scenarios.h"

enum { SETTLE_US = 1000000 };

static double resident_bytes(const struct watched *w) {
    char path[64], line[256];
    unsigned long kilobytes = 0;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)w->pid);
    FILE *f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "Rss: %lu kB", &kilobytes) == 1)
            break;
    if (f != NULL)
        fclose(f);
    if (kilobytes == 0)
        die("cannot read %s", path);
    return (double)kilobytes * 1024;
}

static struct link *open_links(const struct options *o) {
    struct link *links = calloc(o->connections, sizeof *links);
    for (unsigned i = 0; i < o->connections; i++)
        link_open(&links[i], o->socket, LINK_SMALL_BUFFER);
    return links;
}

int scenario_idle(struct options *o) {
    const struct watched *jobqd = options_watched(o, "jobqd");
    double before = resident_bytes(jobqd);
    struct link *links = open_links(o);
    for (unsigned i = 0; i < o->connections; i++)
        jobqd_expect_ok(link_call(&links[i], "{\"op\":\"ping\"}\n", 14));
    pause_us(SETTLE_US);
    double after = resident_bytes(jobqd);
    report_begin(o);
    report_number("connections", o->connections);
    report_number("resident_before", before);
    report_number("resident_after", after);
    report_number("bytes_per_connection", (after - before) / o->connections);
    report_end();
    return 0;
}

/* One number of INFO stats. */
static double redis_commands(struct link *redis) {
    static const char key[] = "total_commands_processed:";
    double commands = -1;
    link_send(redis, "INFO stats\r\n", 12);
    size_t length = strtoul(link_await(redis).text + 1, NULL, 10);
    for (size_t seen = 0; seen < length;) {
        struct line line = link_await(redis);
        seen += line.length + 2;
        if (line.length > sizeof key - 1 && memcmp(line.text, key, sizeof key - 1) == 0)
            commands = strtod(line.text + sizeof key - 1, NULL);
    }
    link_await(redis);
    return commands;
}

int scenario_waiting(struct options *o) {
    struct link redis, *links = open_links(o);
    char claim[256];
    size_t length = jobqd_claim(claim, o->queue, 1, 600000);
    for (unsigned i = 0; i < o->connections; i++) {
        jobqd_hello(&links[i], "waiting", i);
        link_send(&links[i], claim, length);
    }
    if (o->redis == NULL)
        die("this scenario wants --redis");
    link_open(&redis, o->redis, LINK_BUFFER);
    pause_us(2 * SETTLE_US);
    struct window w;
    double commands = redis_commands(&redis);
    window_open(&w, o);
    pause_us((uint64_t)(o->seconds * 1e6));
    window_close(&w, o);
    commands = redis_commands(&redis) - commands - 1;   /* our own first INFO */
    report_begin(o);
    report_number("connections", o->connections);
    report_number("redis_commands_per_second", commands / window_seconds(&w));
    report_window(&w, o);
    report_end();
    return 0;
}
