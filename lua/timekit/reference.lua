--- The tables that methods take and return: documentation only, this module holds no code that does anything.
-- Times are in seconds, sizes in bytes. What Timekit adds to a table of its own is passed on as it came.
-- @module timekit.reference

--- A booking as the API returns it. Which fields there are depends on the graph and on what `include` asks for.
-- JSON's null is `timekit.null`.
-- @table BookingData
-- @tfield string id
-- @tfield GraphName|string graph
-- @tfield State|string state
-- @tfield boolean completed whether the booking's flow has ended
-- @tfield ?string created_at RFC 3339, unless the client has an `output_timestamp_format`
-- @tfield ?string updated_at likewise
-- @tfield ?table attributes with `include = "attributes"`: `event_info` and more (spec/api.md 4)
-- @tfield ?{table,...} customers with `include = "customers"`
-- @tfield ?table meta with `include = "meta"`
-- @tfield ?{table,...} available_actions what the server offers in this state
-- @tfield any [string] whatever else `include` asks for

--- How an operation went: the second value of a method that succeeded.
-- @table Info
-- @tfield integer status the HTTP status
-- @tfield ?string request_id what Timekit's support asks for
-- @tfield integer attempts tries of the request itself, without the reads that found out what became of it
-- @tfield boolean reconciled the success was found out by reading the booking
-- @tfield number elapsed seconds, waits included
-- @tfield ?integer rate_limit_remaining requests that Timekit still allows, where it says so
-- @tfield ?table envelope of `Client:request`: what stood beside `data`, such as `total`

--- What the hooks `before` and `after` get, for every try of every request. No field holds a key.
-- @table Try
-- @tfield string method such as `PUT`
-- @tfield string route such as `/bookings/{id}/{action}`
-- @tfield ?string id the booking's id
-- @tfield ?GraphName|string graph
-- @tfield ?ActionName|string action
-- @tfield integer attempt from 1
-- @tfield boolean reconcile the try reads what became of an action
-- @tfield ?integer status the HTTP status; this and what follows are for `after` alone
-- @tfield ?ErrorKind kind how the try failed
-- @tfield ?Sent sent
-- @tfield ?number elapsed seconds
-- @tfield ?string request_id
-- @tfield ?any before_error what `before` raised
-- @tfield ?string request_body with `log_bodies`
-- @tfield ?string response_body with `log_bodies`

--- Which bookings a list has, and in which order.
-- @table SearchOptions
-- @tfield ?{[string]=string|number|boolean} search attribute → value, all of which must hold: `graph`, `state`,
--   `completed`, `resource.id`,
--   `customer.name` (`*` stands for anything), `customer.email`, `calendar.id`, `project.id`, `meta.…`. A value that
--   holds `;` or `:` or control characters, or is empty, is refused with the kind `input`: it could be another search
-- @tfield ?OrderBy|string order_by `created_at`, the default, `updated_at`, `completed`, `graph`, `state`,
--   `event.start`, `event.end`
-- @tfield ?"asc"|"desc" sorted_by `asc` or `desc`
-- @tfield ?integer limit bookings a page; Timekit's default is 50 or 1000
-- @tfield ?string|number start from when, RFC 3339 with a zone; a wrong one is refused with the kind `input`. A client
--   with an `input_timestamp_format` takes any text or number
-- @tfield ?string|number end until when, likewise, and after `start`
-- @tfield ?string|{string,...} include as in `Booking:get`
-- @tfield ?number timeout seconds for each page
-- @tfield ?string traceparent a trace context to pass on
-- @tfield ?{[string]=string} headers further headers of this request, as of `timekit.new`

--- A page of a list.
-- @table Page
-- @tfield {BookingData,...} data
-- @tfield ?integer total how many bookings match
-- @tfield ?integer per_page
-- @tfield ?integer current_page
-- @tfield ?integer last_page
-- @tfield ?integer from the first one's number
-- @tfield ?integer to the last one's number
-- @tfield ?string next_page_url
-- @tfield ?string prev_page_url

--- An item of `Client:batch` and `Client:update_bookings`: a list of up to four values.
-- @table BatchItem
-- @tfield string|BookingData|Booking [1] the id, or a booking
-- @tfield ActionName|string [2] the action
-- @tfield ?table [3] the inputs
-- @tfield ?ActionOptions [4] the options

--- What became of an item: `{ booking, info }`, or `{ nil, err }`.
-- @table Result
-- @tfield ?BookingData [1] the booking
-- @tfield Info|Error [2]

--- What became of all items, in their order.
-- @table Results
-- @tfield Result [integer]
-- @tfield integer done how many succeeded
-- @tfield integer failed how many did not

--- The fields of a new booking (spec/api.md 4). They go to Timekit as they are.
-- @table NewBooking
-- @tfield GraphName|string graph
-- @tfield ?string resource_id
-- @tfield ?string start RFC 3339 with a zone
-- @tfield ?string end likewise, after `start`
-- @tfield ?string what
-- @tfield ?string where
-- @tfield ?string description
-- @tfield ?table customer `name`, `email`, …
-- @tfield ?table related `owner_booking_id`, of a booking in a group
-- @tfield ?string reservation_id of `Client:reserve`
-- @tfield ?ActionName|string action the first one; the graph's own unless given
-- @tfield ?table settings of the graph, such as `max_seats` or `timeout`
-- @tfield ?table meta
-- @tfield any [string] whatever else Timekit takes

