---@meta timekit
-- Made by `make types` from the comments in the library; `make lint` compares.

---@alias timekit.ActionName
---| "cancel"
---| "cancel_by_customer"
---| "cancel_by_owner"
---| "complete"
---| "confirm"
---| "create"
---| "decline"
---| "pay"
---| "reschedule_by_customer"
---| "timeout"

---@alias timekit.ErrorKind
---| "auth"
---| "cancelled"
---| "input"
---| "network"
---| "not_found"
---| "phase"
---| "rate_limited"
---| "response"
---| "server"
---| "timeout"
---| "transition"
---| "uncertain"
---| "validation"

---@alias timekit.FaultKind
---| "close"
---| "garbage"
---| "late"
---| "refuse"
---| "stall"
---| "status"
---| "truncate"

---@alias timekit.GraphName
---| "confirm_decline"
---| "group_customer"
---| "group_customer_payment"
---| "group_owner"
---| "instant"
---| "instant_payment"
---| "reservation"

---@alias timekit.OrderBy
---| "completed"
---| "created_at"
---| "event.end"
---| "event.start"
---| "graph"
---| "state"
---| "updated_at"

---@alias timekit.RuntimeName
---| "blocking"
---| "copas"
---| "cqueues"
---| "haproxy"
---| "luv"
---| "ngx"

---@alias timekit.Sent
---| "no"
---| "maybe"
---| "yes"

---@alias timekit.State
---| "cancelled"
---| "cancelled_by_customer"
---| "cancelled_by_owner"
---| "completed"
---| "confirmed"
---| "declined"
---| "error"
---| "expired"
---| "initialized"
---| "paid"
---| "rescheduled_by_customer"
---| "reserved"
---| "tentative"
---| "unpaid"

---@class timekit.CancelByCustomerInputs
---@field message? string
---@field [string] any

---@class timekit.CancelByOwnerInputs
---@field message? string
---@field [string] any

---@class timekit.CancelInputs
---@field message? string
---@field [string] any

---@class timekit.CompleteInputs
---@field [string] any

---@class timekit.ConfirmInputs
---@field [string] any

---@class timekit.CreateInputs
---@field [string] any

---@class timekit.DeclineInputs
---@field enabled? boolean
---@field message? string
---@field [string] any

---@class timekit.PayInputs
---@field payment_id? string
---@field [string] any

---@class timekit.RescheduleByCustomerInputs
---@field [string] any

---@class timekit.TimeoutInputs
---@field [string] any

---A booking as the API returns it. Which fields there are depends on the graph and on what `include` asks for.
---JSON's null is `timekit.null`.
---@class timekit.BookingData
---@field id string
---@field graph timekit.GraphName|string
---@field state timekit.State|string
---@field completed boolean whether the booking's flow has ended
---@field created_at? string RFC 3339, unless the client has an `output_timestamp_format`
---@field updated_at? string likewise
---@field attributes? table with `include = "attributes"`: `event_info` and more (spec/api.md 4)
---@field customers? table[] with `include = "customers"`
---@field meta? table with `include = "meta"`
---@field available_actions? table[] what the server offers in this state
---@field [string] any whatever else `include` asks for

---How an operation went: the second value of a method that succeeded.
---@class timekit.Info
---@field status integer the HTTP status
---@field request_id? string what Timekit's support asks for
---@field attempts integer tries of the request itself, without the reads that found out what became of it
---@field reconciled boolean the success was found out by reading the booking
---@field elapsed number seconds, waits included
---@field rate_limit_remaining? integer requests that Timekit still allows, where it says so
---@field envelope? table of `Client:request`: what stood beside `data`, such as `total`

---What the hooks `before` and `after` get, for every try of every request. No field holds a key.
---@class timekit.Try
---@field method string such as `PUT`
---@field route string such as `/bookings/{id}/{action}`
---@field id? string the booking's id
---@field graph? timekit.GraphName|string
---@field action? timekit.ActionName|string
---@field attempt integer from 1
---@field reconcile boolean the try reads what became of an action
---@field status? integer the HTTP status; this and what follows are for `after` alone
---@field kind? timekit.ErrorKind how the try failed
---@field sent? timekit.Sent
---@field elapsed? number seconds
---@field request_id? string
---@field before_error? any what `before` raised
---@field request_body? string with `log_bodies`
---@field response_body? string with `log_bodies`

---Which bookings a list has, and in which order.
---@class timekit.SearchOptions
---@field search? table<string, string|number|boolean> attribute → value, all of which must hold: `graph`, `state`, `completed`, `resource.id`, `customer.name` (`*` stands for anything), `customer.email`, `calendar.id`, `project.id`, `meta.…`. A value that holds `;` or `:` or control characters, or is empty, is refused with the kind `input`: it could be another search
---@field order_by? timekit.OrderBy|string `created_at`, the default, `updated_at`, `completed`, `graph`, `state`, `event.start`, `event.end`
---@field sorted_by? "asc"|"desc" `asc` or `desc`
---@field limit? integer bookings a page; Timekit's default is 50 or 1000
---@field start? string|number from when, RFC 3339 with a zone; a wrong one is refused with the kind `input`. A client with an `input_timestamp_format` takes any text or number
---@field ["end"]? string|number until when, likewise, and after `start`
---@field include? string|string[] as in `Booking:get`
---@field timeout? number seconds for each page
---@field traceparent? string a trace context to pass on
---@field headers? table<string, string> further headers of this request, as of `timekit.new`

---A page of a list.
---@class timekit.Page
---@field data timekit.BookingData[]
---@field total? integer how many bookings match
---@field per_page? integer
---@field current_page? integer
---@field last_page? integer
---@field from? integer the first one's number
---@field to? integer the last one's number
---@field next_page_url? string
---@field prev_page_url? string

---An item of `Client:batch` and `Client:update_bookings`: a list of up to four values.
---@class timekit.BatchItem
---@field [1] string|timekit.BookingData|timekit.Booking the id, or a booking
---@field [2] timekit.ActionName|string the action
---@field [3]? table the inputs
---@field [4]? timekit.ActionOptions the options

---What became of an item: `{ booking, info }`, or `{ nil, err }`.
---@class timekit.Result
---@field [1]? timekit.BookingData the booking
---@field [2] timekit.Info|timekit.Error

---What became of all items, in their order.
---@class timekit.Results
---@field [integer] timekit.Result
---@field done integer how many succeeded
---@field failed integer how many did not

---The fields of a new booking (spec/api.md 4). They go to Timekit as they are.
---@class timekit.NewBooking
---@field graph timekit.GraphName|string
---@field resource_id? string
---@field start? string RFC 3339 with a zone
---@field ["end"]? string likewise, after `start`
---@field what? string
---@field where? string
---@field description? string
---@field customer? table `name`, `email`, …
---@field related? table `owner_booking_id`, of a booking in a group
---@field reservation_id? string of `Client:reserve`
---@field action? timekit.ActionName|string the first one; the graph's own unless given
---@field settings? table of the graph, such as `max_seats` or `timeout`
---@field meta? table
---@field [string] any whatever else Timekit takes

---A slot to hold, or a reservation to extend (spec/api.md 4). The fields go to Timekit as they are.
---@class timekit.Slot
---@field resource_id? string
---@field start? string RFC 3339 with a zone
---@field ["end"]? string likewise, after `start`
---@field reservation_id? string of the reservation to extend
---@field [string] any whatever else Timekit takes

---A slot that is held, as the API returns it.
---@class timekit.Reservation
---@field id string
---@field expires_at? string
---@field [string] any whatever else Timekit says

---An action link, taken apart.
---@class timekit.ActionLink
---@field base_url string
---@field booking_id string
---@field action timekit.ActionName|string
---@field redirect? string where the browser goes afterwards
---@field header table of its token
---@field claims table of its token

---A graph's definition. A graph has the same fields.
---@class timekit.Definition
---@field name string
---@field initial string the state in which a booking starts
---@field first? string the action that is applied on create when none is given
---@field create? boolean false when no booking of this graph comes from `POST /bookings`
---@field requires? string[] the fields that are needed on create, such as `related.owner_booking_id`
---@field settings? table<string, timekit.ValueDefinition> the settings known on create
---@field seats? "owner"|"customer" `owner` when a booking of this graph offers seats, `customer` when it takes one
---@field states table<string, timekit.StateDefinition>
---@field actions timekit.ActionDefinition[] in the order in which they are to be offered. One name may stand several times, leaving different states

---A state of a graph's definition.
---@class timekit.StateDefinition
---@field final? boolean it has no actions
---@field holds_slot? boolean it keeps others from booking the slot
---@field by_server? boolean it is set by the server, and needs no action that leads to it

---An action of a graph's definition.
---@class timekit.ActionDefinition
---@field name string
---@field from string|string[] a state or a list of states
---@field to string a state
---@field by? "resource"|"customer"|"owner"|"system" who may do it; left out where that is not known
---@field inputs? table<string, timekit.ValueDefinition>
---@field autoplay? timekit.AutoplayDefinition plays by itself

---An input of an action, or a setting of a graph.
---@class timekit.ValueDefinition
---@field type? "string"|"boolean"|"number"|"integer"|"table"
---@field required? boolean
---@field check? fun(value:any):boolean,string? returns true, or false and a reason

---When an action plays by itself.
---@class timekit.AutoplayDefinition
---@field after number seconds
---@field from "created"|"end" the booking's creation, or its event's end
---@field setting? string names one of `settings` that overrides the delay

---An action that plays by itself in a state.
---@class timekit.Autoplay
---@field action string
---@field to string
---@field after number seconds
---@field from "created"|"end"
---@field setting? string

---The action that plays next.
---@class timekit.NextAutoplay
---@field action string
---@field to string
---@field at number unix seconds

---The times of a booking, for `Graph:next_autoplay`.
---@class timekit.Times
---@field created? number unix seconds
---@field ["end"]? number unix seconds
---@field settings? table those that were given on create

---A field that a graph refuses.
---@class timekit.WrongField
---@field field string
---@field problem string a text for people

---What several graphs agree on.
---@class timekit.Agreement
---@field already? boolean the action leads to this state
---@field allowed? string[] the actions that are possible in it

---A request to the sandbox.
---@class timekit.SandboxRequest
---@field method string
---@field target string path and query, such as `/v2/bookings/x?include=meta`
---@field headers? table<string, string> names in any case
---@field body? string
---@field address? string where it comes from
---@field clock? fun():number tells seconds, to measure how long it takes

---The sandbox's answer.
---@class timekit.SandboxAnswer
---@field status? integer
---@field headers? table<string, string> names in lower case
---@field body? string
---@field fault? table the fault that the request met
---@field resume? fun():timekit.SandboxAnswer of a stall before the state change: carries out the request

---What played by itself in the sandbox.
---@class timekit.Played
---@field id string
---@field action string
---@field from string
---@field to string
---@field at number unix seconds

---What plays next in the sandbox.
---@class timekit.NextPlayed
---@field id string
---@field graph string
---@field action? string nil for a reservation that expires
---@field from string
---@field to string
---@field at number unix seconds

---A picture of a graph.
---@class timekit.PictureOptions
---@field format? "text"|"dot"|"mermaid"|"svg" a tree for a terminal, unless given
---@field state? string where a booking is
---@field past? string[] the states where it was, oldest first

---An error.
---@class timekit.Error
---@field kind timekit.ErrorKind
---@field message string one line, for people
---@field sent timekit.Sent `"no"`: no byte of the request left this machine; `"maybe"`; `"yes"`: the server answered
---@field retryable boolean the same may be asked for again, without the danger of a double effect
---@field attempts integer tries of the request; 0 when it was refused before sending
---@field elapsed number seconds
---@field status? integer the HTTP status
---@field request_id? string what Timekit's support asks for
---@field body? any the decoded answer, or its text where it is not JSON (the first 64 KiB)
---@field fields? table<string, string[]> field → list of texts, where the server named the fields that it refused, or where they were refused here
---@field action? timekit.ActionName|string
---@field graph? timekit.GraphName|string
---@field state? timekit.State|string the one in which the action was refused
---@field allowed? string[] the actions that are possible in `state`
---@field already? boolean the booking is in a state that the action leads to; nil where that is not known
---@field code? string a Redis's own word for its refusal, such as `OOM`; of a queue also `FULL` and `UNFIT`
---@field id? string of a job that may or may not have been added to a queue
---@field index? integer the first wrong item of a list that was refused before sending
---@field retry_after? number seconds to wait, where the last answer or the client's own rate limit names them
---@field cause? timekit.Error the first failure that left the outcome in doubt. An `uncertain` error has one. So has a `cancelled` one if the outcome was in doubt by then: the action may have been applied

