/* A histogram with logarithmic buckets: 64 to an octave, so a value is known to 1.6 %. Recording is two shifts and an
 * increment, memory is fixed. Values are nanoseconds. */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_FINE = 64, HISTOGRAM_BUCKETS = 60 * HISTOGRAM_FINE };

struct histogram {
    uint64_t count, max;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_clear(struct histogram *h);
void histogram_add(struct histogram *h, uint64_t ns);
/* The value below which the given part (0…1) of all values lies; 0 when there are none. */
uint64_t histogram_at(const struct histogram *h, double part);

#endif
