// Runs every method for bookings of Timekit's own client, unchanged, against a server, and prints what came as JSON.
// node js_client.js FOLDER BASE_URL KEY: the folder that has node_modules; the base URL without the version.
'use strict'
const [folder, baseUrl, appKey] = process.argv.slice(2)
const timekit = require(require('path').resolve(folder, 'node_modules', 'timekit-sdk'))
timekit.configure({ apiBaseUrl: baseUrl, appKey })

const called = {}

// What a method is answered: status, data and meta data; the same where it rejects.
async function call (method, data, ...includes) {
  called[method] = true
  if (includes.length > 0) timekit.include(...includes)
  const answer = await timekit[method](data).catch(problem => problem)
  if (answer.status === undefined) throw answer
  return { status: answer.status, data: answer.data, metaData: answer.metaData }
}

const slot = { start: '2030-01-01T10:00:00Z', end: '2030-01-01T11:00:00Z', what: 'Haircut', where: 'Here', description: '' }

async function main () {
  const seen = {}
  const customer = { name: 'Marty McFly', email: 'marty.mcfly@timekit.io' }
  seen.created = await call('createBooking', { graph: 'confirm_decline', customer, ...slot }, 'customers', 'attributes')
  const id = seen.created.data.id
  seen.read = await call('getBooking', { id }, 'available_actions')
  seen.confirmed = await call('updateBooking', { id, action: 'confirm' })
  seen.confirmedAgain = await call('updateBooking', { id, action: 'confirm' })
  seen.rescheduled = await call('rescheduleBooking', {
    id, start: '2030-01-02T10:00:00Z', end: '2030-01-02T11:00:00Z'
  }, 'attributes')
  seen.deletedEarly = await call('deleteBooking', { id })
  seen.cancelled = await call('updateBooking', { id, action: 'cancel', cancel: { message: 'Sorry' } })
  seen.deleted = await call('deleteBooking', { id })
  seen.gone = await call('getBooking', { id })

  seen.bulk = await call('createBookingsBulk', {
    bookings: [{ graph: 'instant', ...slot }, { graph: 'instant', ...slot }], relateBookings: true
  }, 'bulked_bookings')
  const [first, second] = seen.bulk.data.map(booking => booking.id)
  seen.bulkFailed = await call('createBookingsBulk', {
    bookings: [{ graph: 'instant', ...slot }, { graph: 'nothing', ...slot }], deleteAllOnError: true
  })
  seen.reset = await call('updateBookingsBulk', {
    bookings: [{ id: first, action: 'cancel', applyToBulkedBookings: false }, { id: second, action: 'decline' }],
    resetAllOnError: true
  })
  seen.updated = await call('updateBookingsBulk', {
    bookings: [first, second].map(id => ({ id, action: 'cancel', applyToBulkedBookings: false }))
  })

  seen.group = await call('createBooking', { graph: 'group_owner', settings: { maxSeats: 1 }, ...slot })
  const owner = seen.group.data.id
  seen.seat = await call('createBooking', { graph: 'group_customer', related: { ownerBookingId: owner }, customer })
  seen.full = await call('createBooking', { graph: 'group_customer', related: { ownerBookingId: owner }, customer })
  seen.groups = await call('getGroupBookings', undefined, 'attributes')
  seen.groupRead = await call('getGroupBooking', { id: owner }, 'attributes')

  seen.reserved = await call('reserveBooking', { reservationTime: 60, resourceId: 'barber', ...slot })
  const reservationId = seen.reserved.data.id
  seen.extended = await call('extendReservedBooking', { reservationId, reservationTime: 600 })
  seen.taken = await call('createBooking', {
    graph: 'instant', resourceId: 'barber', settings: { allowDoubleBookings: false }, ...slot
  })
  seen.booked = await call('createBooking', { graph: 'instant', reservationId })
  seen.all = await call('getBookings')

  const methods = Object.keys(timekit).filter(name => /booking/i.test(name))
  console.log(JSON.stringify({ seen, missed: methods.filter(name => !called[name]) }))
}

main().catch(problem => {
  console.error(problem)
  process.exit(1)
})