---A job of a queue.
---@class timekit.Job
---@field id string
---@field booking string its id
---@field action timekit.ActionName|string
---@field inputs? table
---@field options? table
---@field priority string `"normal"` or `"bulk"`
---@field state string `wait`, `run`, `done`, `failed`, `dead` or `cancelled`
---@field key? string
---@field sent boolean its action may have been sent
---@field tries integer
---@field added number Unix seconds
---@field due number Unix seconds from which it may be taken
---@field over? number Unix seconds
---@field outcome? table of the last try: `kind`, `message`, `state`, …

---What `Queue:add` tells.
---@class timekit.AddedJob
---@field id string
---@field what string `"new"`; or `"exists"`: another job has the key, and `id` is that one's
---@field state string as of `Job`

---What a worker tells of a try.
---@class timekit.JobEvent
---@field id string
---@field booking string its id
---@field action timekit.ActionName|string
---@field tries integer
---@field what string `"done"`, `"failed"`, `"dead"`, `"again"`, or `"lost"`: another worker has it, or will: Redis could not be told
---@field info? timekit.Info|timekit.Error as `Booking:action` returns it

---The numbers of a queue.
---@class timekit.QueueStats
---@field open integer jobs that are not over, dead ones included
---@field ready integer those that could be taken now
---@field ready_bulk integer likewise, of the priority bulk
---@field running integer
---@field dead integer
---@field oldest number seconds that the first ready job has waited
---@field added integer since the beginning, as all that follow
---@field done integer
---@field failed integer
---@field cancelled integer
---@field again integer tries that are repeated
---@field reaped integer leases that ran out, because a worker was lost
---@field warnings string[] about this Redis

