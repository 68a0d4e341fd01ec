// undici: one request in a fresh process.
'use strict'
const path = require('path')
const { request } = require(path.resolve(process.env.BENCH_MODULES, 'node_modules/undici'))

async function main () {
  const { statusCode, body } = await request(process.argv[2], {
    method: 'PUT',
    headers: { authorization: process.env.BENCH_AUTH, 'content-type': 'application/json' },
    body: process.env.BENCH_BODY
  })
  if (statusCode !== 200) throw new Error(`status ${statusCode}`)
  console.log((await body.json()).data.state)
}

main().then(() => process.exit(0))
