/* Producers and workers of beanstalkd: put; reserve, delete.
 *
 * Its protocol has no batches, but a connection may send commands ahead: with --batch N a producer writes N puts at once;
 * a worker writes N deletes and N reserves at once and goes on when it has N jobs. With --poll only the first reserve
 * waits and the others take what is there (reserve-with-timeout 0). Answers come in the order of the commands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "life.h"

static size_t prepare(struct life *life) {
    char *at = life->request;
    for (unsigned i = 0; i < life->options.batch; i++) {
        at += sprintf(at, "put 1024 0 60 %d\r\n", PAYLOAD_LENGTH);
        payload_write(at, i);
        life->stamps[i] = (size_t)(at - life->request) + PAYLOAD_STAMP;
        at += PAYLOAD_LENGTH;
        at += sprintf(at, "\r\n");
    }
    return (size_t)(at - life->request);
}

static void expect(struct line reply, const char *word) {
    if (strncmp(reply.text, word, strlen(word)) != 0)
        die("beanstalkd: %.*s instead of %s", (int)reply.length, reply.text, word);
}

static void greet(struct life *life, struct actor *a, unsigned number) {
    (void)number;
    char text[160];
    const char *queue = life->options.queue;
    if (!a->is_worker) {
        expect(link_call(&a->link, text, (size_t)sprintf(text, "use %s\r\n", queue)), "USING");
        return;
    }
    expect(link_call(&a->link, text, (size_t)sprintf(text, "watch %s\r\n", queue)), "WATCHING");
    if (strcmp(queue, "default") != 0)
        expect(link_call(&a->link, "ignore default\r\n", 16), "WATCHING");
}

static char *append_reserves(const struct life *life, struct actor *a, char *at) {
    for (unsigned i = 0; i < life->options.batch; i++)
        at += sprintf(at, "%s", i > 0 && life->options.poll ? "reserve-with-timeout 0\r\n" : "reserve\r\n");
    a->awaited = life->options.batch;
    return at;
}

static void work(struct life *life, struct actor *a) {
    char *at = append_reserves(life, a, life->scratch);
    link_send(&a->link, life->scratch, (size_t)(at - life->scratch));
}

static void produced(struct life *life, struct actor *a) {
    struct line reply;
    while (link_line(&a->link, &reply)) {
        expect(reply, "INSERTED");
        if (++a->awaited == life->options.batch) {
            a->awaited = 0;
            life_enqueued(life, a, now_ns());
        }
    }
}

/* All replies to the reserves are in: delete what was got. One at a time the next reserve waits for the reply. */
static void finish(struct life *life, struct actor *a) {
    char *at = life->scratch;
    for (unsigned i = 0; i < a->held; i++)
        at += sprintf(at, "delete %llu\r\n", (unsigned long long)a->ids[i]);
    if (life->options.batch > 1 || a->held == 0)
        at = append_reserves(life, a, at);
    a->sent_complete = now_ns();
    link_send(&a->link, life->scratch, (size_t)(at - life->scratch));
}

static void reserved(struct life *life, struct actor *a, struct line reply) {
    char *end;
    if (strncmp(reply.text, "TIMED_OUT", 9) != 0) {
        expect(reply, "RESERVED ");
        a->ids[a->held++] = strtoull(reply.text + 9, &end, 10);
        a->body = strtoul(end, NULL, 10) + 2;
    } else if (--a->awaited == 0) {
        finish(life, a);
    }
}

/* Replies come as: a DELETED for each job held before, then the answers to the reserves. */
static void worked(struct life *life, struct actor *a) {
    struct line reply;
    for (;;) {
        if (a->body > 0) {
            const char *body = link_bytes(&a->link, a->body);
            if (body == NULL)
                return;
            a->body = 0;
            life_delivered(life, stamp_read(body + PAYLOAD_STAMP), now_ns());
            if (--a->awaited == 0)
                finish(life, a);
        } else if (!link_line(&a->link, &reply)) {
            return;
        } else if (strncmp(reply.text, "DELETED", 7) == 0) {
            a->held--;
            life_completed(life, a, 1, now_ns());
            if (a->held == 0 && life->options.batch == 1)
                work(life, a);
        } else {
            reserved(life, a, reply);
        }
    }
}

const struct dialect dialect_beanstalkd = {prepare, greet, work, produced, worked};