---@class timekit.Outcome
---@field status? integer the HTTP status
---@field headers? table<string, string> name in lower case → value; several of one name are joined with `", "`
---@field body? string as it came
---@field failure? timekit.Failure `kind` (`"network"`: no connection, or it was lost; `"timeout"`; `"response"`: the answer is too large, cut off or not HTTP; `"cancelled"`), `message` (one line, without secrets), `code` (the transport's own number, or nil)
---@field sent timekit.Sent `"no"`, `"maybe"` or `"yes"`
---@field reused boolean had the connection served a request before
---@field http_version? string `"1.1"` or `"2"`
---@field times? table<string, number> `name_lookup`, `connect`, `tls`, `first_byte`, `total`, in seconds

---Why no answer came, or not all of it.
---@class timekit.Failure
---@field kind "network"|"timeout"|"response"|"cancelled"
---@field message string one line, without secrets
---@field code? integer the transport's own number

---What the callers of a client share: `timekit.runtime.pump`.
---@class timekit.Pump
---@field step fun(self:timekit.Pump) lets transfers go on, without waiting
---@field wait fun(self:timekit.Pump,seconds:number) likewise; blocks until something happened, and for so long at most
---@field fd fun(self:timekit.Pump):integer? the descriptor to watch; nil where there is none
---@field timeout fun(self:timekit.Pump):number? seconds until `step` has something to do by time alone
---@field on_done fun(self:timekit.Pump,transfer:timekit.Transfer,wake:fun()) has a function called once when the transfer is done
---@field forget fun(self:timekit.Pump,transfer:timekit.Transfer) takes that back
---@field on_close fun(self:timekit.Pump,key:any,fn:fun()) has a function called before the descriptor is closed: a loop has to stop watching it by then

---@class timekit.QueueOptions
---@field redis string the server: `unix:///run/redis.sock`, `redis://127.0.0.1:6379/0` on this machine, or `rediss://user:password@host:6379/0` with TLS
---@field name? string of the queue, of letters, digits and `._:-`
---@field keep? number seconds that a job, and its key, are known after its end; a week unless given
---@field most? integer open jobs; more are refused
---@field durable? boolean false: take a Redis that loses its jobs when it ends
---@field ca_file? string certificates to trust instead of the system's, for rediss

---@class timekit.BatchOptions
---@field concurrency? integer how many at once, at most
---@field on_progress? fun(index:integer,booking?:timekit.BookingData,info:timekit.Info|timekit.Error,item:timekit.BatchItem) function(index, booking, info, item): called for each item as soon as it is done, with `nil, err` in the places of booking and info when it failed
---@field stop_on_error? boolean start no further item once one has failed

---@class timekit.CreateBookingsOptions
---@field relate? boolean relate them: an action on one is then replicated to the others (see `apply_to_bulked_bookings` of `Booking:action`), and `include = "bulked_bookings"` shows them
---@field stop_on_first_error? boolean do not try the rest after one has failed
---@field delete_all_on_error? boolean delete all when one has failed
---@field include? string|string[] a name or a list of names to include in the answer
---@field timeout? number seconds for the whole method
---@field traceparent? string a trace context to pass on
---@field headers? table<string, string> further headers of this request, as of `timekit.new`

---@class timekit.UpdateBookingsOptions
---@field stop_on_first_error? boolean do not try the rest after one has failed
---@field reset_all_on_error? boolean put all back into their previous states when one has failed
---@field include? string|string[] a name or a list of names to include in the answer
---@field timeout? number seconds for the whole method, reads included
---@field traceparent? string a trace context to pass on
---@field headers? table<string, string> further headers of this request, as of `timekit.new`

---@class timekit.PlainOptions
---@field timeout? number seconds for all of it, retries and waits included
---@field traceparent? string a trace context to pass on
---@field headers? table<string, string> further headers of this request, as of `timekit.new`

---@class timekit.RequestOptions
---@field query? table name → text, number, boolean or a list of these; encoded
---@field body? table sent as JSON; an empty list is `timekit.array {}`
---@field headers? table<string, string> name → value; they replace those of the client, such as `Timekit-Timezone`
---@field include? string|string[] a name or a list of names to include in the answer
---@field timeout? number seconds for all of it, retries and waits included
---@field traceparent? string a trace context to pass on

---@class timekit.ListOptions: timekit.SearchOptions
---@field prefetch? boolean have the next page under way while the loop's body handles one

---@class timekit.PageOptions: timekit.SearchOptions
---@field page? integer its number, from 1

---@class timekit.ActionOptions
---@field apply_to_bulked_bookings? boolean act on the related bookings of a bulk as well; Timekit's default is true
---@field settings? table further keys of the request's body, beside the inputs
---@field include? string|string[] a name or a list of names to include in the answer (spec/api.md 1)
---@field sent_before? boolean an earlier process may have sent this action, and nobody knows what became of it. The booking is read first. The action is sent only after that has shown that it was not applied and that sending it is safe; a success that the read shows has `info.reconciled`
---@field timeout? number seconds for all of it, retries and waits included, instead of the client's
---@field traceparent? string a trace context to pass on (W3C Trace Context)
---@field headers? table<string, string> further headers of this request, as of `timekit.new`

---@class timekit.GetOptions
---@field include? string|string[] a name or a list of names to include in the answer (spec/api.md 1)
---@field timeout? number seconds for all of it
---@field traceparent? string a trace context to pass on
---@field headers? table<string, string> further headers of this request

---@class timekit.LinkOptions
---@field redirect? string where the browser goes afterwards: an http or https URL without credentials, control characters, blanks and backslashes

---@class timekit.Move
---@field start? string RFC 3339 with a zone
---@field ["end"]? string likewise, after `start`
---@field resource_id? string
---@field message? string

---@class timekit.WaitOptions
---@field timeout? number seconds for all of it; the client's `timeout` unless given
---@field every? number seconds until the second look; the pauses then grow to 30 seconds, or stay at this where it is longer. The last look is taken two seconds before the time is over, or less
---@field include? string|string[] a name or a list of names to include in the answer
---@field traceparent? string a trace context to pass on
---@field headers? table<string, string> further headers of this request, as of `timekit.new`

---@class timekit.JobOptions
---@field key? string a name: while a job with this key is open, and for `keep` after its end, no other is added
---@field at? number|string not before this time: Unix seconds, or as in RFC 3339
---@field priority? string `"bulk"`: behind others, and with bulk's share of the rate
---@field id? string the job's id, of letters, digits and `._:-`; made here unless given
---@field options? timekit.ActionOptions those of `Booking:action`; `timeout` counts up to that of the worker's client

---@class timekit.WorkOptions
---@field concurrency? integer how many jobs at once, at most
---@field stop? fun():boolean returns true when no more jobs are to be taken; asked about once a second
---@field on_job? fun(event:timekit.JobEvent) called after each try
---@field on_trouble? fun(err:timekit.Error) called when Redis gives no jobs, once until it does again or says something else

---@class timekit.Fault
---@field what timekit.FaultKind the kind
---@field when? "before"|"after" `before` or `after` the state change; `refuse` and `late` take only `before`
---@field match? string method and path, such as `PUT /v2/bookings/*/confirm`. `*` stands for any method, and for any one segment of the path. The query is ignored. Left out: every request
---@field times? number how many requests meet it; math.huge: all
---@field status? integer for `status` (required), `late`, `garbage` (instead of 200) and `truncate` (instead of the real one)
---@field headers? table for the same: name → value, added to the usual ones
---@field body? string for the same; `truncate` sends half of it
---@field seconds? number for `stall`; left out: nothing ever comes
---@field after_requests? integer for `late`

---@class timekit.SandboxWebhook
---@field url string http, to a loopback address
---@field secret string what it is signed with
---@field graph string
---@field state string
---@field is_test? boolean mark it as a test, `isTest`

---@class timekit.ConnectOptions
---@field base_url string without a slash at its end
---@field allow_http boolean `base_url` may be http to another host than loopback
---@field username? string HTTP Basic's user name; empty for an app key (spec/api.md 1)
---@field password? string the key; nil where the client was made without one
---@field headers table<string, string> name → value, for every request
---@field user_agent string
---@field ca_file? string a file of certificates to trust instead of the system's
---@field cert_file? string a file with the client's certificate, and those that lead to its root
---@field key_file? string a file with its key; nil: it is in `cert_file`
---@field key_password? string the key's password; nil: the key is not encrypted
---@field tls? userdata what the C core has read from these four files, for the core's own transport
---@field proxy? string a URL; empty: none; nil: as the environment says
---@field http2 boolean HTTP/2 may be used
---@field connect_timeout number seconds
---@field max_response number bytes of a body, after decompression

---@class timekit.TransportRequest
---@field method string `GET`, `HEAD`, `POST`, `PUT`, `PATCH` or `DELETE`
---@field target string path and query, to be appended to `base_url`
---@field headers? table<string, string> name → value; they replace headers of the connection with the same name, compared without regard to case
---@field body? string never with GET and HEAD
---@field authorize? boolean false: the request is sent without the credentials, as that of `Client:connect` is; nil stands for true
---@field timeout number seconds from now until the last byte of the answer, connecting included; once they are over the request must not be sent any more

---@class timekit.ClientOptions
---@field app_key? string the key (`TIMEKIT_APP_KEY`); or the three that follow
---@field resource_email? string a resource's e-mail address (`TIMEKIT_RESOURCE_EMAIL`)
---@field resource_key? string its key (`TIMEKIT_RESOURCE_KEY`)
---@field app? string the app's slug (`TIMEKIT_APP`); needed with a resource's key
---@field base_url? string `https://api.timekit.io/v2` unless given (`TIMEKIT_BASE_URL`); https, or http to a loopback address: `localhost` and names that end in `.localhost`, 127.0.0.1 and the like, ::1
---@field allow_http? boolean http to any host (`TIMEKIT_ALLOW_HTTP=1`), false. **Everything, the key included, is then readable and changeable on its way**: it is for private networks only, such as those of containers
---@field timeout? number seconds for a whole operation, retries and waits included, 30 (`TIMEKIT_TIMEOUT`)
---@field connect_timeout? number seconds to connect, 10
---@field retries? integer how many times a request is sent again if it surely had no effect, or if the graph makes a repeat safe, 2
---@field uncertain? "reconcile"|"report" what to do when an action may or may not have been applied: `reconcile`, the default, reads the booking to find out, and repeats the action where that is safe; `report` does neither, and the error is `uncertain`
---@field rate? timekit.Rate a limit for all requests of the client together, none unless given
---@field max_response? number bytes of an answer after decompression, 8 MiB
---@field ca_file? string a file with certificates to trust instead of the system's (`TIMEKIT_CA_FILE`)
---@field cert_file? string a file with the client's certificate, in the PEM format, for servers that ask for one
---@field key_file? string a file with its private key, likewise; left out: the key is in `cert_file`
---@field key_password? string the key's password, if it is encrypted
---@field proxy? string a proxy's URL (`TIMEKIT_PROXY`); empty: none; left out: that of `https_proxy` or `all_proxy` in the environment. In its password `/`, `?`, `#` and `@` are percent-encoded
---@field headers? table<string, string> name → value: further headers of every request, such as those that a gateway wants. They replace those of the client, but for what only the client may send (`Authorization`, `Host`, …). Methods that send a request have this option as well, for that request. The values of headers whose names say that they are secret (`key`, `token`, `secret`, …) are kept out of errors
---@field http2? boolean speak HTTP/2, false: with it more failures stay uncertain
---@field timezone? string the IANA zone in which Timekit answers
---@field input_timestamp_format? string the PHP date format of timestamps that are sent (spec/api.md 1)
---@field output_timestamp_format? string the PHP date format in which Timekit answers
---@field app_info? string your application, such as `shop/2.1`: appended to the User-Agent
---@field before? fun(try:timekit.Try) called before every try of a request with a table of its own: `method`, `route`, `id`, `graph`, `action`, `attempt`, `reconcile` (boolean: a look into an uncertain outcome). An error in it breaks nothing: `Client:close` raises the first
---@field after? fun(try:timekit.Try) called after every try, likewise, with a copy of that table that also has `status`, `kind` (of the error), `sent`, `elapsed`, `request_id`, and `before_error` if `before` raised one
---@field log_bodies? boolean `request_body` and `response_body` in those tables, false
---@field runtime? timekit.RuntimeName|timekit.Runtime how methods wait: `blocking`, `copas`, `cqueues`, `haproxy`, `luv`, `ngx`, or a table as in `timekit.runtime.reference`; `ngx` in nginx and `blocking` elsewhere unless given
---@field transport? timekit.Transport|timekit.Box a sandbox, or any object that keeps the contract of `timekit.transport.reference`; no key is needed then, and `test_api_key` is used where there is none

---@class timekit.Rate
---@field per_second number requests per second, in the long run
---@field burst? integer requests at once, `per_second` rounded up
---@field redis? string the Redis that keeps the limit for all clients that share it: as in `Client:queue`; `burst` + 60 × `per_second` is at most 600 then, which is what Timekit allows in a minute
---@field name? string which limit, `"default"` unless given
---@field bulk_share? number the part of the rate that `Client:batch`, and bulk jobs of a queue, have in any case: 0.1 unless given. Beyond it they leave half of the burst to others
---@field when_lost? string without Redis: `"share"`, each client uses its part of four fifths of the rate; or `"refuse"`, every request ends as `rate_limited`
---@field ca_file? string certificates to trust instead of the system's, for `rediss://`

---@class timekit.ParseOptions
---@field client? timekit.Client the client that the handle uses; the default client unless given, which needs no key until the handle is used

---@class timekit.SandboxOptions
---@field app_key? string the only key that is accepted; left out, any key is
---@field now? number|fun():number unix seconds at which the box's clock stands until it is advanced (default: the present), or a function that returns the time, to which `advance` adds
---@field seed? number a whole number: the same seed gives the same ids
---@field rate_limit? timekit.RateLimit limits as Timekit has them (600 a minute in production, 3000 a day for test accounts). Time is the box's. Left out: no limit
---@field full_requests? integer how many of the latest requests `Box:request` and `Box:again` know

---@class timekit.RateLimit
---@field per_minute? integer a leaky bucket, beyond which the answer is 503
---@field burst? integer how many requests that bucket takes at once (default: `per_minute`)
---@field per_day? integer beyond which the answer is 429

---@class timekit.ServeOptions
---@field port? integer 0 takes a free one
---@field host? string the address to listen on. With `0.0.0.0`, other machines reach the sandbox, and its control, which needs no key
---@field allow_hosts? string[] further names that the sandbox is reached by, such as `sandbox` in a network of containers. A Host header with another name is refused, see `timekit.sandbox.served.access`
---@field app_key? string the only key that is accepted; left out, any key is
---@field rate_limit? timekit.RateLimit as of `timekit.sandbox.new`
---@field until_eof? boolean also stop when the standard input ends
---@field on_ready? fun(base_url:string,stop:fun(),console_url:string) function(base_url, stop, console_url), called once requests are accepted; `base_url` is like `http://127.0.0.1:8808/v2`, `stop()` ends the server, and `console_url` is the page for a browser on this machine

---A client.
---@class timekit.Client
local Client = {}

---Makes a handle for a booking. Nothing is sent.
---Raises on an id that is not a string, is empty, `.` or `..`, or holds control characters, and on a closed client.
---@param booking string|timekit.BookingData a booking's id, or a booking as the API returns it, whose `graph`, `state` and `completed` then serve as hints of what is possible
---@return timekit.Booking
function Client:booking(booking) end

---Starts a call: runs a function that uses the client without keeping the host waiting.
---The function runs in a coroutine of its own: at once, up to where it first waits for Timekit, and from then on within
---`update`. All methods of this client work in it as elsewhere, in blocking style. If it yields by itself
---(`coroutine.yield()`), the next update continues it. The client keeps its calls until they are over.
---
---Raises what the function raises before it first waits, if `fn` is not a function, and on a closed client. An error of
---`timekit.error` that the function raises, such as one of a loop over `bookings`, is the call's result: `nil, err`.
---@param fn function
---@param ... any its arguments
---@return timekit.Call|nil # see `timekit.runtime.call`; nil where the host cannot wait (nginx, HAProxy)
---@return timekit.Error|nil # then the error, of the kind `phase`
function Client:start(fn, ...) end

---Continues calls. A game does this once a frame, an event loop when `fd` is readable.
---An update never waits unless it is told to, and takes a fraction of a millisecond. The next one does what is left
---over. In a program of plain Lua the first update, or the first call if that comes before, loads the rest of this
---library, which takes about 5 milliseconds: a game makes one on its loading screen. (Requests block in a coroutine
---that a call's function makes itself, as in any plain coroutine.)
---Raises the error of a call's function, or of one set by `on_done`: each error once, one in each update. Raises on a
---closed client, and when it is called from within an update.
---@param seconds? number the longest wait for something to happen; more than 0 raises in nginx and HAProxy
---@return integer # the number of calls that are not over yet
function Client:update(seconds) end

---The descriptor that becomes readable when `update` has something to do, timers included. An event loop needs to
---watch nothing else. It stays the same until the client is closed, except in a forked process and after libcurl ran
---out of memory. The client owns it: do not read or close it, and make your loop forget it before you close the client
---(`poll:close()` in luv, `cqueues.cancel(fd)`).
---Raises on a closed client.
---@return integer|nil # nil where there is none: on a system without epoll, and with a sandbox. Use `timeout` there. nil, too, while the process has too many files open; requests fail then, so ask again before the next one
function Client:fd() end

---Seconds until `update` has something to do by time alone. Without an `fd` it is a millisecond at most while an
---answer is under way, so a loop needs nothing else. A loop that has an `fd`, but cannot watch it, has to call `update`
---every few milliseconds while calls are in flight.
---Raises on a closed client.
---@return number|nil # nil: nothing is due
function Client:timeout() end

---Closes the client and its connections. From then on any use of it raises, also through a handle made before. Closing
---it again does nothing. The garbage collector closes a client that nobody uses, and on Lua 5.4 so does
---`local tk <close>`. Calls in flight end: what they waited for ends with an error of the kind `cancelled`.
---Raises the first error of a hook or a call that was not raised yet, once everything is closed. (The garbage
---collector, which may run anywhere, raises nothing, and continues no call.)
function Client:close() end

---Makes a queue of actions, kept by a Redis, which any number of processes can share. Nothing is sent.
---Raises on wrong options, and on a client whose transport is a sandbox in the process, which has no connections.
---@param opts timekit.QueueOptions
---@return timekit.Queue # see `timekit.queue`
function Client:queue(opts) end

---Performs actions on many bookings, several at once, within the client's `rate`.
---Waits as every method does: a script until all is done; a call of `start` and a coroutine of an event loop let
---their host go on.
---
---One item's failure does not stop the others. Raises on wrong options, on a closed client, and on a wrong item: an
---invalid id or action, inputs that cannot be written as JSON, parts that are given by name. A list is checked before
---anything is sent. What a wrong item of an iterator raises, or the iterator or `on_progress` itself, is raised once
---the actions in flight are over; `on_progress` still hears of those.
---@param items timekit.BatchItem[]|fun():timekit.BatchItem? a list of `{ id, action, inputs, options }` as for `Booking:action`, the id may also be a booking; or an iterator function that returns one item each time and nil at the end. The results of an iterator's items are not kept, so memory does not limit their number. It may use the client, `tk:bookings` say, but not from a coroutine of its own (see `update`)
---@param opts? timekit.BatchOptions
---@return timekit.Results|nil # `done` and `failed`: counts; of a list also the results, in its order: `{ booking, info }` or `{ nil, err }`. An item that was not started has an error of the kind `cancelled` whose `sent` is `"no"`
---@return timekit.Error|nil # with nil an error of the kind `phase`: the host cannot wait here
function Client:batch(items, opts) end

---Creates several bookings by one request: `POST /bookings/bulk` (spec/api.md 4).
---Each is checked as by `Client:create_booking`, and nothing is sent when one is refused: `err.index` is then the
---first one that is wrong, and `err.fields` names fields such as `bookings[2].end`.
---
---The request is never repeated after an uncertain outcome, and a new booking cannot be looked up. A booking of which
---the answer does not tell is `uncertain`, and so is the whole request when its answer is lost or is not a list with
---one entry for each booking. With `delete_all_on_error` success is claimed for all or for none: where one failed,
---the bookings that the answer still shows are `uncertain`.
---Raises on anything but a list, on fields that cannot be written as JSON (naming the path), on wrong options, and on
---a closed client.
---@param list timekit.NewBooking[] the fields of each booking; it is left as it is. An empty one sends nothing
---@param opts? timekit.CreateBookingsOptions
---@return timekit.Results|nil # the results in the order of the list, each `{ booking, info }` or `{ nil, err }`, with the counts `done` and `failed`; nil when the request failed as a whole
---@return timekit.Info|timekit.Error # `info` of the request, or the error: `input`, `transition`, `auth`, `not_found`, `validation`, `rate_limited`, `network`, `timeout`, `cancelled`, `phase`; `uncertain` when some of the bookings may have been created, also after a refusal that may be about one of them only. An item's error is one that `Client:create_booking` has
function Client:create_bookings(list, opts) end

---Performs actions on several bookings by one request: `PUT /bookings/bulk` (spec/api.md 4).
---`Client:batch` sends a request for each, with its own retries.
---
---Each item is checked as by `Booking:action`, and nothing is sent when one is refused: `err.index` tells which. The
---request is never repeated once it may have had an effect. The booking is then read for every item that is in doubt,
---several at once, within the time of this method. Its graph and state decide, as for a single action: a state that
---proves the action is a success (`info.reconciled`), any other is `uncertain`, with the state. As for a single
---action, a booking that was in that state before cannot be told from one that was brought there.
---
---In doubt are all items after a lost or useless answer, and after a refusal of the whole that may be about one of
---them only; and the items of which the answer does not tell. An item that such a refusal, or a rate limit, has left
---in its old state ends with that error. The same action twice on one booking: reading proves one of them at most.
---
---With `reset_all_on_error` success is claimed for all or for none: where one failed, the server may put the others
---back at any time, so they are `uncertain`. When one item is in doubt, all are read.
---
---Raises on a wrong item (naming its number), also on one whose parts are given by name, and on whatever else
---`Booking:action` raises on; on an action or a setting called `id` or `action`.
---@param items timekit.BatchItem[] `{ id, action, inputs, options }`; the id may also be a booking; options are `apply_to_bulked_bookings` and `settings` as for `Booking:action`. An empty list sends nothing
---@param opts? timekit.UpdateBookingsOptions
---@return timekit.Results|nil # the results in the order of the items, each `{ booking, info }` or `{ nil, err }`, with the counts `done` and `failed`; nil when the request failed as a whole, without effect
---@return timekit.Info|timekit.Error # `info` of the request (`reconciled`: bookings were read), or the error: `input`, `transition`, `auth`, `not_found`, `validation`, `rate_limited`, `network`, `timeout`, `phase`; `cancelled`, where `sent` tells whether there may be an effect. An item's error is one that `Booking:action` has
function Client:update_bookings(items, opts) end

---Makes a connection for later, so that the name lookup, the connection and the TLS handshake are done before the
---first action, which then takes one round trip. Call it where a pause hurts less than later: before a game's first
---frame, or when a worker starts. Modules of the library that are not loaded yet are loaded, too.
---
---It sends a HEAD of the `base_url` without the key, and any status is a success. The client's `headers` go along,
---since a gateway may want them. The client keeps the connection for 20 seconds, unless the server closes it earlier.
---If there is an idle one already, the HEAD goes over it. The try counts for the client's `rate`. Hooks see it. It is
---repeated like a read.
---
---Raises on wrong options and on a closed client.
---@param opts? timekit.PlainOptions
---@return boolean|nil # true; nil on failure
---@return timekit.Info|timekit.Error # `info` as in `Booking:action`, or the error: `network`, `timeout`, `response` (the answer is not HTTP), `rate_limited` (by the client's own `rate`), `cancelled`, `phase`
function Client:connect(opts) end

---Creates a booking: `POST /bookings` (spec/api.md 4).
---The fields go to Timekit as they are. Without `action` the graph's first action applies (spec/api.md 3). A creation
---that may have had an effect is never repeated: Timekit would make a second booking.
---
---Nothing is sent, and the error is `input` with `err.fields` naming each field, where the fields are certain to be
---wrong:
---
---* the known graph lacks the action, or does not begin with it
---* a field is missing that the graph requires (`related.owner_booking_id`)
---* a setting of the graph has a wrong type or a misspelt name (`max_seats`, `timeout`, …)
---* bookings of the graph are not made this way (`reservation`)
---* a time is not RFC 3339 or lacks its zone (unless the client has an `input_timestamp_format`), or the end is not
---  after the start
---
---Timekit judges a graph that is not known here.
---Raises on wrong options, on fields that JSON cannot express (naming the path), and on a closed client.
---@param fields timekit.NewBooking `graph`, `resource_id`, `start`, `end`, `what`, `where`, `customer`, …
---@param opts? timekit.GetOptions as for `Booking:get`
---@return timekit.BookingData|nil # the booking, a table like the API's; nil on failure
---@return timekit.Info|timekit.Error # `info` as in `Booking:action`, or the error: `input` (see above, or larger than 1 MiB), `transition`, `auth`, `not_found`, `validation`, `rate_limited`, `network`, `timeout`, `cancelled`, `phase`; `uncertain` when the booking may have been created
function Client:create_booking(fields, opts) end

---Sends any request to the API, with the same key, limits, retries and errors as everything else.
---A GET is repeated like any read. Any other method is repeated only where the request surely had no effect. If it
---may have had one the error is `uncertain`, and nothing is read to find out: this module does not know what the
---request does. No rule of a graph applies.
---
---Raises on wrong use: an unknown method; a path with `..`, a query, an empty segment or control characters, or one
---that does not begin with one slash; a header that is the client's own (`Authorization`, `Host`, …) or has line
---ends; headers of more than 16 KiB; a body that JSON cannot express; a wrong option; a closed client.
---@param method "GET"|"POST"|"PUT"|"PATCH"|"DELETE" `GET`, `POST`, `PUT`, `PATCH` or `DELETE`
---@param path string below the client's `base_url`, such as `/resources`; what cannot stand in a path is percent-encoded
---@param opts? timekit.RequestOptions left as it is
---@return any # what the answer holds under `data`, or the whole answer where it has none; `timekit.null` for one without content (a 204, or an empty one to a DELETE); nil on failure only
---@return timekit.Info|timekit.Error # `info` as in `Booking:action`, with `envelope`: what stood beside `data`, such as `total`; or the error: `input` (a body over 1 MiB, a path and query over 64 KiB), `auth`, `not_found`, `transition`, `validation`, `rate_limited`, `network`, `timeout`, `cancelled`, `phase`; of a GET also `server` and `response`, of anything else `uncertain`
function Client:request(method, path, opts) end

---Walks through bookings, all pages of them: `GET /bookings` (spec/api.md 4). Each step gives a booking and the page
---that it stands on, as of `Client:bookings_page`.
---
---**What is promised.** Every booking that matched when the loop began, and still does when its page is read, comes
---exactly once. None comes twice. That holds whatever the loop's body and others do to the bookings meanwhile. Where
---that cannot be known, an error is raised. A booking that begins to match meanwhile may come or not.
---
---**What it costs.** One request a page, sent when the loop comes to it. A list of several pages is read once more,
---in pages of at least 100, unless it is proven that nothing was missed: as many bookings were read as matched in the
---beginning, and by `updated_at` and the answer's `Date` none of them had changed since, nor in the ten seconds
---before. Bookings found then come last. The ids of the bookings are kept until the loop ends, about 10 MB for
---100,000.
---
---**Where the proof has limits.** Bookings that were created in those ten seconds count as unchanged, as long as no
---client of this Lua state has changed anything since; so what other programs create in the very second in which the
---loop begins may hide as many bookings. The proof needs times in RFC 3339, so with an `output_timestamp_format` such
---a list is always read twice. A server that ignores `limit`, or gives bookings without `created_at`, is read once;
---there an error is raised if the list is seen to change.
---
---A page that cannot be read is **raised** as an error of `timekit.error`, since a loop that just ended would look
---complete: `pcall` around the loop gets the table. What the loop body raises is not touched.
---
---In PUC Lua 5.1 a coroutine cannot wait inside a loop's iterator: in a call of `start` or an event loop use
---`bookings_page` there. LuaJIT and Lua from 5.2 on can.
---
---With `prefetch` the next page's request is sent as soon as a page has come, and its answer arrives while the loop's
---body is at work; never more than one page ahead. An error of that page is raised when the loop comes to it. The
---body's time does not count as the page's `timeout`; only a page that is too large to arrive unattended is asked for
---again if the body takes longer than that. The request ends with the loop: on Lua 5.4 by `break`, `return` or an
---error too; on other Luas when the garbage collector finds the iterator, or with the client, and `after` is not told
---of it.
---
---Raises at once on a wrong option, and on a closed client.
---@param opts? timekit.ListOptions left as it is
---@return fun():timekit.BookingData?,timekit.Page? # the iterator, and with `prefetch` what loops of Lua 5.4 close. The kinds that it raises: `input`, `auth`, `validation`, `rate_limited`, `server`, `network`, `timeout`, `response`, `cancelled`, `phase`
function Client:bookings(opts) end

---Reads one page of bookings: `GET /bookings` (spec/api.md 1 and 4).
---Raises on a wrong option, and on a closed client.
---@param opts? timekit.PageOptions as for `Client:bookings` but for `prefetch`
---@return timekit.Page|nil # `data`: the list of bookings; `total`, `per_page`, `current_page`, `last_page`, `from`, `to`: numbers, `next_page_url`, `prev_page_url`: strings, each nil where Timekit does not say it
---@return timekit.Info|timekit.Error # `info` as in `Booking:action`, or the error: `input`, `auth`, `validation`, `rate_limited`, `server`, `network`, `timeout`, `response`, `cancelled`, `phase`
function Client:bookings_page(opts) end

---Walks through the bookings that offer seats (graph `group_owner`): `GET /bookings/groups` (spec/api.md 4).
---An iterator like that of `Client:bookings`, with the same options and errors.
---@param opts? timekit.ListOptions as for `Client:bookings`
---@return fun():timekit.BookingData?,timekit.Page? # the iterator
function Client:group_bookings(opts) end

---Reads a booking that offers seats: `GET /bookings/groups/{id}` (spec/api.md 4).
---Raises on an id that is not one, on a wrong option, and on a closed client.
---@param id string
---@param opts? timekit.GetOptions as for `Booking:get`
---@return timekit.BookingData|nil # the booking
---@return timekit.Info|timekit.Error # `info` or the error, as of `Booking:get`
function Client:group_booking(id, opts) end

---Holds a slot: `POST /bookings/reserve` (spec/api.md 4). Create a booking with its `reservation_id` before it
---expires. A reservation that may have been made is never repeated.
---Raises on wrong use as `Client:create_booking` does.
---@param fields timekit.Slot `resource_id`, `start`, `end`, …; left as it is
---@param opts? timekit.GetOptions as for `Booking:get`
---@return timekit.Reservation|nil # the reservation, as the API returns it; nil on failure
---@return timekit.Info|timekit.Error # `info` or the error, as of `Client:create_booking`; `input` also for invalid times
function Client:reserve(fields, opts) end

---Holds a slot for longer: `PUT /bookings/reserve/extend` (spec/api.md 4).
---It is never repeated once it may have had an effect. Raises as `Client:create_booking` does.
---@param fields table such as `reservation_id`; sent as they are
---@param opts? timekit.GetOptions as for `Booking:get`
---@return timekit.Reservation|nil # the reservation, as the API returns it; nil on failure
---@return timekit.Info|timekit.Error # `info` or the error, as of `Client:reserve`
function Client:extend_reservation(fields, opts) end

---A handle.
---
---Every action of the known graphs is a method as well: `booking:confirm(inputs, options)` is short for
---`booking:action("confirm", inputs, options)`. An action of your own graph that has the name of another method, such
---as `reschedule` or `delete`, has only the long form.
---@class timekit.Booking
---@field id string the booking's id
---@field graph? timekit.GraphName|string its graph, as last seen; nil while it is not known
---@field state? timekit.State|string its state, as last seen: a hint, since others may act on the booking too
---@field completed? boolean what the server last said about the flow's end: a boolean, or nil
---@field is_test? boolean of a handle that came from a webhook: whether that was a test delivery; else nil
local Booking = {}

---Performs an action: `PUT /bookings/{id}/{action}` (spec/api.md 2).
---The action is refused here, and nothing is sent, only where Timekit is certain to refuse it: the booking's graph is
---known and has no such action, the graph says that an input is wrong, or the state is final. Timekit decides all else.
---
---Raises on wrong use: an action that is not a name, inputs that are not a table with string keys or that JSON cannot
---express (functions, NaN, cycles; the message names the path), an unknown or wrong option, a closed client.
---@param action timekit.ActionName|string such as `"confirm"`
---@param inputs? table name → value, such as `{ message = "Fully booked" }`; left as it is
---@param opts? timekit.ActionOptions
---@return timekit.BookingData|nil # the booking as it is now, a table like the API's; nil on failure
---@return timekit.Info|timekit.Error # on success `info`: `status`, `request_id`, `attempts` (tries of the action), `reconciled` (boolean: the success was found out by reading the booking), `elapsed` (seconds), `rate_limit_remaining` (or nil). On failure the error (see `timekit.error`): `input`, `transition`, `auth`, `not_found`, `validation`, `rate_limited`, `network`, `timeout`, `cancelled`, `phase` (where the host cannot wait); `uncertain` when the action may have been applied
---@overload fun(self: timekit.Booking, action: "cancel", inputs?: timekit.CancelInputs, opts?: timekit.ActionOptions): timekit.BookingData|nil, timekit.Info|timekit.Error
---@overload fun(self: timekit.Booking, action: "cancel_by_customer", inputs?: timekit.CancelByCustomerInputs, opts?: timekit.ActionOptions): timekit.BookingData|nil, timekit.Info|timekit.Error
---@overload fun(self: timekit.Booking, action: "cancel_by_owner", inputs?: timekit.CancelByOwnerInputs, opts?: timekit.ActionOptions): timekit.BookingData|nil, timekit.Info|timekit.Error
---@overload fun(self: timekit.Booking, action: "complete", inputs?: timekit.CompleteInputs, opts?: timekit.ActionOptions): timekit.BookingData|nil, timekit.Info|timekit.Error
---@overload fun(self: timekit.Booking, action: "confirm", inputs?: timekit.ConfirmInputs, opts?: timekit.ActionOptions): timekit.BookingData|nil, timekit.Info|timekit.Error
---@overload fun(self: timekit.Booking, action: "create", inputs?: timekit.CreateInputs, opts?: timekit.ActionOptions): timekit.BookingData|nil, timekit.Info|timekit.Error
---@overload fun(self: timekit.Booking, action: "decline", inputs?: timekit.DeclineInputs, opts?: timekit.ActionOptions): timekit.BookingData|nil, timekit.Info|timekit.Error
---@overload fun(self: timekit.Booking, action: "pay", inputs?: timekit.PayInputs, opts?: timekit.ActionOptions): timekit.BookingData|nil, timekit.Info|timekit.Error
---@overload fun(self: timekit.Booking, action: "reschedule_by_customer", inputs?: timekit.RescheduleByCustomerInputs, opts?: timekit.ActionOptions): timekit.BookingData|nil, timekit.Info|timekit.Error
---@overload fun(self: timekit.Booking, action: "timeout", inputs?: timekit.TimeoutInputs, opts?: timekit.ActionOptions): timekit.BookingData|nil, timekit.Info|timekit.Error
function Booking:action(action, inputs, opts) end

---Starts an action without keeping the host wait: short for `booking:action(…)` in `Client:start`.
---Raises as `Booking:action` does.
---@param action timekit.ActionName|string
---@param inputs? table
---@param opts? timekit.ActionOptions as in `Booking:action`
---@return timekit.Call|nil # its result is what `Booking:action` returns; see `timekit.runtime.call`; nil where the host cannot wait (nginx, HAProxy)
---@return timekit.Error|nil # then the error, of the kind `phase`
function Booking:start(action, inputs, opts) end

---Reads the booking: `GET /bookings/{id}` (spec/api.md 4).
---Raises on a wrong option and on a closed client.
---@param opts? timekit.GetOptions
---@return timekit.BookingData|nil # the booking, a table like the API's; nil on failure
---@return timekit.Info|timekit.Error # `info` as in `Booking:action`, or the error: `auth`, `not_found`, `validation`, `rate_limited`, `server`, `network`, `timeout`, `response`, `cancelled`, `phase`
function Booking:get(opts) end

---Is an action possible, as far as is known?
---The graph and the state that the handle saw last decide; the booking is read if they are not known. If this module
---does not know the graph, the booking is read each time, and the actions that the server offers decide.
---Raises on an action that is not a name and on a closed client.
---@param action timekit.ActionName|string
---@return boolean|nil # nil when the booking could not be read
---@return string|timekit.Error|nil # with false why not, a text for people; with nil the error, as in `Booking:get`
function Booking:can(action) end

---The actions that are possible, as far as is known, decided as in `Booking:can`.
---Raises on a closed client.
---@return string[]|nil # a list of names, empty in a final state; nil when the booking could not be read
---@return timekit.Error|nil # the error, as in `Booking:get`
function Booking:actions() end

---Makes a one-time link that performs an action without a key, for a customer's e-mail say (spec/api.md 5). It is made
---and signed here, with the client's app key; nothing is sent. Timekit decides whether the action is possible when the
---link is used. Whoever has the link can use it, and it does not expire.
---
---Raises on an action that is not a name, on an unknown or wrong option, on a client that signs in as a resource (it
---has no app key), and on a closed client.
---@param action timekit.ActionName|string such as `"cancel"`
---@param opts? timekit.LinkOptions
---@return string|nil # the link
---@return timekit.Error|nil # with nil the error: `input` for an action that no known graph has, or that this booking's graph, if it is known, does not have
function Booking:link(action, opts) end

---Changes the booking's `meta`: `PUT /bookings/{id}` (spec/api.md 4). Nothing else of a booking can be changed this
---way. A change that may have been made is not repeated. The booking is read instead: if its `meta` is exactly the
---one sent, that is a success.
---Raises on a `meta` that is not a table with string keys or that JSON cannot express, on a wrong option, and on a
---closed client.
---@param meta table name → value; left as it is
---@param opts? timekit.GetOptions as for `Booking:get`
---@return timekit.BookingData|nil # the booking as it is now; nil on failure
---@return timekit.Info|timekit.Error # `info` as in `Booking:action`, or the error: `input` (larger than 1 MiB), `auth`, `not_found`, `validation`, `rate_limited`, `network`, `timeout`, `cancelled`, `phase`; `uncertain`
function Booking:update_meta(meta, opts) end

---Moves the booking to another time, or resource: `POST /bookings/{id}/reschedule` (spec/api.md 4).
---Invalid times, times without a zone, and an end before the start are refused before anything is sent, naming the
---field. A move that may have been made is not repeated. The booking is read instead: if it is at the new times (and
---with the new resource, where one was given), that is a success. This is not the action `reschedule_by_customer`.
---
---With an `input_timestamp_format` nothing is checked here. A move that may have been made is then found out only if
---the times are unix seconds (`U`) or RFC 3339 all the same; else it is `uncertain`. With an
---`output_timestamp_format` that read asks for RFC 3339, and a success it proves comes with the booking's times in
---that format.
---
---Timekit may make a new booking for the new time and answer with that: `booking.id` is then another one, and this
---handle stays with the old booking. If such an answer is lost, the error is `uncertain`, and `err.state`, the state
---that the old booking is in, is all that can be found out.
---Raises on fields that are not a table or that JSON cannot express, on a wrong option, and on a closed client.
---@param fields timekit.Move left as it is
---@param opts? timekit.GetOptions as for `Booking:get`
---@return timekit.BookingData|nil # the booking as the API returns it; nil on failure
---@return timekit.Info|timekit.Error # `info` as in `Booking:action`, or the error: `input`, `transition`, `auth`, `not_found`, `validation`, `rate_limited`, `network`, `timeout`, `cancelled`, `phase`; `uncertain`
function Booking:reschedule(fields, opts) end

---Deletes the booking: `DELETE /bookings/{id}` (spec/api.md 4). Timekit does so only in a final state.
---Nothing is refused here, since a booking may reach a final state at any time. A deletion that may have happened is
---not repeated. The booking is read instead: if there is none any more, that is a success (`info.status` is then the
---404 of that read).
---Raises on a wrong option and on a closed client.
---@param opts? timekit.PlainOptions as for `Client:connect`
---@return boolean|nil # true; nil on failure
---@return timekit.Info|timekit.Error # `info` as in `Booking:action`, or the error: `auth`, `not_found`, `validation`, `transition`, `rate_limited`, `network`, `timeout`, `cancelled`, `phase`; `uncertain`
function Booking:delete(opts) end

---Asks Timekit for the links that it offers to the booking's customer: `cancel_by_customer` and
---`reschedule_by_customer` where these are possible (spec/api.md 5). One read, `include=customer_action_links`.
---Raises on a wrong option and on a closed client.
---@param opts? timekit.PlainOptions as for `Client:connect`
---@return table<string, string>|nil # action → URL, empty where Timekit offers none; nil on failure
---@return timekit.Info|timekit.Error # `info` as in `Booking:action`, or the error as in `Booking:get`; `response` also for links in another shape than action → URL
function Booking:customer_links(opts) end

---Which action will play by itself next, and when (spec/api.md 3): `complete` an hour after the event's end,
---`timeout` when the time for paying is over.
---The booking is read for this, with `include=attributes,event`, unless it was last seen in a state that the graph
---knows to be final. A moment that has passed is returned like any other: the action plays when the server comes to
---it. A time for paying that was set on creation counts where the booking shows it; otherwise the graph's own counts.
---Nothing is guessed: a time that cannot be read, or a state that the graph lacks, is an error.
---Raises on a wrong option and on a closed client.
---@param opts? timekit.GetOptions as for `Booking:get`
---@return string|nil # the action; nil when nothing will play, or on failure
---@return number|timekit.Error|nil # when, in unix seconds; on failure the error, as in `Booking:get`, also of the kind `response`: the graph or its state is not known here, or the booking does not show the times that are needed
---@return string|nil # the same moment as a timestamp of RFC 3339, in UTC, to the second
function Booking:next_autoplay(opts) end

---Waits until the booking is in a state: reads it again and again, with longer and longer pauses in between.
---It waits as every method does: a script stands still, a call of `Client:start` or a coroutine of an event loop lets
---its host go on. A call can be cancelled meanwhile. A read that fails in a way that may pass (the network, a rate
---limit, no answer) does not end the waiting: each read has 10 seconds, or the client's `timeout` where that is
---shorter. Only reads are sent.
---Raises on a state that is not a name, on a wrong option, and on a closed client.
---@param state timekit.State|string such as `"confirmed"`
---@param opts? timekit.WaitOptions
---@return timekit.BookingData|nil # the booking, a table like the API's; nil on failure
---@return timekit.Info|timekit.Error # `info` as in `Booking:action` (`attempts`: reads), or the error: `timeout`, with the `state` that the booking is in; `transition`: the graph no longer leads from its `state` to the one that is waited for; `input`: the graph has no such state (nothing is sent when the graph was known before); `auth`, `not_found`, `validation`, `cancelled`, `phase`; and, when no read succeeded in time, what the last one ended with (see `Booking:get`)
function Booking:wait_until(state, opts) end

---The action `cancel`: short for `booking:action("cancel", inputs, opts)`.
---@param inputs? timekit.CancelInputs
---@param opts? timekit.ActionOptions
---@return timekit.BookingData|nil # the booking as it is now, a table like the API's; nil on failure
---@return timekit.Info|timekit.Error # on success `info`: `status`, `request_id`, `attempts` (tries of the action), `reconciled` (boolean: the success was found out by reading the booking), `elapsed` (seconds), `rate_limit_remaining` (or nil). On failure the error (see `timekit.error`): `input`, `transition`, `auth`, `not_found`, `validation`, `rate_limited`, `network`, `timeout`, `cancelled`, `phase` (where the host cannot wait); `uncertain` when the action may have been applied
function Booking:cancel(inputs, opts) end

---The action `cancel_by_customer`: short for `booking:action("cancel_by_customer", inputs, opts)`.
---@param inputs? timekit.CancelByCustomerInputs
---@param opts? timekit.ActionOptions
---@return timekit.BookingData|nil # the booking as it is now, a table like the API's; nil on failure
---@return timekit.Info|timekit.Error # on success `info`: `status`, `request_id`, `attempts` (tries of the action), `reconciled` (boolean: the success was found out by reading the booking), `elapsed` (seconds), `rate_limit_remaining` (or nil). On failure the error (see `timekit.error`): `input`, `transition`, `auth`, `not_found`, `validation`, `rate_limited`, `network`, `timeout`, `cancelled`, `phase` (where the host cannot wait); `uncertain` when the action may have been applied
function Booking:cancel_by_customer(inputs, opts) end

---The action `cancel_by_owner`: short for `booking:action("cancel_by_owner", inputs, opts)`.
---@param inputs? timekit.CancelByOwnerInputs
---@param opts? timekit.ActionOptions
---@return timekit.BookingData|nil # the booking as it is now, a table like the API's; nil on failure
---@return timekit.Info|timekit.Error # on success `info`: `status`, `request_id`, `attempts` (tries of the action), `reconciled` (boolean: the success was found out by reading the booking), `elapsed` (seconds), `rate_limit_remaining` (or nil). On failure the error (see `timekit.error`): `input`, `transition`, `auth`, `not_found`, `validation`, `rate_limited`, `network`, `timeout`, `cancelled`, `phase` (where the host cannot wait); `uncertain` when the action may have been applied
function Booking:cancel_by_owner(inputs, opts) end

---The action `complete`: short for `booking:action("complete", inputs, opts)`.
---@param inputs? timekit.CompleteInputs
---@param opts? timekit.ActionOptions
---@return timekit.BookingData|nil # the booking as it is now, a table like the API's; nil on failure
---@return timekit.Info|timekit.Error # on success `info`: `status`, `request_id`, `attempts` (tries of the action), `reconciled` (boolean: the success was found out by reading the booking), `elapsed` (seconds), `rate_limit_remaining` (or nil). On failure the error (see `timekit.error`): `input`, `transition`, `auth`, `not_found`, `validation`, `rate_limited`, `network`, `timeout`, `cancelled`, `phase` (where the host cannot wait); `uncertain` when the action may have been applied
function Booking:complete(inputs, opts) end

---The action `confirm`: short for `booking:action("confirm", inputs, opts)`.
---@param inputs? timekit.ConfirmInputs
---@param opts? timekit.ActionOptions
---@return timekit.BookingData|nil # the booking as it is now, a table like the API's; nil on failure
---@return timekit.Info|timekit.Error # on success `info`: `status`, `request_id`, `attempts` (tries of the action), `reconciled` (boolean: the success was found out by reading the booking), `elapsed` (seconds), `rate_limit_remaining` (or nil). On failure the error (see `timekit.error`): `input`, `transition`, `auth`, `not_found`, `validation`, `rate_limited`, `network`, `timeout`, `cancelled`, `phase` (where the host cannot wait); `uncertain` when the action may have been applied
function Booking:confirm(inputs, opts) end

---The action `create`: short for `booking:action("create", inputs, opts)`.
---@param inputs? timekit.CreateInputs
---@param opts? timekit.ActionOptions
---@return timekit.BookingData|nil # the booking as it is now, a table like the API's; nil on failure
---@return timekit.Info|timekit.Error # on success `info`: `status`, `request_id`, `attempts` (tries of the action), `reconciled` (boolean: the success was found out by reading the booking), `elapsed` (seconds), `rate_limit_remaining` (or nil). On failure the error (see `timekit.error`): `input`, `transition`, `auth`, `not_found`, `validation`, `rate_limited`, `network`, `timeout`, `cancelled`, `phase` (where the host cannot wait); `uncertain` when the action may have been applied
function Booking:create(inputs, opts) end

---The action `decline`: short for `booking:action("decline", inputs, opts)`.
---@param inputs? timekit.DeclineInputs
---@param opts? timekit.ActionOptions
---@return timekit.BookingData|nil # the booking as it is now, a table like the API's; nil on failure
---@return timekit.Info|timekit.Error # on success `info`: `status`, `request_id`, `attempts` (tries of the action), `reconciled` (boolean: the success was found out by reading the booking), `elapsed` (seconds), `rate_limit_remaining` (or nil). On failure the error (see `timekit.error`): `input`, `transition`, `auth`, `not_found`, `validation`, `rate_limited`, `network`, `timeout`, `cancelled`, `phase` (where the host cannot wait); `uncertain` when the action may have been applied
function Booking:decline(inputs, opts) end

---The action `pay`: short for `booking:action("pay", inputs, opts)`.
---@param inputs? timekit.PayInputs
---@param opts? timekit.ActionOptions
---@return timekit.BookingData|nil # the booking as it is now, a table like the API's; nil on failure
---@return timekit.Info|timekit.Error # on success `info`: `status`, `request_id`, `attempts` (tries of the action), `reconciled` (boolean: the success was found out by reading the booking), `elapsed` (seconds), `rate_limit_remaining` (or nil). On failure the error (see `timekit.error`): `input`, `transition`, `auth`, `not_found`, `validation`, `rate_limited`, `network`, `timeout`, `cancelled`, `phase` (where the host cannot wait); `uncertain` when the action may have been applied
function Booking:pay(inputs, opts) end

---The action `reschedule_by_customer`: short for `booking:action("reschedule_by_customer", inputs, opts)`.
---@param inputs? timekit.RescheduleByCustomerInputs
---@param opts? timekit.ActionOptions
---@return timekit.BookingData|nil # the booking as it is now, a table like the API's; nil on failure
---@return timekit.Info|timekit.Error # on success `info`: `status`, `request_id`, `attempts` (tries of the action), `reconciled` (boolean: the success was found out by reading the booking), `elapsed` (seconds), `rate_limit_remaining` (or nil). On failure the error (see `timekit.error`): `input`, `transition`, `auth`, `not_found`, `validation`, `rate_limited`, `network`, `timeout`, `cancelled`, `phase` (where the host cannot wait); `uncertain` when the action may have been applied
function Booking:reschedule_by_customer(inputs, opts) end

---The action `timeout`: short for `booking:action("timeout", inputs, opts)`.
---@param inputs? timekit.TimeoutInputs
---@param opts? timekit.ActionOptions
---@return timekit.BookingData|nil # the booking as it is now, a table like the API's; nil on failure
---@return timekit.Info|timekit.Error # on success `info`: `status`, `request_id`, `attempts` (tries of the action), `reconciled` (boolean: the success was found out by reading the booking), `elapsed` (seconds), `rate_limit_remaining` (or nil). On failure the error (see `timekit.error`): `input`, `transition`, `auth`, `not_found`, `validation`, `rate_limited`, `network`, `timeout`, `cancelled`, `phase` (where the host cannot wait); `uncertain` when the action may have been applied
function Booking:timeout(inputs, opts) end

---A graph. Its data are plain fields that can be read and iterated, those of a `Definition`. A change to them takes
---effect when the graph is given to `timekit.graphs.define` again. A state or an action that is not a string counts as
---unknown.
---@class timekit.Graph: timekit.Definition
local Graph = {}

---Does the graph have such an action, in whichever state?
---@param action string
---@return boolean
function Graph:has(action) end

---Is an action possible in a state?
---@param state string
---@param action string
---@return boolean
---@return string|nil # why not, and what is possible instead; a text for people, not for comparisons
function Graph:can(state, action) end

---Where does an action lead?
---@param state string
---@param action string
---@return string|nil # the state after it; nil when it is not possible in `state`
function Graph:next_state(state, action) end

---The actions that are possible in a state.
---@param state string
---@return string[] # a fresh list of names, in the order of the definition; empty for a final or unknown state
function Graph:actions_in(state) end

---Is a state final? This is what the graph expects. The server's `completed` is the authority (spec/api.md 3).
---@param state string
---@return boolean|nil # nil when the graph has no such state
function Graph:is_final(state) end

---Can a booking still get from one state to another? A booking can also stay where it is, and the server can put it
---into a state of its own (`by_server`, such as `error`) from any state that is not final.
---@param from string
---@param to string
---@return boolean|nil # nil when the graph lacks one of them
function Graph:reaches(from, to) end

---Can a booking be in a state after an action was applied to it, whatever happened since?
---@param action string
---@param state string
---@return boolean|nil # nil when the graph lacks one of them
function Graph:may_follow(action, state) end

---Is `state` one that `action` leads to?
---@param action string
---@param state string
---@return boolean # false also for what the graph does not know
function Graph:leads_to(action, state) end

---Does the state of a booking prove that an action was applied to it? It does when no other action leads there and the
---action is not offered there again.
---@param action string
---@param state string
---@return boolean # false also for what the graph does not know
function Graph:proves(action, state) end

---Can an action be sent again without harm? It can when it is not offered in the state that it leads to, nor in any
---state that can be reached from there: others may act on the booking while the first request is still under way. The
---server then refuses whichever of the two requests comes second.
---@param action string
---@return boolean # false for an unknown action
function Graph:is_repeatable(action) end

---Checks the inputs of an action: types, required ones, check functions.
---An input that the graph does not know passes, since the API may know more than the graph does. It is refused when its
---name is close to a known one, since then it is probably mistyped. An error raised by a check function is not caught.
---@param action string
---@param inputs? table name → value; nil is the same as an empty table
---@param state? string tells which action is meant where several have the same name. Without it, or when the action is not possible there, inputs are refused only when all of these actions refuse them.
---@return boolean
---@return string|nil # everything that is wrong, such as `inputs.message: expected a string, got a number`
function Graph:check_inputs(action, inputs, state) end

---Checks the fields of a new booking: whether one of this graph can be created at all, whether its `action` leaves the
---initial state, the fields that the graph requires, and its settings, which may stand under `settings` or beside it.
---Only what the server is certain to refuse counts. JSON's null counts as a field that was left out.
---@param fields table as for `POST /bookings`
---@return timekit.WrongField[] # `{ field =, problem = }` for all that is wrong, in alphabetical order; empty when nothing is
function Graph:check_create(fields) end

---What plays by itself in a state.
---@param state string
---@return timekit.Autoplay[] # a fresh list of `{ action =, to =, after = seconds, from = "created"|"end", setting = string|nil }`, in the order of the definition
function Graph:autoplays(state) end

---What plays by itself next, and when.
---A setting that was given on create overrides the delay, if `graph.duration` can read it.
---@param state string
---@param times timekit.Times `{ created = unix seconds, ["end"] = unix seconds, settings = table }`; an autoplay that counts from a time that is not given is left out
---@return timekit.NextAutoplay|nil # `{ action =, to =, at = unix seconds }`, the earliest (of several at the same time the first in the definition); nil when nothing will
function Graph:next_autoplay(state, times) end

---Draws the graph: as text (a tree for a terminal), for graphviz (`dot`), for Mermaid, or as SVG.
---An SVG follows the reader's light or dark scheme. Its elements have `data-state`, and `data-action` with `data-from`
---and `data-to`, so that a page can find them; the current state also has `aria-current="true"`.
---Raises when an option is wrong, such as a state that the graph does not have.
---@param options? timekit.PictureOptions `format` (`"text"`, `"dot"`, `"mermaid"` or `"svg"`; text unless given); `state` and `past`, where a booking is and the list of the states where it was, oldest first: these are marked
---@return string
function Graph:picture(options) end

---A queue.
---@class timekit.Queue
local Queue = {}

---Adds an action, to be carried out by a worker.
---The rules of the booking's graph, where it is known, refuse it as they refuse one that is sent at once. Actions on
---one booking are carried out in the order in which they were added, or of their `at`. One that is tried again, or is
---dead, holds up those behind it.
---
---If the answer of Redis is lost, `err.id` is the job's id: adding the same with `id = err.id` is safe.
---
---Raises on wrong use, as `Booking:action` does.
---@param booking string|timekit.BookingData|timekit.Booking an id, or a booking or a handle
---@param action timekit.ActionName|string
---@param inputs? table
---@param opts? timekit.JobOptions
---@return timekit.AddedJob|nil
---@return timekit.Error|nil # then the error: `input`, `transition` (refused by the rules, or a final state), `network`, `timeout`, `auth`, `server` (Redis refuses it; `err.code` is its word, or `FULL`, or `TAKEN`: another job has the id, or `UNFIT` with the reason), `response` (the server is no Redis), `phase`
function Queue:add(booking, action, inputs, opts) end

---Carries out jobs until it is told to stop, and until those in flight are over. It waits as `Client:batch` does: a
---script until then; in a call of `start`, a coroutine of an event loop or a timer of nginx others go on. Any number of
---workers may run, in any number of processes.
---
---It goes on whatever Redis and Timekit do. While Timekit refuses the key it takes no jobs for 30 seconds at a time.
---Raises on wrong options and on a closed client, and what `on_job` and `on_trouble` raise.
---@param opts? timekit.WorkOptions
---@return boolean|nil # true
---@return timekit.Error|nil # with nil the error: `phase`, or what keeps the queue from working with this Redis, as of `add`
function Queue:work(opts) end

---A job.
---@param id string
---@return timekit.Job|nil
---@return timekit.Error|nil # with nil the error: `not_found`, also once `keep` is over; or as of `add`
function Queue:get(id) end

---Cancels a job that waits and was never sent.
---@param id string
---@return boolean|nil # true
---@return timekit.Error|nil # with nil the error: `transition`, with its `state`, when it is too late; `not_found`; or as of `add`
function Queue:cancel(id) end

---The jobs whose action is in doubt for good, the oldest first, at most 1,000. Each holds up the others of its booking
---until `resolve`. Its action may still arrive.
---@return timekit.Job[]|nil
---@return timekit.Error|nil # with nil the error, as of `add`
function Queue:dead() end

---Decides about a dead job.
---@param id string
---@param how string `"again"`: it is tried again, beginning with a look; `"done"`: it was done; `"drop"`: it ends as cancelled
---@return boolean|nil # true
---@return timekit.Error|nil # with nil the error: `transition` when it is not dead, `not_found`, or as of `add`
function Queue:resolve(id, how) end

---Numbers for monitors.
---@return timekit.QueueStats|nil
---@return timekit.Error|nil # with nil the error, as of `add`
function Queue:stats() end

---A call.
---@class timekit.Call
local Call = {}

---Is the call over?
---@return boolean
function Call:done() end

---What the function returned: `booking, info` or `nil, err` for an action. Nothing while the call is not over.
---Raises the error that the function raised; one of `timekit.error` is a result instead: `nil, err`.
---@return any # ...
function Call:result() end

---Cancels the call. What it waits for ends at once with an error of the kind `cancelled`, whose `sent` tells the
---truth, and so does every later request of the same call. Its function goes on with that error and ends as it likes;
---usually the call is over when this returns. Silent when the call is over already.
function Call:cancel() end

---Has a function called once with what the call's function returned, when the call is over: inside `Client:update`, or
---at once if it is over already. The function runs as a call of its own, so the client can be used in it without
---keeping the host waiting. An error in it reaches the caller of `update` (or of `on_done`) and stops no other call.
---It is not called when the call's function raised: that error reaches the caller of `update` instead.
---@param fn function
---@return timekit.Call # the call, so that `local call = tk:start(…):on_done(…)` is possible
function Call:on_done(fn) end

---A box.
---@class timekit.Box
local Box = {}

---The box's time.
---Raises when the box follows a function (`now`) and it returns a time outside the years 0 to 9999.
---@return number # unix seconds, whole
function Box:now() end

---Answers a request as the API would. This is the whole sandbox behind one function.
---@param request timekit.SandboxRequest `method` (string), `target` (string: path and query, such as `/v2/bookings/x?include=meta`), `headers` (map, names in any case; Authorization is checked), `body` (string or nil); for the history also `address` (string: where it comes from) and `clock` (function that returns seconds, to measure how long it takes)
---@return timekit.SandboxAnswer # `{ status = number, headers = {lower-case names}, body = string }`. When the request met a fault there is also `fault`, a table with its `what` and `when`, and `status` and `seconds` if they were planned; `status`, `headers` and `body` are nil if nothing is answered. A stall before the state change has `resume`, a function that carries out the request and returns the answer. Call it if the client is still there after `seconds`.
function Box:handle(request) end

---Opens a connection of the transport contract, so that a box is a transport for `timekit.new`.
---The credentials become the Authorization header that a server would see, and are checked.
---@param options timekit.ConnectOptions see `timekit.transport.reference`
---@return timekit.Connection
function Box:connect(options) end

---Moves the clock, and plays everything that comes due, in the order of its moments and with their timestamps.
---@param seconds number not negative
---@return timekit.Played[] # what played by itself, in order: `{ id =, action =, from =, to =, at = unix seconds }`
function Box:advance(seconds) end

---The latest 10,000 requests, oldest first. No key is kept.
---@return table[] # copies: `{ number =, method =, target =, status =, at = unix seconds, body =, request_id =, who =, address =, seconds =, fault = }`. `number` counts all requests from 1. `who` is the User-Agent, or `console` for the sandbox's own page; `address` and `seconds` (how long it took) are there where it is served. `body` is decoded if it was a JSON object, else the text as it came; an empty table when there was none. `fault` is there when the request met one: `{ what =, when =, status =, seconds = }`. `status` is the outcome of the request itself, even if a fault kept it from the caller; nil when it was not carried out. A late request appears when it comes.
function Box:requests() end

---One of the latest 1,000 requests in full (`full_requests` of `sandbox.new`), as long as no more than 32 MiB of texts
---came after it.
---@param number number of the request
---@return table|nil # a copy of its entry in `Box:requests`, with `request` (`headers`, the `body` as a text, and `is_cut` where that was too long to keep), `answer` (the same with the `status`: what the box answered) and `seen` (what the client got, when it met a fault; without a `status` nothing came). The key in it is `***`. nil for one that is forgotten
function Box:request(number) end

---Carries one of the latest requests out once more, as if its client had sent it again, with the same key.
---@param number number of the request
---@return timekit.SandboxAnswer|nil # the answer, as of `Box:handle`; nil when the request is forgotten
---@return number|nil # the number of the new request; nil for one that a fault keeps from arriving
function Box:again(number) end

---What plays by itself next.
---@return timekit.NextPlayed|nil # `{ id =, graph =, action =, from =, to =, at = unix seconds }`; without an `action` for a reservation that expires; nil when nothing will play
function Box:next_autoplay() end

---The bookings, in the order they were created.
---@return table[] # copies, as the API shows them with attributes, customers, meta and available_actions. Each also has its `history`: a list of `{ action =, from =, to =, at = unix seconds, by = }`, where `by` is `api`, `autoplay`, `link` (an action link), `replication` (from a related booking), `group` (from the group booking) or `box` (`Box:set_state`)
function Box:bookings() end

---One booking.
---@param id string
---@return table|nil # as of `Box:bookings`; nil when there is none
function Box:booking(id) end

---Relates bookings, as bulk creation with `relate_bookings` does: an action on one of them is replicated to the
---others, unless `apply_to_bulked_bookings` is false (spec/api.md 2). Their earlier relations end.
---Raises when there is no such booking.
---@param ids string[]
function Box:relate(ids) end

---Puts a booking into a state without an action, as only the server can (into `error`, for example).
---Raises when there is no such booking, or its graph has no such state.
---@param id string
---@param state string
function Box:set_state(id, state) end

---Plans a fault, to see how your code takes it when a request goes wrong.
---
---A request meets the first planned fault that matches it and is not used up. Kinds, by `what`:
---
---- `close`: the connection is lost before anything is answered. Outcome: failure `network`, sent `maybe`.
---- `refuse`: no connection. Failure `network`, sent `no`; the state does not change. Only in the process.
---- `late`: as `close` for the caller, but the request is still on its way. It is carried out once `after_requests`
---  more requests have been answered. Those that met a fault count, except refused and late ones. With a `status` the
---  caller gets that answer at once, as from a gateway that gave up waiting.
---- `truncate`: half of the answer's body, then the connection is lost. Failure `response`, sent `yes`.
---- `garbage`: the status is 200 and the body is not JSON: `<html><body><h1>It works!</h1></body></html>`.
---- `status`: an answer with that status. Its body is `{"error":"a planned fault"}` unless given.
---- `stall`: nothing comes for `seconds`, then the answer does. If the request's timeout is not longer than that:
---  failure `timeout`, sent `maybe`. With `when = "before"` the request itself waits, and is dropped if the client has
---  gone meanwhile. In the process nobody sleeps: the outcome is there when the client first waits for it, as if the
---  time had passed. The clocks of box and client do not move.
---
---With `when = "before"` the state does not change (except by `stall`). With `"after"` the request is carried out, and
---only its answer suffers.
---
---Raises on unknown fields, naming the nearest known one, and on wrong values and combinations.
---@param fault timekit.Fault
function Box:fault(fault) end

---The faults that are planned and not used up, in the order that requests meet them.
---@return timekit.Fault[] # copies, with the defaults filled in; `times` is how many requests still meet it
function Box:faults() end

---Forgets the planned faults. A request that one of them made late still comes.
function Box:clear_faults() end

---Sets up a webhook: whenever a booking of the graph enters the state, the box makes and signs what Timekit would
---send. The sandbox that is served over HTTP sends it. In the process nothing is sent: hand what `Box:deliveries`
---returns to your own handler. A bulk request that is undone sends nothing.
---
---Raises on unknown fields, naming the nearest known one, and on wrong values.
---@param hook timekit.SandboxWebhook
function Box:webhook(hook) end

---The webhooks that are set up.
---@return table[] # `{ url =, graph =, state =, is_test = }`, without their secrets
function Box:webhooks() end

---The latest 1,000 deliveries of webhooks, oldest first.
---@return table[] # copies: `{ url =, graph =, state =, booking_id =, headers = {content-type, x-timekit-signature}, body = the raw text, status = "pending"|"delivered"|"failed", attempts =, answered = the latest HTTP status, tries = where they are sent: a list of { at = unix seconds, answered = HTTP status } }`
function Box:deliveries() end

---Takes the deliveries that wait to be sent, for a sender of your own.
---@return table[] # as of `Box:deliveries`, but not copies: the sender keeps `status`, `attempts` and `answered` up to date
function Box:take_deliveries() end

---Makes the box new again: no bookings, requests, faults or webhooks, nothing used of the rate limit, and clock and
---ids from the start.
function Box:reset() end

---The object that is given to `timekit.new`.
---@class timekit.Transport
local transport = {}

---Makes a connection: whatever the transport keeps for one client. It need not touch the network.
---Credentials are handed over here, once, and never stand in a request. The transport must not change the table, nor
---keep it where others can see it.
---@param options timekit.ConnectOptions
---@return timekit.Connection
function transport:connect(options) end

---@class timekit.Connection
local connection = {}

---Starts a request. It may go on only while `step` or `wait` runs.
---@param request timekit.TransportRequest not to be changed
---@return timekit.Transfer
function connection:start(request) end

---Lets transfers go on, without waiting.
function connection:step() end

---Lets transfers go on; returns when something happened, and after `seconds` at the latest.
---@param seconds number
function connection:wait(seconds) end

---Optional: returns a transfer that is over, each one once, and only while its result has not been asked for. Without
---this function each transfer is polled.
---@return timekit.Transfer|nil # nil: there is no further one
function connection:finished() end

---Optional: makes the descriptor readable at a time, and ends `wait` then. It replaces an earlier alarm.
---@param when? number on the clock of `timekit.core.now`; nil: no alarm
function connection:alarm(when) end

---Optional: has a connection to another server moved on with this one. Without this function a client cannot use
---Redis.
---@param guest table `move()` is called after each `step` and `wait`; `finished()` returns transfers as this connection's does, which reports them; `close()` is called before the connection is closed
---@return function # returns the engine (`timekit.core.engine`) of this process, or nil and why there is none
function connection:attach(guest) end

---The descriptor that becomes readable when `step` has something to do.
---@return integer|nil # nil where there is none
function connection:fd() end

---The time until `step` has something to do even though the descriptor stays quiet.
---@return number|nil # seconds, nil where there is no such time
function connection:timeout() end

---Ends everything. Transfers still in flight are done then, cancelled. Closing twice is silent.
function connection:close() end

---@class timekit.Transfer
local transfer = {}

---Is there an outcome?
---@return boolean
function transfer:done() end

---Ends the transfer now. Its outcome is a failure of the kind `cancelled`, unless it had one already.
function transfer:cancel() end

---What came of the request.
---`status`, `headers` and `body` are set when the server answered, `failure` when the answer did not come, or not all
---of it. With both, the body is incomplete.
---
---`sent` is `"no"` when no byte of the request left this machine, `"yes"` when the server answered (the status line of
---the final answer came), else `"maybe"`. Whether an action may be repeated is decided by it: in doubt, say `"maybe"`.
---@return timekit.Outcome|nil # nil until `done`; then always the same one: a table, or a userdata with the same fields
function transfer:result() end

---How methods wait.
---@class timekit.Runtime
---@field now fun(): number A clock that only goes forward: that of `timekit.core.now`.
---@field sleep fun(seconds: number, pump: timekit.Pump): boolean|nil Returns after some time, or when the client is closed. A runtime may ignore that the client is closed; the method that sleeps then ends later.
---@field wait fun(pump: timekit.Pump, transfer: timekit.Transfer, seconds?: number) Returns when a transfer is done. It is done, too, when the client is closed. Until then somebody has to call `pump:step()` (or `pump:wait(seconds)`, which blocks): whenever the descriptor is readable, or, where there is none, after `pump:timeout()`. One of several waiting callers is enough if it wakes the others by `pump:on_done`.
---@field can_wait? fun(): boolean, string|nil May be left out: can the caller wait here at all? Asked before anything is sent.

---The known graphs: name → graph. `pairs` lists them. An unknown name gives nil and does not raise, since the server
---may know graphs that this module does not.
---@class timekit.graphs
---@field confirm_decline timekit.Graph
---@field group_customer timekit.Graph
---@field group_customer_payment timekit.Graph
---@field group_owner timekit.Graph
---@field instant timekit.Graph
---@field instant_payment timekit.Graph
---@field reservation timekit.Graph
---@field [string] timekit.Graph
local graphs = {}

---Adds a graph, or replaces the known one of the same name.
---Raises when the definition is wrong (see `timekit.graph.define`), or takes the name of a function of this module.
---Code that still holds a replaced graph can go on using it, as it was.
---@param definition timekit.Definition|timekit.Graph as for `timekit.graph.define`
---@return timekit.Graph # the graph, from now on also found under its name
function graphs.define(definition) end

---Does any known graph have such an action?
---@param name string
---@return boolean
function graphs.is_action(name) end

---What a method returns as its second value when it failed.
---It is for failures that the caller cannot prevent. Wrong use of the library raises instead.
---
---As text it is one line, for `tostring(err)`, `print(err)` and `"not confirmed: " .. err` alike. Lua 5.1's
---`("0"):format(err)` and `error(err)` outside of any `pcall` need `tostring(err)`.
---
---Kinds and fields are public interface, message texts are not. The fields are those of `Error`.
---
---The kinds:
---
---* `input`: refused before sending, by the graph's rules, or for an invalid time or search
---* `transition`: not possible in the booking's state, said by the rules or by the server
---* `auth`: 401, 403; `not_found`: 404; `validation`: any other refusal of the request
---* `rate_limited`: 429 and 503. The 503 of an action counts only if it comes from Timekit itself, since the action
---  then surely had no effect: it has `Retry-After`, an `x-ratelimit-…` header or a JSON object. Any other 503 may come
---  from a gateway and leaves the outcome in doubt, as 502 does
---* `server`: another 5xx, on a read
---* `network`: DNS, connect, TLS, a connection lost, or too many open files for a connection; `timeout`: the deadline
---  passed
---* `response`: the answer cannot be used: not JSON, too large, cut off, a redirect, an unexpected shape. Also for the
---  body of a webhook
---* `uncertain`: an action or a creation that may have been applied
---* `phase`: called where the host cannot wait: in some phases of nginx, in fetches of HAProxy
---* `cancelled`: by the caller, also by closing the client; `sent` and `cause` tell what may have happened
---@class timekit.error
local error = {}

---Is a value an error of this module?
---@param value any
---@return boolean
function error.is(value) end

---The rules of a booking graph: which action is possible in which state, what it takes, where it leads,
---and what plays by itself.
---Pure: no I/O, no clock, no randomness. The client and the sandbox follow the same graphs.
---@class timekit.graph
local graph = {}

---Makes a graph from its definition.
---Raises when the definition is wrong, naming everything that is, such as
---`graph 'x': action 'y' leads to the unknown state 'z'`.
---Besides wrong types and unknown fields these are refused: a name (of graph, state or action) that is empty, `.` or
---`..` or holds `/`, `?`, `#`, spaces or control characters; an action from or to an unknown state; an action that
---leaves a final state; the same action leaving the same state more than once; a `first` that is unknown or does not
---leave the initial state, or none where there are actions; a state that cannot be reached and is not `by_server`; an
---autoplay with an unknown setting, or autoplays that come back to the state they began in.
---@param spec timekit.Definition|timekit.Graph the definition, which is copied; a graph can be given as well
---@param level? integer the caller to blame for an error, as for Lua's `error`
---@return timekit.Graph
function graph.define(spec, level) end

---What the graphs agree on when it is not known which of them a booking has.
---Only graphs that have both the action and the state count: the booking can have no other.
---@param graphs table<any, timekit.Graph> the graphs that it may be, with any keys, such as `timekit.graphs`
---@param action string
---@param state string
---@return timekit.Agreement # `{ already = boolean|nil, allowed = list|nil }`: whether the action leads to this state, and the names of the actions that are possible in it; nil where the graphs differ, and when none counts
function graph.agreed(graphs, action, state) end

---Reads a duration as Timekit writes them: `{ time = 25, unit = "min" }`, `"2 hours"`.
---Units are seconds, minutes, hours, days and weeks: singular, plural or short (`min`), upper or lower case.
---@param value any
---@return number|nil # seconds; nil for anything else
function graph.duration(value) end

---Action links: one-time links that perform one action on one booking without a key (spec/api.md 5).
---`Booking:link` makes one; here they are taken apart and checked. Pure: no I/O.
---
---A link works once because Timekit refuses an action that is no longer possible. A link does not expire by itself, and
---does not say who uses it. Its signature covers the booking and the action, but not the redirect.
---@class timekit.link
local link = {}

---Takes an action link apart. Its signature is **not** checked, and anybody can write a link: see `link.verify`.
---Never raises.
---@param url string the whole URL, or its path and query as a server gets them
---@return timekit.ActionLink|nil # `base_url`, `booking_id`, `action`, `redirect` (nil if there is none), and `header` and `claims` of its token; nil for anything that is not an action link
---@return string|nil # why it is not one, a text for people
function link.parse(url) end

---Checks that an action link is signed with this key, for the booking and the action that it names. Signatures are
---compared in constant time.
---The signature does not cover the link's host and its redirect: trust them only if you trust whoever sent the link.
---Timekit alone knows whether the action is still possible.
---Never raises on a link. Raises if the key is not a string or is empty.
---@param url string as for `link.parse`
---@param key string the app key
---@return boolean
---@return timekit.ActionLink|string # the parts as of `link.parse`; with false why not, a text for people
function link.verify(url, key) end

---A stateful Timekit in this process: the same graphs, the same answers, and a clock that you move.
---
---It keeps bookings, performs actions on them as the API does, and plays what plays by itself when its clock moves. Its
---answers are those of spec/api.md. Where that is silent, the sandbox decides:
---
---- A new booking needs `graph`, `start` and `end`. A customer's booking in a group takes the times of the group
---  booking. Other fields may be left out; if given, they must have the right type.
---- A booking without `resource_id` belongs to the box's own resource. A group without `max_seats` never fills.
---- `min_cancel_time`, `min_booking_time` and `max_booking_time` are stored, and never refuse anything.
---- Bookings of a resource may overlap, unless `settings.allow_double_bookings` is false: then a new booking is refused
---  with 422 where a booking or a reservation holds the slot. Timekit's reference names false as the default. Here it
---  must be given, because examples and tests book the same hour again and again.
---- `attributes.settings` shows the settings of the graph that were given on create.
---- A seat is free again when the customer's booking has ended in any way but `complete`.
---- A replicated action leaves related bookings alone for which it is not possible.
---- Timestamps are in UTC, unless the headers for their zone and format say otherwise. IANA zones are known where the
---  system has a zone database; an unknown zone or format is refused with 422, naming the header. See
---  `timekit.sandbox.timestamps`.
---- There is no rate limit unless the box is made with one; `x-ratelimit-remaining` does not sink without. See
---  `timekit.sandbox.model.rate_limit`.
---- A moment that had passed before the booking entered its state (`complete`, of an event that is over) does not play
---  until the clock is next advanced, so that examples with old dates work.
---- Bulk requests: see `timekit.sandbox.routes.bulk`.
---- A reservation lasts `reservation_time` seconds (30), and shows `expires_at`. It is gone once a booking was created
---  with its `reservation_id`; that request need not repeat times, resource and customer. See
---  `timekit.sandbox.routes.reservations`.
---- A booking that is rescheduled keeps its state. `PUT /bookings/{id}` replaces the `meta` as a whole. `DELETE`
---  answers 204 without a body, and `Cannot apply action 'delete' to current state …` until the state is final.
---- An action link works when it was signed with the box's key. A box that accepts any key takes links signed with one
---  of the latest 16 keys it has met. The action is replicated as any other. See `timekit.sandbox.routes.links`.
---- The sandbox that is served over HTTP sends webhooks (`Box:webhook`).
---@class timekit.sandbox
local sandbox = {}

---Makes a box.
---@param options? timekit.SandboxOptions
---@return timekit.Box
function sandbox.new(options) end

---The sandbox over HTTP/1.1, for programs in any language: `/v2/…` as the API, `/_sandbox/…` to control it, and for
---people the console at `/`.
---
---Control, JSON in and out. The clock otherwise follows the machine's:
---
---- `POST /_sandbox/clock {"advance": 3600}` moves the clock and answers what played; `{"advance": "next"}` moves it to
---  what plays by itself next, which `GET /_sandbox/clock` names;
---- `GET /_sandbox/status`: counters and the clock in a few bytes, to be asked again and again;
---- `GET /_sandbox/requests`: the history, as of `Box:requests`. `?newest=100` answers the latest hundred, newest first
---  and without bodies, and the `total`; `&before=17` those before the number 17. `GET /_sandbox/requests/17` is one in
---  full, `POST /_sandbox/requests/17/again` sends it again, with its own key;
---- `GET /_sandbox/bookings`, each with its history. `?newest=100&before=17&graph=…&state=…&search=…` as above;
---  `GET /_sandbox/bookings/{id}` is one with its `past` states, its `actions` (which are possible, and why the others
---  are not) and what plays `next`;
---- `GET /_sandbox/graphs`; `GET /_sandbox/graphs/{name}/picture?format=svg&state=confirmed&past=initialized`,
---  with several past states separated by `+`;
---- `POST /_sandbox/reset`; `GET /_sandbox/health`.
---
---Faults, as of `Box:fault`: `POST /_sandbox/faults` plans one, or with `{"faults": [...]}` all of a list or none;
---`GET /_sandbox/faults` shows what is planned; `DELETE /_sandbox/faults` forgets it, `DELETE /_sandbox/faults/2` the
---second. `"times": "always"` means every
---request to come. There is no `refuse`, because a request that reaches the sandbox has a connection. Requests to
---`/_sandbox/…` never meet a fault.
---
---Webhooks, as of `Box:webhook`: `POST /_sandbox/webhooks` sets one up; `GET /_sandbox/webhooks` shows them and their
---deliveries, with each try; `DELETE /_sandbox/webhooks/1` removes the first; `POST /_sandbox/deliveries/3/again` sends
---the third delivery again. How often a delivery is tried: see `timekit.sandbox.model.webhooks`.
---
---Timekit's own client for JavaScript runs its methods for bookings against it, unchanged.
---
---Browsers may use `/v2` from pages of every origin, and `/_sandbox` from its own alone; the Host of a request must be
---one that the sandbox knows: see `timekit.sandbox.served.access`.
---@class timekit.sandbox.server
local server = {}

---Serves a sandbox until it is stopped: by SIGINT, SIGTERM, or the function that `on_ready` gets.
---Needs lua-http (Debian: `apt-get install lua-http`). On Lua 5.3 and 5.4, it adds the folders where Debian has it to
---`package.path`. Raises for wrong options, and when lua-http is missing.
---@param options? timekit.ServeOptions
---@return boolean|nil # true when it was stopped; nil when it could not listen
---@return string|nil # why it could not
function server.serve(options) end

---The program: serves until SIGINT or SIGTERM, and prints the address on its first line, that of the console on its
---second.
---From the environment:
---
---- `PORT` (default 8808; 0 takes a free one), `HOST` (default 127.0.0.1; `0.0.0.0` for other machines too)
---- `ALLOW_HOST`: further names that it is reached by, such as `sandbox`, separated by commas
---- `KEY` or `TIMEKIT_APP_KEY`: the only key that is accepted
---- `RATE_PER_MINUTE`, `RATE_BURST`, `RATE_PER_DAY`: rate limits, as of `timekit.sandbox.new`
---- `UNTIL_EOF=1`: also ends when the standard input does
---
---Ends with status 1 when it cannot serve.
function server.main() end

---Webhooks: what Timekit sends when a booking enters a state that a webhook is set for (spec/api.md 6).
---
---A delivery's body is the booking. Its header `x-timekit-signature` proves that the sender knows the webhook's secret.
---Verify it before you use the body: anybody can send one.
---
---The signature covers no time. A delivery may come twice, and whoever has seen one can send it again. A booking enters
---each state of the known graphs once, so its id and its state identify a delivery: do your work once for each pair,
---and answer repeats as you answered the first. Deliveries may also arrive in another order than they were sent; where
---that matters, read the booking again (`handle:get()`).
---@class timekit.webhook
local webhook = {}

---Checks a delivery's signature, in constant time.
---Never raises on anything that was received: no body, no header and two headers are a wrong signature. Raises if the
---secret is not a string or is empty: without one, anybody's signature would be right.
---@param raw_body string the body, exactly as it was received
---@param signature string the header `x-timekit-signature`: 64 hexadecimal digits
---@param secret string the webhook's secret
---@return boolean
---@return string|nil # why not, a text for people
function webhook.verify(raw_body, signature, secret) end

---Reads a delivery. It is **not** verified: see `webhook.verify`. Nothing is sent.
---Never raises on anything that was received. Raises on a wrong option and on a closed client.
---@param raw_body string
---@param opts? timekit.ParseOptions
---@return timekit.Booking|nil # a handle that knows the booking's `graph` and `state`; its `is_test` is true for a test delivery, and false otherwise. nil if the body is not a booking
---@return timekit.BookingData|timekit.Error # the booking as it was received, a table like the API's; or the error, of the kind `response`, with the body
function webhook.parse(raw_body, opts) end

---Timekit for Lua: performs actions on Timekit bookings, and knows the booking graphs.
---
---Failures of the world are returned as `nil, err` (see `timekit.error`). Wrong use raises, with the position of the
---line that is to blame. `timekit.sandbox` is a Timekit in this process for development and tests; it is loaded when it
---is first asked for.
---@class timekit
---@field version string The version of this module.
---@field null userdata JSON's null, where Timekit answers with it or is to be sent it.
---@field graphs timekit.graphs The known graphs by their names, and `graphs.define{…}`. See `timekit.graphs`.
---@field link timekit.link Action links: `link.parse` and `link.verify`. See `timekit.link`, and `Booking:link`.
---@field webhook timekit.webhook Webhooks: `webhook.verify` and `webhook.parse`. See `timekit.webhook`.
---@field sandbox timekit.sandbox A stateful Timekit in this process: the same graphs, the same answers, and a clock that you move.
local timekit = {}

---Marks a table as a JSON array, so that an empty one is sent as `[]` rather than `{}`.
---OpenResty's lua-cjson has marks of its own: `cjson.empty_array`, `cjson.array_mt` and `cjson.empty_array_mt` are sent
---as arrays, too, and `cjson.encode` writes the empty arrays of an answer as `[]`. Other versions of lua-cjson have no
---marks; there `cjson.encode` writes `{}`.
---Raises when the table has keys other than 1 to n, or another metatable.
---@param list? table default: a new one
---@return table # the same table
function timekit.array(list) end

---Says whether a value is a JSON array: a table marked by `array`, or an array of an answer.
---@param value any
---@return boolean
function timekit.is_array(value) end

---Makes a client.
---An option that is not given is taken from the environment, where it has a variable, and then from the defaults. A
---wrong or unknown option raises, naming the nearest known one. A client belongs to one Lua state.
---@param opts? timekit.ClientOptions left as it is
---@return timekit.Client # see `timekit.client`
function timekit.new(opts) end

---Sets the options of the default client, which `timekit.booking` uses, and replaces those that were set before.
---The client is made when it is first needed. Handles of a default client that was used before keep theirs.
---Raises as `timekit.new` does, but not for a missing key: that raises when the client is first needed.
---@param opts timekit.ClientOptions as in `timekit.new`
function timekit.configure(opts) end

---A handle for a booking, on the default client: that of `timekit.configure`, or of the environment
---(`TIMEKIT_APP_KEY`, …). Nothing is sent.
---Raises when there is no key, when a variable of the environment is wrong, and as `Client:booking` does.
---@param booking string|timekit.BookingData as in `Client:booking`
---@return timekit.Booking # see `timekit.booking`
function timekit.booking(booking) end

return timekit
