// Node's own fetch: one request in a fresh process.
'use strict'

async function main () {
  const answer = await fetch(process.argv[2], {
    method: 'PUT',
    headers: { authorization: process.env.BENCH_AUTH, 'content-type': 'application/json' },
    body: process.env.BENCH_BODY
  })
  if (!answer.ok) throw new Error(`status ${answer.status}`)
  console.log((await answer.json()).data.state)
}

main().then(() => process.exit(0))
