local graph = require "timekit.graph"
local graphs = require "timekit.graphs"
local sorted_keys = require "spec.support.sorted_keys"

-- spec/api.md 3, written out by hand, one line for every from → to. Nothing here is taken from lua/timekit/graphs.
-- The delay of group_customer_payment's timeout is not in spec/api.md: that of instant_payment is taken.
-- graph                  action                  from         to                       inputs, autoplay (- for none)
local ROWS = [[
instant                   confirm                 initialized  confirmed                -                       -
instant                   cancel                  confirmed    cancelled                message:string          -
instant                   cancel_by_customer      confirmed    cancelled_by_customer    message:string          -
instant                   reschedule_by_customer  confirmed    rescheduled_by_customer  -                       -
instant                   complete                confirmed    completed                -                       end+3600
confirm_decline           create                  initialized  tentative                -                       -
confirm_decline           confirm                 tentative    confirmed                -                       -
confirm_decline           decline                 tentative    declined     message:string,enabled:boolean      -
confirm_decline           cancel                  confirmed    cancelled                message:string          -
confirm_decline           cancel_by_customer      confirmed    cancelled_by_customer    message:string          -
confirm_decline           reschedule_by_customer  confirmed    rescheduled_by_customer  -                       -
confirm_decline           complete                confirmed    completed                -                       end+3600
instant_payment           create                  initialized  tentative                -                       -
instant_payment           pay                     tentative    paid                     payment_id:string       -
instant_payment           timeout                 tentative    unpaid                   -               created+300
instant_payment           cancel                  paid         cancelled                message:string          -
instant_payment           complete                paid         completed                -                       end+3600
group_owner               create                  initialized  tentative                -                       -
group_owner               cancel                  tentative    cancelled                message:string          -
group_owner               complete                tentative    completed                -                       end+3600
group_customer            create                  initialized  confirmed                -                       -
group_customer            cancel_by_customer      confirmed    cancelled_by_customer    message:string          -
group_customer            cancel_by_owner         confirmed    cancelled_by_owner       message:string          -
group_customer            complete                confirmed    completed                -                       end+3600
group_customer_payment    create                  initialized  tentative                -                       -
group_customer_payment    pay                     tentative    paid                     payment_id:string       -
group_customer_payment    timeout                 tentative    unpaid                   -               created+300
group_customer_payment    cancel_by_owner         tentative    cancelled_by_owner       -                       -
group_customer_payment    cancel_by_owner         paid         cancelled_by_owner       -                       -
group_customer_payment    cancel_by_customer      paid         cancelled_by_customer    -                       -
group_customer_payment    complete                paid         completed                -                       end+3600
]]

local FIRST = {
  instant = "confirm", confirm_decline = "create", instant_payment = "create", group_owner = "create",
  group_customer = "create", group_customer_payment = "create",
}

local FINAL = {
  completed = true, declined = true, cancelled = true, cancelled_by_customer = true, cancelled_by_owner = true,
  rescheduled_by_customer = true, unpaid = true, expired = true, error = true,
}

local HOLDS_SLOT = {
  instant = { confirmed = true },
  confirm_decline = { confirmed = true },
  instant_payment = { tentative = true, paid = true },
  reservation = { reserved = true },
}

local expected = { reservation = { states = { reserved = true, expired = true }, rows = {} } }
local every_state, every_action = { reserved = true, expired = true, error = true, nowhere = true }, { nothing = true }
for line in ROWS:gmatch("[^\n]+") do
  local name, action, from, to, inputs, autoplay = line:match("^(%S+)%s+(%S+)%s+(%S+)%s+(%S+)%s+(%S+)%s+(%S+)$")
  assert(name, line)
  local known = expected[name] or { states = { error = true }, rows = {} }
  expected[name] = known
  known.states[from], known.states[to] = true, true
  local row = { action = action, from = from, to = to, inputs = {} }
  for input, kind in inputs:gmatch("([%w_]+):(%w+)") do row.inputs[input] = kind end
  row.autoplay_from, row.after = autoplay:match("^(%a+)%+(%d+)$")
  table.insert(known.rows, row)
  every_state[from], every_state[to], every_action[action] = true, true, true
