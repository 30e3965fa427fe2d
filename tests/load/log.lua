-- Logs a consultation with every request.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = string.format(
  '{"organisation_id": "%s", "site_id": "%s", "held_on": "%s", "minutes": 45, "channel": "phone", '
    .. '"adviser_ids": ["%s"], "topics": ["blue_card", "fast_track"], "notes": "Load run."}',
  os.getenv("COMPANY"), os.getenv("SITE"), os.getenv("TODAY"), os.getenv("ADVISER"))
