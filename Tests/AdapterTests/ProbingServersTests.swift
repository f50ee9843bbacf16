import Concurrency
import HTTP
import HTTPServer
import Model
import Names
import Probing
import TestSupport
import Testing

/// Checks of every kind against real servers on loopback.
@Suite(.timeLimit(.minutes(5))) struct ProbingServersTests {
  private func perform(
    _ kind: Check.Kind, samples: Samples? = nil, timeout: Duration = .seconds(20),
    trusting file: String? = nil,
    names: any NameLookup = SystemNames()
  ) async -> Outcome {
    let clock = SystemClock()
    let configuration = HTTPClient.Configuration(certificateAuthorities: file)
    let client = HTTPClient(configuration: configuration)
    defer { client.close() }
    let prober = HealthProber(
      http: client, clock: clock, platformState: { _, _ in nil }, connections: configuration, names: names)
    let check = Check(name: "it", kind: kind, timeout: timeout, samples: samples)
    let step = Step(id: "check.it", title: "check it", action: .check(check, addresses: [:]), limit: timeout)
    let call = StepCall(
      run: RunFacts(
        id: RunID(1), release: 4, app: "shop", environment: "prod", commit: "abc", startedAt: clock.now),
      attempt: 1, beganAt: clock.now, deadline: clock.now + timeout)
    return await prober.perform(step, call)
  }

  private func summary(_ outcome: Outcome) -> String {
    if case .done(let result) = outcome { result.summary } else { "\(outcome)" }
  }

  private func failing(_ outcome: Outcome) -> Failure? {
    if case .failed(let failure, false) = outcome { failure } else { nil }
  }

  @Test("http: a service that starts cold is waited for, then sampled over the network")
  func http() async throws {
    let count = Locked(0)
    let server = try HTTPServer { _ in
      let number = count.withLock { count in
        count += 1
        return count
      }
      return number < 3
        ? ServerResponse(status: 503) : ServerResponse(status: 200, body: .bytes(Array("{\"up\": 7}".utf8)))
    }
    let outcome = await perform(
      .http(
        url: Template(text: "http://127.0.0.1:\(server.port)/"),
        expect: HTTPExpectation(json: ["up": ">= 7"], p95: .seconds(5))),
      samples: Samples(count: 5, every: .milliseconds(1)))
    #expect(summary(outcome).hasPrefix("5 samples, p95 ") && summary(outcome).hasSuffix("0 wrong"))
    #expect(count.withLock { $0 } == 8 && server.connectionsAccepted == 8, "each over a fresh connection")
  }

  @Test("websocket: what is said reaches the server, and the right message among others is enough")
  func webSocket() async throws {
    let heard = Locked<[String]>([])
    let server = try SocketServer { connection, number in
      if number == 0 {
        _ = try connection.readHead()
        try connection.write("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
        return
      }
      try connection.acceptWebSocket()
      let text = String(decoding: try connection.readFrame().payload, as: UTF8.self)
      heard.withLock { $0.append(text) }
      try connection.writeText("{\"type\": \"hello\"}")
      try connection.writeText("{\"type\": \"pong\", \"lag\": 3}")
      connection.waitForEnd()
    }
    let outcome = await perform(
      .websocket(
        url: Template(text: server.webSocketURL), send: Template([.text("ping "), .reference(.commit)]),
        expect: MessageExpectation(json: ["type": "pong", "lag": "< 100"], within: .seconds(10))))
    #expect(summary(outcome).contains("the message after") && summary(outcome).contains("at look 2"))
    #expect(heard.withLock { $0 } == ["ping abc"])
  }

  @Test("websocket: a wrong message is named, with what was wanted")
  func wrongMessage() async throws {
    let server = try SocketServer { connection, _ in
      try connection.acceptWebSocket()
      try connection.writeText("{\"type\": \"error\"}")
      connection.waitForEnd()
    }
    let outcome = await perform(
      .websocket(
        url: Template(text: server.webSocketURL), send: nil,
        expect: MessageExpectation(json: ["type": "pong"], within: .milliseconds(500))))
    let failure = try #require(failing(outcome))
    #expect(failure.message.hasPrefix("the check it got a message with type = error (3 times in "))
    #expect(failure.message.hasSuffix("wanted a message with type = pong within 500 ms"))
    #expect(failure.cause == "the last message began: {\"type\": \"error\"}")
    #expect(failure.hint?.contains("Upgrade: websocket") == true)
  }

  @Test("tcp: an open port is found, a closed one is asked for as long as the budget lasts")
  func tcp() async throws {
    let server = try SocketServer { connection, _ in connection.waitForEnd() }
    let open = await perform(.tcp(address: Template(text: "127.0.0.1:\(server.port)"), within: .seconds(5)))
    #expect(summary(open).hasPrefix("open after "))
    let port = try freeLoopbackPort()
    let closed = await perform(
      .tcp(address: Template(text: "127.0.0.1:\(port)"), within: nil), timeout: .milliseconds(1500))
    let failure = try #require(failing(closed))
    #expect(failure.kind == .timeout && failure.message.contains("got no connection ("))
    #expect(
      failure.place == "127.0.0.1:\(port)" && failure.hint?.contains("nc -vz -w 5 127.0.0.1 \(port)") == true)
  }

  @Test(
    "tls: the days of a real certificate are counted",
    .enabled(if: TLSServer.isAvailable, "openssl is not installed"))
  func tls() async throws {
    try await TLSServer.with(days: 40) { server in
      let address = Template(text: "localhost:\(server.port)")
      let good = await perform(.tls(address: address, days: 39), trusting: server.certificate)
      #expect(summary(good).hasPrefix("valid for 39 more days, until "))
      let short = try #require(
        failing(await perform(.tls(address: address, days: 41), trusting: server.certificate)))
      #expect(short.message.contains("found a certificate for 39 more days (3 times"))
      #expect(short.cause?.contains("issued by CN = localhost") == true)
    }
  }

  @Test(
    "tls: an expired certificate is said to be that, an untrusted one is waited for",
    .enabled(if: TLSServer.isAvailable, "openssl is not installed"))
  func badCertificates() async throws {
    try await TLSServer.with(days: -1) { expired in
      let ended = try #require(
        failing(
          await perform(
            .tls(address: Template(text: "localhost:\(expired.port)"), days: 14),
            trusting: expired.certificate)
        ))
      #expect(ended.message.contains("found a certificate that has expired (3 times"))
    }
    try await TLSServer.with(days: 40) { foreign in
      let refused = try #require(
        failing(
          await perform(
            .tls(address: Template(text: "localhost:\(foreign.port)"), days: 14), timeout: .milliseconds(1500)
          ))
      )
      #expect(refused.message.contains("found no certificate it can trust") && refused.kind == .timeout)
    }
  }

  @Test("dns: a name stands for its addresses by the system's own resolver")
  func dns() async throws {
    let good = await perform(
      .dns(name: Template(text: "127.0.0.1"), expect: NameExpectation(addresses: ["127.0.0.1"])))
    #expect(summary(good) == "stands for 127.0.0.1")
    let wrong = try #require(
      failing(
        await perform(
          .dns(name: Template(text: "127.0.0.1"), expect: NameExpectation(addresses: ["127.0.0.2"])),
          timeout: .milliseconds(1500))))
    #expect(
      wrong.message.contains("found 127.0.0.1 (") && wrong.message.hasSuffix("wanted the address 127.0.0.2"))
  }

  @Test("a check that is cancelled while it looks ends without a verdict")
  func cancelled() async throws {
    let (waits, waiting) = AsyncStream.makeStream(of: Void.self)
    let server = try SocketServer { connection, _ in
      try connection.acceptWebSocket()
      waiting.yield()
      connection.waitForEnd()
    }
    let task = Task {
      await perform(
        .websocket(
          url: Template(text: server.webSocketURL), send: nil, expect: MessageExpectation(message: "never")),
        timeout: .seconds(600))
    }
    for await _ in waits { break }
    task.cancel()
    #expect(await task.value == .cancelled(moved: false))
  }
}
