/* Values below 64 have a bucket each; above, the position of the top bit chooses the octave and the six bits after it
 * the bucket in it. */
#include "histogram.h"

#include <string.h>

static unsigned bucket_of(uint64_t v) {
    if (v < HISTOGRAM_FINE)
        return (unsigned)v;
    unsigned octave = 63u - (unsigned)__builtin_clzll(v) - 6u;
    unsigned bucket = (octave + 1) * HISTOGRAM_FINE + (unsigned)((v >> octave) & (HISTOGRAM_FINE - 1));
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The middle of a bucket. */
static uint64_t value_of(unsigned bucket) {
    if (bucket < HISTOGRAM_FINE)
        return bucket;
    unsigned octave = bucket / HISTOGRAM_FINE - 1;
    uint64_t low = (uint64_t)(HISTOGRAM_FINE + bucket % HISTOGRAM_FINE) << octave;
    return low + ((1ull << octave) >> 1);
}

void histogram_clear(struct histogram *h) { memset(h, 0, sizeof *h); }

void histogram_add(struct histogram *h, uint64_t ns) {
    h->count++;
    if (ns > h->max)
        h->max = ns;
    h->buckets[bucket_of(ns)]++;
}

uint64_t histogram_at(const struct histogram *h, double part) {
    uint64_t below = (uint64_t)((double)h->count * part), seen = 0;
    for (unsigned b = 0; b < HISTOGRAM_BUCKETS; b++) {
        seen += h->buckets[b];
        if (seen > below)
            return value_of(b) < h->max ? value_of(b) : h->max;
    }
    return h->max;
}
