-- wrk: asks as many hosts in turn as the argument says, in an order without neighbours. wrk.headers
-- is set once for all requests, so each is made beforehand.
local requests, at = {}, 0

function init(args)
  local hosts = tonumber(args[1])
  for i = 0, hosts - 1 do
    requests[i] = wrk.format("GET", "/", { Host = "route-" .. (i * 7919) % hosts .. ".example" })
  end
end

function request()
  at = (at + 1) % (#requests + 1)
  return requests[at]
end
