/* Time, and the CPU time of other processes. Everything is in nanoseconds.
 *
 * The CPU clock of a process (clock_getcpuclockid) is exact and counts all its threads, ended ones too; unlike the ticks
 * in /proc/PID/stat it can be read over windows of a second. Children of the process are not in it. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* A process whose CPU time is taken at both ends of a measured window. */
struct watched {
    const char *name;
    pid_t pid;
    clockid_t clock;
    uint64_t start, end;
};

uint64_t now_ns(void);      /* CLOCK_MONOTONIC */
uint64_t wall_ns(void);     /* CLOCK_REALTIME: Redis on this host reads the same clock */
uint64_t own_cpu_ns(void);  /* of this process, all of it */
void pause_us(uint64_t us); /* sleeps; only to let servers become idle */

/* Finds the CPU clock of `pid`; ends the program when there is no such process. */
void watched_open(struct watched *w, const char *name, pid_t pid);
uint64_t watched_read(const struct watched *w);

#endif
