/* JSON by printf: every name is our own word, every value a number. */
#include "report.h"

#include <stdio.h>

void window_open(struct window *w, struct options *o) {
    for (unsigned i = 0; i < o->watched_count; i++)
        o->watched[i].start = watched_read(&o->watched[i]);
    w->own_start = own_cpu_ns();
    w->start = now_ns();
}

void window_close(struct window *w, struct options *o) {
    w->end = now_ns();
    w->own_end = own_cpu_ns();
    for (unsigned i = 0; i < o->watched_count; i++)
        o->watched[i].end = watched_read(&o->watched[i]);
}

double window_seconds(const struct window *w) { return (double)(w->end - w->start) / 1e9; }

void report_begin(const struct options *o) { printf("{\"scenario\":\"%s\"", o->scenario); }

void report_number(const char *name, double value) { printf(",\"%s\":%.9g", name, value); }

void report_histogram(const char *name, const struct histogram *h) {
    printf(",\"%s\":{\"count\":%llu,\"p50\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f}", name,
           (unsigned long long)h->count, (double)histogram_at(h, 0.5) / 1e3, (double)histogram_at(h, 0.99) / 1e3,
           (double)histogram_at(h, 0.999) / 1e3, (double)h->max / 1e3);
}

void report_window(const struct window *w, const struct options *o) {
    report_number("seconds", window_seconds(w));
    printf(",\"cpu_us\":{\"jobqload\":%.1f", (double)(w->own_end - w->own_start) / 1e3);
    for (unsigned i = 0; i < o->watched_count; i++)
        printf(",\"%s\":%.1f", o->watched[i].name, (double)(o->watched[i].end - o->watched[i].start) / 1e3);
    printf("}");
}

void report_end(void) { printf("}\n"); }
