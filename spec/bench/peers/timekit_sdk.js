// Timekit's own client for JavaScript, unchanged, its connections kept.
'use strict'
const http = require('http')
const slice = require('./slice')
const timekit = slice.load('timekit-sdk')

http.globalAgent = new http.Agent({ keepAlive: true, maxSockets: slice.inFlight })
const [, apiBaseUrl, id] = slice.url.match(/^(.*\/)v2\/bookings\/([^/]+)\/confirm$/)
timekit.configure({ apiBaseUrl, appKey: process.env.BENCH_KEY })
const { confirm } = JSON.parse(slice.body)

slice.start(async () => {
  const { status, data } = await timekit.updateBooking({ id, action: 'confirm', confirm })
  slice.answered(status, data)
})
