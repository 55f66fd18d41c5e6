/* What a scenario found out: the measured window (its length and everyone's CPU time), and the one JSON object that is
 * printed at the end. */
#ifndef REPORT_H
#define REPORT_H

#include "histogram.h"
#include "options.h"

struct window {
    uint64_t start, end;            /* monotonic */
    uint64_t own_start, own_end;    /* CPU of jobqload itself */
};

/* Both also read the CPU clocks of the watched processes. */
void window_open(struct window *w, struct options *o);
void window_close(struct window *w, struct options *o);
double window_seconds(const struct window *w);

void report_begin(const struct options *o);
void report_number(const char *name, double value);
void report_histogram(const char *name, const struct histogram *h);    /* in µs */
/* Seconds and the CPU µs of every watched process and of "jobqload". */
void report_window(const struct window *w, const struct options *o);
void report_end(void);

#endif
