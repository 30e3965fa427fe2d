-- Logs a call with every request: a company by its name, a contact by name, a follow-up. NEW=1 adds a company
-- each time.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local count = 0
function request()
  count = count + 1
  local organisation = string.format('{"name": "%s"}', os.getenv("NAME"))
  if os.getenv("NEW") then
    organisation = string.format('{"name": "Lastprobe %d %d GmbH", "create": true}', os.time(), count)
  end
  return wrk.format(nil, nil, nil, string.format(
    '{"organisation": %s, "contacts": [{"name": "Cora Probstadt"}], "minutes": 25, "channel": "phone", '
      .. '"topics": ["fast_track"], "notes": "Load run.", "follow_ups": [{"title": "Load run", "due_on": "%s"}]}',
    organisation, os.getenv("TODAY")))
end
