// undici: a pool with one connection for each request in flight, decoded by JSON.parse.
'use strict'
const slice = require('./slice')
const { Pool } = slice.load('undici')

const { origin, pathname } = new URL(slice.url)
const pool = new Pool(origin, { connections: slice.inFlight, pipelining: 1 })
const request = {
  path: pathname,
  method: 'PUT',
  headers: { authorization: slice.auth, 'content-type': 'application/json' },
  body: slice.body
}

slice.start(async () => {
  const { statusCode, body } = await pool.request(request)
  slice.answered(statusCode, JSON.parse(await body.text()).data)
})