--- A slot to hold, or a reservation to extend (spec/api.md 4). The fields go to Timekit as they are.
-- @table Slot
-- @tfield ?string resource_id
-- @tfield ?string start RFC 3339 with a zone
-- @tfield ?string end likewise, after `start`
-- @tfield ?string reservation_id of the reservation to extend
-- @tfield any [string] whatever else Timekit takes

--- A slot that is held, as the API returns it.
-- @table Reservation
-- @tfield string id
-- @tfield ?string expires_at
-- @tfield any [string] whatever else Timekit says

--- An action link, taken apart.
-- @table ActionLink
-- @tfield string base_url
-- @tfield string booking_id
-- @tfield ActionName|string action
-- @tfield ?string redirect where the browser goes afterwards
-- @tfield table header of its token
-- @tfield table claims of its token

--- A graph's definition. A graph has the same fields.
-- @table Definition
-- @tfield string name
-- @tfield string initial the state in which a booking starts
-- @tfield ?string first the action that is applied on create when none is given
-- @tfield ?boolean create false when no booking of this graph comes from `POST /bookings`
-- @tfield ?{string,...} requires the fields that are needed on create, such as `related.owner_booking_id`
-- @tfield ?{[string]=ValueDefinition} settings the settings known on create
-- @tfield ?"owner"|"customer" seats `owner` when a booking of this graph offers seats, `customer` when it takes one
-- @tfield {[string]=StateDefinition} states
-- @tfield {ActionDefinition,...} actions in the order in which they are to be offered. One name may stand several
--   times, leaving different states

--- A state of a graph's definition.
-- @table StateDefinition
-- @tfield ?boolean final it has no actions
-- @tfield ?boolean holds_slot it keeps others from booking the slot
-- @tfield ?boolean by_server it is set by the server, and needs no action that leads to it

--- An action of a graph's definition.
-- @table ActionDefinition
-- @tfield string name
-- @tfield string|{string,...} from a state or a list of states
-- @tfield string to a state
-- @tfield ?"resource"|"customer"|"owner"|"system" by who may do it; left out where that is not known
-- @tfield ?{[string]=ValueDefinition} inputs
-- @tfield ?AutoplayDefinition autoplay plays by itself

--- An input of an action, or a setting of a graph.
-- @table ValueDefinition
-- @tfield ?"string"|"boolean"|"number"|"integer"|"table" type
-- @tfield ?boolean required
-- @tfield ?fun(value:any):boolean,string? check returns true, or false and a reason

--- When an action plays by itself.
-- @table AutoplayDefinition
-- @tfield number after seconds
-- @tfield "created"|"end" from the booking's creation, or its event's end
-- @tfield ?string setting names one of `settings` that overrides the delay

--- An action that plays by itself in a state.
-- @table Autoplay
-- @tfield string action
-- @tfield string to
-- @tfield number after seconds
-- @tfield "created"|"end" from
-- @tfield ?string setting

--- The action that plays next.
-- @table NextAutoplay
-- @tfield string action
-- @tfield string to
-- @tfield number at unix seconds

--- The times of a booking, for `Graph:next_autoplay`.
-- @table Times
-- @tfield ?number created unix seconds
-- @tfield ?number end unix seconds
-- @tfield ?table settings those that were given on create

--- A field that a graph refuses.
-- @table WrongField
-- @tfield string field
-- @tfield string problem a text for people

--- What several graphs agree on.
-- @table Agreement
-- @tfield ?boolean already the action leads to this state
-- @tfield ?{string,...} allowed the actions that are possible in it

--- A request to the sandbox.
-- @table SandboxRequest
-- @tfield string method
-- @tfield string target path and query, such as `/v2/bookings/x?include=meta`
-- @tfield ?{[string]=string} headers names in any case
-- @tfield ?string body
-- @tfield ?string address where it comes from
-- @tfield ?fun():number clock tells seconds, to measure how long it takes

--- The sandbox's answer.
-- @table SandboxAnswer
-- @tfield ?integer status
-- @tfield ?{[string]=string} headers names in lower case
-- @tfield ?string body
-- @tfield ?table fault the fault that the request met
-- @tfield ?fun():SandboxAnswer resume of a stall before the state change: carries out the request

--- What played by itself in the sandbox.
-- @table Played
-- @tfield string id
-- @tfield string action
-- @tfield string from
-- @tfield string to
-- @tfield number at unix seconds

--- What plays next in the sandbox.
-- @table NextPlayed
-- @tfield string id
-- @tfield string graph
-- @tfield ?string action nil for a reservation that expires
-- @tfield string from
-- @tfield string to
-- @tfield number at unix seconds

--- A picture of a graph.
-- @table PictureOptions
-- @tfield ?"text"|"dot"|"mermaid"|"svg" format a tree for a terminal, unless given
-- @tfield ?string state where a booking is
-- @tfield ?{string,...} past the states where it was, oldest first

return {}
