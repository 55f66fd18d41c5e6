#!/usr/bin/env bash
# A jobqd worker in bash: worker.sh SOCKET QUEUE [NAME]. Needs socat and jq.
#
# A job's payload may say {"ms":50,"needs":"/path"}: work for so long, and fail when there is no such file. There is no
# heartbeat here: a job must be done within its lease. When this script dies, its jobs go back to the queue.
set -euo pipefail
trap '' PIPE
socket=$1 queue=$2 name=${3:-bash-$$}

coproc socat -t0 - "UNIX-CONNECT:$socket"
exec {replies}<&"${COPROC[0]}" {requests}>&"${COPROC[1]}"

stop() { echo "$name: $2" >&2; exit "$1"; }
ask() { # REQUEST: sends it as one line; its answer is then in $reply
    printf '%s\n' "$1" >&"$requests" && IFS= read -r reply <&"$replies" || stop 69 "jobqd is gone"
    # Too late (the lease is lost, somebody else has the job) is no reason to stop; anything else is.
    jq -e '.ok or (.error.code | IN("lease_lost", "not_found"))' <<<"$reply" >/dev/null || stop 70 "$reply"
}

ask "$(jq -nc --arg worker "$name" '{op: "hello", protocol: 1, $worker}')"
claim=$(jq -nc --arg queue "$queue" '{$queue, wait_ms: 30000}')
while :; do
    job=$(jq -c '.jobs[0]? // empty' <<<"$reply")
    if [ -z "$job" ]; then
        ask "$(jq -c '{op: "claim"} + .' <<<"$claim")"
        continue
    fi
    sleep "$(jq -r '(.payload.ms? // 0) / 1000' <<<"$job")"
    needs=$(jq -r '.payload.needs? // empty' <<<"$job")
    if [ -z "$needs" ] || [ -e "$needs" ]; then
        outcome=$(jq -nc --arg by "$name" '{op: "complete", result: {$by}}')
    else
        outcome=$(jq -nc --arg needs "$needs" '{op: "fail", error: "\($needs) is not there"}')
    fi
    # The answer brings the next job.
    ask "$(jq -c --argjson outcome "$outcome" --argjson next "$claim" '$outcome + {job, token, $next}' <<<"$job")"
done
