--- What a transport is: documentation only, this module holds no code that does anything.
--
-- A transport sends requests to Timekit and returns their outcomes. The C core is one (`timekit.transport.core`), the
-- sandbox is another (`timekit.sandbox`), and `timekit.new{ transport = mine }` takes any object that keeps this
-- contract. A transport knows nothing of bookings, actions and retries, and never sends a request again by itself.
--
-- No function raises or returns an error for what the network does: every request that was started ends in an outcome.
-- Times are in seconds, sizes in bytes.
-- @module timekit.transport.reference
-- @usage
-- local transport = {}
-- function transport:connect(options)
--   local connection = {}
--   function connection:start(request)
--     local outcome = my_own_http(options, request)
--     return {
--       done = function() return true end,
--       cancel = function() end,
--       result = function() return outcome end,
--     }
--   end
--   function connection:wait() end
--   function connection:step() end
--   function connection:fd() return nil end
--   function connection:timeout() return nil end
--   function connection:close() end
--   return connection
-- end
-- local tk = timekit.new { app_key = "…", transport = transport }

--- The object that is given to `timekit.new`.
-- @type transport

--- Makes a connection: whatever the transport keeps for one client. It need not touch the network.
-- Credentials are handed over here, once, and never stand in a request. The transport must not change the table, nor
-- keep it where others can see it.
-- @function transport:connect
-- @tparam ConnectOptions options
-- @tparam string options.base_url without a slash at its end
-- @tparam boolean options.allow_http `base_url` may be http to another host than loopback
-- @tparam ?string options.username HTTP Basic's user name; empty for an app key (spec/api.md 1)
-- @tparam ?string options.password the key; nil where the client was made without one
-- @tparam {[string]=string} options.headers name → value, for every request
-- @tparam string options.user_agent
-- @tparam ?string options.ca_file a file of certificates to trust instead of the system's
-- @tparam ?string options.cert_file a file with the client's certificate, and those that lead to its root
-- @tparam ?string options.key_file a file with its key; nil: it is in `cert_file`
-- @tparam ?string options.key_password the key's password; nil: the key is not encrypted
-- @tparam ?userdata options.tls what the C core has read from these four files, for the core's own transport
-- @tparam ?string options.proxy a URL; empty: none; nil: as the environment says
-- @tparam boolean options.http2 HTTP/2 may be used
-- @tparam number options.connect_timeout seconds
-- @tparam number options.max_response bytes of a body, after decompression
-- @treturn connection

--- @type connection

--- Starts a request. It may go on only while `step` or `wait` runs.
-- @function connection:start
-- @tparam TransportRequest request not to be changed
-- @tparam string request.method `GET`, `HEAD`, `POST`, `PUT`, `PATCH` or `DELETE`
-- @tparam string request.target path and query, to be appended to `base_url`
-- @tparam ?{[string]=string} request.headers name → value; they replace headers of the connection with the same name,
--   compared without regard to case
-- @tparam ?string request.body never with GET and HEAD
-- @tparam ?boolean request.authorize false: the request is sent without the credentials, as that of `Client:connect`
--   is; nil stands for true
-- @tparam number request.timeout seconds from now until the last byte of the answer, connecting included; once they are
--   over the request must not be sent any more
-- @treturn transfer

--- Lets transfers go on, without waiting.
-- @function connection:step

--- Lets transfers go on; returns when something happened, and after `seconds` at the latest.
-- @function connection:wait
-- @tparam number seconds

--- Optional: returns a transfer that is over, each one once, and only while its result has not been asked for. Without
-- this function each transfer is polled.
-- @function connection:finished
-- @treturn transfer|nil nil: there is no further one

--- Optional: makes the descriptor readable at a time, and ends `wait` then. It replaces an earlier alarm.
-- @function connection:alarm
-- @tparam ?number when on the clock of `timekit.core.now`; nil: no alarm

--- Optional: has a connection to another server moved on with this one. Without this function a client cannot use
-- Redis.
-- @function connection:attach
-- @tparam table guest `move()` is called after each `step` and `wait`; `finished()` returns transfers as this
--   connection's does, which reports them; `close()` is called before the connection is closed
-- @treturn function returns the engine (`timekit.core.engine`) of this process, or nil and why there is none

--- The descriptor that becomes readable when `step` has something to do.
-- @function connection:fd
-- @treturn integer|nil nil where there is none

--- The time until `step` has something to do even though the descriptor stays quiet.
-- @function connection:timeout
-- @treturn number|nil seconds, nil where there is no such time

--- Ends everything. Transfers still in flight are done then, cancelled. Closing twice is silent.
-- @function connection:close

--- @type transfer

--- Is there an outcome?
-- @function transfer:done
-- @treturn boolean

--- Ends the transfer now. Its outcome is a failure of the kind `cancelled`, unless it had one already.
-- @function transfer:cancel

--- Optional: the outcome is not needed any more. An outcome that holds memory unknown to Lua's collector frees it now.
-- The outcome is not used afterwards.
-- @function outcome:release

--- Optional: the same as `timekit.core.decode(outcome.body)`, where the transport can do it with less work.
-- @function outcome:decode

--- Optional: the same as `outcome.headers[name]` for each name, likewise; nil without an answer.
-- @function outcome:header
-- @tparam string ... names in lower case
-- @treturn string|nil ...

--- What came of the request.
-- `status`, `headers` and `body` are set when the server answered, `failure` when the answer did not come, or not all
-- of it. With both, the body is incomplete.
--
-- `sent` is `"no"` when no byte of the request left this machine, `"yes"` when the server answered (the status line of
-- the final answer came), else `"maybe"`. Whether an action may be repeated is decided by it: in doubt, say `"maybe"`.
-- @function transfer:result
-- @treturn outcome|nil nil until `done`; then always the same one: a table, or a userdata with the same fields

--- @type outcome

--- @table outcome
-- @tfield ?integer status the HTTP status
-- @tfield ?{[string]=string} headers name in lower case → value; several of one name are joined with `", "`
-- @tfield ?string body as it came
-- @tfield ?Failure failure `kind` (`"network"`: no connection, or it was lost; `"timeout"`;
--   `"response"`: the answer is too large, cut off or not HTTP; `"cancelled"`), `message` (one line, without secrets),
--   `code` (the transport's own number, or nil)
-- @tfield Sent sent `"no"`, `"maybe"` or `"yes"`
-- @tfield boolean reused had the connection served a request before
-- @tfield ?string http_version `"1.1"` or `"2"`
-- @tfield ?{[string]=number} times `name_lookup`, `connect`, `tls`, `first_byte`, `total`, in seconds

--- Why no answer came, or not all of it.
-- @table Failure
-- @tfield "network"|"timeout"|"response"|"cancelled" kind
-- @tfield string message one line, without secrets
-- @tfield ?integer code the transport's own number

return {}
