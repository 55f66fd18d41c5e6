#!/usr/bin/env node
// A jobqd worker in Node: worker.js SOCKET QUEUE [NAME]. Standard library only.
// A job's payload may say {"ms":50,"needs":"/path"}: work for so long, and fail when there is no such file.
const fs = require('node:fs/promises'), net = require('node:net'), readline = require('node:readline')
const [path, queue, name = `node-${process.pid}`] = process.argv.slice(2)

const socket = net.connect(path), waiting = new Map() // id → what takes the reply
const leave = (why) => { console.error(`${name}: ${why}`); process.exit(69) }
socket.on('error', (error) => leave(error.message)).on('close', () => leave('jobqd is gone'))
readline.createInterface({ input: socket }).on('line', (line) => {
  const reply = JSON.parse(line)
  waiting.get(reply.id)?.(reply)
  waiting.delete(reply.id)
})
let lastID = 0
async function ask(op, members) { // with an id, so that a heartbeat can be asked while a claim waits
  const id = ++lastID
  socket.write(JSON.stringify({ op, id, ...members }) + '\n')
  const reply = await new Promise((take) => waiting.set(id, take))
  // lease_lost, not_found: too late, somebody else has the job. Anything else is serious.
  if (!reply.ok && !['lease_lost', 'not_found'].includes(reply.error.code)) leave(`${op}: ${reply.error.message}`)
  return reply
}
async function work(payload) {
  await new Promise((done) => setTimeout(done, payload?.ms ?? 0))
  if (payload?.needs) await fs.stat(payload.needs)
}
async function main(next = { queue, wait_ms: 30000 }, jobs = []) {
  await ask('hello', { protocol: 1, worker: name })
  for (;;) {
    if (!jobs.length) { jobs = (await ask('claim', next)).jobs; continue }
    const { job, token, payload, lease_ms } = jobs[0]
    const heartbeat = setInterval(() => ask('extend', { job, token }), lease_ms / 3)
    const [op, end] = await work(payload).then(
      () => ['complete', { result: { by: name } }], (problem) => ['fail', { error: problem.message }])
    clearInterval(heartbeat)
    jobs = (await ask(op, { job, token, next, ...end })).jobs ?? [] // the answer brings the next job
  }
}
main()
