--- The keys of a table, in their order.
-- @tparam table t its keys are strings
-- @treturn {string,...}
return function(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end