end

local function row_of(name, state, action)
  for _, row in ipairs(expected[name].rows) do
    if row.from == state and row.action == action then return row end
  end
end

local function has_action(name, action)
  for _, row in ipairs(expected[name].rows) do
    if row.action == action then return true end
  end
  return false
end

-- The part of the reason that tells one kind of refusal from the other.
local function refusal(name, state, action)
  if not has_action(name, action) then return ("graph '%s' has no action '%s'"):format(name, action) end
  if not expected[name].states[state] then return ("graph '%s' has no state '%s'"):format(name, state) end
  return ("action '%s' is not possible in the state '%s', %s"):format(
    action, state, FINAL[state] and "which is final" or "but only ")
end

describe("the table of spec/api.md", function()
  it("names the graphs that are known, and no others", function()
    assert.same(sorted_keys(expected), sorted_keys(graphs))
    assert.equal(7, #sorted_keys(graphs))
  end)

  for _, name in ipairs(sorted_keys(expected)) do
    describe(name, function()
      local g = graphs[name]
      local known = expected[name]

      it("has the states, the initial one and the first action", function()
        assert.same(sorted_keys(known.states), sorted_keys(g.states))
        assert.equal(name == "reservation" and "reserved" or "initialized", g.initial)
        assert.equal(FIRST[name], g.first)
      end)

      it("agrees on every state and action", function()
        for state in pairs(every_state) do
          local possible = {}
          for action in pairs(every_action) do
            local row = row_of(name, state, action)
            local triple = ("%s, %s, %s"):format(name, state, action)
            local can, reason = g:can(state, action)
            assert.equal(row ~= nil, can, triple)
            assert.equal(row and row.to, g:next_state(state, action), triple)
            if row then
              assert.is_nil(reason, triple)
              possible[action] = true
            else
              assert.matches(refusal(name, state, action), reason, 1, true, triple)
            end
            assert.equal(has_action(name, action), g:has(action), triple)
          end
          local list = g:actions_in(state)
          table.sort(list)
          assert.same(sorted_keys(possible), list, name .. ", " .. state)
        end
      end)

      it("agrees on which state an action leads to", function()
        for state in pairs(every_state) do
          for action in pairs(every_action) do
            local leads = false
            for _, row in ipairs(known.rows) do
              leads = leads or row.action == action and row.to == state
            end
            assert.equal(leads, g:leads_to(action, state), ("%s, %s, %s"):format(name, action, state))
          end
        end
      end)

      it("agrees on the inputs", function()
        for _, row in ipairs(known.rows) do
          local seen = {}
          for _, action in ipairs(g.actions) do
            if action.name == row.action then
              for input, spec in pairs(action.inputs) do seen[input] = spec.type end
            end
          end
          assert.same(row.inputs, seen, row.action)
          assert.is_true(g:check_inputs(row.action, nil), row.action)
          for input, kind in pairs(row.inputs) do
            assert.is_true(g:check_inputs(row.action, { [input] = kind == "string" and "x" or true }))
            assert.is_false((g:check_inputs(row.action, { [input] = 7 })))
          end
        end
      end)

      it("agrees on what is final, which `paid` is not", function()
        for state in pairs(every_state) do
          if known.states[state] then
            assert.equal(FINAL[state] == true, g:is_final(state), state)
          else
            assert.is_nil(g:is_final(state), state)
          end
        end
      end)

      it("agrees on what plays by itself", function()
        for state in pairs(known.states) do
          local wanted = {}
          for _, row in ipairs(known.rows) do
            if row.from == state and row.after then
              wanted[row.action] = { to = row.to, from = row.autoplay_from, after = tonumber(row.after) }
            end
          end
          local found = {}
          for _, autoplay in ipairs(g:autoplays(state)) do
            found[autoplay.action] = { to = autoplay.to, from = autoplay.from, after = autoplay.after }
            assert.equal(autoplay.action == "timeout" and "timeout" or nil, autoplay.setting)
          end
          assert.same(wanted, found, state)
        end
      end)

      it("agrees on the states that hold the slot", function()
        local holding = {}
        for state, data in pairs(g.states) do holding[state] = data.holds_slot end
        assert.same(HOLDS_SLOT[name] or {}, holding)
      end)

      it("has only actions that can be repeated without harm", function()
        for _, row in ipairs(known.rows) do
          assert.is_true(g:is_repeatable(row.action), row.action)
        end
      end)
    end)
  end

  it("lets every graph but reservation reach `error`, by the server alone", function()
    for name, g in pairs(graphs) do
      assert.equal(name ~= "reservation", g.states.error ~= nil and g.states.error.by_server == true, name)
      for _, action in ipairs(g.actions) do assert.is_not_equal("error", action.to) end
    end
  end)

  it("says what is needed and known on create", function()
    local needs, settings, seats = {}, {}, {}
    for name, g in pairs(graphs) do
      if #g.requires > 0 then needs[name] = g.requires end
      if next(g.settings) then settings[name] = sorted_keys(g.settings) end
      seats[name] = g.seats
    end
    assert.same({
      group_customer = { "related.owner_booking_id" }, group_customer_payment = { "related.owner_booking_id" },
    }, needs)
    assert.same({
      instant_payment = { "timeout" }, group_customer_payment = { "timeout" },
      group_owner = { "max_booking_time", "max_seats", "min_booking_time", "min_cancel_time" },
    }, settings)
    assert.same({ group_owner = "owner", group_customer = "customer", group_customer_payment = "customer" }, seats)
  end)

  it("says who may do what, where that is said", function()
    for name, g in pairs(graphs) do
      for _, action in ipairs(g.actions) do
        local by = action.by
        local triple = name .. ", " .. action.name
        if action.name:find("by_customer", 1, true) then assert.equal("customer", by, triple) end
        if action.name:find("by_owner", 1, true) then assert.equal("owner", by, triple) end
        if action.name == "cancel" then assert.equal("resource", by, triple) end
        if action.name == g.first then assert.is_nil(by, triple) end
      end
    end
  end)

  it("offers actions in the order of the table", function()
    assert.same({ "confirm", "decline" }, graphs.confirm_decline:actions_in("tentative"))
    assert.same({ "cancel", "cancel_by_customer", "reschedule_by_customer", "complete" },
      graphs.instant:actions_in("confirmed"))
    assert.same({ "pay", "timeout" }, graphs.instant_payment:actions_in("tentative"))
    assert.same({ "cancel_by_owner", "cancel_by_customer", "complete" },
      graphs.group_customer_payment:actions_in("paid"))
  end)

  it("plays timeouts as given on create", function()
    for _, name in ipairs { "instant_payment", "group_customer_payment" } do
      local times = { created = 1000, ["end"] = 9000 }
      assert.same({ action = "timeout", to = "unpaid", at = 1300 }, graphs[name]:next_autoplay("tentative", times))
      times.settings = { timeout = { time = 25, unit = "min" } }
      assert.same({ action = "timeout", to = "unpaid", at = 2500 }, graphs[name]:next_autoplay("tentative", times))
      assert.same({ action = "complete", to = "completed", at = 12600 }, graphs[name]:next_autoplay("paid", times))
    end
  end)

  it("gives what the graphs agree on for every action and state", function()
    for action in pairs(every_action) do
      for state in pairs(every_state) do
        -- What the rows of each graph that has both say, as text so that they can be compared.
        local already, allowed = {}, {}
        for name, known in pairs(expected) do
          local leads, possible = false, {}
          for _, row in ipairs(known.rows) do
            leads = leads or row.action == action and row.to == state
            if row.from == state then possible[row.action] = true end
          end
          if has_action(name, action) and known.states[state] then
            already[tostring(leads)] = name
            allowed[table.concat(sorted_keys(possible), " ")] = name
          end
        end
        local agreed = graph.agreed(graphs, action, state)
        if agreed.allowed then table.sort(agreed.allowed) end
        local one, other = sorted_keys(already), sorted_keys(allowed)
        local pair = action .. ", " .. state
        assert.equal(#one == 1 and one[1] or "nil", tostring(agreed.already), pair)
        assert.equal(#other == 1 and other[1] or nil, agreed.allowed and table.concat(agreed.allowed, " "), pair)
      end
    end
  end)
end)
