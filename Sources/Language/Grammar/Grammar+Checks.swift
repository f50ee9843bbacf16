extension Grammar {
  static let check = ObjectShape(
    "a check", exactlyOne: ["http", "websocket", "tcp", "tls", "dns", "run"],
    onlyWith: ["send": "websocket", "samples": "http"], neverWith: ["expect": "run"],
    [
      Key("name", .text(.title), "What it is called.", required: true, example: "smoke"),
      Key(
        "http", .template(withServices), "The address to ask, over a fresh connection.",
        example: "\"${services.api.url}/health\"", elsewhere: ["url", "get"]),
      Key(
        "websocket", .template(withServices),
        "The address of a WebSocket to open: `wss://`, or `ws://` on this machine. A service's `url` is taken for its like.",
        example: "\"${services.api.url}/feed\"", elsewhere: ["ws", "wss", "web-socket"]),
      Key(
        "tcp", .template(withServices), "`HOST:PORT` to connect to, never through a proxy.",
        example: "db.example.com:5432", elsewhere: ["connect", "port"]),
      Key(
        "tls", .template(withServices),
        "The host, with `:PORT` unless it is 443, whose certificate must be trusted, name the host, and last.",
        example: "api.example.com", elsewhere: ["certificate", "ssl", "https"]),
      Key(
        "dns", .template(withServices), "The name that must resolve.", example: "api.example.com",
        elsewhere: ["resolve", "lookup"]),
      Key(
        "run", .list(.text(.argument), atLeast: 1), "A program and its arguments, which must end with 0.",
        example: "[npm, run, smoke]", elsewhere: ["command", "cmd"]),
      Key(
        "send", .template(withServices), "The text to send once the WebSocket is open.",
        example: "'{\"type\": \"ping\"}'"),
      Key(
        "expect", .object(expectation), "What must be seen.", example: "{within: 500ms}",
        elsewhere: ["expected", "assert"]),
      Key(
        "samples", .object(samples),
        "Asks many times and judges all answers, once a first one was good; that first one does not count.",
        example: "{count: 20, every: 100ms}"),
      Key(
        "timeout", .duration(atLeast: .seconds(1)),
        "The budget. What can pass — no connection, no name, no certificate yet, 404, 502, 503, 504 — is asked again until it ends.",
        standard: "60s"),
    ])

  /// Which keys of `expect` mean something with which kind of check.
  static let expectations: [String: [String]] = [
    "http": ["status", "within", "json", "headers", "p95", "failures"],
    "websocket": ["message", "json", "within"],
    "tcp": ["within"],
    "tls": ["days"],
    "dns": ["addresses", "cname"],
  ]

  private static let expectation = ObjectShape(
    "an expectation",
    [
      Key(
        "status", .int(100...599), "With `http`: the status; by default any of 200 to 299.", example: "200",
        elsewhere: ["code"]),
      Key(
        "within", .duration(atLeast: .milliseconds(1)),
        "With `http`: the longest time to the whole answer. With `websocket`: to the expected message, or else the handshake. With `tcp`: to the connection.",
        example: "500ms"),
      Key(
        "json", .map(.jsonPath, .text(.comparison)),
        "With `http` and `websocket`: dotted path in the JSON → what holds there: a value (`ok`), or a comparison (`\"> 5\"`, `\">= 1.2\"`, `\"< 100\"`, `\"<= 3\"`, `\"!= error\"`; `\"= > 5\"` for a text that begins with a sign).",
        example: "{status: ok, queue.length: \"< 100\"}", elsewhere: ["body"]),
      Key(
        "headers", .map(.header, .text(TextRule("a value"))),
        "With `http`: header, in any case → its exact value.",
        example: "{content-type: application/json}", elsewhere: ["header"]),
      Key(
        "p95", .duration(atLeast: .milliseconds(1)),
        "With `samples`: 95 of 100 answers must come within it, by nearest rank: of 20 the 19th fastest.",
        example: "300ms", elsewhere: ["percentile", "latency"]),
      Key(
        "failures", .int(0...1000), "With `samples`: how many answers may be wrong.", standard: "0",
        elsewhere: ["errors", "max-failures"]),
      Key(
        "message", .text(TextRule("a message")),
        "With `websocket`: the exact text of a message that must come.",
        example: "pong"),
      Key(
        "days", .int(0...3650), "With `tls`: the certificate must last at least so many days more.",
        standard: "14", elsewhere: ["days-left", "expires-in"]),
      Key(
        "addresses", .list(.text(.address), atLeast: 1),
        "With `dns`: each must be among the addresses that programs on this machine get for the name.",
        example: "[203.0.113.7]", elsewhere: ["address", "ip", "a"]),
      Key(
        "cname", .text(.domain), "With `dns`: what the name's own CNAME record must point to.",
        example: "cname.vercel-dns.com", elsewhere: ["alias", "target"]),
    ])

  private static let samples = ObjectShape(
    "samples",
    [
      Key("count", .int(2...1000), "How many.", required: true, example: "20"),
      Key(
        "every", .duration(atLeast: .milliseconds(1)),
        "From the start of one to the start of the next; a slower answer delays the next.",
        standard: "100ms", elsewhere: ["interval", "pause"]),
    ])
}
