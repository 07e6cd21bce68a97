-- wrk: sends a body of as many bytes as the argument says. wrk makes the request after init.
function init(args)
  wrk.method = "POST"
  wrk.body = string.rep("x", tonumber(args[1]))
end
