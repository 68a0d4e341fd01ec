// A slice of load, in JavaScript: what the peers share. The arguments and the environment are those of slice.h; and
// BENCH_MODULES is the folder that has node_modules.
'use strict'
const path = require('path')

const [url, protocol] = process.argv.slice(2)
const [inFlight, warmup, count] = process.argv.slice(4).map(Number)
const total = warmup + count
let began, cpuBegan
let started = 0
let finished = 0

function answered (status, booking) {
  if (status !== 200 || booking.state !== 'confirmed' || booking.customers.length !== 11) {
    throw new Error('an answer that was not expected')
  }
  finished++
  if (finished === warmup) {
    began = process.hrtime.bigint()
    cpuBegan = process.cpuUsage()
  }
}

// Keeps as many requests in flight as were asked for. `request` is asynchronous and calls `answered`.
async function run (request) {
  async function work () {
    while (started < total) {
      started++
      await request()
    }
  }
  await Promise.all(Array.from({ length: inFlight }, work))
  const seconds = Number(process.hrtime.bigint() - began) / 1e9
  const cpu = process.cpuUsage(cpuBegan)
  if (finished !== total) throw new Error(`${finished} requests instead of ${total}`)
  console.log(`${count} ${seconds.toFixed(6)} ${((cpu.user + cpu.system) / 1e6).toFixed(6)}`)
}

function start (request) {
  run(request).then(() => process.exit(0), problem => {
    console.error(problem)
    process.exit(1)
  })
}

module.exports = {
  url,
  protocol,
  inFlight,
  body: process.env.BENCH_BODY,
  auth: process.env.BENCH_AUTH,
  load: name => require(path.resolve(process.env.BENCH_MODULES, 'node_modules', name)),
  answered,
  start
}
