// A jobqd worker in C: worker SOCKET QUEUE [NAME]. Build it with: cc -O2 -o worker worker.c -ljansson
// A job's payload may say {"ms":50,"needs":"/path"}: work for so long, fail when there is no such file. No heartbeat here.
#include <err.h>
#include <jansson.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// Sends one request and frees it; the reply. Too late for a job (the lease is lost) is no reason to stop.
static json_t *ask(FILE *out, FILE *in, json_t *request) {
    if (!request || json_dumpf(request, out, 0) || putc('\n', out) < 0 || fflush(out)) err(69, "cannot ask jobqd");
    json_t *reply = json_loadf(in, JSON_DISABLE_EOF_CHECK, NULL);
    const char *code = reply ? "" : "gone", *why = "jobqd is gone";
    json_unpack(reply, "{s{ss ss}}", "error", "code", &code, "message", &why);
    if (*code && strcmp(code, "lease_lost") && strcmp(code, "not_found")) errx(70, "%s", why);
    return json_decref(request), reply;
}
int main(int argc, char **argv) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (argc < 3 || strlen(argv[1]) >= sizeof address.sun_path) errx(64, "usage: worker SOCKET QUEUE [NAME]");
    const char *name = argc > 3 ? argv[3] : "c", *job, *token, *needs;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), ms;
    strcpy(address.sun_path, argv[1]);
    if (connect(fd, (struct sockaddr *)&address, sizeof address)) err(69, "%s", argv[1]);
    FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
    json_t *old, *reply = ask(out, in, json_pack("{ss si ss}", "op", "hello", "protocol", 1, "worker", name));
    for (;; json_decref(old)) {
        json_t *end, *next = json_pack("{ss si}", "queue", argv[2], "wait_ms", 30000);
        if (json_unpack(old = reply, "{s[{ss ss}]}", "jobs", "job", &job, "token", &token) == 0) {
            ms = 0, needs = NULL; // job, token and needs lie in old
            json_unpack(old, "{s[{s{s?i s?s}}]}", "jobs", "payload", "ms", &ms, "needs", &needs);
            usleep(1000 * ms);
            if (!needs || access(needs, F_OK) == 0) end = json_pack("{ss s{ss}}", "op", "complete", "result", "by", name);
            else end = json_pack("{ss so}", "op", "fail", "error", json_sprintf("%s is not there", needs));
            json_object_update_new(end, json_pack("{ss ss so}", "job", job, "token", token, "next", next));
        } else json_object_set_new(end = next, "op", json_string("claim"));
        reply = ask(out, in, end);
    }
}
