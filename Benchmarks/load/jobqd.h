/* The few requests and replies of the jobqd protocol that a load generator needs.
 *
 * Requests are built from ready pieces; replies are not parsed but searched for the members that matter, which is sound
 * here because every payload in the queue is one of ours. A payload has 100 bytes and carries a time stamp (16 hexadecimal
 * digits), so that whoever claims the job knows when it was sent. */
#ifndef JOBQD_H
#define JOBQD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link.h"

enum { PAYLOAD_LENGTH = 100, PAYLOAD_STAMP = 82, STAMP_LENGTH = 16, ENQUEUE_ITEM_LENGTH = 400 };

/* Writes the 100 bytes of a payload. */
void payload_write(char *out, unsigned number);
void stamp_write(char *at, uint64_t ns);
uint64_t stamp_read(const char *at);

struct claimed_job {
    const char *job, *token;    /* into the reply */
    size_t job_length, token_length;
    uint64_t stamp;
};

/* An enqueue of `batch` jobs, each with the members `extra` (as `,"delay_ms":5`); where[i] is the place of the i-th stamp. */
size_t jobqd_enqueue(char *out, const char *queue, unsigned batch, const char *extra, size_t *where);
size_t jobqd_claim(char *out, const char *queue, unsigned max, unsigned wait_ms);
/* A complete of `count` jobs; `next` is the text of a claim's members, or NULL. */
size_t jobqd_complete(char *out, const struct claimed_job *jobs, unsigned count, const char *next, size_t next_length);
/* The jobs in the reply of a claim (or of a complete with next). */
unsigned jobqd_claimed(struct line reply, struct claimed_job *jobs, unsigned max);
/* Ends the program, showing the reply, unless it and every outcome in it are ok. */
void jobqd_expect_ok(struct line reply);
/* Introduces the connection as a worker. */
void jobqd_hello(struct link *l, const char *worker, unsigned number);

#endif
