-- Hands queued jobs to workers: best first, each with a new token and a lease. A paused queue gives none.
-- KEYS[1]  base
-- ARGV     queue; for each claim: max, lease_ms or '', worker; then the room in bytes (negative: also for the first job, which
--          else may take more), the nonce of this call, and jobs wanted in all (≤ 100).
-- Returns  now, 1 when paused, 2 when the next job has no room, or else 0, n of the first token (`<n>-<nonce>`; the next job has n + 1), and for each job
--          { id, type, payload, meta, attempt, max_attempts, enqueued_at, lease_ms }, if it is not enqueued_at then since
--          when it could be claimed ('0': not known), and its checkpoint if it has one; the claims are filled in their order.

-- By far the most calls end here, before anything is made that they do not need.
if not isSpecial and not isListened then
    return take(2, #ARGV)
end
