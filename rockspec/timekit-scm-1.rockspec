rockspec_format = "3.0"
package = "timekit"
version = "scm-1"
source = {
  -- Nowhere published yet: `luarocks make` in a checkout is the way to build it.
  url = "git+https://timekit-lua.invalid/timekit.git",
}
description = {
  summary = "Performs actions on Timekit bookings, and knows the booking graphs",
  detailed = [[
A client for Timekit's bookings API over libcurl. It knows which actions are possible in which state, checks
their inputs before anything is sent, and tells of every action whether it was applied, was not, or may have been.]],
  license = "MIT",
  labels = { "http", "api", "booking", "libcurl" },
}
dependencies = {
  "lua >= 5.1, < 5.5",
  "lua-cjson >= 2.1.0",
}
external_dependencies = {
  CURL = { header = "curl/curl.h", library = "curl" },
}
build = {
  type = "builtin",
  modules = {
    ["timekit"] = "lua/timekit/init.lua",
    ["timekit.base_url"] = "lua/timekit/base_url.lua",
    ["timekit.booking"] = "lua/timekit/booking.lua",
    ["timekit.budget"] = "lua/timekit/budget.lua",
    ["timekit.client"] = "lua/timekit/client.lua",
    ["timekit.error"] = "lua/timekit/error.lua",
    ["timekit.graph"] = "lua/timekit/graph.lua",
    ["timekit.graph_definition"] = "lua/timekit/graph_definition.lua",
    ["timekit.graphs"] = "lua/timekit/graphs.lua",
    ["timekit.graphs.confirm_decline"] = "lua/timekit/graphs/confirm_decline.lua",
    ["timekit.graphs.group_customer"] = "lua/timekit/graphs/group_customer.lua",
    ["timekit.graphs.group_customer_payment"] = "lua/timekit/graphs/group_customer_payment.lua",
    ["timekit.graphs.group_owner"] = "lua/timekit/graphs/group_owner.lua",
    ["timekit.graphs.instant"] = "lua/timekit/graphs/instant.lua",
    ["timekit.graphs.instant_payment"] = "lua/timekit/graphs/instant_payment.lua",
    ["timekit.graphs.reservation"] = "lua/timekit/graphs/reservation.lua",
    ["timekit.headers"] = "lua/timekit/headers.lua",
    ["timekit.hooks"] = "lua/timekit/hooks.lua",
    ["timekit.nearest"] = "lua/timekit/nearest.lua",
    ["timekit.options"] = "lua/timekit/options.lua",
    ["timekit.random"] = "lua/timekit/random.lua",
    ["timekit.rate"] = "lua/timekit/rate.lua",
    ["timekit.refusal"] = "lua/timekit/refusal.lua",
    ["timekit.request"] = "lua/timekit/request.lua",
    ["timekit.response"] = "lua/timekit/response.lua",
    ["timekit.retry"] = "lua/timekit/retry.lua",
    ["timekit.runtime.blocking"] = "lua/timekit/runtime/blocking.lua",
    ["timekit.sandbox.auth"] = "lua/timekit/sandbox/auth.lua",
    ["timekit.sandbox.bookings"] = "lua/timekit/sandbox/bookings.lua",
    ["timekit.sandbox.connection"] = "lua/timekit/sandbox/connection.lua",
    ["timekit.sandbox.control"] = "lua/timekit/sandbox/control.lua",
    ["timekit.sandbox.create"] = "lua/timekit/sandbox/create.lua",
    ["timekit.sandbox.engine"] = "lua/timekit/sandbox/engine.lua",
    ["timekit.sandbox.exchange"] = "lua/timekit/sandbox/exchange.lua",
    ["timekit.sandbox.faults"] = "lua/timekit/sandbox/faults.lua",
    ["timekit.sandbox.flow"] = "lua/timekit/sandbox/flow.lua",
    ["timekit.sandbox.ids"] = "lua/timekit/sandbox/ids.lua",
    ["timekit.sandbox"] = "lua/timekit/sandbox/init.lua",
    ["timekit.sandbox.list"] = "lua/timekit/sandbox/list.lua",
    ["timekit.sandbox.render"] = "lua/timekit/sandbox/render.lua",
    ["timekit.sandbox.replies"] = "lua/timekit/sandbox/replies.lua",
    ["timekit.sandbox.search"] = "lua/timekit/sandbox/search.lua",
    ["timekit.sandbox.server"] = "lua/timekit/sandbox/server.lua",
    ["timekit.sandbox.store"] = "lua/timekit/sandbox/store.lua",
    ["timekit.sandbox.timers"] = "lua/timekit/sandbox/timers.lua",
    ["timekit.sandbox.wire"] = "lua/timekit/sandbox/wire.lua",
    ["timekit.secret"] = "lua/timekit/secret.lua",
    ["timekit.shape"] = "lua/timekit/shape.lua",
    ["timekit.time"] = "lua/timekit/time.lua",
    ["timekit.transport.core"] = "lua/timekit/transport/core.lua",
    ["timekit.transport.reference"] = "lua/timekit/transport/reference.lua",
    ["timekit.core"] = {
      sources = {
        "csrc/buffer.c",
        "csrc/core.c",
        "csrc/deadline.c",
        "csrc/easy.c",
        "csrc/engine.c",
        "csrc/guard.c",
        "csrc/headers.c",
        "csrc/json.c",
        "csrc/json_decode.c",
        "csrc/json_encode.c",
        "csrc/origin.c",
        "csrc/result.c",
        "csrc/setup.c",
        "csrc/sigpipe.c",
        "csrc/transfer.c",
        "csrc/watch_epoll.c",
        "csrc/watch_poll.c",
      },
      libraries = { "curl", "pthread", "dl" },
      incdirs = { "$(CURL_INCDIR)" },
      libdirs = { "$(CURL_LIBDIR)" },
    },
  },
}
test = { type = "command", command = "busted --lua=lua5.4" }
