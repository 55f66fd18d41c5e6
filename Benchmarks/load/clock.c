/* Clocks by clock_gettime: see clock.h. */
#include "clock.h"

#include "options.h"

static uint64_t read_clock(clockid_t id) {
    struct timespec t;
    if (clock_gettime(id, &t) != 0)
        die("a process under measurement is gone");
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t now_ns(void) { return read_clock(CLOCK_MONOTONIC); }
uint64_t wall_ns(void) { return read_clock(CLOCK_REALTIME); }
uint64_t own_cpu_ns(void) { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

void pause_us(uint64_t us) {
    struct timespec t = {.tv_sec = (time_t)(us / 1000000u), .tv_nsec = (long)(us % 1000000u) * 1000};
    while (nanosleep(&t, &t) != 0)
        ;
}

void watched_open(struct watched *w, const char *name, pid_t pid) {
    w->name = name;
    w->pid = pid;
    if (clock_getcpuclockid(pid, &w->clock) != 0)
        die("no process %d (%s) to watch", (int)pid, name);
}

uint64_t watched_read(const struct watched *w) { return read_clock(w->clock); }
