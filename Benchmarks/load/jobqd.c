/* Texts of the jobqd protocol: see jobqd.h. */
#include "jobqd.h"

#include <stdio.h>
#include <string.h>

#include "options.h"

void payload_write(char *out, unsigned number) {
    char text[PAYLOAD_LENGTH + 1];
    snprintf(text, sizeof text, "{\"to\":\"user-%06u@example.info\",\"template\":\"welcome\",\"lang\":\"en\",\"try\":1,\"sent\":\"%016x\"}",
             number % 1000000, 0u);
    if (strlen(text) != PAYLOAD_LENGTH || memcmp(text + PAYLOAD_STAMP - 8, "\"sent\":\"", 8) != 0)
        die("the payload is not what it should be");
    memcpy(out, text, PAYLOAD_LENGTH);
}

void stamp_write(char *at, uint64_t ns) {
    for (int i = STAMP_LENGTH - 1; i >= 0; i--, ns >>= 4)
        at[i] = "0123456789abcdef"[ns & 15];
}

uint64_t stamp_read(const char *at) {
    uint64_t ns = 0;
    for (int i = 0; i < STAMP_LENGTH; i++)
        ns = ns << 4 | (uint64_t)(at[i] <= '9' ? at[i] - '0' : at[i] - 'a' + 10);
    return ns;
}

static char *append(char *at, const char *bytes, size_t length) {
    memcpy(at, bytes, length);
    return at + length;
}
#define APPEND(at, literal) append(at, literal, sizeof literal - 1)

size_t jobqd_enqueue(char *out, const char *queue, unsigned batch, const char *extra, size_t *where) {
    char *at = APPEND(out, "{\"op\":\"enqueue\",");
    if (batch > 1)
        at = APPEND(at, "\"jobs\":[{");
    for (unsigned i = 0; i < batch; i++) {
        if (i > 0)
            at = APPEND(at, ",{");
        at = APPEND(at, "\"queue\":\"");
        at = append(at, queue, strlen(queue));
        at = APPEND(at, "\",\"payload\":");
        payload_write(at, i);
        where[i] = (size_t)(at - out) + PAYLOAD_STAMP;
        at = append(at + PAYLOAD_LENGTH, extra, strlen(extra));
        at = APPEND(at, "}");
    }
    if (batch > 1)
        at = APPEND(at, "]}");
    at = APPEND(at, "\n");
    return (size_t)(at - out);
}

size_t jobqd_claim(char *out, const char *queue, unsigned max, unsigned wait_ms) {
    return (size_t)sprintf(out, "{\"op\":\"claim\",\"queue\":\"%s\",\"max\":%u,\"wait_ms\":%u}\n", queue, max, wait_ms);
}

size_t jobqd_complete(char *out, const struct claimed_job *jobs, unsigned count, const char *next, size_t next_length) {
    char *at = APPEND(out, "{\"op\":\"complete\",");
    if (count > 1)
        at = APPEND(at, "\"jobs\":[{");
    for (unsigned i = 0; i < count; i++) {
        if (i > 0)
            at = APPEND(at, "},{");
        at = APPEND(at, "\"job\":\"");
        at = append(at, jobs[i].job, jobs[i].job_length);
        at = APPEND(at, "\",\"token\":\"");
        at = append(at, jobs[i].token, jobs[i].token_length);
        at = APPEND(at, "\"");
    }
    if (count > 1)
        at = APPEND(at, "}]");
    if (next != NULL) {
        at = APPEND(at, ",\"next\":");
        at = append(at, next, next_length);
    }
    at = APPEND(at, "}\n");
    return (size_t)(at - out);
}

/* The value of the next string member `key` (with quotes and colon) at or after `*at`; moves `*at` behind it. */
static const char *member(const char **at, const char *end, const char *key, size_t key_length, size_t *length) {
    const char *found = memmem(*at, (size_t)(end - *at), key, key_length);
    if (found == NULL)
        return NULL;
    found += key_length;
    const char *quote = memchr(found, '"', (size_t)(end - found));
    if (quote == NULL)
        return NULL;
    *length = (size_t)(quote - found);
    *at = quote;
    return found;
}

unsigned jobqd_claimed(struct line reply, struct claimed_job *jobs, unsigned max) {
    const char *at = reply.text, *end = reply.text + reply.length;
    for (unsigned n = 0;; n++) {
        struct claimed_job j;
        size_t stamp_length = 0;
        j.job = member(&at, end, "\"job\":\"", 7, &j.job_length);
        if (j.job == NULL)
            return n;
        const char *stamp = member(&at, end, "\"sent\":\"", 8, &stamp_length);
        j.token = member(&at, end, "\"token\":\"", 9, &j.token_length);
        if (n == max || stamp == NULL || stamp_length != STAMP_LENGTH || j.token == NULL)
            die("strange reply to a claim: %.*s", (int)reply.length, reply.text);
        j.stamp = stamp_read(stamp);
        jobs[n] = j;
    }
}

void jobqd_expect_ok(struct line reply) {
    if (memmem(reply.text, reply.length, "\"ok\":true", 9) == NULL || memmem(reply.text, reply.length, "\"ok\":false", 10) != NULL)
        die("refused: %.*s", (int)reply.length, reply.text);
}

void jobqd_hello(struct link *l, const char *worker, unsigned number) {
    char text[160];
    int length = snprintf(text, sizeof text, "{\"op\":\"hello\",\"protocol\":1,\"worker\":\"%s-%u\"}\n", worker, number);
    jobqd_expect_ok(link_call(l, text, (size_t)length));
}
