#!/usr/bin/env node
// A jobqd worker in Node: worker.js SOCKET QUEUE [NAME]. Standard library only.
// A job's payload may say {"ms":50,"needs":"/path"}: the work takes this long, and fails when there is no such file.
//
// It outlives its peers: what is "retryable" is asked again, and a daemon that is away is waited for. Only the answer that the
// lease is lost ends the work on a job from outside; every request is safe to repeat with the same token.
const fs = require('node:fs/promises'), net = require('node:net'), readline = require('node:readline')
const { setTimeout: sleep } = require('node:timers/promises')
const [path, queue, name = `node-${process.pid}`] = process.argv.slice(2)
const LOST = ['lease_lost', 'not_found', 'wrong_state'] // too late: somebody else has the job, or it has ended

const leave = (why) => { console.error(`${name}: ${why}`); process.exit(70) }
const pause = (ms = 0) => sleep(Math.max(100 + Math.random() * 200, ms))
const waiting = new Map() // id → what takes the reply, oldest first
let socket, session, lastID = 0, connecting

function once(op, members) { // undefined: the connection ended before there was a reply
  const id = ++lastID // with an id, so that a heartbeat can be asked while a claim waits
  return new Promise((take) => {
    waiting.set(id, take)
    socket.write(JSON.stringify({ op, id, ...members }) + '\n')
  })
}
function dial() { // true when it is connected
  return new Promise((done) => {
    const mine = net.connect(path, () => { socket = mine; done(true) })
    mine.on('error', () => done(false)).on('close', () => {
      if (socket !== mine) return
      console.error(`${name}: jobqd closed the connection; waiting for it`)
      socket = undefined
      for (const [id, take] of waiting) { waiting.delete(id); take(undefined) }
    })
    readline.createInterface({ input: mine }).on('error', () => {}).on('line', (line) => {
      const reply = JSON.parse(line)
      const id = reply.id ?? waiting.keys().next().value // without an id: about the oldest that has no answer
      waiting.get(id)?.(reply)
      waiting.delete(id)
    })
  })
}
async function connect() {
  while (!socket) {
    if (!await dial()) { await pause(); continue }
    const reply = await once('hello', { protocol: 1, worker: name, session }) // with it, the jobs in hand stay in hand
    if (reply && !reply.ok) leave(`hello: ${reply.error.message}`)
    session = reply?.session ?? session
  }
}
async function ask(op, members) { // until there is an answer that will not change by asking again
  for (;;) {
    if (!socket || connecting) await (connecting ??= connect().finally(() => { connecting = undefined }))
    const reply = await once(op, members)
    if (!reply) continue
    if (reply.ok || LOST.includes(reply.error.code)) return reply
    if (!reply.error.retryable) leave(`${op}: ${reply.error.message}`)
    await pause(reply.error.retry_after_ms)
  }
}
async function heartbeat(lease, ms, isDone) {
  for (;;) {
    await sleep(ms, undefined, { ref: false })
    if (isDone() || !(await ask('extend', lease)).ok) return
  }
}
async function work(payload) {
  await sleep(payload?.ms ?? 0)
  if (payload?.needs) await fs.stat(payload.needs)
}
async function main(next = { queue, wait_ms: 30000 }, jobs = []) {
  for (;;) {
    if (!jobs.length) { jobs = (await ask('claim', next)).jobs; continue }
    const { job, token, payload, lease_ms } = jobs[0]
    let done = false
    heartbeat({ job, token }, lease_ms / 3, () => done)
    const [op, end] = await work(payload).then(
      () => ['complete', { result: { by: name } }], (problem) => ['fail', { error: problem.message.slice(0, 4000) }])
    done = true
    jobs = (await ask(op, { job, token, next, ...end })).jobs ?? [] // the answer brings the next job
  }
}
main()
