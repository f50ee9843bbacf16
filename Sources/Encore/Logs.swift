import Concurrency
import HTTP
import JSON
package import Model

/// Opens a log that streams text without end; what `EncorePlatform` reads logs through.
package struct LogFeed: Sendable {
  /// Gives the next text, at most after the given time; nil when none came or the stream has ended.
  package typealias Next = @Sendable (Duration) async -> String?

  let open:
    @Sendable (_ url: String, _ headers: [(name: String, value: String)]) async throws(Failure) -> Next

  package init(
    open: @escaping @Sendable (String, [(name: String, value: String)]) async throws(Failure) -> Next
  ) {
    self.open = open
  }

  /// The WebSocket client of this program.
  package static let webSocket = LogFeed { url, headers async throws(Failure) in
    let socket: WebSocket
    do throws(WebSocketError) { socket = try await WebSocket.open(url, headers: headers) } catch {
      let status = error.answer?.status
      throw Failure(
        status == 401 || status == 403 ? .authentication : .failed, "the log could not be opened",
        place: "Encore log", cause: error.message, hint: "shipit doctor, which tries the auth key")
    }
    return { wait in
      guard let message = try? await socket.receive(within: wait) else { return nil }
      switch message {
      case .text(let text): return text
      case .binary(let bytes): return String(decoding: bytes, as: UTF8.self)
      }
    }
  }
}

extension EncorePlatform {
  /// How long the environment's log is listened to: it streams, and whether it begins with old lines is not
  /// documented (contract §3).
  private static let listening: Duration = .seconds(10)
  private static let silence: Duration = .seconds(3)

  /// The lines that the environment's log gives within some seconds. A rollout's own log is on its page alone.
  package func logs(_ query: LogQuery) async throws(Failure) -> [LogLine] {
    let place = EncorePlace(query.target)
    let page = query.deployment.map { place.page(of: $0) } ?? "https://app.encore.dev/\(place.app)"
    guard query.kind == .deploy else {
      throw Failure(
        .configuration, "build logs of \(place.name) are not to be had by Encore's API", place: "Encore logs",
        hint: "see \(page)")
    }
    guard client.hasKey else {
      throw Failure(
        .configuration, "the log of \(place.name) needs an auth key", place: "platforms.encore.key",
        hint: "add `key: {secret: ENCORE_AUTH_KEY}` under `platforms.encore`; or see \(page)")
    }
    let headers: [(name: String, value: String)]
    do { headers = try await client.logHeaders() } catch {
      throw error.failure("logging in for the log of \(place.name)")
    }
    let next = try await feed.open(
      client.webSocketBase
        + "/apps/\(percentEncoded(place.app))/envs/\(percentEncoded(place.environment))/log",
      headers)
    var lines: [LogLine] = []
    let end = clock.now + EncorePlatform.listening
    while lines.count < query.limit, clock.now < end {
      guard let text = await next(min(EncorePlatform.silence, max(.milliseconds(1), end - clock.now))) else {
        break
      }
      lines += text.split(separator: "\n").map { LogLine(encore: String($0)) }
    }
    if let since = query.since { lines.removeAll { $0.at.map { $0 < since } ?? false } }
    return Array(lines.suffix(query.limit))
  }
}

extension LogLine {
  /// A line of the log: the application's own JSON, or plain text.
  init(encore text: String) {
    guard let entry = try? JSON(parsing: text.utf8), entry.object != nil else {
      self.init(at: nil, severity: "info", text: text)
      return
    }
    self.init(
      at: (entry["time"] ?? entry["timestamp"])?.string.flatMap { Timestamp(iso8601: $0) },
      severity: entry["level"]?.string ?? "info", text: (entry["message"] ?? entry["msg"])?.string ?? text)
  }
}
