--- The texts that the benches send and receive: a request's body of 103 bytes, a booking of 3 KB as its answer
-- (spec/support/fixtures/ruby-booking_show.json, confirmed and with more customers), a list of 200 KB.
local documents = {}

documents.ID = "f68979ff-27da-4afd-8d0c-847f9340331b"

--- As long as Timekit's are (spec/api.md 1).
documents.KEY = "test_api_key_9TQkz6rhSzKf2mWb7XcDn4VpLj8Gy5Ra"

--- The inputs of the action `confirm`, and the body that they make.
documents.INPUTS = { message = "See you on Monday. Please arrive ten minutes early, through the garden doors." }
documents.BODY = ('{"confirm":{"message":"%s"}}'):format(documents.INPUTS.message)
assert(#documents.BODY == 103)

local CUSTOMER = '{"id":"%08x-99c7-4009-8843-7d9ac5d7f53f","name":"Marty McFly %d","email":"marty.mcfly.%d@timekit.io",'
  .. '"phone":"1-591-001-%04d","voip":"McFly","timezone":"America/Los_Angeles"}'

local BOOKING = '{"id":"%s","state":"%s","graph":"confirm_decline","completed":false,"possible_actions":["cancel",'
  .. '"cancel_by_customer","reschedule_by_customer","complete"],"created_at":"2016-02-11T12:39:%02d+0100",'
  .. '"updated_at":"2016-02-11T13:12:%02d+0100","attributes":{"event_info":{"start":"2015-01-01T09:%02d:00+0100",'
  .. '"end":"2015-01-01T14:%02d:00+0100","what":"Mens haircut","where":"Sesame St, Middleburg, FL 32068, USA",'
  .. '"description":"%s"},"group_booking":{"max_seats":12,"current_seats":11}},"calendar":{'
  .. '"id":"c91c5d04-2a57-46c0-ab35-e489dadf132e","name":"My calendar","display_name":"My calendar",'
  .. '"description":"Ut adipisci non autem cum ut id.","foregroundcolor":"#25d6be","backgroundcolor":"#ea1cb8",'
  .. '"created_at":"2016-02-15T13:21:42+0100","updated_at":"2016-02-15T13:21:42+0100"},"customers":[%s],'
  .. '"meta":{"shop":"north","visits":3,"deposit":12.5,"note":null}}'

-- Bookings that differ, as many as a minute has seconds.
local KINDS = 60

local function booking(kind, description)
  local customers = {}
  for index = 1, 11 do
    local number = kind * 100 + index
    customers[index] = CUSTOMER:format(number * 40503, number, number, number)
  end
  local second = kind % KINDS
  return BOOKING:format(documents.ID, "confirmed", second, second, second, second, description,
    table.concat(customers, ","))
end

-- As an answer, filled up to its size by the description.
local function answer(kind, size)
  local bare = #('{"data":%s}'):format(booking(kind, ""))
  local text = ('{"data":%s}'):format(booking(kind, ("Arrive early. "):rep(50):sub(1, size - bare)))
  assert(#text == size)
  return text
end

documents.ANSWER = answer(1, 3072)

--- Answers of the same size that differ in their customers and times: one answer again and again would flatter
-- decoders, since Lua keeps a string that it has already.
-- @tparam ?integer kinds how many, 60 by default
-- @treturn {string,...}
function documents.answers(kinds)
  local list = {}
  for kind = 1, kinds or KINDS do list[kind] = answer(kind, #documents.ANSWER) end
  return list
end

local function list(size)
  local one, items = documents.ANSWER:match('^{"data":(.*)}$'), {}
  for index = 1, math.floor(size / #one) do items[index] = one end
  return ('{"data":[%s],"total":%d,"per_page":"100","current_page":1,"last_page":1,"next_page_url":null}'):format(
    table.concat(items, ","), #items)
end

documents.LIST = list(200 * 1024)

return documents
